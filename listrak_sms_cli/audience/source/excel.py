"""Read a sheet of an Excel workbook in flat memory: rows become columns chunk by chunk."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.cell_errors import MARK
from listrak_sms_cli.audience.columns import phone_among
from listrak_sms_cli.audience.source.arrow import ArrowReader, TextStream
from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.reader import Rows, SourceNote
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.errors import AudienceError

if TYPE_CHECKING:
    from listrak_sms_cli.audience.source.workbook import Cells, Row, Sheet, Workbook

_CHUNK_ROWS, _CHUNK_CELLS, _CHUNK_CHARACTERS = 8192, 4 << 20, 32 << 20
_LONGEST = 32_767  # characters of a cell, Excel's own limit
_MOST_EMPTY = 100  # empty columns beside each other within a table
_OLE = b"\xd0\xcf\x11\xe0"  # old workbooks, and new ones behind a password
_WITHOUT_VALUE = "row {:,} holds a formula without its value (open the workbook in Excel and save it again)"


def open_workbook(content: Content, options: ReadOptions, spool: SourceSpool) -> ArrowReader:
    """Read the first visible sheet, or the one that the options name, as the text of its cells. Row numbers are those
    of the sheet; rows without a cell are left out.

    Raises AudienceError: `extra_missing`, `bad_workbook`, `workbook_too_large`, `unknown_sheet`, `empty_file`,
    `stray_cell`, `cell_too_long`, and what ArrowReader raises.
    """
    name = content.name
    if content.read(0, 4) == _OLE:
        raise _bad_workbook(f"{name} is an old Excel workbook (.xls), or has a password: neither is read.")
    try:
        from listrak_sms_cli.audience.source.workbook import TooLargeError, Workbook
    except ImportError:
        raise AudienceError(
            f"{name} is an Excel workbook, and the package that reads it is not installed.",
            hint="Install it with: pip install 'listrak-sms-cli[excel]'. Or save the sheet as CSV.",
            code="extra_missing",
        ) from None
    try:
        with content.open() as raw, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that it does not know
            reader = _read(Workbook(io.BufferedReader(raw, 1 << 16)), content, options, spool)
    except AudienceError:
        raise
    except TooLargeError as error:
        raise AudienceError(
            f"{name} is too large: {error}.", hint="Save the sheet as CSV.", code="workbook_too_large"
        ) from None
    except Exception:  # openpyxl's errors have no common base
        raise _bad_workbook(f"{name} cannot be read as an Excel workbook: it is damaged, or of another kind.") from None
    content.check_unchanged()
    return reader


def _bad_workbook(message: str) -> AudienceError:
    hint = "Save it again as .xlsx (“Excel Workbook”) without a password, or as CSV."
    return AudienceError(message, hint=hint, code="bad_workbook")


def _read(book: Workbook, content: Content, options: ReadOptions, spool: SourceSpool) -> ArrowReader:
    wanted = options.sheet
    chosen = _choose(book, content.name, wanted)
    others = [] if wanted is not None else [one for one in book.sheets if one is not chosen and not one.hidden]
    headers = {one.name: header for one in others if (header := _first_cells(book, one))}
    table = _Table(f"{content.name}, sheet “{chosen.name}”", book.rows(chosen, partial(_phone_in, options)))
    if not table.header:
        hint = f"Name another with --sheet: {', '.join(headers)}." if headers else "Name another with --sheet."
        raise AudienceError(f"{content.name}: the sheet “{chosen.name}” is empty.", hint=hint, code="empty_file")
    described, batches = f"Excel, sheet “{chosen.name}”", table.batches()
    stream = TextStream(content.name, described, table.header, batches, table.unreadable, content.mtime_ns)
    reader = ArrowReader(stream, spool)
    reader.columns = table.header + ("",) * (table.width - len(table.header))
    reader.other_sheets = headers
    reader.notes = tuple(_noted(chosen.name, headers, table.hidden))
    return reader


def _noted(sheet: str, others: Iterable[str], hidden: int) -> Iterator[SourceNote]:
    if names := ", ".join(f"“{name}”" for name in others):
        message = f"Only the sheet “{sheet}” is read; these hold cells, too: {names}. --sheet names another."
        yield SourceNote("other_sheets", message)
    if hidden:
        message = (
            f"Rows of the sheet “{sheet}” that are hidden, by a filter or by hand: {hidden:,}. They are read like the "
            "others. To send only those that can be seen, copy them to a sheet of their own, and name it with --sheet."
        )
        yield SourceNote("hidden_rows", message)


def _choose(book: Workbook, name: str, wanted: str | None) -> Sheet:
    """The sheet of that name, else the first one that is not hidden."""
    for sheet in book.sheets:
        if sheet.name.casefold() == wanted.casefold() if wanted is not None else not sheet.hidden:
            return sheet
    hint = f"Its sheets are: {', '.join(sheet.name for sheet in book.sheets)}."
    raise AudienceError(f"{name} has no sheet of that name.", hint=hint, code="unknown_sheet")


def _first_cells(book: Workbook, sheet: Sheet) -> tuple[str, ...]:
    """The cells of the first row that has any; () for an empty sheet."""
    cells: Cells = next((row.cells for row in book.rows(sheet) if row.cells), [])
    return tuple((text or "").removeprefix(MARK) for _, text in cells)


def _phone_in(options: ReadOptions, header: Cells) -> int | None:
    names = dict(header)
    return phone_among([names.get(column) or "" for column in range(max(names) + 1)], options.phone_column)


class _Table:
    """The filled rows of a sheet, once. `header`: the cells of the first one, () for an empty sheet; `width`: columns
    found so far; `hidden`: filled rows below the header, so far, that the sheet hides; `unreadable`: as in FileReader.
    `where` names the sheet in errors."""

    def __init__(self, where: str, rows: Iterator[Row]) -> None:
        self.width = self.hidden = 0
        self.unreadable: dict[int, str] = {}
        self._where = where
        self._rows = (self._checked(row) for row in rows if row.cells)
        _, first = next(self._rows, (0, {}))
        self.header = tuple(first.get(column, "").removeprefix(MARK) for column in range(self.width))
        self.hidden = 0

    def batches(self) -> Iterator[Rows]:
        """The rows below the header."""
        numbers: list[int] = []
        rows: list[dict[int, str]] = []
        characters = 0
        for number, row in self._rows:
            numbers.append(number)
            rows.append(row)
            characters += sum(map(len, row.values()))
            count = len(rows)
            if count == _CHUNK_ROWS or count * self.width > _CHUNK_CELLS or characters > _CHUNK_CHARACTERS:
                yield self._batch(numbers, rows)
                numbers, rows, characters = [], [], 0
        if rows:
            yield self._batch(numbers, rows)

    def _batch(self, numbers: list[int], rows: list[dict[int, str]]) -> Rows:
        columns = [pa.array([row.get(column) for row in rows], pa.string()) for column in range(self.width)]
        return Rows(columns, len(rows), numbers[0], np.array(numbers, np.int64))

    def _checked(self, row: Row) -> tuple[int, dict[int, str]]:
        """The cells by column. Raises AudienceError for a cell that is too long, and for one far from all others: a
        table has no gap of many columns, so that somebody has put it there by accident."""
        number, cells = row.number, row.cells
        self.hidden += row.hidden
        for column, text in cells:
            if text is None:
                self.unreadable.setdefault(column, _WITHOUT_VALUE.format(number))
            elif len(text) > _LONGEST:
                raise AudienceError(
                    f"{self._where}, cell {_cell_name(column, number)}: longer than {_LONGEST:,} characters.",
                    hint="Shorten the cell, or save the sheet as CSV.",
                    code="cell_too_long",
                )
            if column > self.width + _MOST_EMPTY:
                raise AudienceError(
                    f"{self._where}, cell {_cell_name(column, number)}: it stands alone, far from the table.",
                    hint="Delete it (in Excel, Ctrl+End goes to the last cell), or save the table as CSV.",
                    code="stray_cell",
                )
            if column >= self.width:
                self.width = column + 1
        texts = {column: text or "" for column, text in cells}
        if len(texts) < len(cells):
            raise ValueError  # two cells in one place
        return number, texts


def _cell_name(column: int, row: int) -> str:
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(column + 1)}{row}"
