"""What a push leaves behind for later ones (`--changed-only`): its members are forgotten before they are sent, and
remembered again once their import has ended well, whoever finds that out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import CleaningRules, ColumnPlan, Verdict
from listrak_sms_cli.columnar import NumberIndex, ahead, in_order, raw
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.pack import Known, KnownLines, Lines
from listrak_sms_cli.runs.record import Destination, PartState, RunState, locked
from listrak_sms_cli.runs.remember.keyed_digests import Key, read_key
from listrak_sms_cli.runs.remember.notes import Entries, Note, Notes, Stretch, link, packed
from listrak_sms_cli.runs.remember.run_digests import FILE_NAME, Pair, write_digests

_STEP = 1 << 19  # members written or looked for together
_LOCK_TIMEOUT = 120.0  # seconds
_NOT_SO = np.uint64(1)  # in place of a digest: a note has the member, and it has to be sent all the same


class Lasting(Struct, frozen=True):
    """Which members need not be sent again: those whose import to this sender code has ended well within
    `refresh_after` seconds, and not in the future: a clock was wrong then. Who was known to Listrak when sent needs no
    refreshing: the values did arrive. `only_known`: those alone."""

    sender_code: int
    refresh_after: float
    only_known: bool

    def holds(self, stretch: Stretch, now: float) -> bool:
        """Whether these members are among them, if they have arrived."""
        recent = now - self.refresh_after < stretch.sent <= now
        lasts = stretch.known or (recent and not self.only_known)
        return lasts and stretch.sender_code == self.sender_code


class Recall:
    """Computes the digest of each member that could be sent, and leaves out who has arrived just so before.

    `rows`: uint64 a row of the audience: at first the digest it arrived with, 0 where no note has it; then, filled
    stretch by stretch, by several threads at once, the one it has now. `complete`: there was no note unread.
    """

    def __init__(self, memory: Memory, spelling: str, fields: tuple[object, ...], lasting: Lasting | None) -> None:
        """`spelling`: how a line says what it says; `fields`: what tells the profile field of each column from others;
        `lasting` None: everybody is sent."""
        self.rows = np.empty(0, np.uint64)
        self.complete = False
        self._memory = memory
        self._spelling = spelling
        self._fields = fields
        self._lasting = lasting

    def begin(self, numbers: np.ndarray, verdicts: np.ndarray) -> None:
        """Get ready for an audience of these phones, or to begin with it anew. Only who could be sent (`verdicts`) is
        looked for."""
        self.rows, self.complete = np.zeros(len(numbers), np.uint64), False
        if self._lasting is None:
            return
        key, phones = self._memory.key, np.empty(len(numbers), np.uint64)

        def look_for(start: int) -> None:
            some = slice(start, start + _STEP)
            phones[some] = key.phones(numbers[some]) * Verdict.SENDABLE.of(verdicts[some])

        for _ in in_order(look_for, range(0, len(numbers), _STEP)):
            pass
        self.complete = self._memory.read(phones, self._lasting, self.rows)

    def known(self, stretch: slice) -> Known:
        """The lines that members of a stretch have arrived with: they need not be written again."""

        def of_group(columns: tuple[int, ...] | None, rows: np.ndarray) -> KnownLines:
            fields = self._fields if columns is None else [self._fields[place] for place in columns]
            return KnownLines(self._memory.key.seed_of_lines(self._spelling, *fields), self.rows[stretch][rows])

        return of_group

    def note(self, stretch: slice, lines: Lines, verdicts: np.ndarray) -> None:
        """Take the digests of `lines` of a stretch, and give unchanged members their verdict: `verdicts` of its rows,
        in place."""
        assert lines.digests is not None
        there = lines.digests != 0
        unchanged = there & (raw(lines.text).lengths == 0)
        verdicts[lines.rows[unchanged]] = Verdict.UNCHANGED
        self.rows[stretch][lines.rows[there]] = lines.digests[there]


class Memory(Struct, frozen=True):
    """What is remembered for one (API base, client id), in a `folder` of its own. It is remembered once there is a
    key."""

    folder: Path
    key: Key

    @classmethod
    def open(cls, state_dir: Path, target: Destination, *, begin: bool = False) -> Memory | None:
        """None when nothing is remembered, and is not to `begin` or cannot be. Raises SettingsError when something is,
        and cannot be kept true."""
        account = hashlib.sha256(f"{target.api_url}\0{target.client}".encode()).hexdigest()[:16]
        folder = state_dir / "remembered" / account
        place, notes = folder / "key", Notes(folder, "")
        try:
            if not place.exists():
                notes.drop()  # without their key they say nothing
                if not begin:
                    return None
            return cls(folder, read_key(place))
        except OSError:
            with suppress(OSError):
                if notes.places():
                    raise SettingsError(
                        f"What --changed-only remembers cannot be used: {place} cannot be read.",
                        hint=f"Make it readable, or remove {folder}.",
                        code="snapshot",
                    ) from None
            return None

    def recall(self, plan: ColumnPlan, rules: CleaningRules, options: PushOptions, sender_code: int) -> Recall:
        """For a push with these options; without `--changed-only` nobody is unchanged."""
        fields = tuple(column.field.id or column.field.name for column in plan.columns)
        lasting = None
        if options.changed_only and not options.full:
            lasting = Lasting(sender_code, options.refresh_after, options.only_existing)
        return Recall(self, rules.phone_format.value, fields, lasting)

    def read(self, phones: np.ndarray, lasting: Lasting, rows: np.ndarray) -> bool:
        """Puts into `rows` what each of the `phones` has arrived with (digests both, uint64; 0 = none). Returns whether
        every note could be read: who was in one that cannot be read may be in any before it."""
        now, index, complete = time.time(), NumberIndex(phones), True
        with suppress(OSError):
            for place in self._notes.places():
                try:
                    note = self._notes.read(place)
                    good = np.array([lasting.holds(stretch, now) for stretch in note.stretches], np.bool_)
                    compared = ((entries.phones, _digests_of(good, entries)) for entries in self._notes.entries(note))
                    for of_note, digests in ahead(compared):
                        found = index.find(of_note)
                        there = found >= 0
                        if there.all():
                            rows[found] = digests
                        else:
                            rows[found[there]] = digests[there]
                except OSError:
                    rows[:], complete = 0, False
            return complete
        return False

    def keep(
        self, folder: Path, numbers: np.ndarray, verdicts: np.ndarray, recall: Recall, ranks: np.ndarray | None
    ) -> None:
        """Writes the digests of a run's members. A row of the audience each: `numbers` (int64), `verdicts` (uint8),
        `ranks` (uint8, of a Packing). Who Listrak was asked about and does not have is forgotten: one that comes back
        is sent. Raises OSError; SettingsError when nothing can be forgotten."""
        missing = Verdict.NOT_IN_LISTRAK.of(verdicts)
        if recall.complete:
            missing &= recall.rows != 0
        if missing.any():
            phones = self.key.phones(numbers[missing])
            struck = packed(np.ones(len(phones), np.bool_))
            note = Note("", "", (Stretch(len(phones), 0, 0, False),), struck)
            pairs = [(phones, np.zeros(len(phones), np.uint64))]
            self._add(lambda: (note, lambda place: write_digests(place, self.key.name, pairs)))
        if Verdict.SENDABLE.of(verdicts).any():
            write_digests(folder / FILE_NAME, self.key.name, self._digests(numbers, verdicts, recall.rows, ranks))

    def _digests(
        self, numbers: np.ndarray, verdicts: np.ndarray, rows: np.ndarray, ranks: np.ndarray | None
    ) -> Iterator[Pair]:
        def digests_at(places: np.ndarray) -> Pair:
            return self.key.phones(numbers[places]), rows[places]

        return (pair for _, pair in in_order(digests_at, _places(verdicts, ranks)))

    def forget(self, folder: Path | None, state: RunState, in_doubt: Callable[[], dict[Path, np.ndarray]]) -> None:
        """The members of the parts that are about to be sent (all that have not arrived) are not what they were,
        whatever becomes of them. `in_doubt`: members of earlier runs to the account whose imports may not have ended,
        by the file of their digests; asked for under the lock, so that of two runs that begin at the same time the
        second sees the first. Raises SettingsError."""
        if folder is None or not (folder / FILE_NAME).exists():
            self.drop()  # nobody knows any more who they are
            return
        digests = folder / FILE_NAME

        def made() -> tuple[Note, Callable[[Path], None]]:
            struck, started = members_of(state, state.unsent), state.started
            stretch = Stretch(len(struck), started.target.sender_code, int(time.time()), started.known)
            doubtful = packed(self._notes.doubtful(digests, in_doubt(), len(struck)))
            return Note(started.run_id, "", (stretch,), packed(struck), doubtful=doubtful), link(digests)

        self._add(made)

    def _add(self, made: Callable[[], tuple[Note, Callable[[Path], None]]]) -> None:
        """A note, or nothing is remembered at all. Raises SettingsError when neither can be done."""
        with suppress(OSError), self._locked():
            self._notes.add(*made())
            return
        self.drop()

    def settle(self, folder: Path, state: RunState) -> None:
        """Members whose import has ended well are remembered. What cannot be written down now is sent again."""
        if not (folder / FILE_NAME).exists():
            return
        arrived = [part for part in state.leaves if part.outcomes or (part.ended and not part.failed)]
        with suppress(OSError):
            if arrived:
                with self._locked():
                    self._notes.tell(state.started.run_id, members_of(state, arrived, updated=True))
            if not state.can_be_resumed:
                (folder / FILE_NAME).unlink()

    def drop(self) -> None:
        """Forgets everybody. Raises SettingsError when even that cannot be done."""
        try:
            if self._notes.places():
                with self._locked():
                    self._notes.drop()
        except OSError:
            raise SettingsError(
                f"What --changed-only remembers ({self.folder}) can neither be changed nor removed; nothing was sent.",
                hint="Make the folder writable, or remove it.",
                code="snapshot",
            ) from None

    @property
    def _notes(self) -> Notes:
        return Notes(self.folder, self.key.name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Raises OSError."""
        with locked(self.folder / "lock", _LOCK_TIMEOUT):
            yield


