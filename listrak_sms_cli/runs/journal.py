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


class PartLine(msgspec.Struct, frozen=True):
    """An import file: its number in the run, name, members, bytes before base64."""

    part: int
    file_name: str
    rows: int
    bytes: int


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
    """Appends lines, each flushed to disk before `write` returns, and keeps the fold. `folder` None, or one that
    cannot be written: the run goes on in memory, and cannot be resumed. One thread only."""

    def __init__(self, folder: Path | None) -> None:
        self.state = RunState()
        self._file: int | None = None
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True)
            self._file = os.open(folder / "journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: AnyLine) -> RunState:
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(line) + b"\n")
            os.fsync(self._file)
        return self.state.apply(line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_journal(folder: Path) -> RunState:
    """The state of the run in `folder`. A last line cut off by a crash never happened."""
    lines = (folder / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    state = RunState()
    for line in lines:
        state.apply(_DECODER.decode(line))
    return state


def new_run_id() -> str:
    """Sortable by time: 20261124-031502-7f3a."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
