"""Read a CSV file: cut into blocks of whole records on the calling thread, each parsed when it is read: an ordinary one
by a compiled loop, any other by Arrow, which also says what is wrong with it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from msgspec.structs import replace

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.csv_blocks import BOM, Block, BlockBounds, BlockCutter, block_of
from listrak_sms_cli.audience.source.csv_header import Header, blanks_behind_delimiters
from listrak_sms_cli.audience.source.csv_quotes import Lines, Positions, all_ends, blank_records, without_escapes
from listrak_sms_cli.audience.source.csv_swallowed import MemberShape, swallowing_record
from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.audience.source.reader import FileChunk, FileReader, RowNumbers, Rows, SourceNote
from listrak_sms_cli.audience.source.sniff import SAMPLE
from listrak_sms_cli.columnar import Raw, pc, raw, read_cells
from listrak_sms_cli.errors import AudienceError

WHOLE_LINES_QUOTED = "The whole line is in quotes, as one cell: take them off, or export the file again."


class CsvReader(FileReader):
    """A CSV file with a header. Row numbers are record numbers: header = 1, blank lines counted."""

    def __init__(
        self,
        content: Content,
        dialect: Dialect,
        described: str,
        *,
        header_from: int = 1,
        phone_column: str | None = None,
        block_size: int | None = None,
    ) -> None:
        """`header_from`: number of the first record that may be the header. `phone_column`: the name that was given for
        it. Raises AudienceError: `empty_file`, `not_utf8`, `bad_header`, and what BlockCutter and Header raise."""
        super().__init__(content.name, content.size, content.mtime_ns)
        self.described = described
        self.dialect = dialect
        self._content = content
        self._known_bounds: Sequence[BlockBounds] = ()
        self._header_record, self.columns, first_row = self._read_header(header_from, block_size or SAMPLE)
        self._block_size = block_size or block_of(len(self.columns))
        sample = content.read(0, SAMPLE).decode("utf-8-sig", "replace")
        self._header = Header(self.name, self._header_record, self.columns, sample, dialect, phone_column)
        self._header.check()
        self.surplus_cell = self._has_surplus_cell(first_row)
        self.notes = tuple(self._noted())

    def chunks(self) -> Iterator[FileChunk]:
        """As in FileReader; also raises what BlockCutter raises, and AudienceError (`swallowed_rows`)."""
        cutter = BlockCutter(self._content, self.dialect, block_size=self._block_size)
        bounds = []
        for block in cutter.blocks(self._known_bounds):
            bounds.append(block.bounds)
            if block.lines is not None and not self.dialect.quote_named:
                self._refuse_swallowed(block, block.lines)
            if block.first + block.records > self._header_record:
                yield self._chunk_below_header(block)
        self._content.check_unchanged()
        self.compare_digest(cutter.digest)
        self._known_bounds = bounds

    def _noted(self) -> Iterator[SourceNote]:
        if self.surplus_cell:
            message = f"{self.name}: every row ends in an empty cell that has no column; it is left out."
            yield SourceNote("surplus_cell", message)
        if message := blanks_behind_delimiters(self._header):
            yield SourceNote("blanks_behind_delimiters", message)

    def _refuse_swallowed(self, block: Block, lines: Lines) -> None:
        """Raise AudienceError when a quoted cell holds members: two stray quotes, rows apart, look like one cell."""
        phone = self._header.phone
        if phone is None:
            return  # the audience will be refused for that
        shape = MemberShape(ord(self.dialect.delimiter), len(self.columns) + self.surplus_cell, phone)
        found = swallowing_record(without_escapes(block.octets, self.dialect), lines, shape)
        if found is not None:
            row = block.first + found[0]
            raise AudienceError(
                f"{self.name}, row {row:,}: a quote opens here and closes in row {row + found[1]:,}; the rows between "
                "look like members, which would be lost in one cell.",
                hint="If the file does not quote its cells, add --quote none, else correct the quotes; if the cell is "
                "right, add --quote '\"'.",
                code="swallowed_rows",
            )

    def _has_surplus_cell(self, first_row: bytes) -> bool:
        """Whether the first row ends in an empty cell more than the header has, as some programs end all rows."""
        text = first_row.decode(errors="replace").rstrip("\r\n")
        delimiter, quote = self.dialect.delimiter, self.dialect.quote or ""
        if not text.endswith((delimiter, delimiter + quote + quote)):
            return False
        try:
            return len(self._cells(text)) == len(self.columns) + 1
        except csv.Error:
            return False

    def _read_header(self, header_from: int, block_size: int) -> tuple[int, tuple[str, ...], bytes]:
        """The number of the header's record, its cells, and the first row below it."""
        cutter = BlockCutter(self._content, self.dialect, block_size=min(block_size, SAMPLE))
        number, header = 0, b""
        for block in cutter.blocks():
            ends = all_ends(block.octets, self.dialect)
            filled = np.flatnonzero(~blank_records(block.octets, ends))
            for record in filled[filled >= header_from - block.first][:2].tolist():
                start = int(ends[record - 1]) + 1 if record else 0
                content = block.data[start : ends[record] + 1]
                if number:
                    return number, self._header_cells(header), content
                number, header = block.first + record, content
        if number:
            return number, self._header_cells(header), b""
        raise AudienceError(f"{self.name} is empty.", hint="An audience begins with a header row.", code="empty_file")

    def _header_cells(self, header: bytes) -> tuple[str, ...]:
        try:
            return self._cells(header.decode())
        except UnicodeDecodeError:
            raise _not_utf8(self.name, "the header", header) from None
        except csv.Error:
            raise AudienceError(
                f"The header of {self.name} cannot be read as column names.",
                hint="Check that the file is a CSV with a header row, and its --delimiter.",
                code="bad_header",
            ) from None

    def _cells(self, record: str) -> tuple[str, ...]:
        text = record.rstrip("\r\n")
        return tuple(next(csv.reader(io.StringIO(text, newline=""), **self.dialect.for_csv_module)))

    def _chunk_below_header(self, block: Block) -> FileChunk:
        above = self._header_record - block.first + 1
        if above <= 0:
            return _CsvChunk(self, block, 0)
        skipped = int(all_ends(block.octets, self.dialect)[above - 1]) + 1
        return _CsvChunk(self, replace(block, first=block.first + above, records=block.records - above), skipped)


