"""Where records of a CSV end: Arrow's rules for quotes, decided on whole blocks of bytes at once.

A quote opens a quoted part only as the first byte of a cell; the next quote that is not doubled closes it, and what
follows up to the delimiter belongs to the cell. CR, LF and CRLF end a record outside quoted parts.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from msgspec import Struct

from listrak_sms_cli.columnar import count_byte, find_byte

LF, CR, QUOTE = 10, 13, 34
Octets = np.ndarray[Any, np.dtype[np.uint8]]
Positions = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
NONE: Positions = np.empty(0, np.int64)


class Cut(Struct, frozen=True):
    """`end`: bytes up to and with the last record end (0: there is none). `records`: how many ended in them.
    `quoted`: there may be quotes among them. `opened_at`: where the quoted part begins that is still open at the end of
    the bytes, else -1."""

    end: int
    records: int
    quoted: bool
    opened_at: int


def cut(block: bytes, delimiter: int, *, last: bool) -> Cut:
    """Cut bytes that start with a record at their last record end. `last`: nothing follows them, so that a CR at the
    very end is a record end and not the first half of a CRLF."""
    octets = np.frombuffer(block, np.uint8)
    if b'"' not in block:
        return _cut_unquoted(block, octets, last=last)
    quotes = quoted_parts(octets, delimiter)
    if b"\r" not in block and not len(quotes) % 2 and not _breaks_inside(octets, quotes):
        end = block.rfind(b"\n") + 1
        return Cut(end, count_byte(octets[:end], LF), True, -1)
    ends = record_ends(octets, quotes, last=last)
    opened_at = int(quotes[-1]) if len(quotes) % 2 else -1
    if opened_at >= 0:
        opened_at = _first_of_run(quotes)
    return Cut(int(ends[-1]) + 1 if len(ends) else 0, len(ends), True, opened_at)


def _breaks_inside(octets: Octets, quotes: Positions) -> bool:
    """Whether a quoted part may hold an LF; looks only into quoted parts, and not at all when they are much of it."""
    opens, lengths = quotes[0::2], quotes[1::2] - quotes[0::2]
    if lengths.sum() > len(octets) // 4:
        return True
    before = np.cumsum(lengths) - lengths
    inside = np.repeat(opens - before, lengths) + np.arange(lengths.sum())
    return bool((octets[inside] == LF).any())


def _cut_unquoted(block: bytes, octets: Octets, *, last: bool) -> Cut:
    if b"\r" in block:
        ends = record_ends(octets, NONE, last=last)
        return Cut(int(ends[-1]) + 1 if len(ends) else 0, len(ends), False, -1)
    end = block.rfind(b"\n") + 1
    return Cut(end, count_byte(octets[:end], LF), False, -1)


def record_ends(octets: Octets, quotes: Positions, *, last: bool) -> Positions:
    """Positions of the last byte of each record end outside the quoted parts that `quotes` (of
    `quoted_parts`) bound."""
    breaks = octets == LF
    if CR in octets:
        returns = np.flatnonzero(octets == CR)
        following = np.minimum(returns + 1, len(octets) - 1)
        alone = octets[following] != LF
        if not last and returns[-1] == len(octets) - 1:
            alone[-1] = False
        breaks[returns[alone]] = True
    ends = np.flatnonzero(breaks)
    if len(quotes):
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return ends


def all_ends(octets: Octets, delimiter: int) -> Positions:
    """Position of the last byte of each record of a block of whole records, the last of which may have no line end."""
    ends = record_ends(octets, quoted_parts(octets, delimiter), last=True)
    if len(octets) and (not len(ends) or ends[-1] != len(octets) - 1):
        ends = np.append(ends, len(octets) - 1)
    return ends


def blank_records(octets: Octets, ends: Positions) -> Flags:
    """For each record that ends at `ends` whether it is a blank line: a line end and nothing before it."""
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else NONE
    first = octets[starts]
    blank: Flags = (first == LF) | (first == CR)
    return blank


def quoted_parts(octets: Octets, delimiter: int) -> Positions:
    """Positions of the quotes that open and close quoted parts, in turn; an odd number when the last is not closed.

    A doubled quote appears as a close and an open next to each other; a quote inside an unquoted cell is left out.
    """
    quotes = find_byte(octets, QUOTE)
    if not len(quotes):
        return quotes
    opens = _starts_cell(octets, quotes[0::2], delimiter)
    if opens[0]:
        opens[1:] |= quotes[2::2] - quotes[1:-1:2] == 1
        if opens.all():
            return quotes
    starts_cell = _starts_cell(octets, quotes, delimiter)
    opens = starts_cell.copy()
    opens[1:] |= np.diff(quotes) == 1
    return _without_literals(quotes, starts_cell, opens)


def _starts_cell(octets: Octets, quotes: Positions, delimiter: int) -> Flags:
    before = octets[quotes - 1]  # of a quote at 0 it is the last byte, which the last term makes up for
    starts: Flags = (before == delimiter) | (before == LF) | (before == CR) | (quotes == 0)
    return starts


def _without_literals(quotes: Positions, starts_cell: Flags, opens: Flags) -> Positions:
    """Leave out the quotes that are text: one step of the loop for each stretch between two of them."""
    starts = np.flatnonzero(starts_cell).tolist()
    wrong = [(np.flatnonzero(~opens[parity::2]) * 2 + parity).tolist() for parity in (0, 1)]
    edges = np.zeros(len(quotes) + 1, np.int8)  # 1 where a stretch of kept quotes begins, -1 behind its end
    begins, stops = [], []
    at = 0
    while (found := bisect_left(starts, at)) < len(starts):
        at = starts[found]
        begins.append(at)
        literals = wrong[at % 2]
        found = bisect_left(literals, at)
        if found == len(literals):
            stops.append(len(quotes))
            break
        stops.append(literals[found])
        at = literals[found] + 1
    edges[begins] += 1
    edges[stops] -= 1
    kept: Positions = quotes[np.cumsum(edges[:-1], dtype=np.int8) == 1]
    return kept


def _first_of_run(quotes: Positions) -> int:
    """Where the cell of the last, open quote began: doubled quotes before it belong to the same cell."""
    at = len(quotes) - 1
    gaps = np.diff(quotes[: at + 1])[1::2]  # from each close to the open after it
    breaks = np.flatnonzero(gaps != 1)
    return int(quotes[(breaks[-1] + 1) * 2 if len(breaks) else 0])


def longest_cell(octets: Octets, delimiter: int) -> tuple[int, int]:
    """Length in bytes of the longest cell (quotes counted), and where it begins; the last one may be unfinished."""
    quotes = quoted_parts(octets, delimiter)
    bounds = np.flatnonzero((octets == delimiter) | (octets == LF) | (octets == CR))
    if len(quotes):
        bounds = bounds[np.searchsorted(quotes, bounds) % 2 == 0]
    edges = np.concatenate(([-1], bounds, [len(octets)]))
    lengths = np.diff(edges) - 1
    longest = int(np.argmax(lengths))
    return int(lengths[longest]), int(edges[longest]) + 1
