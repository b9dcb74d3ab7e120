"""For cron and pipes: a plain line every few seconds, no decoration, no carriage returns."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self, TextIO

from listrak_sms_cli.display.tally import PhaseTally, Tally
from listrak_sms_cli.display.words import DOING, duration, many, members, plain, rate, reasons
from listrak_sms_cli.runs.events import (
    Event,
    ImportChanged,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    RequestRetried,
    RunStarted,
    SendablePrepared,
    Warned,
)

EVERY = 5.0  # seconds between two lines of one phase


class Plain:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tally = Tally()
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def __call__(self, event: Event, /) -> None:
        with self._lock:
            self._tally.take(event)
            line = self._line(event)
            if line:
                self._stream.write(f"lsms: {line}\n")
                self._stream.flush()
                self._last = time.monotonic()

    def _line(self, event: Event) -> str:
        match event:
            case RunStarted(run_id, audience, described, target, dry_run):
                rehearsal = ", nothing will be sent" if dry_run else ""
                return f"run {run_id}: {plain(audience)} ({plain(described)}) to {plain(target)}{rehearsal}"
            case PhaseAdvanced(phase) if time.monotonic() - self._last >= EVERY:
                return self._progress(self._tally.phases[phase])
            case PhaseEnded(phase):
                return self._end(self._tally.phases[phase])
            case SendablePrepared(sendable, imports):
                return f"{members(sendable)} to send in {many(imports, 'import file')}"
            case ImportChanged(part, _, rows, state, ended, failed) if ended or failed:
                return f"import file {part} ({members(rows)}): {plain(state)}"
            case RequestRetried(what, reason, wait):
                return f"{what}: {reason}; trying again in {duration(wait)}"
            case Warned(_, message):
                return f"warning: {plain(message)}"
        return ""

    def _progress(self, phase: PhaseTally) -> str:
        left = phase.left(time.monotonic())
        eta = f", {duration(left)} left" if left is not None else ""
        return f"{DOING[phase.phase]}: {100 * phase.share:.0f} % ({self._counts(phase)}{eta})"

    def _end(self, phase: PhaseTally) -> str:
        seconds = phase.seconds(time.monotonic())
        line = f"{DOING[phase.phase]}: done in {duration(seconds)} ({self._counts(phase)})"
        if phase.phase is Phase.CHECKING and (dropped := sum(self._tally.dropped.values())):
            line += f"; dropped {dropped:,}: {reasons(self._tally.dropped)}"
        return line

    def _counts(self, phase: PhaseTally) -> str:
        seconds = phase.seconds(time.monotonic())
        match phase.phase:
            case Phase.READING | Phase.CHECKING:
                known = self._tally.read
                count = known if phase.phase is Phase.READING else int(known * phase.share)
                return f"{members(count)}, {rate(count, seconds)}"
            case Phase.SENDING:
                return f"sent {self._tally.sent:,}"
        return f"{phase.done:,} of {phase.total:,} {phase.unit}"
