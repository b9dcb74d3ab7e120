"""The bytes of a CSV in blocks of whole records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.csv_quotes import Cut, cut, longest_cell, quoted_parts, record_ends
from listrak_sms_cli.audience.source.identity import changed
from listrak_sms_cli.audience.source.reader import CELL_LIMIT
from listrak_sms_cli.errors import AudienceError

BLOCK = 4 << 20
ROW_LIMIT = 4 * CELL_LIMIT
BOM = b"\xef\xbb\xbf"


class Block(Struct, frozen=True):
    """Whole records: the first `size` bytes of `data`; `first`: number of its first record; `records`: how many."""

    data: bytes
    size: int
    first: int
    records: int
    quoted: bool

    @property
    def mark(self) -> Mark:
        return Mark(self.size, self.first, self.records, self.quoted)


class Mark(Struct, frozen=True):
    """What a later pass has to know of a Block to have it again without looking for its end."""

    size: int
    first: int
    records: int
    quoted: bool


class BlockCutter:
    """Blocks of one pass over a source."""

    def __init__(self, source: Content, delimiter: str, *, block_size: int = BLOCK, closed: bool = True) -> None:
        """`closed`: a quote that is open at the end of the source is an error."""
        self._source = source
        self._closed = closed
        self._delimiter = ord(delimiter)
        self._block_size = block_size
        self._digest = xxhash.xxh3_128()
        self._record = 1

    @property
    def digest(self) -> str:
        """Hex digest of all bytes read so far."""
        return self._digest.hexdigest()

    def blocks(self) -> Iterator[Block]:
        """All blocks in order; every byte but the byte order mark is in exactly one of them.

        Raises AudienceError: `cell_too_long`, `row_too_long`, `unclosed_quote`, with the row.
        """
        with self._source.held():
            yield from self._blocks()

    def again(self, marks: Sequence[Mark]) -> Iterator[Block]:
        """The blocks of a whole pass before this one, which left these marks. Looking for record ends is a fifth of
        what a pass costs. Raises AudienceError (`audience_changed`) when bytes are missing."""
        with self._source.held():
            offset = self._skip_bom()
            for mark in marks:
                data = self._source.read(offset, mark.size)
                if len(data) < mark.size:
                    raise changed(self._source.name)
                self._digest.update(data)
                yield Block(data, mark.size, mark.first, mark.records, mark.quoted)
                offset += mark.size

    def _blocks(self) -> Iterator[Block]:
        offset, room = self._skip_bom(), self._block_size
        while True:
            data = self._source.read(offset, room)
            last = len(data) < room
            found = cut(data, self._delimiter, last=last)
            self._check_cells(data)
            if not found.end and not last:
                room *= 2  # so that a giant record is looked at a few times only
                continue
            if last and self._closed:
                self._check_closed(found)
            end, records = found.end, found.records
            if last and end < len(data):
                end, records = len(data), records + 1
            self._digest.update(memoryview(data)[:end])
            if end:
                yield Block(data, end, self._record, records, found.quoted)
            self._record += records
            offset, room = offset + end, self._block_size
            if last:
                return

    def _skip_bom(self) -> int:
        if self._source.read(0, len(BOM)) != BOM:
            return 0
        self._digest.update(BOM)
        return len(BOM)

    def _check_cells(self, data: bytes) -> None:
        """Looked at only when a block has grown past one cell's limit, so that no byte is looked at more than twice."""
        if len(data) <= CELL_LIMIT:
            return
        octets = np.frombuffer(data, np.uint8)
        length, start = longest_cell(octets, self._delimiter)
        if length > CELL_LIMIT:
            quotes = quoted_parts(octets, self._delimiter)
            ends = record_ends(octets, quotes, last=False)
            row = self._record + int(np.searchsorted(ends, start))
            quoted = data[start] == ord('"')
            raise AudienceError(
                f"{self._source.name}, row {row:,}: a cell is longer than {CELL_LIMIT >> 20} MiB"
                + ("; its quote is probably never closed." if quoted else "."),
                hint="Close the quote that opens in this row." if quoted else "Shorten the cell or leave it out.",
                code="cell_too_long",
            )
        if len(data) > ROW_LIMIT:
            raise AudienceError(
                f"{self._source.name}, row {self._record:,}: the row is longer than {ROW_LIMIT >> 20} MiB.",
                hint="Check the line ends and the delimiter of the file.",
                code="row_too_long",
            )

    def _check_closed(self, found: Cut) -> None:
        if found.opened_at >= 0:
            raise AudienceError(
                f"{self._source.name}, row {self._record + found.records:,}: a quote opens here and is never closed.",
                hint="Close the quote, or double it if it is part of the text.",
                code="unclosed_quote",
            )
