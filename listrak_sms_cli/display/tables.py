"""Tables, with lines and colour on a terminal, plain columns for `grep` and `awk` elsewhere; how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from listrak_sms_cli.display.words import printable

_ENDLESS = 4000  # cells: in a pipe no line is ever wrapped or cut
_NARROWEST = 16  # cells of a column that is cut
_GAP = 2  # cells between two columns
INDENT = 2  # cells before what goes on of a row
_ASCII = str.maketrans(
    {"→": "->", "…": "...", "·": "|", "█": "#", "─": "-", "✓": "ok", "✗": "NOT OK"}
    | dict(zip("▁▂▃▄▅▆▇", "_.,-~=+", strict=True))
    | dict.fromkeys("▏▎▍▌▋▊▉", "#")
)


def show(console: Console, *things: RenderableType, whole: bool = False) -> None:
    """Write all at once; `whole`: lines wider than the terminal are left for it to wrap. Characters the stream cannot
    write are replaced. Raises BrokenPipeError when nobody reads (rich itself would end the process with 1)."""
    terminal = console.is_terminal
    # Not with the stream itself: rich would flush it, and end the process when nobody reads.
    target = console if terminal else Console(file=StringIO(), width=_ENDLESS, highlight=False, force_terminal=False)
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
    grid = columns(heads, cells, console, whole=heads[:1])
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
    whole: Sequence[str] = (),
    styles: Mapping[str, str] | None = None,
) -> Text:
    """Rows of printable text under their heads; `styles`: by head, of its cells but `0`. On a terminal the widest
    columns are cut until all fit: not those with these `whole` heads, not those of numbers, which are aligned to the
    right. Where that is not enough a row goes on in the next line."""
    terminal = console.is_terminal
    room = console.width if terminal else _ENDLESS
    numeric = [_is_numeric([row[n] for row in rows]) for n in range(len(heads))]
    widths = [max(cell_len(text) for text in (head, *(row[n] for row in rows))) for n, head in enumerate(heads)]
    floors = [
        min(width, room - INDENT if numeric[n] or heads[n] in whole else max(_NARROWEST, cell_len(heads[n])))
        for n, width in enumerate(widths)
    ]
    lines = _folded(floors, room)
    for line in lines:
        narrowed = fitted([widths[n] for n in line], [floors[n] for n in line], room - INDENT * (line is not lines[0]))
        for n, width in zip(line, narrowed, strict=True):
            widths[n] = width

    def drawn(row: Sequence[str], style_of: Callable[[int], str]) -> Iterator[Text]:
        for line in lines:
            cells = []
            for n in line:
                cell = printable(row[n], widths[n])
                blanks = " " * (widths[n] - cell_len(cell))
                cells.append(Text.assemble(blanks * numeric[n], (cell, style_of(n)), blanks * (not numeric[n])))
            yield Text(" " * INDENT * (line is not lines[0])) + Text(" " * _GAP).join(cells)

    shown = list(drawn(heads, lambda _: "dim"))
    if terminal:
        shown.append(Text("─" * max(line.cell_len for line in shown)))
    for row in rows:
        shown += drawn(row, lambda n, row=row: (styles or {}).get(heads[n], "") * (row[n] != "0"))  # type: ignore[misc]
    return Text("\n", no_wrap=True, overflow="ignore").join(shown)


def _is_numeric(cells: Sequence[str]) -> bool:
    return any(cells) and all(cell.replace(",", "").isdigit() for cell in cells if cell)


def _folded(floors: Sequence[int], room: int) -> list[list[int]]:
    """The columns, by their places, that each line of a row has: as many as fit at these widths."""
    lines: list[list[int]] = [[]]
    for n, floor in enumerate(floors):
        used = sum(floors[other] + _GAP for other in lines[-1]) + INDENT * (len(lines) > 1)
        if lines[-1] and used + floor > room:
            lines.append([])
        lines[-1].append(n)
    return lines


def fitted(widths: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """The widths, the widest reduced, none below its floor, until all fit."""
    widths, gaps = list(widths), _GAP * (len(widths) - 1)
    while sum(widths) + gaps > room and (may_shrink := [n for n in range(len(widths)) if widths[n] > floors[n]]):
        widths[max(may_shrink, key=lambda n: widths[n])] -= 1
    return widths