class _CsvChunk(FileChunk):
    """The records of a block that begin behind its first `skipped` bytes; `block.first` is the number of the first."""

    def __init__(self, reader: CsvReader, block: Block, skipped: int) -> None:
        self.size = block.size
        self._reader = reader
        self._block = block
        self._bytes = pa.py_buffer(block.data).slice(skipped, block.size - skipped)

    def read(self, columns: Sequence[int]) -> Rows:
        cells = self._plain_cells(columns)
        if cells is None:
            return self._read_by_arrow(columns)
        self._check_utf8(cells)
        return Rows([cells[index].view(pa.string()) for index in columns], self._block.records, self._block.first)

    def _plain_cells(self, columns: Sequence[int]) -> dict[int, pa.BinaryArray] | None:
        """The columns by their index, as `_parse` gives them in three times the time; None where the block has blank
        lines, errors, or anything else that is left to Arrow."""
        dialect = self._reader.dialect
        if dialect.escape is not None or self._reader.surplus_cell or self._begins_with_mark():
            return None
        wanted, records = list(dict.fromkeys(columns)), self._block.records
        quote = None if dialect.quote is None else ord(dialect.quote)
        octets = np.frombuffer(self._bytes, np.uint8)
        found = read_cells(octets, ord(dialect.delimiter), quote, len(self._reader.columns), wanted, records)
        return None if found is None else dict(zip(wanted, map(_binary_column, found), strict=True))

    def _begins_with_mark(self) -> bool:
        return bool(self._bytes.slice(0, min(len(BOM), self._bytes.size)) == BOM)

    def _read_by_arrow(self, columns: Sequence[int]) -> Rows:
        try:
            table = self._parse([*(list(columns) or [0]), *self._surplus])
        except pa.ArrowInvalid:
            raise self._why_unparsable() from None
        if self._surplus:
            self._check_surplus(_one_array(table.column(table.num_columns - 1)))
        cells = {index: _one_array(table.column(str(index))) for index in columns}
        self._check_utf8(cells)
        arrays = [cells[index].view(pa.string()) for index in columns]
        return Rows(arrays, table.num_rows, self._block.first, self._numbers(table.num_rows))

    @property
    def _surplus(self) -> list[int]:
        """The index of the cell behind the last column, where rows have one."""
        return [len(self._reader.columns)] if self._reader.surplus_cell else []

    def _check_surplus(self, cells: pa.BinaryArray) -> None:
        """Raises AudienceError when a cell behind the last column is not empty."""
        filled = np.flatnonzero(raw(cells).lengths)
        if len(filled):
            width = len(self._reader.columns)
            raise self._ragged(self._number(int(filled[0])), width + 1)

    def _parse(self, columns: Sequence[int], on_ragged: Callable[[pa_csv.InvalidRow], str] | None = None) -> pa.Table:
        """The columns, named by their index, pa.binary(). Raises ArrowInvalid."""
        names = [str(index) for index in [*range(len(self._reader.columns)), *self._surplus]]
        wanted = [names[index] for index in dict.fromkeys(columns)]
        dialect = self._reader.dialect
        if not self._bytes.size:
            return pa.table({name: pa.nulls(0, pa.binary()) for name in wanted})
        data = self._bytes_for_arrow()
        return pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(use_threads=False, block_size=data.size + 2, column_names=names),
            pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=self._block.quoted,
                invalid_row_handler=on_ragged,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.binary()), include_columns=wanted, strings_can_be_null=False
            ),
        )

    def _bytes_for_arrow(self) -> pa.Buffer:
        """Arrow would drop a byte order mark at the start of a block; behind an empty line it does not. A cell `\\N`,
        with which databases that escape by a backslash write NULL, stays as it is."""
        dialect, data = self._reader.dialect, self._bytes
        if dialect.escape == "\\":
            ends = re.escape(dialect.delimiter.encode()) + rb"\r\n"
            data = pa.py_buffer(re.sub(rb"(?<![^%b])\\N(?![^%b])" % (ends, ends), rb"\\\\N", data.to_pybytes()))
        if not self._begins_with_mark():
            return data
        return pa.py_buffer(b"\n" + data.to_pybytes())

    def _check_utf8(self, columns: Mapping[int, pa.BinaryArray]) -> None:
        """Raises AudienceError (`not_utf8`). To check the whole block, or that a column is ASCII, is several times as
        fast as to check each cell."""
        if len(columns) * 2 > len(self._reader.columns) and _is_utf8(_one_cell(self._bytes)):
            return
        for index, cells in columns.items():
            row = _first_not_utf8(cells) if raw(cells).data.max(initial=0) >= 0x80 else None
            if row is not None:
                where = f"row {self._number(row):,}, column “{self._reader.columns[index]}”"
                raise _not_utf8(self._reader.name, where, cells[row].as_py())

    def _numbers(self, rows: int) -> RowNumbers | None:
        """Record numbers of the rows, None when there are no blank lines among them. Raises AudienceError
        (`rows_lost`) when Arrow has read fewer or more rows than there are records."""
        if rows == self._block.records:
            return None
        filled = self._filled()
        if len(filled) != rows:
            raise AudienceError(
                f"{self._where()}: {len(filled):,} rows were found and {rows:,} could be read.",
                hint="Check the quotes in these rows.",
                code="rows_lost",
            )
        return self._block.first + filled

    def _number(self, row: int) -> int:
        return self._block.first + int(self._filled()[row])

    def _filled(self) -> Positions:
        """Indices of the records that are not blank lines."""
        octets, ends = self._octets_and_ends()
        return np.flatnonzero(~blank_records(octets, ends))

    def _octets_and_ends(self) -> tuple[np.ndarray, Positions]:
        octets = np.frombuffer(self._bytes, np.uint8)
        return octets, all_ends(octets, self._reader.dialect)

    def _where(self) -> str:
        last = self._block.first + self._block.records - 1
        return f"{self._reader.name}, rows {self._block.first:,} to {last:,}"

    def _why_unparsable(self) -> AudienceError:
        """Find out why Arrow refuses the block. Records that are not UTF-8 come first: Arrow cannot hand them to the
        handler of ragged rows."""
        ends = np.concatenate(([-1], self._octets_and_ends()[1])).astype(np.int32)
        records = pa.Array.from_buffers(pa.binary(), len(ends) - 1, [None, pa.py_buffer(ends + 1), self._bytes])
        record = _first_not_utf8(records)
        if record is not None:
            return _not_utf8(self._reader.name, f"row {self._block.first + record:,}", records[record].as_py())
        ragged: list[pa_csv.InvalidRow] = []

        def keep(row: pa_csv.InvalidRow) -> str:
            ragged.append(row)
            return "error"

        with suppress(pa.ArrowInvalid):
            self._parse([0], keep)
        if ragged:
            row = ragged[0]
            return self._ragged(self._number(row.number - 1), row.actual_columns)
        return AudienceError(
            f"{self._where()}: cannot be read as CSV.",
            hint="Check the quotes and line ends in these rows, or export the file again.",
            code="bad_csv",
        )

    def _ragged(self, number: int, found: int) -> AudienceError:
        """The error for a row of so many cells."""
        reader = self._reader
        width = len(reader.columns)
        others = f"the first row has {width + 1:,}, the last one empty" if reader.surplus_cell else ""
        others = others if others and found <= width else f"the header has {width:,}"
        hint = "Correct the row (a cell with a delimiter in it needs quotes around it), or check --delimiter."
        record = self._record(number).strip()
        quote = (reader.dialect.quote or "").encode()
        if found == 1 and quote and record[:1] == record[-1:] == quote and reader.dialect.delimiter.encode() in record:
            hint = WHOLE_LINES_QUOTED
        elif reader.dialect.delimiter.encode() + b" " + quote in record:
            hint = "A quote behind a blank is text: take the blanks behind the delimiters out."
        return AudienceError(
            f"{reader.name}, row {number:,}: {found:,} cell{'s' * (found != 1)} where {others}.",
            hint=hint,
            code="ragged_row",
        )

    def _record(self, number: int) -> bytes:
        """The bytes of the record with this number."""
        _, ends = self._octets_and_ends()
        record = number - self._block.first
        start = int(ends[record - 1]) + 1 if record else 0
        return bytes(self._bytes.slice(start, int(ends[record]) + 1 - start))


