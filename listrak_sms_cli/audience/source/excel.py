"""Read Excel workbooks with python-calamine, which the extra `excel` installs."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.source.arrow import ArrowReader, TextStream
from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.reader import Rows
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.errors import AudienceError

_CHUNK_ROWS = 8192
_BLANK = (None, "")


def open_workbook(content: Content, sheet: str | None, spool: SourceSpool) -> ArrowReader:
    """Read the first sheet, or `sheet`, as text: whole numbers without `.0`, dates as ISO dates, with the time of day
    where there is one. Row numbers are those of the sheet; rows without a cell are left out.

    The cells of a sheet come as Python objects, and become columns chunk by chunk. Raises AudienceError:
    `extra_missing`, `bad_workbook`, `unknown_sheet`, `empty_file`, and what ArrowReader raises.
    """
    chosen, rows = _read_sheet(content, sheet)
    header = next((index for index, row in enumerate(rows) if _is_filled(row)), None)
    if header is None:
        raise AudienceError(
            f"{content.name}: the sheet “{chosen}” is empty.", hint="Name another with --sheet.", code="empty_file"
        )
    width = max(_width(row) for row in rows[header:])
    columns = tuple(_cell_text(cell) or "" for cell in rows[header][:width])
    batches = _text_batches(rows, header + 1, width)
    stream = TextStream(content.name, f"Excel, sheet “{chosen}”", columns, batches, mtime_ns=content.mtime_ns)
    reader = ArrowReader(stream, spool)
    content.check_unchanged()
    return reader


def _read_sheet(content: Content, sheet: str | None) -> tuple[str, list[list[Any]]]:
    """The sheet's name and its rows from the first one on, all as wide as the widest."""
    try:
        import python_calamine
    except ImportError:
        raise AudienceError(
            f"{content.name} is an Excel workbook, and the package that reads it is not installed.",
            hint="Install it with: pip install 'listrak-sms-cli[excel]'. Or save the sheet as CSV.",
            code="extra_missing",
        ) from None
    try:
        with content.open() as file:
            workbook = python_calamine.load_workbook(file)
            names: list[str] = list(workbook.sheet_names)
            chosen = names[0] if sheet is None else next((n for n in names if n.casefold() == sheet.casefold()), None)
            if chosen is not None:
                return chosen, workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except Exception:  # calamine's errors have no common base
        raise AudienceError(
            f"{content.name} cannot be read as an Excel workbook: it is damaged or has a password.",
            hint="Save it again without a password, or as CSV.",
            code="bad_workbook",
        ) from None
    raise AudienceError(
        f"{content.name} has no sheet of that name.", hint=f"Its sheets are: {', '.join(names)}.", code="unknown_sheet"
    )


def _text_batches(rows: Sequence[Sequence[Any]], start: int, width: int) -> Iterator[Rows]:
    for first in range(start, len(rows), _CHUNK_ROWS):
        chunk = rows[first : first + _CHUNK_ROWS]
        filled = [index for index, row in enumerate(chunk) if _is_filled(row)]
        columns = [pa.array([_cell_text(chunk[row][column]) for row in filled], pa.string()) for column in range(width)]
        yield Rows(columns, len(filled), first + 1, np.array(filled, np.int64) + first + 1)


def _is_filled(row: Sequence[Any]) -> bool:
    return any(cell not in _BLANK for cell in row)


def _width(row: Sequence[Any]) -> int:
    """Columns up to the last filled cell: sheets often end in empty columns that are formatted."""
    return max((column + 1 for column, cell in enumerate(row) if cell not in _BLANK), default=0)


def _cell_text(cell: Any) -> str | None:
    if cell in _BLANK:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(np.format_float_positional(cell, trim="-"))
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
