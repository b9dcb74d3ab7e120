"""What the values that travel are like, counted by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct, field

from listrak_sms_cli.audience import Cleaned, CleanedColumn, Verdict, short_zips
from listrak_sms_cli.columnar import Bytes, Mask, decoded, empty_cells


class ColumnMarks(Struct, frozen=True):
    """What can be said of a column of a batch before it is known who travels: which cells are `empty`, were `cleaned`,
    are `unfit` for the field. A bit a row, as `np.packbits` has them, None = no cell. `short_zips`: how many ZIPs are
    too short."""

    name: str
    empty: Bytes | None
    cleaned: Bytes | None
    unfit: Bytes | None
    short_zips: int

    @classmethod
    def of(cls, column: CleanedColumn) -> ColumnMarks:
        texts = column.values.text
        return cls(
            column.plan.name,
            _packed(empty_cells(texts)),
            _packed(column.values.changed),
            _packed(column.unfit),
            short_zips(decoded(texts)) if column.plan.holds_zips else 0,
        )


class ColumnCounts(Struct):
    """Per column, among the members that travel: cells that are empty, values cleaned, values sent empty; and among
    all members ZIPs that are too short. Values left out count also where nothing is left to say of the member."""

    empty: Counter[str] = field(default_factory=Counter)
    cleaned: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    short_zips: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, members: Cleaned) -> ColumnCounts:
        travels = members.verdicts == Verdict.SENDABLE
        judged = travels
        if members.fills is not None:
            judged = travels | (members.fills == 0) & (members.verdicts == Verdict.UNCHANGED)
        counts = cls()
        counts.count(map(ColumnMarks.of, members.columns), travels, judged)
        return counts

    def count(self, batch: Iterable[ColumnMarks], travels: Mask, judged: Mask) -> None:
        """The columns of one batch more. Bool a row: `travels`, and `judged`, whose values left out count."""
        travelling, looked_at = np.packbits(travels), np.packbits(judged)
        for marks in batch:
            self.empty[marks.name] += _common(marks.empty, travelling)
            self.cleaned[marks.name] += _common(marks.cleaned, travelling)
            self.blanked[marks.name] += _common(marks.unfit, looked_at)
            self.short_zips[marks.name] += marks.short_zips

    def add(self, other: ColumnCounts) -> None:
        self.empty.update(other.empty)
        self.cleaned.update(other.cleaned)
        self.blanked.update(other.blanked)
        self.short_zips.update(other.short_zips)


def _packed(mask: Mask | None) -> Bytes | None:
    return None if mask is None else np.packbits(mask)


def _common(some: Bytes | None, others: Bytes) -> int:
    return 0 if some is None else int(np.bitwise_count(some & others).sum())
