"""Find the record of a CSV that has swallowed members: a stray quote opens a cell, one many rows later closes it."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience.source.csv_quotes import CR, Flags, Lines, Octets, Positions
from listrak_sms_cli.columnar import find_byte

_DIGITS = (7, 20)  # of a phone, at least and at most
_LETTERS = 4  # of a phone, at most: `tel`, `ext`
_LONGEST = 64  # bytes of a phone


class MemberShape(Struct, frozen=True):
    """What a line is like that holds a member: `width` cells, the phone in the one with the index `phone`."""

    delimiter: int
    width: int
    phone: int


def swallowing_record(octets: Octets, lines: Lines, shape: MemberShape) -> tuple[int, int] | None:
    """Return the index of the first record that has swallowed members, and how many lines it has beyond its first.

    A record has when each of its further lines that is not blank, read without quoting, has as many cells as the header
    and most of them a phone in the phone column. `octets`: a block of whole records without escapes, `lines`: its
    lines.
    """
    inner = np.flatnonzero(lines.inside)
    starts, stops = lines.ends[inner] + 1, np.append(lines.ends, len(octets))[inner + 1]
    blank = (stops == starts) | ((stops - starts == 1) & (octets[np.minimum(starts, len(octets) - 1)] == CR))
    if shape.phone == 0 and (blank | _begin_with_letters(octets, starts)).all():
        return None
    delimiters = find_byte(octets, shape.delimiter)
    first = np.searchsorted(delimiters, starts)
    fits = _have_cells(delimiters, first, stops, shape.width)
    records = inner - np.arange(len(inner))
    begins = np.concatenate(([0], np.flatnonzero(np.diff(records)) + 1))  # of each record its first line in `inner`
    all_fit = np.logical_and.reduceat(fits | blank, begins)
    if not all_fit.any():
        return None
    sizes = np.diff(np.append(begins, len(inner)))
    candidates = np.flatnonzero(fits & ~blank & np.repeat(all_fit, sizes))
    first = first[candidates]
    cell_starts = delimiters[first + shape.phone - 1] + 1 if shape.phone else starts[candidates]
    is_last = shape.phone == shape.width - 1
    cell_stops = stops[candidates] if is_last else delimiters[first + shape.phone]
    phones = np.zeros(len(inner), np.int64)
    phones[candidates] = _hold_phones(octets, cell_starts, cell_stops)
    most = 2 * np.add.reduceat(phones, begins) > np.add.reduceat((~blank).astype(np.int64), begins)
    found = np.flatnonzero(all_fit & most)
    return (int(records[begins[found[0]]]), int(sizes[found[0]])) if len(found) else None


def _begin_with_letters(octets: Octets, starts: Positions) -> Flags:
    """Whether each line begins with a letter, as no phone does but `tel:`."""
    lower = octets[np.minimum(starts, len(octets) - 1)] | 0x20
    letters: Flags = (lower >= ord("a")) & (lower <= ord("z")) & (lower != ord("t"))
    return letters


def _have_cells(delimiters: Positions, first: Positions, stops: Positions, width: int) -> Flags:
    """Whether lines have `width` cells; `first`: of each the index of the first delimiter at or behind its start."""
    padded = np.append(delimiters, np.iinfo(np.int64).max)
    behind = first + (width - 1)
    fits: Flags = padded[np.minimum(behind, len(delimiters))] >= stops
    if width > 1:
        fits &= padded[np.minimum(behind - 1, len(delimiters))] < stops
    return fits


def _hold_phones(octets: Octets, starts: Positions, stops: Positions) -> Flags:
    """Whether each of these cells could be a phone."""
    lengths = stops - starts
    holds = (lengths >= _DIGITS[0]) & (lengths <= _LONGEST)
    starts, lengths = starts[holds], lengths[holds]
    if len(starts):
        before = np.cumsum(lengths) - lengths
        found = octets[np.repeat(starts - before, lengths) + np.arange(lengths.sum())]
        digits = np.add.reduceat(((found >= ord("0")) & (found <= ord("9"))).astype(np.int64), before)
        lower = found | 0x20
        letters = np.add.reduceat(((lower >= ord("a")) & (lower <= ord("z"))).astype(np.int64), before)
        holds[holds] = (digits >= _DIGITS[0]) & (digits <= _DIGITS[1]) & (letters <= _LETTERS)
    return holds
