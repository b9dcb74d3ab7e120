"""What a push would change: the members that would be sent compared with what is stored, counted column by column."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cached_property

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct, field

from listrak_sms_cli.audience import CleaningRules, shape_of_each
from listrak_sms_cli.columnar import Mask, digest_cells, mix_numbers, pc, raw, select
from listrak_sms_cli.runs.readback.change_list import ChangeList
from listrak_sms_cli.runs.readback.compare import ComparedColumn, ComparedMembers, Comparison
from listrak_sms_cli.runs.readback.reading import Reading
from listrak_sms_cli.runs.readback.sent_values import SentValues
from listrak_sms_cli.runs.readback.stored_values import canonical, empties_stay
from listrak_sms_cli.runs.record import Learned
from listrak_sms_cli.runs.report import ColumnChanges, CommonChange

_SEEDS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)  # two sums of 64 bits tell apart what one may not
_STEP = 100_000  # members digested together
_KINDS = 10_000  # of changes of a column that are told apart; with more, the rarest half is forgotten
_COMMONEST = 5
_ARROW = "\x1f"  # between the two sides of a change


class ColumnTally(Struct):
    """One column of the members that exist, as ColumnChanges. `digests`: of their stored values, whatever the order
    they are read in; `kinds`: how often each change occurs, by shape or by value."""

    set: int = 0
    changed: int = 0
    emptied: int = 0
    same: int = 0
    digests: tuple[int, int] = (0, 0)
    kinds: dict[str, int] = field(default_factory=dict)


class SurveyNotes(Struct):
    """What an interrupted survey goes on with: counts and digests, and who was found (a bit a member, in the order of
    their phones)."""

    columns: list[ColumnTally]
    different: int = 0
    found: bytes = b""


class Survey:
    """Compares all members of `sent`; `learned`: of the account. `differs`: bool a member of `sent`, some column would
    change; for the members compared by this process. `empties_stay`: an empty cell is no change.
    `show_values`: changes are told apart by value, not by shape."""

    def __init__(self, sent: SentValues, rules: CleaningRules, learned: Learned, *, show_values: bool = False) -> None:
        self.differs = np.zeros(len(sent.rows), np.bool_)
        self._sent = sent
        self.empties_stay = empties_stay(rules, learned)
        self._comparison = Comparison(sent, np.arange(len(self.differs)), empties_stay=self.empties_stay)
        self._notes = SurveyNotes([ColumnTally() for _ in sent.columns])
        self._show_values = show_values
        self._changes: ChangeList | None = None

    def read(self, reading: Reading, changes: ChangeList | None = None) -> None:
        """Read the contacts and compare them; each value that would change is added to `changes`. Raises what Reading
        raises."""
        self._changes = changes
        reading.read(self._comparison, self._add)

    @cached_property
    def content(self) -> str:
        """A digest of what is sent, whatever the order of the rows and the file it is in."""
        digest = hashlib.blake2b(digest_size=16)
        members, phones = self._comparison.members, self._comparison.phones
        for start in range(0, len(members), _STEP):
            digest.update(phones[start : start + _STEP].data)
            for column in range(len(self._sent.columns)):
                cells = raw(self._sent.values(column, members[start : start + _STEP]))
                digest.update(np.ascontiguousarray(cells.lengths, np.int64).data)
                digest.update(np.ascontiguousarray(cells.data).data)
        return digest.hexdigest()

    @property
    def members(self) -> int:
        """All that can be sent: `different + same + missing`."""
        return len(self.differs)

    @property
    def different(self) -> int:
        """Members that exist and would change."""
        return self._notes.different

    @property
    def same(self) -> int:
        """Members that exist and would not."""
        return self._comparison.found - self._notes.different

    @property
    def missing(self) -> int:
        """Members that are not in Listrak."""
        return self.members - self._comparison.found

    @property
    def existing_phones(self) -> np.ndarray:
        """The phones of the members that exist: ascending int64 E.164 digits."""
        phones: np.ndarray = self._comparison.phones[~self._comparison.missing]
        return phones

    @property
    def missing_phones(self) -> np.ndarray:
        """The phones of the members that are not in Listrak, as `existing_phones`."""
        phones: np.ndarray = self._comparison.phones[self._comparison.missing]
        return phones

    @property
    def same_phones(self) -> np.ndarray:
        """The phones of those that would not change, as `existing_phones`."""
        same = ~self._comparison.missing & ~self.differs[self._comparison.members]
        phones: np.ndarray = self._comparison.phones[same]
        return phones

    @property
    def stored_digests(self) -> list[str]:
        """By column, a digest of the stored values that a push would meet."""
        return ["".join(f"{part:016x}" for part in tally.digests) for tally in self._notes.columns]

    def changes(self) -> tuple[ColumnChanges, ...]:
        """The counts by column."""
        return tuple(
            ColumnChanges(
                column=column.name,
                field=column.field.name,
                set=tally.set,
                changed=tally.changed,
                emptied=tally.emptied,
                same=tally.same,
                commonest=tuple(
                    CommonChange(*kind.partition(_ARROW)[::2], members)
                    for kind, members in Counter(tally.kinds).most_common(_COMMONEST)
                ),
            )
            for column, tally in zip(self._sent.columns, self._notes.columns, strict=True)
        )

    def notes(self) -> str:
        """What `restore` goes on with."""
        self._notes.found = np.packbits(~self._comparison.missing).tobytes()
        return msgspec.json.encode(self._notes).decode()

    def restore(self, notes: str) -> int:
        """Go on with what an interrupted survey of the same members noted; return how many it had compared. Raises
        msgspec.MsgspecError for what is no such note."""
        self._notes = msgspec.json.decode(notes, type=SurveyNotes)
        found = np.unpackbits(np.frombuffer(self._notes.found, np.uint8), count=len(self._comparison.missing))
        self._comparison.missing[:] = found == 0
        self._comparison.found = int(np.count_nonzero(found))
        return self._comparison.found

    def _add(self, compared: ComparedMembers) -> None:
        for tally, column in zip(self._notes.columns, compared.columns, strict=True):
            self._count(tally, column, compared.ranks)
            if self._changes is not None and column.different.any():
                self._changes.add(compared.members[column.different], column)
        different = compared.different
        self.differs[compared.members] = different
        self._notes.different += int(np.count_nonzero(different))

    def _count(self, tally: ColumnTally, column: ComparedColumn, ranks: np.ndarray) -> None:
        stored, different = canonical(column.stored, column.column.field.kind), column.different
        empty, nothing_stored = raw(column.ours).lengths == 0, raw(stored).lengths == 0
        every, news = int(np.count_nonzero(different)), int(np.count_nonzero(different & nothing_stored))
        emptied = int(np.count_nonzero(different & empty))
        tally.set += news
        tally.emptied += emptied
        tally.changed += every - news - emptied
        tally.same += len(different) - every
        meets = ~empty if self.empties_stay else np.ones(len(empty), np.bool_)
        parts = zip(tally.digests, _digests(stored, ranks, meets), strict=True)
        tally.digests = tuple((before + more) % (1 << 64) for before, more in parts)  # type: ignore[assignment]
        if every:
            self._count_kinds(tally, select(column.stored, different), select(column.ours, different))

    def _count_kinds(self, tally: ColumnTally, stored: pa.StringArray, ours: pa.StringArray) -> None:
        sides = (stored, ours) if self._show_values else (shape_of_each(stored), shape_of_each(ours))
        kinds, members = pc.value_counts(pc.binary_join_element_wise(*sides, _ARROW)).flatten()
        for kind, count in zip(kinds.to_pylist(), members.to_pylist(), strict=True):
            tally.kinds[kind] = tally.kinds.get(kind, 0) + count
        if len(tally.kinds) > _KINDS:
            tally.kinds = dict(Counter(tally.kinds).most_common(_KINDS // 2))


def _digests(cells: pa.StringArray, ranks: np.ndarray, chosen: Mask) -> list[int]:
    """Two sums, modulo 2^64, of a digest of each chosen cell and the rank of its member: not of its phone, which could
    be guessed from the digest of a single member."""
    return [int(np.add.reduce(digest_each(cells, ranks, seed)[chosen], dtype=np.uint64)) for seed in _SEEDS]


def digest_each(cells: pa.StringArray, ranks: np.ndarray, seed: int) -> np.ndarray:
    """uint64 a cell: of what it holds, and of the rank of its member. With another seed all of them are others."""
    keys = np.array([seed, seed ^ 0x5851F42D4C957F2D], np.uint64)
    return mix_numbers(digest_cells(raw(cells), seed) + mix_numbers(ranks, keys), keys)
