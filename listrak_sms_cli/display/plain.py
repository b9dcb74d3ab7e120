"""Progress for cron and pipes: a plain line every few seconds, no decoration, no carriage returns."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Self, TextIO

from listrak_sms_cli.display.silent import Display
from listrak_sms_cli.display.tally import PhaseTally, Tally
from listrak_sms_cli.display.words import duration, many, members, printable, rate, reasons
from listrak_sms_cli.runs import (
    NOTES,
    Event,
    ImportChanged,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    RequestRetried,
    RunStarted,
    SendablePrepared,
    Warned,
)

EVERY = 5.0  # seconds between two lines of progress


def warning(code: str, message: str) -> str:
    """The line of a warning, or of a note."""
    return f"{'note' if code in NOTES else 'warning'}: {printable(message)} [{code}]"


class Plain(Display):
    """Writes to `stream`; lines of progress `every` so many seconds. When the reader of a pipe has gone nothing more is
    written, and the run goes on. `summary`: one follows, which has the warnings."""

    def __init__(self, stream: TextIO, every: float = EVERY, *, summary: bool = False) -> None:
        self._stream = stream
        self._summary = summary
        self._every = every
        self._tally = Tally()
        self._lock = threading.Lock()
        self._next = 0.0
        self._read = True

    def __enter__(self) -> Self:
        self._next = time.monotonic() + self._every
        return self

    def __call__(self, event: Event, /) -> None:
        """Write the event's line, if it has one."""
        with self._lock:
            self._tally.take(event)
            if self._read and (line := self._line(event)):
                self._write(f"lsms: {line}\n")

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError:
            self._read = False
            self._discard()
        self._next = time.monotonic() + self._every

    def _discard(self) -> None:
        # What is still buffered would fail again when Python ends, and change the exit code.
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)

    def _line(self, event: Event) -> str:
        match event:
            case PhaseAdvanced(phase):
                due = time.monotonic() >= self._next and phase in self._tally.phases
                return self._progress(self._tally.phases[phase]) if due else ""
            case PhaseStarted(Phase.FILLING):
                return "a sandbox is started, and filled with contacts of the audience"
            case RunStarted(run_id, audience, described, target, dry_run):
                rehearsal = "; dry run, nothing will be sent" if dry_run else ""
                return f"run {run_id}: {printable(audience)} ({printable(described)}) to {printable(target)}{rehearsal}"
            case PhaseEnded(phase) if phase in self._tally.phases:
                return self._end(self._tally.phases[phase])
            case SendablePrepared(sendable, imports):
                how = f"in {many(imports, 'import file')}" if imports or not sendable else "one by one"
                return f"{members(sendable)} to send {how}"
            case ImportChanged(part, _, rows, state, ended, failed) if ended or failed:
                return f"import file {part} ({members(rows)}): {printable(state)}"
            case RequestRetried(what, reason, wait):
                return f"{printable(what)}: {printable(reason)}; trying again in {duration(wait)}"
            case Warned(code, message) if not self._summary:
                return warning(code, message)
        return ""

    def _progress(self, phase: PhaseTally) -> str:
        share, left = phase.share, phase.left(time.monotonic())
        how_far = f"{100 * share:.0f} % ({self._counts(phase)}" if share is not None else f"({self._counts(phase)}"
        return f"{phase.phase.value.lower()}: {how_far}{f', {duration(left)} left' if left is not None else ''})"

    def _end(self, phase: PhaseTally) -> str:
        seconds = phase.seconds(time.monotonic())
        broken_off = "not ended" if phase.phase is Phase.IMPORTING else "stopped"
        done = f"done in {duration(seconds)}" if phase.complete else f"{broken_off} after {duration(seconds)}"
        line = f"{phase.phase.value.lower()}: {done} ({self._counts(phase)})"
        if phase.phase is Phase.CHECKING and self._tally.dropped:
            line += f"; dropped {self._tally.rows_dropped:,}: {', '.join(reasons(self._tally.dropped))}"
        return line

    def _counts(self, phase: PhaseTally) -> str:
        match phase.phase:
            case Phase.READING | Phase.CHECKING:
                count = self._tally.checked(phase)
                return f"{members(count)}, {rate(count, phase.seconds(time.monotonic()))}"
            case Phase.SENDING:
                return f"sent {self._tally.sent or 0:,} of {members(self._tally.sendable or 0)}"
        of = f" of {phase.total:,}" if phase.total else ""
        return f"{phase.done:,}{of} {phase.unit}"
