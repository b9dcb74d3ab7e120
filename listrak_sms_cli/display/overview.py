"""The pages of help: `lsms --help` and `lsms COMMAND --help`. Typer's own would double the time that they take."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tables import show

Rows = Sequence[tuple[str, str]]
_WORDS = ((100, 44), (80, 28), (0, 20))  # on a terminal of so many cells: cells before the explanations, at most
_WIDEST = 110  # cells of a line that is read with ease


def draw_overview(usage: str, what: Sequence[str], sections: Sequence[tuple[str, Rows]], console: Console) -> None:
    """`sections`: a head, and words with their explanations, which are wrapped where the terminal is narrow; words that
    are too long stand on a line of their own."""
    if console.is_terminal:
        console.width = min(console.width, _WIDEST)
    most = next(cells for width, cells in _WORDS if console.width >= width or not console.is_terminal)
    things: list[Text | Table | Padding] = [Text.assemble(("Usage: ", "bold"), usage)]
    for paragraph in what:
        things += [Text(), Text(paragraph)]
    for head, rows in sections:
        things += [Text(), Text(head, "bold")]
        longest = min(most, max(cell_len(word) for word, _ in rows))
        for word, line in rows:
            beside = cell_len(word) <= longest
            grid = Table.grid(padding=(0, 2))
            grid.add_column(no_wrap=True, width=longest)
            grid.add_column()
            if not beside:
                things.append(Text(f"  {word}", "bold cyan", no_wrap=True))
            grid.add_row(Text(word if beside else "", "bold cyan"), Text(line))
            things.append(Padding(grid, (0, 0, 0, 2)))
    show(console, *things)
