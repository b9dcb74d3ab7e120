"""The lines of `lsms check` and `lsms init`: a mark, what was checked, what was found, aligned."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tables import show
from listrak_sms_cli.display.words import printable

_NAME = 15  # cells of the names; "profile fields" is the longest
_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}
_PLAIN_MARKS = {True: "ok", False: "NO", None: "--"}  # where the terminal has no others


def draw_checks(lines: Sequence[tuple[bool | None, str, str, str]], console: Console) -> None:
    """Write lines of (mark, name, detail, dim remark); one without a name goes on with the line above. Long
    details go on under themselves; the remarks are a column where they fit. In a pipe a line is a line."""
    plain = not _can_write("✓✗·", console)
    remarks = max(cell_len(printable(remark)) for _, _, _, remark in lines)
    room = console.width - (5 if plain else 4) - _NAME if console.is_terminal else 4000
    remarked = [cell_len(printable(detail)) for _, _, detail, remark in lines if remark]
    pad = max((length for length in remarked if length + 2 + remarks <= room), default=0)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2 if plain else 1)
    grid.add_column(width=_NAME, no_wrap=True)
    grid.add_column(overflow="fold")
    for mark, name, detail, remark in lines:
        sign, style = _MARKS[mark]
        text = Text(printable(detail))
        if remark:
            text.append(" " * (max(0, pad - text.cell_len) + 2)).append(printable(remark), "dim")
        sign = _PLAIN_MARKS[mark] if plain else sign
        grid.add_row(Text(sign if name else "", style), Text(printable(name)), text)
    show(console, grid)


def _can_write(text: str, console: Console) -> bool:
    try:
        text.encode(getattr(console.file, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
