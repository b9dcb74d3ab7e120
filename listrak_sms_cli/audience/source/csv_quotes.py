"""Find where the records of a CSV end, by Arrow's rules for quotes, in a whole block of bytes at once.

A quote opens a quoted part only as the first byte of a cell; the next quote that is not doubled closes it, and what
follows up to the delimiter belongs to the cell. CR, LF and CRLF end a record outside quoted parts. Any other quote is
text, and so is a byte behind the escape of a dialect that has one. Positions are indices of bytes in the block, int64,
ascending.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.columnar import count_byte, find_byte

LF, CR = 10, 13
Octets = np.ndarray[Any, np.dtype[np.uint8]]
Positions = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
NO_POSITIONS: Positions = np.empty(0, np.int64)


class Lines(Struct, frozen=True):
    """The line ends of a block, by the position of their last byte, and whether each is inside a quoted part."""

    ends: Positions
    inside: Flags


class Cut(Struct, frozen=True):
    """`end`: bytes up to and with the last record end (0: there is none). `records`: how many end in these bytes.
    `quoted`: there may be quotes in them. `opened_at`: where the cell begins whose quote is still open at the end of
    all bytes, else -1. `text_behind`: where the first cell with text behind its closing quote begins, and where that
    quote is. `lines`: those up to `end` (where nothing follows: of all bytes), when a quoted part holds a line end."""

    end: int
    records: int
    quoted: bool
    opened_at: int
    text_behind: tuple[int, int] | None
    lines: Lines | None = None


def cut(block: bytes, dialect: Dialect, *, last: bool) -> Cut:
    """Cut bytes that begin with a record at their last record end.

    `last`: nothing follows them, so that a CR at the very end is a record end, not the first half of a CRLF.
    """
    octets = np.frombuffer(block, np.uint8)
    quoted = dialect.quote is not None and dialect.quote.encode() in block
    if dialect.escape is not None and dialect.escape.encode() in block:
        octets, quoted = without_escapes(octets, dialect), True
        block = octets.tobytes()
    quotes = quoted_parts(octets, dialect) if quoted else NO_POSITIONS
    text_behind = _first_text_behind(octets, quotes, dialect) if quoted else None
    is_open = len(quotes) % 2 == 1
    if b"\r" not in block and not is_open and not _may_break_inside(octets, quotes):
        end = block.rfind(b"\n") + 1
        return Cut(end, count_byte(octets[:end], LF), quoted, -1, text_behind)
    line_ends = _line_ends(octets, last=last)
    inside = _inside(quotes, line_ends)
    ends = line_ends[~inside]
    end = int(ends[-1]) + 1 if len(ends) else 0
    whole = len(line_ends) if last else int(np.searchsorted(line_ends, end))
    lines = Lines(line_ends[:whole], inside[:whole]) if inside[:whole].any() else None
    return Cut(end, len(ends), quoted, _start_of_open_cell(quotes) if is_open else -1, text_behind, lines)


def without_escapes(octets: Octets, dialect: Dialect) -> Octets:
    """The block with a letter for each escape and for the byte behind it, so that all other functions take both for
    text; the block itself where the dialect has no escape."""
    escapes = find_byte(octets, ord(dialect.escape)) if dialect.escape else NO_POSITIONS
    if not len(escapes):
        return octets
    # Of several escapes in a row, every second one is escaped itself.
    starts_run = np.concatenate(([True], np.diff(escapes) != 1))
    run_starts = np.flatnonzero(starts_run)
    place_in_run = np.arange(len(escapes)) - run_starts[np.cumsum(starts_run) - 1]
    active = escapes[place_in_run % 2 == 0]
    masked = octets.copy()
    masked[active] = masked[np.minimum(active + 1, len(octets) - 1)] = ord("x")
    return masked


def _first_text_behind(octets: Octets, quotes: Positions, dialect: Dialect) -> tuple[int, int] | None:
    """As `Cut.text_behind`. A quote at the very end of the bytes is not looked behind."""
    closing = quotes[1::2]
    if len(closing) and closing[-1] == len(octets) - 1:
        closing = closing[:-1]
    behind = octets[closing + 1]
    ends_cell = (behind == ord(dialect.delimiter)) | (behind == LF) | (behind == CR) | (behind == _quote(dialect))
    if ends_cell.all():
        return None
    first = int(np.argmin(ends_cell))
    return _start_of_open_cell(quotes[: 2 * first + 1]), int(closing[first])


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
    ends = _line_ends(octets, last=last)
    return ends[~_inside(quotes, ends)] if len(quotes) else ends


def _line_ends(octets: Octets, *, last: bool) -> Positions:
    breaks = octets == LF
    if CR in octets:
        returns = np.flatnonzero(octets == CR)
        following = np.minimum(returns + 1, len(octets) - 1)
        alone = octets[following] != LF
        if not last and returns[-1] == len(octets) - 1:
            alone[-1] = False
        breaks[returns[alone]] = True
    return np.flatnonzero(breaks)


def _inside(quotes: Positions, positions: Positions) -> Flags:
    """Whether each position is in a quoted part."""
    inside: Flags = np.searchsorted(quotes, positions) % 2 == 1
    return inside


def all_ends(octets: Octets, dialect: Dialect) -> Positions:
    """Positions of the last byte of each record, in a block of whole records; the last may have no line end."""
    octets = without_escapes(octets, dialect)
    ends = record_ends(octets, quoted_parts(octets, dialect), last=True)
    if len(octets) and (not len(ends) or ends[-1] != len(octets) - 1):
        ends = np.append(ends, len(octets) - 1)
    return ends


def blank_records(octets: Octets, ends: Positions) -> Flags:
    """For each record that ends at `ends` whether it is a blank line: a line end and nothing before it."""
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else NO_POSITIONS
    first = octets[starts]
    blank: Flags = (first == LF) | (first == CR)
    return blank


def quoted_parts(octets: Octets, dialect: Dialect) -> Positions:
    """Positions of the quotes that open and close quoted parts, in turn; an odd number when the last is still open.
    `octets`: without escapes.

    A doubled quote counts as a closing quote and an opening one next to each other; a quote that is text is left out.
    """
    if dialect.quote is None:
        return NO_POSITIONS
    quotes, delimiter = find_byte(octets, _quote(dialect)), ord(dialect.delimiter)
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


def _quote(dialect: Dialect) -> int:
    return ord(dialect.quote) if dialect.quote else -1


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


def longest_cell(octets: Octets, dialect: Dialect) -> tuple[int, int]:
    """Bytes of the longest cell, its quotes counted, and where it begins; the last cell may be incomplete. `octets`:
    without escapes."""
    quotes = quoted_parts(octets, dialect)
    bounds = np.flatnonzero((octets == ord(dialect.delimiter)) | (octets == LF) | (octets == CR))
    if len(quotes):
        bounds = bounds[~_inside(quotes, bounds)]
    edges = np.concatenate(([-1], bounds, [len(octets)]))
    lengths = np.diff(edges) - 1
    longest = int(np.argmax(lengths))
    return int(lengths[longest]), int(edges[longest]) + 1
