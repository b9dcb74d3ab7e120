"""The journal of a run: one line for everything that happened, on disk before and after each request.

It holds counts, names, ids and digests, no member data and no secret. The state of a run is a fold over its
lines; whoever wants to know how a run stands (report, display, resume) reads the same fold.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import msgspec

FILE_NAME = "journal.jsonl"


class PartLine(msgspec.Struct, frozen=True):
    """An import file: its number in the run, name, members, bytes before base64.

    `origin` is the number it was packed under and `skip` the members of that one before it; they differ from
    `part` and 0 only for a piece of an import file that was split.
    """

    part: int
    file_name: str
    rows: int
    bytes: int
    origin: int
    skip: int = 0


class FieldOf(msgspec.Struct, frozen=True):
    """A column of the audience (by index), and the profile field it goes to, as both were when the run began."""

    index: int
    name: str
    field_id: int
    field_name: str
    kind: str
    max_length: int | None


class Recipe(msgspec.Struct, frozen=True):
    """All it takes to make the same import files again from the same audience, whatever has changed in Listrak or
    on the command line since. `identity`: one (size, digest) a file of the audience."""

    path: str
    read: dict[str, str | None]
    identity: list[tuple[int, str]]
    phone: int
    header: list[str]
    columns: list[FieldOf]
    rules: dict[str, str | bool | list[str] | None]


class Line(msgspec.Struct, frozen=True, tag_field="event", kw_only=True):
    at: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class Started(Line, frozen=True, tag="started", kw_only=True):
    """`client` is a fingerprint of the client id. `baseline`: a whole, real push that later runs may build on."""

    run_id: str
    version: str
    audience: str
    sender_code: int
    api_url: str
    client: str
    baseline: bool
    recipe: Recipe


class Prepared(Line, frozen=True, tag="prepared", kw_only=True):
    """`verdicts`: members by verdict (`sendable`, `missing_phone`, …)."""

    verdicts: dict[str, int]
    parts: list[PartLine]


class Sending(Line, frozen=True, tag="sending", kw_only=True):
    part: int


class Accepted(Line, frozen=True, tag="accepted", kw_only=True):
    part: int
    import_file_id: str
    maybe_repeated: bool = False


class Refused(Line, frozen=True, tag="refused", kw_only=True):
    part: int
    code: str


class Unreached(Line, frozen=True, tag="unreached", kw_only=True):
    """Listrak could not be reached, or the run was stopped; the file may have arrived all the same."""

    part: int
    maybe_arrived: bool


class Split(Line, frozen=True, tag="split", kw_only=True):
    part: int
    into: list[PartLine]


class Seen(Line, frozen=True, tag="seen", kw_only=True):
    """What Listrak says of an import: its own word, whether it has ended, and whether badly."""

    part: int
    status: str
    ended: bool
    failed: bool
    new_word: bool = False


class Ended(Line, frozen=True, tag="ended", kw_only=True):
    exit_code: int


AnyLine = Started | Prepared | Sending | Accepted | Refused | Unreached | Split | Seen | Ended
_DECODER = msgspec.json.Decoder(AnyLine)


class PartStatus(Enum):
    WAITING = "not sent"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHED = "not reached"
    SPLIT = "split"


@dataclass(frozen=True)
class PartState:
    """How one import file stands. `word` is Listrak's own once it has said one."""

    line: PartLine
    status: PartStatus = PartStatus.WAITING
    import_file_id: str | None = None
    word: str = ""
    ended: bool = False
    failed: bool = False
    new_word: bool = False
    maybe_arrived: bool = False
    maybe_repeated: bool = False
    refusal: str = ""

    @property
    def shown(self) -> str:
        return self.word or self.status.value


