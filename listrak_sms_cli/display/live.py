"""The live display of a terminal: a bar for each phase, members sent and dropped as they grow, imports and states.

Events only store numbers; rich's own thread draws eight times a second and sleeps in between, so that it does not slow
the threads that work. Every line is cut at the edge, so the height is known and a resize leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.silent import Display
from listrak_sms_cli.display.tally import PhaseTally, Tally
from listrak_sms_cli.display.words import by_count, duration, many, members, printable, rate, reasons, size
from listrak_sms_cli.runs import Event, ImportChanged, Phase, RunStarted

PER_SECOND = 8
_WARNINGS_SHOWN, _IMPORTS_SHOWN = 3, 4


class Live(Display):
    """Draws on `stream`, a terminal, and leaves the last state there. While the run works the latest warnings are
    shown. `summary`: one follows, which has the warnings and the counts, so that neither is left here."""

    def __init__(self, stream: TextIO, *, summary: bool) -> None:
        self._tally = Tally()
        self._console = Console(file=stream, highlight=False)
        shape = "dots" if self._console.encoding.startswith("utf") else "line"
        self._screen = _Screen(self._tally, Spinner(shape, Text("Getting ready", "dim"), style="cyan"), summary=summary)
        self._live = RichLive(
            self._screen,
            console=self._console,
            refresh_per_second=PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._screen.working = False
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The bars give way to a question, and come back after it."""
        self._live.transient = True
        self._live.stop()
        try:
            yield
        finally:
            self._live.transient = False
            self._live.start()

    def __call__(self, event: Event, /) -> None:
        """Keep the event for the next drawing."""
        self._tally.take(event)
        if isinstance(event, RunStarted):
            for line in _heading(event, self._console.width):
                self._console.print(line, no_wrap=True, overflow="ellipsis")


def _heading(started: RunStarted, width: int) -> list[Text]:
    """What goes where, in as few lines as hold it."""
    described = printable(started.described)
    audience = printable(started.audience, max(16, width - len(described) - 2))
    lines = [Text.assemble((audience, "bold"), (f"  {described}", "dim"))]
    rest = [Text.assemble(("→ ", "dim"), printable(started.target))]
    if started.dry_run:
        rest.append(Text("dry run: nothing will be sent", "yellow"))
    for part in rest:
        beside = Text.assemble(lines[-1], "  ", part)
        lines = [*lines[:-1], beside] if beside.cell_len <= width else [*lines, part]
    return lines


class _Screen:
    """Draws the tally as it is at that moment."""

    def __init__(self, tally: Tally, spinner: Spinner, *, summary: bool) -> None:
        self._tally = tally
        self._spinner = spinner
        self._summary = summary
        self.working = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now, phases = time.monotonic(), list(self._tally.phases.values())
        shown: list[RenderableType] = []
        if self.working or not self._summary:
            latest = self._tally.warnings[-_WARNINGS_SHOWN if self.working else 0 :]
            shown.extend(_line(Text.assemble(("! ", "yellow"), printable(warning.message))) for warning in latest)
        if phases:
            shown.append(self._bars(phases, now, options.max_width))
        elif self.working:
            shown.append(self._spinner)
        if (self.working or not self._summary) and (self._tally.read or self._tally.sent is not None):
            rows = console.height - len(phases) - len(shown) - 7
            shown.append(self._counts(max(0, min(_IMPORTS_SHOWN, rows)), options.max_width))
        if (retry := self._tally.retry) is not None and self.working and now < self._tally.retry_at + 1:
            wait = max(0.0, self._tally.retry_at - now)
            again = f"trying again in {duration(wait)}" if wait else "trying again"
            rest = f": {printable(retry.reason)}; {again}"
            what = printable(retry.what, max(12, options.max_width - len(rest)))
            shown.append(_line(Text(what + rest, "yellow")))
        yield from shown

    def _bars(self, phases: list[PhaseTally], now: float, width: int) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(min_width=10, no_wrap=True)
        grid.add_column(width=30 if width >= 100 else 20 if width >= 70 else 8)
        grid.add_column(justify="right", min_width=5, no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for phase in phases:
            ended, share, left = phase.ended is not None, phase.share, phase.left(now)
            bar = ProgressBar(
                total=1.0,
                completed=share or 0.0,
                pulse=share is None and not ended,
                complete_style="cyan",
                finished_style="green" if phase.complete else "cyan",
            )
            clock = f"{duration(left)} left" if left else ""
            if ended:
                clock = f"{'in' if phase.complete else 'stopped after'} {duration(phase.seconds(now))}"
            words = " · ".join(word for word in (*self._pace(phase, now), clock) if word)
            name = Text(phase.phase.value, "" if ended else "bold")
            grid.add_row(name, bar, Text("" if share is None else f"{100 * share:.0f} %"), Text(words, "dim"))
        return grid

    def _pace(self, phase: PhaseTally, now: float) -> list[str]:
        seconds = phase.seconds(now)
        if phase.phase in (Phase.READING, Phase.CHECKING):
            count = self._tally.checked(phase)
            return [members(count), rate(count, seconds)]
        if phase.unit == "bytes":
            return [size(phase.done), f"{size(phase.done / seconds if seconds > 0 else 0)}/s"]
        of = f" of {phase.total:,}" if phase.total else ""
        return [f"{phase.done:,}{of} {phase.unit}"]

    def _counts(self, imports: int, width: int) -> Table:
        """sent, dropped, import files: a number and what there is to say about it."""
        tally = self._tally
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=9)
        grid.add_column(justify="right", min_width=9)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        if tally.sent is not None or tally.sendable is not None:
            of = f"of {members(tally.sendable)}" if tally.sendable is not None else ""
            grid.add_row("sent", Text(f"{tally.sent or 0:,}", "bold green"), Text(of, "dim"))
        dropped = tally.rows_dropped
        why = _that_fit(reasons(tally.dropped), width - 22)
        grid.add_row("dropped", Text(f"{dropped:,}", "bold yellow" if dropped else ""), Text(why, "dim"))
        begun = list(tally.imports.values())
        if begun:
            waiting = max(0, tally.planned_imports - len(begun))
            states = by_count([each.state for each in begun] + ["not sent"] * waiting)
            grid.add_row("imports", f"{len(begun) + waiting:,}", Text(states, "dim"))
        for each in _worth_showing(begun, imports) if self.working else []:
            line = f"{printable(each.state, 14)} · file {each.part} · {members(each.rows)}"
            grid.add_row("", "", Text(line, "red" if each.failed else "dim"))
        return grid


def _worth_showing(imports: list[ImportChanged], most: int) -> list[ImportChanged]:
    """The imports that failed and those under way, failures first, in the order of their parts."""
    chosen = [each for each in imports if each.failed or not (each.ended or each.state == "accepted")]
    return sorted(chosen, key=lambda each: (not each.failed, each.part))[:most]


def _that_fit(words: list[str], width: int) -> str:
    for count in range(len(words), 0, -1):
        rest = f" · {len(words) - count} more" if count < len(words) else ""
        line = " · ".join(words[:count]) + rest
        if len(line) <= width:
            return line
    return many(len(words), "reason") if words else ""


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
