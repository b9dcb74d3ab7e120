"""Read a sheet of an Excel workbook, row by row, in flat memory.

The cells are cut out of the sheet's XML by one regular expression, and become columns chunk by chunk. Libraries that
read workbooks give a rectangle around all cells, which one stray cell makes as large as the memory, and they give error
cells and formulas without a value as empty ones.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.cell_errors import MARK
from listrak_sms_cli.audience.source.arrow import ArrowReader, TextStream
from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.reader import Note, Rows
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.audience.source.workbook import (
    LONGEST,
    PIECE,
    SHEET_LIMIT,
    WORKBOOK_ERRORS,
    Sheet,
    Workbook,
    cannot_be_read,
    plain_xml,
    prefix_of,
    text,
    text_of,
    too_large,
)
from listrak_sms_cli.errors import AudienceError

CHUNK_ROWS = 8192
_CHUNK_CHARACTERS = 64 << 20  # at most, when each cell were the longest one
_ROW_LIMIT = 64 << 20  # bytes of XML
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14  # of a sheet, in Excel
_MOST_EMPTY = 100  # empty columns beside each other within a table
_OLE = b"\xd0\xcf\x11\xe0"  # old workbooks, and new ones behind a password
# A row's start; or a cell: the letters of its column, its other attributes, its content.
_ROW_OR_CELL = re.compile(rb'<(row)\b([^>]*)>|<c\b(?: r="([A-Z]{1,3})[0-9]{1,7}")?([^>]*?)(?:/>|>(.*?)</c>)', re.DOTALL)
_ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["']([0-9]+)["']""")
_ATTRIBUTE = re.compile(rb"""\s([a-z]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(rb"([A-Z]{1,3})[0-9]{1,7}")
_VALUE = re.compile(rb"<v\b[^>]*?(?:/>|>(.*?)</v>)", re.DOTALL)
_WITHOUT_VALUE = "row {:,} holds a formula without its value (open the workbook in Excel and save it again)"
_Convert = Callable[[bytes], str | None]


def open_workbook(content: Content, sheet: str | None, spool: SourceSpool) -> ArrowReader:
    """Read the first visible sheet, or `sheet`, as text: numbers as the sheet shows them where their format is one of
    zeros, else without `.0`; dates as ISO dates, with the time of day where there is one; errors as `cell_errors` marks
    them. Row numbers are those of the sheet; rows without a cell are left out.

    Raises AudienceError: `bad_workbook`, `workbook_too_large`, `unknown_sheet`, `empty_file`, `stray_cell`,
    `cell_too_long`, and what ArrowReader raises.
    """
    if content.read(0, 4) == _OLE:
        raise cannot_be_read(content.name, "is an old Excel workbook (.xls), or has a password: neither is read")
    try:
        with content.open() as raw, zipfile.ZipFile(io.BufferedReader(raw, 1 << 16)) as archive:
            reader = _read(Workbook(content, archive), content, sheet, spool)
    except WORKBOOK_ERRORS:
        raise cannot_be_read(content.name, "cannot be read as an Excel workbook: it is damaged") from None
    content.check_unchanged()
    return reader


def _read(book: Workbook, content: Content, wanted: str | None, spool: SourceSpool) -> ArrowReader:
    chosen = _choose(book, wanted)
    others = [] if wanted is not None else [one for one in book.sheets if one is not chosen and not one.hidden]
    headers = {one.name: header for one in others if (header := _SheetRows(book, one, 1).header())}
    rows = _SheetRows(book, chosen, CHUNK_ROWS)
    header = rows.header()
    if not header:
        hint = f"Name another with --sheet: {', '.join(headers)}." if headers else "Name another with --sheet."
        raise AudienceError(f"{book.name}: the sheet “{chosen.name}” is empty.", hint=hint, code="empty_file")
    described = f"Excel, sheet “{chosen.name}”"
    reader = ArrowReader(
        TextStream(book.name, described, header, rows.batches(), rows.unreadable, content.mtime_ns), spool
    )
    reader.columns = header + ("",) * (rows.width - len(header))
    reader.other_sheets = headers
    if headers:
        names = ", ".join(f"“{name}”" for name in headers)
        message = f"Only the sheet “{chosen.name}” is read; these hold cells, too: {names}. --sheet names another."
        reader.notes = (Note("other_sheets", message),)
    return reader


def _choose(book: Workbook, wanted: str | None) -> Sheet:
    """The sheet of that name, else the first one that is not hidden."""
    for sheet in book.sheets:
        if sheet.name.casefold() == wanted.casefold() if wanted is not None else not sheet.hidden:
            return sheet
    names = ", ".join(sheet.name for sheet in book.sheets)
    raise AudienceError(
        f"{book.name} has no sheet of that name.", hint=f"Its sheets are: {names}.", code="unknown_sheet"
    )


class _FormulaWithoutValueError(Exception):
    """A cell holds a formula that nobody has calculated."""


class _SheetRows:
    """The filled rows of a sheet, once. `width`: columns found so far; `unreadable`: as in FileReader."""

    def __init__(self, book: Workbook, sheet: Sheet, chunk_rows: int) -> None:
        self.width = 0
        self.unreadable: dict[int, str] = {}
        self._book, self._sheet, self._most_rows = book, sheet, chunk_rows
        self._converters: dict[bytes, _Convert] = {}
        self._places: dict[bytes, int] = {}
        self._row = 0  # of the cell read last
        self._chunks = self._read()
        self._first: _Chunk | None = None

    def header(self) -> tuple[str, ...]:
        """The cells of the first filled row, up to the last filled one; () for an empty sheet."""
        self._first = next(self._chunks, None)
        if self._first is None:
            return ()
        cells = [cells[0] if cells else None for cells in self._first.columns]
        while cells[-1] is None:
            cells.pop()
        return tuple((cell or "").removeprefix(MARK) for cell in cells)

    def batches(self) -> Iterator[Rows]:
        """The rows below the header, after `header`."""
        if self._first is not None:
            yield self._first.rows(skip=1)
        for chunk in self._chunks:
            yield chunk.rows()

    def _read(self) -> Iterator[_Chunk]:
        chunk, places, converters, column = _Chunk(0), self._places, self._converters, -1
        for block in self._blocks():
            for is_row, row_attributes, letters, attributes, content in _ROW_OR_CELL.findall(block):
                if is_row:
                    if len(chunk.numbers) >= self._most_rows:
                        yield chunk
                        chunk = _Chunk(self.width)
                    self._row, column = self._row_number(row_attributes), -1
                    continue
                place = places.get(letters)
                column = place if place is not None else self._column(letters, attributes, column)
                if not content:
                    continue
                try:
                    cell = (converters.get(attributes) or self._converter(attributes))(content)
                except _FormulaWithoutValueError:
                    self.unreadable.setdefault(column, _WITHOUT_VALUE.format(self._row))
                    cell = ""
                if cell is not None:
                    if column >= self.width or len(cell) > LONGEST:
                        self._check(column, cell)
                    chunk.add(self._row, column, cell)
        if chunk.numbers:
            yield chunk

    def _blocks(self) -> Iterator[bytes]:
        """The XML between `<sheetData>` and its end, cut behind rows."""
        size, buffer, prefix, end = 0, b"", b"", b""
        with self._book.open(self._sheet) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                buffer += piece
                if size > SHEET_LIMIT:
                    raise too_large(self._book.name, f"the sheet unpacks to more than {SHEET_LIMIT >> 30} GiB")
                if not end:
                    prefix = prefix_of(buffer)
                    buffer, end = _behind_start(buffer, prefix)
                cut = buffer.rfind(end) + len(end) if end and end in buffer else 0
                if cut:
                    yield plain_xml(buffer[:cut], prefix)
                    buffer = buffer[cut:]
                if len(buffer) > _ROW_LIMIT:
                    raise too_large(self._book.name, f"behind row {self._row:,} is a row of more than 64 MiB")

    def _row_number(self, attributes: bytes) -> int:
        found = _ROW_NUMBER.search(attributes)
        number = int(found[1]) if found else self._row + 1
        if not 0 < number <= _MOST_ROWS:
            raise ValueError
        return number

    def _column(self, letters: bytes, attributes: bytes, before: int) -> int:
        """The index of a cell's column; the next one where the cell does not say."""
        if not letters:
            reference = {name: one or other for name, one, other in _ATTRIBUTE.findall(attributes)}.get(b"r")
            if reference is None:
                return before + 1
            found = _REFERENCE.fullmatch(reference)
            if not found:
                raise ValueError
            letters = found[1]
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters:
                place = place * 26 + letter - ord("A") + 1
            if place > _MOST_COLUMNS:
                raise ValueError
            self._places[letters] = place = place - 1
        return place

    def _converter(self, attributes: bytes) -> _Convert:
        """The function for cells with these attributes."""
        values = {name: one or other for name, one, other in _ATTRIBUTE.findall(attributes)}
        convert = self._converter_of(values.get(b"t", b"n"), int(values.get(b"s", 0)))
        if b"r" not in values:
            self._converters[attributes] = convert
        return convert

    def _converter_of(self, kind: bytes, style: int) -> _Convert:
        texts = self._book.texts if kind == b"s" else []
        show = self._book.show(style)
        converters: dict[bytes, _Convert] = {
            b"s": lambda content: texts[int(number)] or None if (number := _value(content)) else None,
            b"n": lambda content: show(number.decode()) if (number := _value(content)) else None,
            b"str": lambda content: text(_value(content, may_be_empty=True)) or None,
            b"inlineStr": lambda content: text_of(content) or None,
            b"e": lambda content: MARK + text(_value(content) or b"#VALUE!"),
            b"b": lambda content: ("true" if value == b"1" else "false") if (value := _value(content)) else None,
            b"d": lambda content: _iso_date(text(_value(content))) or None,
        }
        return converters[kind]

    def _check(self, column: int, cell: str) -> None:
        """Raises AudienceError for a cell that is too long, and for one far from all others: a table has no gap of many
        columns, so that somebody has put it there by accident."""
        where = f"{self._book.name}, sheet “{self._sheet.name}”, cell {_cell_name(column, self._row)}"
        if len(cell) > LONGEST:
            raise AudienceError(
                f"{where}: longer than {LONGEST:,} characters.",
                hint="Shorten the cell, or save the sheet as CSV.",
                code="cell_too_long",
            )
        if column > self.width + _MOST_EMPTY:
            raise AudienceError(
                f"{where}: it stands alone, far from the table.",
                hint="Delete it (in Excel, Ctrl+End goes to the last cell), or save the table as CSV.",
                code="stray_cell",
            )
        if column >= self.width:
            self.width = column + 1
            most = _CHUNK_CHARACTERS // (self._book.longest_text * self.width)
            self._most_rows = max(1, min(self._most_rows, most))


class _Chunk:
    """Filled rows as columns. `columns`: the cells of each column down to its last filled one; `numbers`: the number of
    each row."""

    def __init__(self, width: int) -> None:
        self.columns: list[list[str | None]] = [[] for _ in range(width)]
        self.numbers: list[int] = []

    def add(self, number: int, column: int, cell: str) -> None:
        """Add the next cell, which is in the last row or begins the next one."""
        numbers, columns = self.numbers, self.columns
        if not numbers or numbers[-1] != number:
            numbers.append(number)
        while column >= len(columns):
            columns.append([])
        cells = columns[column]
        missing = len(numbers) - 1 - len(cells)
        if missing > 0:
            cells.extend([None] * missing)
        elif missing < 0:
            raise ValueError  # two cells in one place
        cells.append(cell)

    def rows(self, skip: int = 0) -> Rows:
        """The rows, without the first ones where `skip` says so."""
        numbers = np.array(self.numbers[skip:], np.int64)
        columns = []
        for cells in self.columns:
            cells.extend([None] * (len(self.numbers) - len(cells)))
            columns.append(pa.array(cells[skip:] if skip else cells, pa.string()))
        return Rows(columns, len(numbers), int(numbers[0]) if len(numbers) else 0, numbers)


def _behind_start(buffer: bytes, prefix: bytes) -> tuple[bytes, bytes]:
    """What comes behind `<sheetData>`, and how rows end; the same buffer and b"" when that is not there yet."""
    start = re.search(rb"<" + prefix + rb"sheetData\b[^>]*>", buffer)
    return (buffer[start.end() :], b"</" + prefix + b"row>") if start else (buffer, b"")


def _value(content: bytes, *, may_be_empty: bool = False) -> bytes:
    """What stands in `<v>`; b"" where there is none. Raises _FormulaWithoutValueError."""
    if content.startswith(b"<v>") and content.endswith(b"</v>"):
        return content[3:-4]
    found = _VALUE.search(content)
    value: bytes = (found[1] or b"") if found else b""
    if not value and b"<f" in content and not (may_be_empty and found):
        raise _FormulaWithoutValueError
    return value.strip() if not may_be_empty else value


def _iso_date(date: str) -> str:
    """`2026-01-31T00:00:00` as a date, another time of day behind a space."""
    day, _, time = date.rstrip("Z").partition("T")
    time = re.sub(r"\.0+$", "", time)
    return day if not time.strip("0:") else f"{day} {time}".strip()


def _cell_name(column: int, row: int) -> str:
    letters, place = "", column + 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"
