"""The bytes of a CSV in blocks of whole records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.csv_quotes import (
    Cut,
    Lines,
    Octets,
    cut,
    longest_cell,
    quoted_parts,
    record_ends,
    without_escapes,
)
from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.audience.source.identity import changed
from listrak_sms_cli.audience.source.reader import CELL_LIMIT
from listrak_sms_cli.errors import AudienceError

BLOCK = 4 << 20  # bytes; a push of a million members then takes 183 MB of memory
WIDE, LARGEST_BLOCKS = 128, 4  # columns that a block is for, and blocks at most that are read at once for more of them
ROW_LIMIT = 4 * CELL_LIMIT
BOM = b"\xef\xbb\xbf"


def block_of(columns: int) -> int:
    """Bytes to read at once from a file of so many columns: each costs as much a block as some hundred rows of it."""
    return BLOCK * min(max(columns // WIDE, 1), LARGEST_BLOCKS)


class BlockBounds(Struct, frozen=True):
    """Where a block is: `size` in bytes, the number of its first record, and how many records it has. `quoted`: it may
    hold quotes. With them a later pass reads the same blocks without looking for their ends."""

    size: int
    first: int
    records: int
    quoted: bool


class Block(BlockBounds, frozen=True):
    """Whole records: the first `size` bytes of `data`. `lines`: its lines, when it has just been cut and one of them
    ends inside a quoted part."""

    data: bytes
    lines: Lines | None = None

    @property
    def bounds(self) -> BlockBounds:
        """The block without its bytes."""
        return BlockBounds(self.size, self.first, self.records, self.quoted)

    @property
    def octets(self) -> Octets:
        """Its bytes, uint8."""
        return np.frombuffer(self.data, np.uint8, self.size)


class BlockCutter:
    """One pass over the content of a CSV."""

    def __init__(self, content: Content, dialect: Dialect, *, block_size: int = BLOCK, closed: bool = True) -> None:
        """`closed`: a quote that is still open at the end of the content is an error, and so is text behind a closing
        quote."""
        self._content = content
        self._closed = closed
        self._dialect = dialect
        self._block_size = block_size
        self._digest = xxhash.xxh3_128()
        self._record = 1  # number of the next record

    @property
    def digest(self) -> str:
        """Hex digest of all bytes read so far."""
        return self._digest.hexdigest()

    def blocks(self, known: Sequence[BlockBounds] = ()) -> Iterator[Block]:
        """All blocks in order; every byte but the byte order mark is in exactly one of them.

        `known`: the bounds that an earlier, whole pass found: not to look for record ends again saves a fifth of a
        pass. Raises AudienceError: `cell_too_long`, `row_too_long`, `unclosed_quote`, `text_behind_quote`, each with
        the row, and `audience_changed` when bytes are missing.
        """
        with self._content.held():
            offset = self._skip_bom()
            yield from self._known_blocks(offset, known) if known else self._new_blocks(offset)

    def _known_blocks(self, offset: int, known: Sequence[BlockBounds]) -> Iterator[Block]:
        for bounds in known:
            data = self._content.read(offset, bounds.size)
            if len(data) < bounds.size:
                raise changed(self._content.name)
            self._digest.update(data)
            yield Block(bounds.size, bounds.first, bounds.records, bounds.quoted, data)
            offset += bounds.size

    def _new_blocks(self, offset: int) -> Iterator[Block]:
        size, at_end = self._block_size, False
        while not at_end:
            data = self._content.read(offset, size)
            at_end = len(data) < size
            found = cut(data, self._dialect, last=at_end)
            if found.text_behind and self._closed:
                raise self._text_behind(data, *found.text_behind)
            self._check_lengths(data)
            if not found.end and not at_end:
                size *= 2  # so that a very long record is looked at only a few times
                continue
            if at_end and self._closed and found.opened_at >= 0:
                raise self._unclosed(data, found)
            end, records = found.end, found.records
            if at_end and end < len(data):
                end, records = len(data), records + 1
            self._digest.update(memoryview(data)[:end])
            if end:
                yield Block(end, self._record, records, found.quoted, data, found.lines)
            self._record += records
            offset, size = offset + end, self._block_size

    def _skip_bom(self) -> int:
        if self._content.read(0, len(BOM)) != BOM:
            return 0
        self._digest.update(BOM)
        return len(BOM)

    def _check_lengths(self, data: bytes) -> None:
        """Looks at `data` only once it is longer than a cell may be, so that no byte is looked at more than twice."""
        if len(data) <= CELL_LIMIT:
            return
        octets = without_escapes(np.frombuffer(data, np.uint8), self._dialect)
        length, start = longest_cell(octets, self._dialect)
        if length > CELL_LIMIT:
            quoted = self._dialect.quote is not None and data[start] == ord(self._dialect.quote)
            raise AudienceError(
                f"{self._content.name}, row {self._row_at(data, start):,}: a cell is longer than {CELL_LIMIT >> 20} MiB"
                + ("; its quote is probably never closed." if quoted else "."),
                hint=self._quote_hint(data, start, start + length) if quoted else "Shorten the cell or leave it out.",
                code="cell_too_long",
            )
        if len(data) > ROW_LIMIT:
            raise AudienceError(
                f"{self._content.name}, row {self._record:,}: the row is longer than {ROW_LIMIT >> 20} MiB.",
                hint="Check the line ends and the delimiter of the file.",
                code="row_too_long",
            )

    def _row_at(self, data: bytes, position: int) -> int:
        """The number of the record that this byte of `data` belongs to."""
        octets = without_escapes(np.frombuffer(data, np.uint8), self._dialect)
        ends = record_ends(octets, quoted_parts(octets, self._dialect), last=False)
        return self._record + int(np.searchsorted(ends, position))

    def _unclosed(self, data: bytes, found: Cut) -> AudienceError:
        return AudienceError(
            f"{self._content.name}, row {self._record + found.records:,}: a quote opens here and is never closed.",
            hint=self._quote_hint(data, found.opened_at, len(data)),
            code="unclosed_quote",
        )

    def _text_behind(self, data: bytes, opens: int, closes: int) -> AudienceError:
        row = self._row_at(data, opens)
        further = lines_in(data[opens:closes])
        where = f"closes in row {row + further:,}" if further else "closes in the same row"
        return AudienceError(
            f"{self._content.name}, row {row:,}: a cell opens with a quote, which {where} with text behind it.",
            hint=self._quote_hint(data, opens, closes + 1),
            code="text_behind_quote",
        )

    def _quote_hint(self, data: bytes, start: int, end: int) -> str:
        """What to type for a cell whose quotes cannot be right."""
        quote = self._dialect.quote or ""
        if self._dialect.escape is None and b"\\" + quote.encode() in data[start:end]:
            return "If a backslash stands before each quote that is text, add --escape '\\'."
        return (
            "If the file does not quote its cells, add --quote none. Else double each quote that is text, and quote "
            "the whole cell."
        )


def lines_in(data: bytes) -> int:
    """How many lines end in these bytes, by CR, LF or CRLF."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
