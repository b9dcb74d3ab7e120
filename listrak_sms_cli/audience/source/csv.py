"""A CSV file: cut into blocks at record ends on the calling thread, parsed by Arrow in the workers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from msgspec.structs import replace

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.csv_blocks import BLOCK, BOM, Block, BlockCutter, Mark
from listrak_sms_cli.audience.source.csv_quotes import Positions, all_ends, blank_records
from listrak_sms_cli.audience.source.identity import DigestPin, FileIdentity
from listrak_sms_cli.audience.source.reader import Part, RowNumbers, Rows, Unit
from listrak_sms_cli.audience.source.sniff import SAMPLE
from listrak_sms_cli.columnar import raw
from listrak_sms_cli.errors import AudienceError

RaggedHandler: TypeAlias = Callable[[pa_csv.InvalidRow], str]


class CsvPart(Part):
    """A CSV file with a header. Row numbers are record numbers: header = 1, blank lines counted."""

    def __init__(
        self, source: Content, delimiter: str, described: str, *, header_from: int = 1, block_size: int = BLOCK
    ) -> None:
        """`header_from`: number of the first record that may be the header. Raises AudienceError: `empty_file`,
        `not_utf8`, `bad_header`, and what BlockCutter raises."""
        self.name = source.name
        self.described = described
        self.size = source.size
        self.rows = None
        self.unreadable: Mapping[int, str] = {}
        self.delimiter = delimiter
        self._source = source
        self._block_size = block_size
        self._pin = DigestPin(source.name)
        self._marks: Sequence[Mark] = ()
        self._header_from = header_from
        self._header_record, self.columns = self._read_header()

    def units(self) -> Iterator[Unit]:
        cutter = BlockCutter(self._source, self.delimiter, block_size=self._block_size)
        marks: list[Mark] = []
        for block in cutter.again(self._marks) if self._marks else cutter.blocks():
            marks.append(block.mark)
            if block.first + block.records > self._header_record:
                yield CsvUnit(self, *self._below_header(block))
        self._source.check_unchanged()
        self._pin.set(cutter.digest)
        self._marks = marks

    def identity(self) -> FileIdentity:
        return FileIdentity(self.name, self.size, self._source.mtime_ns, self._pin.value)

    def _read_header(self) -> tuple[int, tuple[str, ...]]:
        cutter = BlockCutter(self._source, self.delimiter, block_size=min(self._block_size, SAMPLE))
        for block in cutter.blocks():
            octets = np.frombuffer(block.data, np.uint8, block.size)
            ends = all_ends(octets, ord(self.delimiter))
            starts = np.concatenate(([0], ends[:-1] + 1))
            filled = np.flatnonzero(~blank_records(octets, ends))
            filled = filled[filled >= self._header_from - block.first]
            if len(filled):
                header = block.data[starts[filled[0]] : ends[filled[0]] + 1]
                return block.first + int(filled[0]), self._names(header)
        raise AudienceError(f"{self.name} is empty.", hint="An audience begins with a header row.", code="empty_file")

    def _names(self, header: bytes) -> tuple[str, ...]:
        try:
            text = header.decode().rstrip("\r\n")
            return tuple(next(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)))
        except UnicodeDecodeError:
            raise not_utf8(self.name, "the header", header) from None
        except csv.Error:
            raise AudienceError(
                f"The header of {self.name} cannot be read as column names.",
                hint="Check that the file is a CSV with a header row, and its --delimiter.",
                code="bad_header",
            ) from None

    def _below_header(self, block: Block) -> tuple[Block, int]:
        """The block and how many of its bytes come before the first row of data."""
        above = self._header_record - block.first + 1
        if above <= 0:
            return block, 0
        ends = all_ends(np.frombuffer(block.data, np.uint8, block.size), ord(self.delimiter))
        skipped = int(ends[above - 1]) + 1
        return replace(block, first=block.first + above, records=block.records - above), skipped


class CsvUnit(Unit):
    """A block of a CSV, `skip` bytes of which come before its first record."""

    def __init__(self, part: CsvPart, block: Block, skip: int) -> None:
        self.size = block.size
        self._part = part
        self._block = block
        self._skip = skip
        self._bytes = pa.py_buffer(block.data).slice(skip, block.size - skip)

    def read(self, columns: Sequence[int]) -> Rows:
        try:
            table = self._parse(list(columns) or [0])
        except pa.ArrowInvalid:
            raise self._unparsable() from None
        cells = {index: as_array(table.column(str(index))) for index in columns}
        self._check_text(cells)
        arrays = [cells[index].view(pa.string()) for index in columns]
        return Rows(arrays, table.num_rows, self._block.first, self._numbers(table.num_rows))

    def _check_text(self, columns: Mapping[int, pa.BinaryArray]) -> None:
        """To look at the whole block, or whether all of a column is ASCII, is several times as fast as to look at each
        cell. Raises AudienceError (`not_utf8`)."""
        if len(columns) * 2 > len(self._part.columns) and _is_utf8(_cell(self._bytes)):
            return
        for index, cells in columns.items():
            row = first_not_utf8(cells) if raw(cells).data.max(initial=0) >= 0x80 else None
            if row is not None:
                where = f"row {self._record(row):,}, column “{self._part.columns[index]}”"
                raise not_utf8(self._part.name, where, cells[row].as_py())

    def _parse(self, columns: Sequence[int], on_ragged: RaggedHandler | None = None) -> pa.Table:
        """The columns, named by their index, pa.binary(). Raises ArrowInvalid."""
        names = [str(index) for index in range(len(self._part.columns))]
        wanted = [names[index] for index in dict.fromkeys(columns)]
        if not self._bytes.size:
            return pa.table({name: pa.nulls(0, pa.binary()) for name in wanted})
        return pa_csv.read_csv(
            pa.BufferReader(self._parsable()),
            pa_csv.ReadOptions(use_threads=False, block_size=self._bytes.size + 2, column_names=names),
            pa_csv.ParseOptions(
                delimiter=self._part.delimiter,
                quote_char='"',
                newlines_in_values=self._block.quoted,
                invalid_row_handler=on_ragged,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.binary()), include_columns=wanted, strings_can_be_null=False
            ),
        )

    def _unparsable(self) -> AudienceError:
        """What is wrong with a block that Arrow refuses: of rows that are not text it cannot tell."""
        octets = np.frombuffer(self._bytes, np.uint8)
        ends = np.concatenate(([-1], all_ends(octets, ord(self._part.delimiter)))).astype(np.int32)
        records = pa.Array.from_buffers(pa.binary(), len(ends) - 1, [None, pa.py_buffer(ends + 1), self._bytes])
        record = first_not_utf8(records)
        if record is not None:
            return not_utf8(self._part.name, f"row {self._block.first + record:,}", records[record].as_py())
        ragged: list[pa_csv.InvalidRow] = []

        def keep(row: pa_csv.InvalidRow) -> str:
            ragged.append(row)
            return "error"

        with suppress(pa.ArrowInvalid):
            self._parse([0], keep)
        if ragged:
            return self._ragged(ragged[0])
        last = self._block.first + self._block.records - 1
        return AudienceError(
            f"{self._part.name}, rows {self._block.first:,} to {last:,}: cannot be read as CSV.",
            hint="Check the quotes and line ends in these rows, or export the file again.",
            code="bad_csv",
        )

    def _parsable(self) -> pa.Buffer:
        """The bytes; behind an empty line when they begin as a byte order mark does, which Arrow would drop."""
        if self._bytes.slice(0, min(len(BOM), self._bytes.size)) != BOM:
            return self._bytes
        return pa.py_buffer(b"\n" + self._bytes.to_pybytes())

    def _numbers(self, rows: int) -> RowNumbers | None:
        """Record numbers of the rows, None when there are no blank lines among them. No record is ever lost."""
        if rows == self._block.records:
            return None
        filled = self._filled()
        if len(filled) != rows:
            raise AudienceError(
                f"{self._part.name}, rows {self._block.first:,} to {self._block.first + self._block.records - 1:,}: "
                f"{len(filled):,} rows were found and {rows:,} could be read.",
                hint="Check the quotes in these rows.",
                code="rows_lost",
            )
        return self._block.first + filled

    def _filled(self) -> Positions:
        """Indices of the records that are not blank lines."""
        octets = np.frombuffer(self._bytes, np.uint8)
        return np.flatnonzero(~blank_records(octets, all_ends(octets, ord(self._part.delimiter))))

    def _record(self, row: int) -> int:
        return self._block.first + int(self._filled()[row])

    def _ragged(self, row: pa_csv.InvalidRow) -> AudienceError:
        where = self._record(row.number - 1)
        found, expected = row.actual_columns, row.expected_columns
        return AudienceError(
            f"{self._part.name}, row {where:,}: {found:,} cell{'s' * (found != 1)} where the header has {expected:,}.",
            hint="Mend the row (a delimiter in a cell needs quotes around the cell), or check --delimiter.",
            code="ragged_row",
        )


def first_not_utf8(cells: pa.Array) -> int | None:
    """Index of the first cell (binary) that is not UTF-8, found by halving."""
    start, stop = 0, len(cells)
    if _is_utf8(cells):
        return None
    while stop - start > 1:
        middle = (start + stop) // 2
        if _is_utf8(cells[start:middle]):
            start = middle
        else:
            stop = middle
    return start


def not_utf8(name: str, where: str, cell: bytes) -> AudienceError:
    """The error for bytes that are not UTF-8, with the encoding they look like."""
    try:
        cell.decode("cp1252")
        likely = "cp1252"
    except UnicodeDecodeError:
        likely = "latin-1"
    return AudienceError(
        f"{name}, {where}: not UTF-8 text.",
        hint=f"Name the file's encoding, for instance --encoding {likely}.",
        code="not_utf8",
    )


def as_array(column: pa.ChunkedArray) -> pa.Array:
    """The one array of a column."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])


def _cell(data: pa.Buffer) -> pa.BinaryArray:
    """One cell with all of it."""
    offsets = pa.py_buffer(np.array([0, data.size], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, data])


def _is_utf8(cells: pa.Array) -> bool:
    try:
        cells.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True
