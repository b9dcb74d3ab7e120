"""Tables, with lines and colour on a terminal, plain columns for `grep` and `awk` elsewhere; how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.words import printable

_ENDLESS = 4000  # cells: in a pipe no line is ever wrapped or cut
_NARROWEST = 8  # cells of a column that is cut
_GAP = 2  # cells between two columns
_ASCII = str.maketrans(
    {"→": "->", "…": "...", "·": "|", "█": "#", "─": "-", "✓": "ok", "✗": "NOT OK"}
    | dict(zip("▁▂▃▄▅▆▇", "_.,-~=+", strict=True))
)


def show(console: Console, *things: RenderableType, whole: bool = False) -> None:
    """Write all at once; `whole`: lines wider than the terminal are left for it to wrap. Characters the stream cannot
    write are replaced. Raises BrokenPipeError when nobody reads (rich itself would end the process with 1)."""
    terminal = console.is_terminal
    target = console if terminal else Console(file=console.file, width=_ENDLESS, highlight=False, force_terminal=False)
    with target.capture() as captured:
        for thing in things:
            target.print(thing, soft_wrap=whole)
    text = captured.get()
    if not terminal:
        text = "".join(f"{line.rstrip(' ')}\n" for line in text.split("\n")[:-1])
    encoding = getattr(console.file, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    console.file.write(text)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Write rows of text under their heads. On a terminal long cells are cut to its width, not numbers and the first
    column; elsewhere every cell is whole and there is no title."""
    cells = [[printable(cell) for cell in row] for row in rows]
    grid = columns(heads, cells, console, keep=1)
    if not console.is_terminal:
        show(console, grid)
    elif cells:
        show(console, Text(printable(title), "bold"), grid)
    else:
        show(console, Text(f"{printable(title)}: none"))


def columns(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    console: Console,
    *,
    keep: int = 0,
    styles: Mapping[str, str] | None = None,
) -> Table:
    """A rich table of printable text; `styles`: by head, of its cells but `0`. On a terminal the widest columns are cut
    until it fits: not the first `keep`, not those of numbers, which are aligned to the right."""
    terminal = console.is_terminal
    ruled = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n") if terminal else None
    grid = Table(box=ruled, show_edge=False, pad_edge=False, padding=(0, _GAP - (ruled is not None), 0, 0))
    numeric = [_is_numeric([row[n] for row in rows]) for n in range(len(heads))]
    widths = []
    for n, head in enumerate(heads):
        words = head.split() if terminal and numeric[n] else [head]  # such a head may stand on several lines
        widths.append(max(cell_len(text) for text in (*words, *(row[n] for row in rows))))
    if terminal:
        may_shrink = [n for n in range(keep, len(heads)) if not numeric[n]]
        widths = _fitted(widths, console.width - _GAP * (len(widths) - 1), may_shrink)
    for head, width, right in zip(heads, widths, numeric, strict=True):
        shown = Text(head if right else printable(head, width), "dim")
        grid.add_column(shown, justify="right" if right else "left", width=width, vertical="bottom")
    for row in rows:
        cells = (printable(cell, width) for cell, width in zip(row, widths, strict=True))
        drawn = [
            Text(cell, (styles or {}).get(head, "") * (cell != "0"), no_wrap=True)
            for head, cell in zip(heads, cells, strict=True)
        ]
        grid.add_row(*drawn)
    return grid


def _is_numeric(cells: Sequence[str]) -> bool:
    return any(cells) and all(cell.replace(",", "").isdigit() for cell in cells if cell)


def _fitted(widths: list[int], room: int, may_shrink: list[int]) -> list[int]:
    """The widths, the widest that may shrink reduced until all fit, or until none can be reduced further."""
    widths = list(widths)
    while sum(widths) > room:
        widest = max(may_shrink, key=lambda n: widths[n], default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths
