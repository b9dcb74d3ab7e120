"""Find where the records of a CSV end, by Arrow's rules for quotes, in a whole block of bytes at once.

A quote opens a quoted part only as the first byte of a cell; the next quote that is not doubled closes it, and what
follows up to the delimiter belongs to the cell. CR, LF and CRLF end a record outside quoted parts. Any other quote is
text. Positions are indices of bytes in the block, int64, ascending.
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
NO_POSITIONS: Positions = np.empty(0, np.int64)


class Cut(Struct, frozen=True):
    """`end`: bytes up to and with the last record end (0: there is none). `records`: how many end in these bytes.
    `quoted`: there may be quotes in them. `opened_at`: where the cell begins whose quote is still open at the end of
    all bytes, else -1."""

    end: int
    records: int
    quoted: bool
    opened_at: int


def cut(block: bytes, delimiter: int, *, last: bool) -> Cut:
    """Cut bytes that begin with a record at their last record end.

    `last`: nothing follows them, so that a CR at the very end is a record end, not the first half of a CRLF.
    """
    octets = np.frombuffer(block, np.uint8)
    quoted = b'"' in block
    quotes = quoted_parts(octets, delimiter) if quoted else NO_POSITIONS
    is_open = len(quotes) % 2 == 1
    if b"\r" not in block and not is_open and not _may_break_inside(octets, quotes):
        end = block.rfind(b"\n") + 1
        return Cut(end, count_byte(octets[:end], LF), quoted, -1)
    ends = record_ends(octets, quotes, last=last)
    opened_at = _start_of_open_cell(quotes) if is_open else -1
    return Cut(int(ends[-1]) + 1 if len(ends) else 0, len(ends), quoted, opened_at)


def _may_break_inside(octets: Octets, quotes: Positions) -> bool:
    """Whether a quoted part holds an LF; true without a look when quoted parts are more than a quarter of all bytes."""
    opens, lengths = quotes[0::2], quotes[1::2] - quotes[0::2]
    if lengths.sum() > len(octets) // 4:
        return True
    before = np.cumsum(lengths) - lengths
    inside = np.repeat(opens - before, lengths) + np.arange(lengths.sum())
    return bool((octets[inside] == LF).any())


def record_ends(octets: Octets, quotes: Positions, *, last: bool) -> Positions:
    """Positions of the last byte of each record. `quotes`: those of `quoted_parts`; `last`: as in `cut`."""
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
    """Positions of the last byte of each record, in a block of whole records; the last may have no line end."""
    ends = record_ends(octets, quoted_parts(octets, delimiter), last=True)
    if len(octets) and (not len(ends) or ends[-1] != len(octets) - 1):
        ends = np.append(ends, len(octets) - 1)
    return ends


def blank_records(octets: Octets, ends: Positions) -> Flags:
    """For each record that ends at `ends` whether it is a blank line: a line end and nothing before it."""
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else NO_POSITIONS
    first = octets[starts]
    blank: Flags = (first == LF) | (first == CR)
    return blank


def quoted_parts(octets: Octets, delimiter: int) -> Positions:
    """Positions of the quotes that open and close quoted parts, in turn; an odd number when the last is still open.

    A doubled quote counts as a closing quote and an opening one next to each other; a quote that is text is left out.
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
    return _without_text_quotes(quotes, starts_cell, opens)


def _starts_cell(octets: Octets, quotes: Positions, delimiter: int) -> Flags:
    before = octets[quotes - 1]  # for a quote at 0 this is the block's last byte; it does not count, as 0 is a start
    starts: Flags = (before == delimiter) | (before == LF) | (before == CR) | (quotes == 0)
    return starts


def _without_text_quotes(quotes: Positions, starts_cell: Flags, opens: Flags) -> Positions:
    """Leave out the quotes that are text. `starts_cell`, `opens`: for each quote whether it starts a cell, and whether
    it can open a quoted part (it starts a cell, or follows another quote directly).

    From a quote that starts a cell on, every second quote has to be one that can open. Where that fails, the quote is
    text, and so are all before the next that starts a cell. One step of the loop for each such place.
    """
    starts = np.flatnonzero(starts_cell).tolist()
    cannot_open = [(np.flatnonzero(~opens[parity::2]) * 2 + parity).tolist() for parity in (0, 1)]
    edges = np.zeros(len(quotes) + 1, np.int8)  # 1 where a stretch of quotes to keep begins, -1 behind its end
    begins, stops = [], []
    at = 0
    while (following := bisect_left(starts, at)) < len(starts):
        at = starts[following]
        begins.append(at)
        failing = cannot_open[at % 2]
        following = bisect_left(failing, at)
        if following == len(failing):
            stops.append(len(quotes))
            break
        stops.append(failing[following])
        at = failing[following] + 1
    edges[begins] += 1
    edges[stops] -= 1
    kept: Positions = quotes[np.cumsum(edges[:-1], dtype=np.int8) == 1]
    return kept


def _start_of_open_cell(quotes: Positions) -> int:
    """Where the cell of the last, open quote begins: doubled quotes directly before it belong to the same cell."""
    gaps = np.diff(quotes)[1::2]  # from each closing quote to the opening one after it
    cells = np.flatnonzero(gaps != 1)
    return int(quotes[(cells[-1] + 1) * 2 if len(cells) else 0])


def longest_cell(octets: Octets, delimiter: int) -> tuple[int, int]:
    """Bytes of the longest cell, its quotes counted, and where it begins; the last cell may be incomplete."""
    quotes = quoted_parts(octets, delimiter)
    bounds = np.flatnonzero((octets == delimiter) | (octets == LF) | (octets == CR))
    if len(quotes):
        bounds = bounds[np.searchsorted(quotes, bounds) % 2 == 0]
    edges = np.concatenate(([-1], bounds, [len(octets)]))
    lengths = np.diff(edges) - 1
    longest = int(np.argmax(lengths))
    return int(lengths[longest]), int(edges[longest]) + 1
