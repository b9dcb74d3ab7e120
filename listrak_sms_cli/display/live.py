"""The live display of a terminal: a bar for each phase, members sent and dropped as they grow, imports and states.

Events only store numbers; rich's own thread draws, eight times a second, and sleeps in between (a spinning Python
thread beside the workers would slow them).
"""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tally import PhaseTally, Tally
from listrak_sms_cli.display.words import duration, many, members, plain, rate, size
from listrak_sms_cli.runs.events import Event, Phase, RunStarted, Warned

PER_SECOND = 8
_IMPORTS_SHOWN = 4


class Live:
    def __init__(self, stream: TextIO) -> None:
        self._tally = Tally()
        self._console = Console(file=stream, highlight=False)
        self._live = RichLive(
            _Screen(self._tally),
            console=self._console,
            refresh_per_second=PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event, /) -> None:
        self._tally.take(event)
        if isinstance(event, RunStarted):
            self._console.print(_heading(event, self._console.width))
        elif isinstance(event, Warned):
            self._console.print(Text.assemble(("! ", "yellow"), plain(event.message)))


def _heading(started: RunStarted, width: int) -> Text:
    audience = plain(started.audience, max(20, width - 60))
    line = Text.assemble((audience, "bold"), (f"  {plain(started.described)}", "dim"), " → ", plain(started.target))
    if started.dry_run:
        line.append("  nothing will be sent", "yellow")
    return line


class _Screen:
    """Draws the tally as it is at that moment."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        tally, now = self._tally, time.monotonic()
        phases = list(tally.phases.values())
        if not phases:
            return
        wide = options.max_width >= 100
        bars = Table.grid(padding=(0, 1))
        bars.add_column(width=10)
        bars.add_column(width=30 if wide else 20)
        bars.add_column(justify="right", width=4)
        bars.add_column(no_wrap=True, overflow="ellipsis")
        for phase in phases:
            bars.add_row(*self._bar(phase, now))
        yield bars
        yield self._counts()
        yield from self._imports(max(0, min(_IMPORTS_SHOWN, console.height - len(phases) - 5)))
        if tally.retry is not None:
            retry = tally.retry
            yield Text(f"{retry.what}: {retry.reason}; trying again in {duration(retry.wait)}", "yellow")

    def _bar(self, phase: PhaseTally, now: float) -> tuple[Text, ProgressBar | Text, Text, Text]:
        ended = phase.ended is not None
        name = Text(phase.phase.value, "bold" if not ended else "")
        unknown = not phase.total and not ended
        bar = ProgressBar(
            total=None if unknown else 1.0,
            completed=phase.share,
            pulse=unknown,
            complete_style="cyan",
            finished_style="green",
        )
        share = Text(f"{100 * phase.share:3.0f}%")
        words = [self._pace(phase, now)]
        left = phase.left(now)
        words.append(duration(phase.seconds(now)) if ended else "" if left is None else f"{duration(left)} left")
        return name, bar, share, Text(" · ".join(word for word in words if word), "dim")

    def _pace(self, phase: PhaseTally, now: float) -> str:
        seconds, tally = phase.seconds(now), self._tally
        match phase.phase:
            case Phase.READING:
                return f"{members(tally.read)} · {rate(tally.read, seconds)}"
            case Phase.CHECKING:
                count = int(tally.read * phase.share)
                return f"{members(count)} · {rate(count, seconds)}"
            case Phase.SENDING:
                return f"{size(phase.done)} · {size(phase.done / seconds if seconds else 0)}/s"
        return f"{phase.done:,} of {phase.total:,} {phase.unit}" if phase.total else f"{phase.done:,} {phase.unit}"

    def _counts(self) -> Text:
        tally = self._tally
        dropped = sum(tally.dropped.values())
        of = f" of {tally.sendable:,}" if tally.sendable is not None else ""
        line = Text.assemble("sent ", (f"{tally.sent:,}", "bold green"), (of, "dim"), "   dropped ")
        line.append(f"{dropped:,}", "bold yellow" if dropped else "bold")
        if told := [f"{reason} {count:,}" for reason, count in tally.dropped.items() if count]:
            line.append(f"  ({', '.join(told)})", "dim")
        return line

    def _imports(self, most: int) -> list[Text]:
        seen = list(self._tally.imports.values())
        if not seen or most <= 0:
            return []
        states = Counter(plain(one.state) for one in seen)
        waiting = self._tally.planned_imports - len(seen)
        told = [f"{count:,} {state}" for state, count in states.most_common(4)]
        told += [f"{waiting:,} not sent"] if waiting > 0 else []
        lines = [Text.assemble(f"{many(len(seen) + max(0, waiting), 'import file')}: ", (", ".join(told), "dim"))]
        for one in [one for one in seen if not one.ended][-most:]:
            style = "red" if one.failed else "dim"
            lines.append(Text(f"  {plain(one.file_name, 44)}  {members(one.rows)}  {plain(one.state, 20)}", style))
        return lines
