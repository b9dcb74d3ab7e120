"""What a run tells whoever listens while it works. Displays consume these; nothing in here draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """The stages of a run that take long enough to be shown, in their order."""

    READING = "Reading"  # phones of the whole audience, bytes
    LOOKING_UP = "Looking up"  # contacts read from Listrak, contacts
    CHECKING = "Checking"  # values, and packing import files, bytes
    SENDING = "Sending"  # import files on their way to Listrak, bytes
    IMPORTING = "Importing"  # Listrak works on them, imports
    VERIFYING = "Verifying"  # contacts read back, members


@dataclass(frozen=True)
class RunStarted:
    """`described` says what the audience is ("CSV, comma, UTF-8"); `target` names the sender code."""

    run_id: str
    audience: str
    described: str
    target: str
    dry_run: bool


@dataclass(frozen=True)
class PhaseStarted:
    """`total` counts `unit` ("bytes", "members", "contacts", "imports"); 0 = not known."""

    phase: Phase
    total: int
    unit: str


@dataclass(frozen=True)
class PhaseAdvanced:
    """`done` of the phase's total so far (absolute, never an increment)."""

    phase: Phase
    done: int


@dataclass(frozen=True)
class PhaseEnded:
    phase: Phase


@dataclass(frozen=True)
class MembersCounted:
    """Members read so far and members dropped so far by reason (absolute counts)."""

    read: int
    dropped: Mapping[str, int]


@dataclass(frozen=True)
class SendablePrepared:
    """The whole audience has been checked: what would be sent is known. `imports` 0: one by one."""

    sendable: int
    imports: int


@dataclass(frozen=True)
class MembersSent:
    """Members in import files that Listrak has accepted so far (absolute)."""

    sent: int


@dataclass(frozen=True)
class ImportChanged:
    """An import file changed its state; `state` is one of our words or Listrak's own word."""

    part: int
    file_name: str
    rows: int
    state: str
    ended: bool = False
    failed: bool = False


@dataclass(frozen=True)
class RequestRetried:
    """A request failed in passing and is tried again after `wait` seconds."""

    what: str
    reason: str
    wait: float


@dataclass(frozen=True)
class Warned:
    code: str
    message: str


Event = (
    RunStarted
    | PhaseStarted
    | PhaseAdvanced
    | PhaseEnded
    | MembersCounted
    | SendablePrepared
    | MembersSent
    | ImportChanged
    | RequestRetried
    | Warned
)

Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """The listener that shows nothing."""