def _digests_of(lasting: np.ndarray, entries: Entries) -> np.ndarray:
    """What to compare the members of a note with (uint64 each). `lasting`: bool, by the number of their stretch."""
    so = entries.rows != 0
    if lasting.all() and so.all():
        return entries.rows
    return np.where(so & lasting[entries.stretches], entries.rows, _NOT_SO)


def members_of(state: RunState, parts: Iterable[PartState], *, updated: bool = False) -> np.ndarray:
    """The members of these parts of a run: bool each of its members, part after part. `updated`: of parts that were
    updated one by one, only those Listrak said yes to."""
    starts, total = _starts(state)
    members = np.zeros(total, np.bool_)
    for part in parts:
        start = starts[part.line.origin] + part.line.skip
        letters = np.frombuffer(part.outcomes.encode("ascii"), np.uint8)
        members[start : start + part.line.rows] = letters == ord("u") if updated and part.outcomes else True
    return members


def _starts(state: RunState) -> tuple[dict[int, int], int]:
    """The first member of each part among the members of the run, and how many these are."""
    starts: dict[int, int] = {}
    total = 0
    for line in state.prepared.parts:
        starts[line.part] = total
        total += line.rows
    return starts, total


def _places(verdicts: np.ndarray, ranks: np.ndarray | None) -> Iterator[np.ndarray]:
    """The rows of the members that are sent, in the order of the parts, some at a time."""
    if ranks is None:
        for start in range(0, len(verdicts), _STEP):
            yield np.flatnonzero(Verdict.SENDABLE.of(verdicts[start : start + _STEP])) + start
        return
    order = np.flatnonzero(Verdict.SENDABLE.of(verdicts))
    order = order[np.argsort(ranks[order], kind="stable")]
    yield from (order[start : start + _STEP] for start in range(0, len(order), _STEP))
