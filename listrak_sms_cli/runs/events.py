"""The events a run reports while it works, to a listener. Displays consume them; nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from msgspec import Struct


class Phase(Enum):
    """The stages of a run that take long enough to be shown, in their order."""

    FILLING = "Filling"  # a sandbox of the command's own started and given contacts, contacts
    READING = "Reading"  # phones of the whole audience, bytes
    LOOKING_UP = "Looking up"  # reading contacts from Listrak, contacts
    CHECKING = "Checking"  # values, and packing import files, bytes; in the one pass of `validate` phones as well
    SENDING = "Sending"  # import files, bytes
    IMPORTING = "Importing"  # Listrak applies them, imports
    VERIFYING = "Verifying"  # contacts read back, members


class RunStarted(Struct, frozen=True):
    """`described`: how the audience is read ("CSV, comma, UTF-8"); `target`: the sender code with its label."""

    run_id: str
    audience: str
    described: str
    target: str
    dry_run: bool


class FirstPush(Struct, frozen=True):
    """What is asked about before the first push of an account that somebody types: where it goes (`sender_code` in
    words), how many of the members read would be sent, and to which profile fields."""

    client_id: str
    api_url: str
    sender_code: str
    members: int
    read: int
    fields: tuple[str, ...]


class PhaseStarted(Struct, frozen=True):
    """`total` counts `unit` ("bytes", "members", "contacts", "imports"); 0 = not known."""

    phase: Phase
    total: int
    unit: str


class PhaseAdvanced(Struct, frozen=True):
    """`done` of the phase's total so far (absolute, never an increment)."""

    phase: Phase
    done: int


class PhaseEnded(Struct, frozen=True):
    """A phase is over. `complete`: all of it was done; not after Ctrl-C, an error, or when time was up."""

    phase: Phase
    complete: bool = True


class MembersCounted(Struct, frozen=True):
    """Members read so far and members dropped so far by reason (absolute counts)."""

    read: int
    dropped: Mapping[str, int]


class SendablePrepared(Struct, frozen=True):
    """The whole audience has been checked. `sendable`: members; `imports`: import files, 0 = one by one."""

    sendable: int
    imports: int


class MembersSent(Struct, frozen=True):
    """Members in import files that Listrak has accepted so far (absolute)."""

    sent: int


class ImportChanged(Struct, frozen=True):
    """The state of an import file changed; `state` is Listrak's word, ours before there is one."""

    part: int
    file_name: str
    rows: int
    state: str
    ended: bool = False
    failed: bool = False


class RequestRetried(Struct, frozen=True):
    """A request (`what`, in words) failed for a `reason` and is tried again after `wait` seconds."""

    what: str
    reason: str
    wait: float


class Warned(Struct, frozen=True):
    """A warning, as the report has it."""

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
