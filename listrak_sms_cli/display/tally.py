"""What the events have said so far. Cheap to update from any thread; displays read it when they draw."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from listrak_sms_cli.runs.events import (
    Event,
    ImportChanged,
    MembersCounted,
    MembersSent,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    RequestRetried,
    RunStarted,
    SendablePrepared,
    Warned,
)


@dataclass
class PhaseTally:
    """How far a phase is. Times are monotonic seconds."""

    phase: Phase
    total: int
    unit: str
    began: float
    done: int = 0
    ended: float | None = None

    @property
    def share(self) -> float:
        if self.ended is not None:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0

    def seconds(self, now: float) -> float:
        return (self.ended or now) - self.began

    def left(self, now: float) -> float | None:
        """Seconds left at the pace so far; None when nobody can say."""
        if self.ended is not None or not self.total or self.done <= 0:
            return None
        return self.seconds(now) * (self.total - self.done) / self.done


@dataclass
class Tally:
    started: RunStarted | None = None
    phases: dict[Phase, PhaseTally] = field(default_factory=dict)
    read: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    sendable: int | None = None
    sent: int = 0
    imports: dict[int, ImportChanged] = field(default_factory=dict)
    planned_imports: int = 0
    retry: RequestRetried | None = None
    warnings: list[Warned] = field(default_factory=list)

    def take(self, event: Event) -> None:
        match event:
            case PhaseAdvanced(phase, done):
                self.phases[phase].done = done
                self.retry = None if phase is Phase.SENDING else self.retry
            case MembersCounted(read, dropped):
                self.read, self.dropped = read, dict(dropped)
            case MembersSent(sent):
                self.sent, self.retry = sent, None
            case PhaseStarted(phase, total, unit):
                self.phases[phase] = PhaseTally(phase, total, unit, time.monotonic())
            case PhaseEnded(phase):
                self.phases[phase].ended = time.monotonic()
            case ImportChanged():
                self.imports[event.part] = event
            case SendablePrepared(sendable, imports):
                self.sendable, self.planned_imports = sendable, imports
            case RequestRetried():
                self.retry = event
            case Warned():
                self.warnings.append(event)
            case RunStarted():
                self.started = event
