"""The bytes of a CSV in blocks of whole records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.csv_quotes import Cut, Octets, cut, longest_cell, quoted_parts, record_ends
from listrak_sms_cli.audience.source.identity import changed
from listrak_sms_cli.audience.source.reader import CELL_LIMIT
from listrak_sms_cli.errors import AudienceError

BLOCK = 4 << 20  # bytes
ROW_LIMIT = 4 * CELL_LIMIT
BOM = b"\xef\xbb\xbf"


class BlockBounds(Struct, frozen=True):
    """Where a block is: `size` in bytes, the number of its first record, and how many records it has. `quoted`: it may
    hold quotes. With them a later pass reads the same blocks without looking for their ends."""

    size: int
    first: int
    records: int
    quoted: bool


class Block(BlockBounds, frozen=True):
    """Whole records: the first `size` bytes of `data`."""

    data: bytes

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

    def __init__(self, content: Content, delimiter: str, *, block_size: int = BLOCK, closed: bool = True) -> None:
        """`closed`: a quote that is still open at the end of the content is an error."""
        self._content = content
        self._closed = closed
        self._delimiter = ord(delimiter)
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
        pass. Raises AudienceError: `cell_too_long`, `row_too_long`, `unclosed_quote`, each with the row, and
        `audience_changed` when bytes are missing.
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
            found = cut(data, self._delimiter, last=at_end)
            self._check_lengths(data)
            if not found.end and not at_end:
                size *= 2  # so that a very long record is looked at only a few times
                continue
            if at_end and self._closed:
                self._check_closed(found)
            end, records = found.end, found.records
            if at_end and end < len(data):
                end, records = len(data), records + 1
            self._digest.update(memoryview(data)[:end])
            if end:
                yield Block(end, self._record, records, found.quoted, data)
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
        octets = np.frombuffer(data, np.uint8)
        length, start = longest_cell(octets, self._delimiter)
        if length > CELL_LIMIT:
            ends = record_ends(octets, quoted_parts(octets, self._delimiter), last=False)
            row = self._record + int(np.searchsorted(ends, start))
            quoted = data[start] == ord('"')
            raise AudienceError(
                f"{self._content.name}, row {row:,}: a cell is longer than {CELL_LIMIT >> 20} MiB"
                + ("; its quote is probably never closed." if quoted else "."),
                hint="Close the quote that opens in this row." if quoted else "Shorten the cell or leave it out.",
                code="cell_too_long",
            )
        if len(data) > ROW_LIMIT:
            raise AudienceError(
                f"{self._content.name}, row {self._record:,}: the row is longer than {ROW_LIMIT >> 20} MiB.",
                hint="Check the line ends and the delimiter of the file.",
                code="row_too_long",
            )

    def _check_closed(self, found: Cut) -> None:
        if found.opened_at >= 0:
            raise AudienceError(
                f"{self._content.name}, row {self._record + found.records:,}: a quote opens here and is never closed.",
                hint="Close the quote, or double it if it is part of the text.",
                code="unclosed_quote",
            )