class RunState:
    """The fold over a journal: `apply` takes the lines in their order.

    `parts` holds every import file by number, split ones too; `rows` the members by status, split files left out.
    """

    def __init__(self) -> None:
        self.started: Started | None = None
        self.prepared: Prepared | None = None
        self.ended: Ended | None = None
        self.parts: dict[int, PartState] = {}
        self.rows: Counter[PartStatus] = Counter()

    @property
    def leaves(self) -> list[PartState]:
        """The import files that count: what was split is represented by its pieces."""
        return [part for _, part in sorted(self.parts.items()) if part.status is not PartStatus.SPLIT]

    @property
    def unsent(self) -> list[PartState]:
        """Import files that `resume` has to send (again): not accepted, or their import ended badly."""
        return [part for part in self.leaves if part.status is not PartStatus.ACCEPTED or part.failed]

    @property
    def summary(self) -> str:
        """How the run stands, in a few words."""
        if self.open_imports and not self.unsent:
            return "importing"
        if not self.unsent:
            return "ended well"
        if self.ended is None:
            return "interrupted"
        failed = any(part.failed for part in self.leaves)
        return "import failed" if failed else "refused" if self.rows[PartStatus.REFUSED] else "pending"

    @property
    def can_be_resumed(self) -> bool:
        return bool(self.prepared and (self.unsent or self.open_imports))

    @property
    def open_imports(self) -> list[PartState]:
        return [part for part in self.leaves if part.status is PartStatus.ACCEPTED and not part.ended]

    def apply(self, line: AnyLine) -> RunState:
        match line:
            case Started():
                self.started = line
            case Ended():
                self.ended = line
            case Prepared():
                self.prepared = line
                for part in line.parts:
                    self._put(PartState(part))
            case _:
                self._apply_to_part(line, self.parts[line.part])
        return self

    def _apply_to_part(self, line: Sending | Accepted | Refused | Unreached | Split | Seen, part: PartState) -> None:
        match line:
            case Sending():
                # A second `sending` with no answer between: the first file may have arrived.
                arrived = part.maybe_arrived or part.status is PartStatus.SENDING
                self._put(replace(part, status=PartStatus.SENDING, maybe_arrived=arrived))
            case Accepted():
                repeated = line.maybe_repeated or part.maybe_arrived
                fresh = PartState(part.line, PartStatus.ACCEPTED, line.import_file_id, maybe_repeated=repeated)
                self._put(fresh)
            case Refused():
                self._put(replace(part, status=PartStatus.REFUSED, refusal=line.code))
            case Unreached():
                arrived = part.maybe_arrived or line.maybe_arrived
                self._put(replace(part, status=PartStatus.UNREACHED, maybe_arrived=arrived))
            case Split():
                self._put(replace(part, status=PartStatus.SPLIT))
                for piece in line.into:
                    self._put(PartState(piece, maybe_arrived=part.maybe_arrived))
            case Seen():
                seen = replace(part, word=line.status, ended=line.ended, failed=line.failed, new_word=line.new_word)
                self._put(seen)

    def _put(self, part: PartState) -> None:
        before = self.parts.get(part.line.part)
        if before is not None:
            self.rows[before.status] -= before.line.rows
        self.rows[part.status] += part.line.rows
        self.parts[part.line.part] = part


class Journal:
    """Appends lines, each flushed to disk before `write` returns, and keeps the fold. One thread only.

    `folder` None: in memory alone. A disk that can no longer be written (`lost`) does not stop the run; what is
    missing on it is at worst sent again by `resume`, which does no harm.
    """

    def __init__(self, folder: Path | None, state: RunState | None = None) -> None:
        """`state`: the fold of what is in the folder already. Raises OSError when it cannot be opened."""
        self.state = state or RunState()
        self.lost = False
        self._file: int | None = None
        if folder is not None:
            self._file = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: AnyLine) -> RunState:
        if self._file is not None:
            try:
                os.write(self._file, msgspec.json.encode(line) + b"\n")
                os.fsync(self._file)
            except OSError:
                self.lost = True
                self.close()
        return self.state.apply(line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_journal(folder: Path) -> RunState:
    """The state of the run in `folder`. A last line cut off by a crash never happened. Raises OSError, and
    ValueError for a journal that is not ours."""
    state = RunState()
    for line in (folder / FILE_NAME).read_bytes().split(b"\n")[:-1]:
        state.apply(_DECODER.decode(line))
    return state


def new_run_id() -> str:
    """Sortable by time: 20261124-031502-7f3a."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