def _not_utf8(name: str, where: str, data: bytes) -> AudienceError:
    """The hint names the encoding that `data` most likely has."""
    try:
        data.decode("cp1252")
        likely = "cp1252"
    except UnicodeDecodeError:
        likely = "latin-1"
    return AudienceError(
        f"{name}, {where}: not UTF-8 text.",
        hint=f"Name the file's encoding, for instance --encoding {likely}.",
        code="not_utf8",
    )


def _first_not_utf8(cells: pa.BinaryArray) -> int | None:
    """Index of the first cell that is not UTF-8, by bisection."""
    if _is_utf8(cells):
        return None
    start, stop = 0, len(cells)
    while stop - start > 1:
        middle = (start + stop) // 2
        if _is_utf8(cells[start:middle]):
            start = middle
        else:
            stop = middle
    return start


def _is_utf8(cells: pa.BinaryArray) -> bool:
    try:
        pc.cast(cells, pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _binary_column(cells: Raw) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(cells.starts), pa.py_buffer(cells.data)]
    return pa.Array.from_buffers(pa.binary(), len(cells.starts) - 1, buffers)


def _one_cell(data: pa.Buffer) -> pa.BinaryArray:
    """A column of one cell that holds all of `data`."""
    offsets = pa.py_buffer(np.array([0, data.size], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, data])


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])
