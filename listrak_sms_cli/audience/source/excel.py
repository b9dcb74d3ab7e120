"""Excel workbooks through python-calamine, which the extra `excel` brings."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.source.arrow import ArrowPart, TextBatch
from listrak_sms_cli.audience.source.content import Content, Spool
from listrak_sms_cli.errors import AudienceError

_BLOCK_ROWS = 8192
_BLANK = (None, "")


def open_workbook(content: Content, sheet: str | None, spool: Spool) -> ArrowPart:
    """The first sheet, or `sheet`, as text: whole numbers without `.0`, dates ISO with the time of day behind them
    where there is one. Rows are numbered as the sheet numbers them; rows without a cell are left out.

    A sheet's cells are Python objects by nature; they become columns block by block. Raises AudienceError:
    `extra_missing`, `bad_workbook`, `unknown_sheet`, `empty_file`.
    """
    chosen, rows = _cells(content, sheet)
    header = next((at for at, row in enumerate(rows) if _is_filled(row)), None)
    if header is None:
        raise AudienceError(
            f"{content.name}: the sheet “{chosen}” is empty.", hint="Name another with --sheet.", code="empty_file"
        )
    width = max(_width(row) for row in rows[header:])
    columns = tuple(_shown(cell) or "" for cell in rows[header][:width])
    batches = _batches(rows, header + 1, width)
    described = f"Excel, sheet “{chosen}”"
    part = ArrowPart(content.name, described, columns, batches, spool, mtime_ns=content.mtime_ns)
    content.check_unchanged()
    return part


def _cells(content: Content, sheet: str | None) -> tuple[str, list[list[Any]]]:
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
        with content.reader() as reader:
            workbook = python_calamine.load_workbook(reader)
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


def _batches(rows: Sequence[Sequence[Any]], start: int, width: int) -> Iterator[TextBatch]:
    for first in range(start, len(rows), _BLOCK_ROWS):
        block = rows[first : first + _BLOCK_ROWS]
        filled = [at for at, row in enumerate(block) if _is_filled(row)]
        columns = [pa.array([_shown(block[at][column]) for at in filled], pa.string()) for column in range(width)]
        numbers = np.array(filled, np.int64) + first + 1
        yield TextBatch(columns, len(filled), first + 1, numbers)


def _is_filled(row: Sequence[Any]) -> bool:
    return any(cell not in _BLANK for cell in row)


def _width(row: Sequence[Any]) -> int:
    """Columns up to the last with a cell in it: sheets often end in formatted emptiness."""
    return max((at + 1 for at, cell in enumerate(row) if cell not in _BLANK), default=0)


def _shown(cell: Any) -> str | None:
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
