"""The journal of a run: one line for everything that happened, on disk before and after each request.

It holds counts, names, ids and digests, no member data and no secret. The state of a run is a fold over its
lines; whoever wants to know how a run stands (report, display, resume) reads the same fold.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.runs.record.lines import (
    Accepted,
    AnyLine,
    Ended,
    FieldOf,
    PartLine,
    Prepared,
    Recipe,
    Refused,
    Seen,
    Sending,
    Split,
    Started,
    Unreached,
    Updated,
)

__all__ = [
    "FILE_NAME",
    "Accepted",
    "AnyLine",
    "Ended",
    "FieldOf",
    "Journal",
    "PartLine",
    "PartState",
    "PartStatus",
    "Prepared",
    "Recipe",
    "Refused",
    "RunState",
    "Seen",
    "Sending",
    "Split",
    "Started",
    "Unreached",
    "Updated",
    "new_run_id",
    "read_journal",
]

FILE_NAME = "journal.jsonl"
_DECODER = msgspec.json.Decoder(AnyLine)
_OfPart = Sending | Accepted | Refused | Unreached | Split | Seen | Updated


class PartStatus(Enum):
    WAITING = "not sent"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHED = "not reached"
    MISSING = "not in Listrak"
    SPLIT = "split"


_LETTERS = {
    "u": PartStatus.ACCEPTED,
    "m": PartStatus.MISSING,
    "r": PartStatus.REFUSED,
    ".": PartStatus.UNREACHED,
}


class PartState(Struct, frozen=True):
    """How one import file stands. `word` is Listrak's own once it has said one. `outcomes`: of an Updated line."""

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
    outcomes: str = ""

    @property
    def amounts(self) -> dict[PartStatus, int]:
        """Its members by status: all have that of the file, unless they are updated one by one."""
        if not self.outcomes:
            return {self.status: self.line.rows}
        return {status: self.outcomes.count(letter) for letter, status in _LETTERS.items()}

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
    def sendable(self) -> int:
        """Members that passed every check, and that Listrak has as far as it was asked."""
        prepared = self.prepared.verdicts if self.prepared else {}
        return prepared.get("sendable", 0) - self.rows[PartStatus.MISSING]

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
        accepted = [part for part in self.leaves if part.status is PartStatus.ACCEPTED]
        return [part for part in accepted if not part.ended and not part.outcomes]

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

    def _apply_to_part(self, line: _OfPart, part: PartState) -> None:
        match line:
            case Sending():
                # A second `sending` with no answer between: the first file may have arrived. What became of an
                # earlier one that was accepted and ended badly, or was refused, says nothing of this one.
                arrived = part.maybe_arrived or part.maybe_repeated or part.status is PartStatus.SENDING
                self._put(PartState(part.line, PartStatus.SENDING, maybe_arrived=arrived, outcomes=part.outcomes))
            case Accepted():
                repeated = line.maybe_repeated or part.maybe_arrived
                fresh = PartState(part.line, PartStatus.ACCEPTED, line.import_file_id, maybe_repeated=repeated)
                self._put(fresh)
            case Refused():
                arrived = part.maybe_arrived or line.maybe_arrived
                self._put(replace(part, status=PartStatus.REFUSED, refusal=line.code, maybe_arrived=arrived))
            case Unreached():
                arrived = part.maybe_arrived or line.maybe_arrived
                self._put(replace(part, status=PartStatus.UNREACHED, maybe_arrived=arrived))
            case Split():
                self._put(replace(part, status=PartStatus.SPLIT))
                for piece in line.into:
                    self._put(PartState(piece, maybe_arrived=part.maybe_arrived or line.maybe_arrived))
            case Seen():
                seen = replace(part, word=line.status, ended=line.ended, failed=line.failed, new_word=line.new_word)
                self._put(seen)
            case Updated():
                found = set(line.outcomes)
                status = next((_LETTERS[letter] for letter in ".r" if letter in found), PartStatus.ACCEPTED)
                self._put(PartState(part.line, status, outcomes=line.outcomes))

    def _put(self, part: PartState) -> None:
        before = self.parts.get(part.line.part)
        if before is not None:
            self.rows.subtract(before.amounts)
        self.rows.update(part.amounts)
        self.parts[part.line.part] = part


class Journal:
    """Appends lines, each flushed to disk before `write` returns, and keeps the fold. One thread only.

    `folder` None: in memory alone. A disk that can no longer be written (`lost`) does not stop the run; what is
    missing on it is at worst sent again by `resume`, which does no harm.
    """

    def __init__(self, folder: Path | None, state: RunState | None = None) -> None:
        """`state`: the fold of what is in the folder already. Raises OSError when it cannot be opened."""
        self.folder = folder
        self.state = state or RunState()
        self.lost = False
        self.kept = state is not None  # whether enough is on disk to resume the run
        self._file: int | None = None
        if folder is not None:
            self._file = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            _end_torn_line(self._file)

    def write(self, line: AnyLine) -> RunState:
        if self._file is not None:
            data = msgspec.json.encode(line) + b"\n"
            try:
                written = os.write(self._file, data)
                os.fsync(self._file)
            except OSError:
                written = 0
            if written < len(data):
                self.lost = True
                self.close()
            self.kept = self.kept or (isinstance(line, Prepared) and not self.lost)
        return self.state.apply(line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _end_torn_line(file: int) -> None:
    # What is appended to half a line would be lost with it. Half a line stays one even when only its end is missing:
    # nobody who read the journal before has seen it. Never cut it off: another process may be writing.
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b" (cut off)\n")


def read_journal(folder: Path) -> RunState:
    """The state of the run in `folder`. A line cut off by a crash or a full disk never happened. Raises OSError, and
    ValueError for a journal that is not ours."""
    state = RunState()
    for number, text in enumerate((folder / FILE_NAME).read_bytes().split(b"\n")[:-1]):
        try:
            state.apply(_DECODER.decode(text))
        except KeyError:
            raise ValueError("a line speaks of an import file that no line before it has named") from None
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if not number:
                raise
    return state


def new_run_id() -> str:
    """Sortable by time, within a second too: 20261124-031502-7f3a, the last part in 65,536ths of a second."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 65_536 // 1_000_000:04x}"
