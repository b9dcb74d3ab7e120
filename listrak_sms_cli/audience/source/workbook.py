"""The sheets of an Excel workbook (`.xlsx`, `.xlsm`), row by row, with openpyxl.

A file of some kilobytes can unpack to gigabytes: no part is unpacked that is larger than it may be, and no row is held
longer than until the next one comes. `load_workbook` itself reads sheets from end to end that do not say how large they
are, so that its steps are taken here one by one.
"""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import IO, Any
from xml.etree.ElementTree import Element, XMLPullParser

from msgspec import Struct
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from listrak_sms_cli.audience.cell_errors import MARK
from listrak_sms_cli.audience.source.number_format import show_elapsed, show_plain, show_zeros, without_filling

_SHEET_LIMIT, _TEXTS_LIMIT, _PART_LIMIT = 4 << 30, 256 << 20, 8 << 20  # bytes, unpacked
_ROW_LIMIT = 8 << 20  # bytes of XML
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14  # of a sheet, in Excel
_PIECE = 64 << 10  # bytes unpacked at once
_TEXTS_TAG, _TEXT_TAG = f"{{{SHEET_MAIN_NS}}}sst", f"{{{SHEET_MAIN_NS}}}si"
_TRUE = ("1", "true")
_show_usual = show_elapsed()
Cells = list[tuple[int, str | None]]  # index of the column, text; None for a formula that nobody has calculated


class Row(Struct, frozen=True):
    """The filled cells of a row; `number` is that of the sheet. `hidden`: by a filter, by a closed group or by hand."""

    number: int
    cells: Cells
    hidden: bool


class TooLargeError(Exception):
    """The workbook would fill the memory. Its text says which limit it breaks."""


class Sheet(Struct, frozen=True):
    """A sheet of cells, and the name of its part."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An open workbook. Raises TooLargeError, and where it is damaged whatever openpyxl raises."""

    def __init__(self, file: IO[bytes]) -> None:
        reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        self._archive = reader.archive = _Archive(file)
        reader.read_manifest()
        reader.read_workbook()
        apply_stylesheet(self._archive, reader.wb)
        self._book = reader.wb
        self.sheets = [
            Sheet(sheet.name, relation.target, sheet.state != "visible")
            for sheet, relation in reader.parser.find_sheets()
            if relation.Type.endswith("/worksheet")
        ]
        codes = self._codes()
        show_zeros_of = cache(show_zeros)
        self._zeros = {number: show for number, code in codes.items() if (show := show_zeros_of(code))}
        self._elapsed = {number: show_elapsed(codes[number]) for number in self._book._timedelta_formats}
        self._archive.limit = _TEXTS_LIMIT
        texts = reader.package.find(SHARED_STRINGS)
        items = self._elements(texts.PartName[1:], _TEXT_TAG, _TEXTS_TAG) if texts is not None else ()
        self._texts = [Text.from_tree(item).content for item in items]
        self._archive.limit = _SHEET_LIMIT

    def rows(self, sheet: Sheet, phone_in: Callable[[Cells], int | None] = lambda _header: None) -> Iterator[Row]:
        """All rows, hidden ones too. Numbers are as the sheet shows them where their format is one of zeros, else
        without `.0`; dates are ISO dates, with the time of day where there is one; elapsed time is as the sheet shows
        it; errors have MARK.

        `phone_in`: from the first filled cells to the index of the column of phones, which zeros do not fill up."""
        book, phone, is_header = self._book, None, True
        parser = WorkSheetParser(None, self._texts, True, book.epoch, book._date_formats, book._timedelta_formats)
        for row in self._elements(sheet.part, ROW_TAG, DATA_TAG):
            number, cells = parser.parse_row(row)
            parser.row_dimensions.clear()
            if not 0 < number <= _MOST_ROWS or any(cell["column"] > _MOST_COLUMNS for cell in cells):
                raise ValueError
            texts = [self._text(cell, element, phone) for cell, element in zip(cells, row, strict=True)]
            filled = [(cell["column"] - 1, text) for cell, text in zip(cells, texts, strict=True) if text != ""]
            if filled and is_header:
                phone, is_header = phone_in(filled), False
            yield Row(number, filled, row.get("hidden") in _TRUE)

    def _text(self, cell: dict[str, Any], element: Element, phone: int | None) -> str | None:
        value, kind = cell["value"], cell["data_type"]
        show = _SHOW[kind]
        if value is None:
            is_empty_text = kind == "str" and element.find(VALUE_TAG) is not None
            return None if element.find(FORMULA_TAG) is not None and not is_empty_text else ""
        if kind == "n" and (show_number := self._zeros.get(cell["style_id"])):
            shown = show_number(value)
            return without_filling(shown, value) if cell["column"] - 1 == phone else shown
        if isinstance(value, datetime.timedelta):
            return self._elapsed.get(cell["style_id"], _show_usual)(value)
        return show(value)

    def _codes(self) -> dict[int, str]:
        """The number format of each cell style."""
        codes = BUILTIN_FORMATS | dict(enumerate(self._book._number_formats, BUILTIN_FORMATS_MAX_SIZE))
        return {number: codes.get(style.numFmtId, "") for number, style in enumerate(self._book._cell_styles)}

    def _elements(self, part: str, tag: str, parent_tag: str) -> Iterator[Element]:
        """The elements of that tag in their parent, each until the next one is asked for."""
        parser: Any = XMLPullParser(("start", "end"))
        parent, waiting = None, 0
        with self._archive.open(part) as file:
            while piece := file.read(_PIECE):
                waiting += len(piece)
                if waiting > _ROW_LIMIT:
                    raise TooLargeError(f"it holds a row of more than {_ROW_LIMIT >> 20} MiB")
                parser.feed(piece)
                for event, element in parser.read_events():
                    if event == "start":
                        parent = element if element.tag == parent_tag else parent
                    elif element.tag == tag and parent is not None:
                        yield element
                        parent.clear()
                        waiting = 0
                    elif element.tag == parent_tag:
                        return
        raise ValueError  # the part is of another kind (“Strict Open XML” names its elements otherwise)


class _Archive(zipfile.ZipFile):
    """A zip archive whose parts are not unpacked where they would become larger than `limit`."""

    limit = _PART_LIMIT

    def open(self, name: Any, *arguments: Any, **named: Any) -> IO[bytes]:
        """As in ZipFile, which unpacks no more bytes than the archive's directory says."""
        if self.getinfo(name).file_size > self.limit:
            raise TooLargeError(f"a part of it unpacks to more than {self.limit >> 20:,} MiB")
        return super().open(name, *arguments, **named)


def _show_date(value: datetime.datetime | datetime.date | datetime.time) -> str:
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)


def _show_text(value: str) -> str:
    """The text without the marks of control characters (`_x000D_`); two of them may be one character."""
    return unescape(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "_x" in value else value


_SHOW: dict[str, Callable[[Any], str]] = {  # by the kind of a cell, as openpyxl calls it
    "n": show_plain,
    **dict.fromkeys(("s", "str", "inlineStr"), _show_text),
    "d": _show_date,
    "b": lambda value: "true" if value else "false",
    "e": lambda value: MARK + str(value),
}
