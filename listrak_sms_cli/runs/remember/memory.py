"""What a push leaves behind for later ones (`--changed-only`): its members are forgotten before they are sent, and
remembered again once their import has ended well, whoever finds that out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import CleaningRules, ColumnPlan, Verdict
from listrak_sms_cli.columnar import blanked, in_order
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.pack import Lines
from listrak_sms_cli.runs.record import Destination, PartState, RunState
from listrak_sms_cli.runs.remember.forget_notes import ForgetNote, RunMembers
from listrak_sms_cli.runs.remember.keyed_digests import Key, read_key
from listrak_sms_cli.runs.remember.run_digests import FILE_NAME, digests_of, write_digests
from listrak_sms_cli.runs.remember.snapshot import NOTHING, Remembered, Snapshot

_STEP = 1 << 19  # members written together


class Recall:
    """Computes the digest of each member that could be sent, and leaves out who has arrived just so before.

    `rows`: uint64 a row of the audience, filled stretch by stretch, by several threads at once.
    """

    def __init__(self, key: Key, spelling: str, fields: tuple[object, ...], count: int, remembered: Remembered) -> None:
        """`spelling`: how a line says what it says; `fields`: what tells the profile field of each column from others;
        `count`: rows of the audience."""
        self.rows = np.zeros(count, np.uint64)
        self._key = key
        self._spelling = spelling
        self._fields = fields
        self._remembered = remembered

    def leave_out(self, stretch: slice, numbers: np.ndarray, lines: Lines, verdicts: np.ndarray) -> Lines:
        """`numbers` and `verdicts` of the rows of a stretch, `lines` of some of them. Unchanged members get their
        verdict, in place, and "" for a line."""
        columns = lines.columns if lines.columns is not None else range(len(self._fields))
        digests = self._key.lines(lines.text, self._spelling, *(self._fields[place] for place in columns))
        self.rows[stretch][lines.rows] = digests
        if not len(self._remembered.phones):
            return lines
        known = self._remembered.holds(self._key.phones(numbers[lines.rows]), digests)
        same = known & (verdicts[lines.rows] == Verdict.SENDABLE)
        if not same.any():
            return lines
        verdicts[lines.rows[same]] = Verdict.UNCHANGED
        return replace(lines, text=blanked(lines.text, same))


class Memory(Struct, frozen=True):
    """What is remembered for one (API base, client id)."""

    snapshot: Snapshot

    @classmethod
    def open(cls, state_dir: Path, target: Destination) -> Memory | None:
        """None when nothing is remembered and nothing can be. Raises SettingsError when something is, and cannot be
        kept true."""
        folder = state_dir / "snapshots"
        try:
            key = read_key(folder / "key")
        except OSError:
            if _is_empty(folder):
                return None
            raise SettingsError(
                f"What --changed-only remembers cannot be used: {folder / 'key'} cannot be read.",
                hint=f"Make it readable, or remove {folder}.",
                code="snapshot",
            ) from None
        account = key.number("account", target.api_url, target.client)
        return cls(Snapshot(folder / f"{int(account):016x}.parquet", key))

    def recalled(self, sender_code: int, options: PushOptions) -> Remembered:
        """Members that need not be sent again, as the options want it."""
        if not options.changed_only or options.full:
            return NOTHING
        return self.snapshot.remembered(sender_code, options.refresh_after, only_known=options.only_existing)

    def recall(self, plan: ColumnPlan, rules: CleaningRules, count: int, remembered: Remembered = NOTHING) -> Recall:
        """For an audience of `count` rows; nobody is unchanged unless `remembered` has them."""
        fields = tuple(column.field.id or column.field.name for column in plan.columns)
        return Recall(self.snapshot.key, rules.phone_format.value, fields, count, remembered)

    def keep(
        self, folder: Path, numbers: np.ndarray, verdicts: np.ndarray, rows: np.ndarray, ranks: np.ndarray | None
    ) -> None:
        """Writes the digests of a run's members. A row of the audience each: `numbers` (int64), `verdicts` (uint8),
        `rows` (uint64, of a Recall), `ranks` (uint8, of a Packing). Who Listrak was asked about and does not have is
        forgotten: one that comes back is sent. Raises OSError; SettingsError when nothing can be forgotten."""
        missing = numbers[verdicts == Verdict.NOT_IN_LISTRAK]
        if len(missing):
            self.snapshot.forget(self.snapshot.key.phones(missing))
        if not (verdicts == Verdict.SENDABLE).any():
            return
        write_digests(folder / FILE_NAME, self.snapshot.place.name, self._digests(numbers, verdicts, rows, ranks))

    def _digests(
        self, numbers: np.ndarray, verdicts: np.ndarray, rows: np.ndarray, ranks: np.ndarray | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        def digests_at(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self.snapshot.key.phones(numbers[places]), rows[places]

        return (pair for _, pair in in_order(digests_at, _places(verdicts, ranks)))

    def forget(self, folder: Path | None, state: RunState, in_doubt: dict[str, RunMembers]) -> None:
        """The members of the parts that are about to be sent (all that have not arrived). `in_doubt`: as a ForgetNote
        has it. Raises SettingsError."""
        if folder is None or not (folder / FILE_NAME).exists():
            self.snapshot.drop()  # nobody knows any more who they are
            return
        note = ForgetNote(
            run_id=state.started.run_id,
            sender_code=state.started.target.sender_code,
            sent=int(time.time()),
            known=state.started.known,
            members=members_of(state, state.unsent),
            in_doubt=in_doubt,
        )
        self.snapshot.note_forgotten(note, folder / FILE_NAME)

    def settle(self, folder: Path, state: RunState) -> None:
        """Members whose import has ended well are remembered. What cannot be written down now is sent again."""
        if not (folder / FILE_NAME).exists():
            return
        arrived = [part for part in state.leaves if part.outcomes or (part.ended and not part.failed)]
        with suppress(OSError):
            if arrived and state.started.baseline:
                phones, rows = (self._members(folder, state, arrived, name) for name in ("phone", "row"))
                self.snapshot.remember(phones, rows, state.started.run_id)
            if not state.can_be_resumed:
                (folder / FILE_NAME).unlink()

    def _members(self, folder: Path, state: RunState, parts: Iterable[PartState], column: str) -> np.ndarray:
        """Digests (uint64) of the members of these parts; of parts that were updated one by one, only of those Listrak
        said yes to. Raises OSError."""
        starts, total = _starts(state)
        wanted = np.zeros(total, np.bool_)
        for part in parts:
            start = starts[part.line.origin] + part.line.skip
            letters = np.frombuffer(part.outcomes.encode("ascii"), np.uint8)
            wanted[start : start + part.line.rows] = letters == ord("u") if part.outcomes else True
        return digests_of(folder / FILE_NAME, self.snapshot.place.name, wanted, column)


def _is_empty(folder: Path) -> bool:
    """Nothing is remembered in there for whoever runs this."""
    try:
        return not any(place.suffix == ".parquet" or place.is_dir() for place in folder.iterdir())
    except OSError:
        return True


def members_of(state: RunState, parts: Iterable[PartState]) -> RunMembers:
    """The members of these parts of a run, by their places among its digests."""
    starts, total = _starts(state)
    return RunMembers(total, [(starts[part.line.origin] + part.line.skip, part.line.rows) for part in parts])


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
            yield np.flatnonzero(verdicts[start : start + _STEP] == Verdict.SENDABLE) + start
        return
    order = np.flatnonzero(verdicts == Verdict.SENDABLE)
    order = order[np.argsort(ranks[order], kind="stable")]
    yield from (order[start : start + _STEP] for start in range(0, len(order), _STEP))
