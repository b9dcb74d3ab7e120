"""How the pushes of an audience have changed: a line of bars for its members, and for each column how much of it was
filled."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tables import show
from listrak_sms_cli.display.words import many, printable
from listrak_sms_cli.runs import Trend

_SHOWN = 30  # pushes, the last ones
_BARS = "▁▂▃▄▅▆▇█"


def draw_trends(trends: Sequence[Trend], console: Console) -> None:
    """Write a chart for each sender code. Raises BrokenPipeError when nobody reads."""
    for trend in trends:
        points = trend.points[-_SHOWN:]
        title = f"Sender code {trend.sender_code}, the last {many(len(points), 'good push', 'good pushes')}"
        chart = Table.grid(padding=(0, 2))
        rows = [point.rows for point in points]
        chart.add_row("members", Text(_bars(rows, max(rows)), "cyan"), f"{rows[0]:,} → {rows[-1]:,}")
        for column in dict.fromkeys(name for point in points for name in point.filled):
            shares = [point.filled.get(column) for point in points]
            chart.add_row(printable(column, 24), Text(_bars(shares, 1.0), "cyan"), _ends(shares))
        show(console, Text(), Text(title, "bold"), chart)


def _bars(amounts: Sequence[float | None], most: float) -> str:
    """A bar for each amount, of eight heights; a blank where there is none."""
    top = len(_BARS) - 1
    return "".join(" " if a is None else _BARS[round(top * a / most) if most else 0] for a in amounts)


def _ends(shares: Sequence[float | None]) -> str:
    first, last = ("no such column" if share is None else f"{100 * share:.1f} %" for share in (shares[0], shares[-1]))
    return f"{first} → {last} filled" if last[0].isdigit() else f"{first} → {last}"
