"""The state of a run as its events describe it. Cheap to update from any thread; displays read it when they draw.

Every update stores one value, so a display that draws in between sees a state that was true a moment ago.
"""

from __future__ import annotations

import time

from msgspec import Struct, field

from listrak_sms_cli.runs import (
    Event,
    ImportChanged,
    MembersCounted,
    MembersSent,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    RequestRetried,
    SendablePrepared,
    Warned,
)


class PhaseTally(Struct):
    """How far a phase is. Times are monotonic seconds. `complete`: it has ended, and all of it was done."""

    phase: Phase
    total: int
    unit: str
    began: float
    done: int = 0
    ended: float | None = None
    complete: bool = False

    @property
    def share(self) -> float | None:
        """From 0 to 1, 1 only of a phase that is complete or about to be; None where the total is not known."""
        if self.complete:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None

    def seconds(self, now: float) -> float:
        """Seconds since the phase began, or that it took."""
        return (now if self.ended is None else self.ended) - self.began

    def left(self, now: float) -> float | None:
        """Seconds left at the speed so far; None when they cannot be estimated."""
        if self.ended is not None or not self.total or self.done <= 0:
            return None
        return self.seconds(now) * max(0, self.total - self.done) / self.done


class Tally(Struct):
    """Counts of members, the phases in their order, the imports by part, and what went wrong in passing. None: not
    known yet."""

    phases: dict[Phase, PhaseTally] = field(default_factory=dict)
    read: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    sendable: int | None = None
    sent: int | None = None
    imports: dict[int, ImportChanged] = field(default_factory=dict)
    planned_imports: int = 0
    retry: RequestRetried | None = None
    retry_at: float = 0.0
    warnings: list[Warned] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Update the state with an event."""
        match event:
            case PhaseStarted() | PhaseAdvanced() | PhaseEnded():
                self._take_phase(event)
            case MembersCounted(read, dropped):
                self.dropped = {reason: count for reason, count in dropped.items() if count}
                self.read = read
            case MembersSent(sent):
                self.sent = sent
            case ImportChanged():
                self.imports[event.part] = event
            case SendablePrepared(sendable, imports):
                self.sendable, self.planned_imports = sendable, imports
            case RequestRetried():
                self.retry_at = time.monotonic() + event.wait
                self.retry = event
            case Warned():
                self.warnings.append(event)

    def _take_phase(self, event: PhaseStarted | PhaseAdvanced | PhaseEnded) -> None:
        if isinstance(event, PhaseStarted):
            self.phases[event.phase] = PhaseTally(event.phase, event.total, event.unit, time.monotonic())
        elif (tally := self.phases.get(event.phase)) is not None:
            if isinstance(event, PhaseAdvanced):
                tally.done = event.done
            else:
                tally.ended, tally.complete = time.monotonic(), event.complete

    @property
    def rows_dropped(self) -> int:
        """Members dropped so far."""
        return sum(self.dropped.values())

    def checked(self, phase: PhaseTally) -> int:
        """Members a phase over the audience has been through: exact in the first one, by its bytes in a second."""
        again = phase.phase is Phase.CHECKING and Phase.READING in self.phases
        return int(self.read * (phase.share or 0.0)) if again else self.read
