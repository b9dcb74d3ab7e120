"""How a run stands: the fold over the lines of its journal. Report, display and resume read the same fold."""

from __future__ import annotations

from collections import Counter
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.errors import ImportsNotEnded
from listrak_sms_cli.listrak import is_import_id
from listrak_sms_cli.runs.record.lines import (
    Accepted,
    CanaryRead,
    CanarySkipped,
    Ended,
    LineOfPart,
    LineOfRun,
    PartLine,
    Prepared,
    ReadBack,
    Refused,
    Seen,
    Sending,
    Split,
    Started,
    Unreached,
    Updated,
)
from listrak_sms_cli.runs.report import CanaryResult, Verification


class PartStatus(Enum):
    """How an import file stands, in our own words."""

    WAITING = "not sent"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHED = "not reached"
    MISSING = "not in Listrak"
    SPLIT = "split"


UNKNOWN_STATE = "state unknown"  # of an import that Listrak cannot be asked about
_WELL = "ended well"
NOT_FOUND = "not found"  # of an import that Listrak does not know (any more)
PENDING = (PartStatus.WAITING, PartStatus.SENDING, PartStatus.UNREACHED)
_LETTERS = {"u": PartStatus.ACCEPTED, "m": PartStatus.MISSING, "r": PartStatus.REFUSED, ".": PartStatus.UNREACHED}


class PartState(Struct, frozen=True):
    """How one import file stands. `word` is Listrak's own once it has said one. `outcomes`: of an Updated line.
    `sent_at`, `ended_at`: when it was last sent, and when its import was seen to have ended (ISO 8601, UTC)."""

    line: PartLine
    status: PartStatus = PartStatus.WAITING
    import_file_id: str = ""
    word: str = ""
    ended: bool = False
    failed: bool = False
    new_word: bool = False
    maybe_arrived: bool = False
    maybe_repeated: bool = False
    refusal: str = ""
    outcomes: str = ""
    sent_at: str | None = None
    ended_at: str | None = None

    @property
    def amounts(self) -> dict[PartStatus, int]:
        """Its members by status: all have that of the file, unless they are updated one by one."""
        if not self.outcomes:
            return {self.status: self.line.rows}
        return {status: self.outcomes.count(letter) for letter, status in _LETTERS.items()}

    @property
    def shown(self) -> str:
        """Listrak's word, or ours before there is one."""
        return UNKNOWN_STATE if self.is_untraceable else self.word or self.status.value

    @property
    def is_untraceable(self) -> bool:
        """Listrak has accepted the import file, and given its import an id that it cannot be asked about."""
        return self.status is PartStatus.ACCEPTED and not self.outcomes and not is_import_id(self.import_file_id)

    @property
    def is_open(self) -> bool:
        """Listrak has accepted the import file, and its import has not ended as far as the journal knows."""
        accepted = self.status is PartStatus.ACCEPTED and not self.outcomes
        return accepted and not self.ended and not self.is_untraceable


