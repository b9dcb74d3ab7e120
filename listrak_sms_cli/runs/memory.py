"""What a push leaves behind for later ones (`--changed-only`): it strikes its members before it sends them, and
they come back once their import has ended well, whoever finds that out.

`digests.parquet` in the folder of a run holds the digests of its members, part after part, until all of its
imports have ended well: so `status` and `resume` need no audience to bring members back or to strike them again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.audience.clean import CleaningRules, Verdict
from listrak_sms_cli.audience.columns import ColumnPlan
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.digests import Key, read_key
from listrak_sms_cli.runs.journal import PartState, RunState
from listrak_sms_cli.runs.journal_lines import Destination
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.ordered import in_order
from listrak_sms_cli.runs.snapshot import NOTHING, Remembered, Snapshot, column_of, numbers_of

FILE_NAME = "digests.parquet"
_STEP = 1 << 19  # members written together
_SCHEMA = pa.schema([("phone", pa.uint64()), ("row", pa.uint64())])


class Recall:
    """Works out the digest of each member that could travel, and leaves out who has arrived just so before.

    `rows`: uint64 a row of the audience, filled stretch by stretch, by several threads at once.
    """

    def __init__(self, key: Key, meaning: tuple[object, ...], count: int, remembered: Remembered) -> None:
        """`meaning`: what lines mean beside their text; `count`: rows of the audience."""
        self.rows = np.zeros(count, np.uint64)
        self._key = key
        self._meaning = meaning
        self._remembered = remembered

    def leave_out(
        self, stretch: slice, numbers: np.ndarray, lines: pa.StringArray, verdicts: np.ndarray
    ) -> pa.StringArray:
        """`numbers`, `lines` (null for who does not travel) and `verdicts` of these rows. Unchanged members get
        their verdict, in place, and a null for a line."""
        digests = self.rows[stretch] = self._key.lines(lines, *self._meaning)
        if not len(self._remembered.phones):
            return lines
        same = self._remembered.holds(self._key.phones(numbers), digests) & (verdicts == Verdict.SENDABLE)
        if not same.any():
            return lines
        verdicts[same] = Verdict.UNCHANGED
        places = np.where(same, -1, np.arange(len(lines)))
        taken = pa.Array.from_buffers(
            pa.int64(), len(places), [_bits(~same), pa.py_buffer(np.ascontiguousarray(places))]
        )
        return lines.take(taken)


@dataclass(frozen=True)
class Memory:
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
            if not any(folder.glob("*.parquet")):
                return None
            raise SettingsError(
                f"What --changed-only remembers cannot be used: {folder / 'key'} cannot be read.",
                hint=f"Make it readable, or remove {folder}.",
                code="snapshot",
            ) from None
        account = key.number("account", target.api_url, target.client)
        return cls(Snapshot(folder / f"{int(account):016x}.parquet", key))

    @classmethod
    def of(cls, state_dir: Path, state: RunState) -> Memory | None:
        """For the account that a run was sent to."""
        return cls.open(state_dir, state.started.target) if state.started is not None else None

    def recalled(self, sender_code: int, options: PushOptions) -> Remembered:
        if not options.changed_only or options.full:
            return NOTHING
        return self.snapshot.remembered(sender_code, options.refresh_after, only_known=options.only_existing)

    def recall(self, plan: ColumnPlan, rules: CleaningRules, count: int, remembered: Remembered = NOTHING) -> Recall:
        """For an audience of `count` rows; nobody is unchanged unless `remembered` has them."""
        meaning = (rules.phone_format.value, *(column.field.id or column.field.name for column in plan.columns))
        return Recall(self.snapshot.key, meaning, count, remembered)

    def keep(self, folder: Path, numbers: np.ndarray, verdicts: np.ndarray, rows: np.ndarray) -> None:
        """Writes the digests of a run's members. A row of the audience each: `numbers` (int64), `verdicts` (uint8),
        `rows` (uint64, of a Recall). Who Listrak was asked about and does not have is forgotten: one that comes back
        is sent. Raises OSError; SettingsError when nothing can be forgotten."""
        missing = numbers[verdicts == Verdict.NOT_IN_LISTRAK]
        if len(missing):
            self.snapshot.forget(self.snapshot.key.phones(missing))
        order = np.flatnonzero(verdicts == Verdict.SENDABLE)
        if not len(order):
            return

        def made(start: int) -> pa.RecordBatch:
            some = order[start : start + _STEP]
            columns = [column_of(self.snapshot.key.phones(numbers[some])), column_of(rows[some])]
            return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)

        place = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(place, "wb") as file:
            settings = {"compression": "none", "use_dictionary": False, "write_statistics": False}
            with pq.ParquetWriter(file, _SCHEMA, **settings) as writer:
                for _, batch in in_order(made, range(0, len(order), _STEP)):
                    writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())

    def strike(self, folder: Path | None, state: RunState, *, known: bool, contested: bool) -> None:
        """The members of the parts that are about to be sent (all that have not arrived). Raises SettingsError."""
        started = state.started
        assert started is not None
        try:
            if folder is None:
                raise FileNotFoundError
            phones = _members(folder, state, state.unsent, "phone")
        except (OSError, pa.ArrowException):
            # Nobody knows any more who they are.
            self.snapshot.drop()
            return
        sender_code = started.target.sender_code
        self.snapshot.strike(phones, started.run_id, sender_code, known=known, contested=contested)

    def settle(self, folder: Path | None, state: RunState) -> None:
        """Brings back the members whose import has ended well. What cannot be written down now is sent again."""
        if folder is None or state.started is None or not (folder / FILE_NAME).exists():
            return
        arrived = [part for part in state.leaves if part.ended and not part.failed]
        with suppress(OSError, pa.ArrowException):
            if arrived and state.started.baseline:
                phones, rows = (_members(folder, state, arrived, name) for name in _SCHEMA.names)
                self.snapshot.arrive(phones, rows, state.started.run_id)
            if not state.unsent and not state.open_imports:
                (folder / FILE_NAME).unlink()


def _members(folder: Path, state: RunState, parts: Iterable[PartState], column: str) -> np.ndarray:
    """Digests (uint64) of the members of these parts: a column of `_SCHEMA`. Raises OSError, pa.ArrowException."""
    starts: dict[int, int] = {}
    total = 0
    for line in state.prepared.parts if state.prepared else ():
        starts[line.part] = total
        total += line.rows
    wanted = np.zeros(total, np.bool_)
    for part in parts:
        start = starts[part.line.origin] + part.line.skip
        wanted[start : start + part.line.rows] = True
    found = np.empty(int(np.count_nonzero(wanted)), np.uint64)
    seen = taken = 0
    # Not pq.read_table, which would import pandas.
    with pq.ParquetFile(folder / FILE_NAME) as file:
        if file.metadata.num_rows != total:
            raise OSError("these are not the digests of the run's members")
        for batch in file.iter_batches(_STEP, columns=[column]):
            some = numbers_of(batch.column(0))[wanted[seen : seen + batch.num_rows]]
            found[taken : taken + len(some)] = some
            seen, taken = seen + batch.num_rows, taken + len(some)
    return found


def _bits(flags: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
