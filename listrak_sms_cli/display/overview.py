"""`lsms --help`: the list of commands. Typer's own page would double the time that `lsms --help` takes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tables import show

Rows = Sequence[tuple[str, str]]


def draw_overview(usage: str, what: Sequence[str], sections: Sequence[tuple[str, Rows]], console: Console) -> None:
    """`sections`: a head, and words with their explanations, which are wrapped where the terminal is narrow."""
    things: list[Text | Table] = [Text.assemble(("Usage: ", "bold"), usage), Text()]
    things += [Text(line) for line in what]
    for head, rows in sections:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column()
        for word, line in rows:
            grid.add_row(Text(f"  {word}", "bold cyan"), Text(line))
        things += [Text(), Text(head, "bold"), grid]
    show(console, *things)