class RunState:
    """The fold over a journal: begun by its first two lines, `apply` takes the others in their order.

    `parts` holds every import file by number, split ones too; `rows` the members by status, split files left out;
    `last_sent`: when something was last on its way to Listrak (ISO 8601), whoever has asked about imports since;
    `read_back`: what `push --verify` found; `canary`: the canary as it was drawn, then as it was last read back, None
    without one; `canary_verdict`: of a CanaryRead line, "skipped", or "" as long as there is none.
    """

    def __init__(self, started: Started, prepared: Prepared) -> None:
        self.started = started
        self.prepared = prepared
        self.ended: Ended | None = None
        self.read_back: Verification | None = None
        self.canary: CanaryResult | None = started.canary
        self.canary_verdict = ""
        self.last_sent = started.at
        self.parts: dict[int, PartState] = {}
        self.rows: Counter[PartStatus] = Counter()
        for line in prepared.parts:
            self._put(PartState(line))

    @property
    def leaves(self) -> list[PartState]:
        """The import files that count: what was split is represented by its pieces."""
        return [part for _, part in sorted(self.parts.items()) if part.status is not PartStatus.SPLIT]

    @property
    def read(self) -> int:
        """Members of the audience."""
        return sum(self.prepared.verdicts.values())

    @property
    def sendable(self) -> int:
        """Members that passed every check, and that Listrak has as far as it was asked."""
        return self.prepared.verdicts.get("sendable", 0) - self.rows[PartStatus.MISSING]

    @property
    def pending(self) -> int:
        """Members in import files that Listrak has neither accepted nor refused."""
        return sum(self.rows[status] for status in PENDING)

    @property
    def unsent(self) -> list[PartState]:
        """Import files that `resume` has to send (again): not accepted, or their import ended badly."""
        return [part for part in self.leaves if part.status is not PartStatus.ACCEPTED or part.failed]

    @property
    def open_imports(self) -> list[PartState]:
        """Import files that Listrak has accepted and not ended."""
        return [part for part in self.leaves if part.is_open]

    @property
    def canary_parts(self) -> list[PartState]:
        """The import files of the canary."""
        return [part for part in self.leaves if part.line.canary]

    @property
    def canary_is_open(self) -> bool:
        """Whether the canary has to be proved before the rest is sent."""
        return bool(self.canary_parts) and self.canary_verdict not in ("proved", "skipped")

    @property
    def ended_well(self) -> bool:
        """Whether it is a whole push of which all has arrived, also when that was found out after it had ended. One
        that had nothing to send has no last line where that was allowed."""
        code = self.ended.exit_code if self.ended else 0
        return self.started.baseline and self.summary == _WELL and code in (0, ImportsNotEnded.exit_code)

    @property
    def is_baseline(self) -> bool:
        """Whether later pushes of the audience are compared with it: it ended well, as far as it waited."""
        ended_well = self.ended is not None and (self.ended.exit_code == 0 or self.ended_well)
        return self.started.baseline and ended_well and not self.canary_is_open

    @property
    def warnings(self) -> dict[str, set[str]]:
        """The warnings of the run: the columns that each is about, by code."""
        found: dict[str, set[str]] = {}
        for warning in self.prepared.shown_warnings:
            found.setdefault(warning.code, set()).update(warning.columns)
        for code, columns in (self.ended.warnings if self.ended else {}).items():
            found.setdefault(code, set()).update(columns)
        return found

    @property
    def can_be_resumed(self) -> bool:
        """Whether anything is left to send, to wait for, or to read back."""
        unread = self.canary_is_open and self.canary_verdict != "different"
        return bool(self.unsent or self.open_imports or unread)

    @property
    def summary(self) -> str:
        """How the run stands, in a few words."""
        if self.canary_is_open and self.canary_verdict:
            return f"canary {self.canary_verdict}"
        if not self.unsent:
            return self._summary_of_sent
        if self.ended is None:
            return "interrupted"
        failed = any(part.failed for part in self.leaves)
        return "import failed" if failed else "refused" if self.rows[PartStatus.REFUSED] else "pending"

    @property
    def _summary_of_sent(self) -> str:
        if self.open_imports:
            return "importing"
        if self.canary_is_open:
            return "interrupted"
        if any(part.is_untraceable for part in self.leaves):
            return UNKNOWN_STATE
        nobody = self.rows[PartStatus.MISSING] and not self.rows[PartStatus.ACCEPTED]
        return "nobody in Listrak" if nobody else _WELL

    def apply(self, line: LineOfPart | LineOfRun) -> RunState:
        """Raises ValueError for a line about an import file that no line before it has named."""
        if isinstance(line, Ended):
            self.ended = line
            return self
        if isinstance(line, ReadBack):
            self.read_back = line.result
            return self
        if isinstance(line, CanaryRead):
            self.canary, self.canary_verdict = line.result, line.verdict
            return self
        if isinstance(line, CanarySkipped):
            self.canary_verdict = "skipped"
            return self
        part = self.parts.get(line.part)
        if part is None:
            raise ValueError("a line speaks of an import file that no line before it has named")
        self._apply_to(part, line)
        if not isinstance(line, Seen):
            self.last_sent = line.at
        return self

    def _apply_to(self, part: PartState, line: LineOfPart) -> None:
        arrived = part.maybe_arrived or getattr(line, "maybe_arrived", False)
        match line:
            case Sending():
                # A second `sending` with no answer between: the first file may have arrived. What became of an
                # earlier one that was accepted and ended badly, or was refused, says nothing of this one.
                arrived = arrived or part.maybe_repeated or part.status is PartStatus.SENDING
                sending = PartState(part.line, PartStatus.SENDING, maybe_arrived=arrived, sent_at=line.at)
                self._put(replace(sending, outcomes=part.outcomes))
            case Accepted():
                repeated = line.maybe_repeated or arrived
                accepted = PartState(part.line, PartStatus.ACCEPTED, line.import_file_id, maybe_repeated=repeated)
                self._put(replace(accepted, sent_at=part.sent_at))
            case Refused():
                self._put(replace(part, status=PartStatus.REFUSED, refusal=line.code, maybe_arrived=arrived))
            case Unreached():
                self._put(replace(part, status=PartStatus.UNREACHED, maybe_arrived=arrived))
            case Split():
                self._put(replace(part, status=PartStatus.SPLIT))
                for piece in line.into:
                    self._put(PartState(piece, maybe_arrived=arrived))
            case Seen():
                # An answer about an import that has been sent again since says nothing of the one it is now.
                if not line.import_file_id or line.import_file_id == part.import_file_id:
                    told = {"word": line.status, "ended": line.ended, "failed": line.failed, "new_word": line.new_word}
                    ended_at = (part.ended_at or line.at) if line.ended else None
                    self._put(replace(part, **told, ended_at=ended_at))
            case Updated():
                letters = set(line.outcomes)
                status = next((_LETTERS[letter] for letter in ".r" if letter in letters), PartStatus.ACCEPTED)
                self._put(PartState(part.line, status, outcomes=line.outcomes))

    def _put(self, part: PartState) -> None:
        before = self.parts.get(part.line.part)
        if before is not None:
            self.rows.subtract(before.amounts)
        self.rows.update(part.amounts)
        self.parts[part.line.part] = part
