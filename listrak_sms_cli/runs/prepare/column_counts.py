"""Counts of the values that are sent, by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct, field

from listrak_sms_cli.audience import Cleaned, CleanedColumn, Verdict, short_zips
from listrak_sms_cli.columnar import Bytes, Mask, decoded, empty_cells


class ColumnMarks(Struct, frozen=True):
    """One column of a batch, before it is known which members are sent: cells that are `empty`, were `cleaned`, or are
    `unfit` for the field: a bit a row, as `np.packbits` makes them, None = no cell. `short_zips`: ZIPs that are too
    short."""

    name: str
    empty: Bytes | None
    cleaned: Bytes | None
    unfit: Bytes | None
    short_zips: int

    @classmethod
    def of(cls, column: CleanedColumn) -> ColumnMarks:
        """Mark the cells of a cleaned column."""
        texts = column.values.text
        return cls(
            column.plan.name,
            _packed(empty_cells(texts)),
            _packed(column.values.changed),
            _packed(column.unfit),
            short_zips(decoded(texts)) if column.plan.holds_zips else 0,
        )


class ColumnCounts(Struct):
    """By column, among the members that are sent: empty cells, cleaned values, values sent empty or not at all; among
    those dropped for their values, the values that are `unfit`; and among all members ZIPs that are too short. A value
    left out counts also where no other is left to send."""

    empty: Counter[str] = field(default_factory=Counter)
    cleaned: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    short_zips: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, members: Cleaned) -> ColumnCounts:
        """Count the columns of one batch."""
        sent = members.verdicts == Verdict.SENDABLE
        passed = sent
        if members.column_sets is not None:
            passed = sent | (members.column_sets == 0) & (members.verdicts == Verdict.UNCHANGED)
        counts = cls()
        counts.count(map(ColumnMarks.of, members.columns), sent, passed, dropped_for_values(members.verdicts))
        return counts

    def count(self, columns: Iterable[ColumnMarks], sent: Mask, passed: Mask, dropped: Mask) -> None:
        """Add the columns of one batch. Bool a row: members that are `sent`; those that `passed` all checks, whose
        unfit values are blanked; those `dropped` for unfit values."""
        sent_bits, passed_bits, dropped_bits = np.packbits(sent), np.packbits(passed), np.packbits(dropped)
        for marks in columns:
            self.empty[marks.name] += _common(marks.empty, sent_bits)
            self.cleaned[marks.name] += _common(marks.cleaned, sent_bits)
            self.blanked[marks.name] += _common(marks.unfit, passed_bits)
            self.unfit[marks.name] += _common(marks.unfit, dropped_bits)
            self.short_zips[marks.name] += marks.short_zips

    def add(self, other: ColumnCounts) -> None:
        """Add the counts of another batch."""
        self.empty.update(other.empty)
        self.cleaned.update(other.cleaned)
        self.blanked.update(other.blanked)
        self.unfit.update(other.unfit)
        self.short_zips.update(other.short_zips)


def dropped_for_values(verdicts: np.ndarray) -> Mask:
    """Bool a row: its member is dropped for a value that its field cannot hold."""
    dropped: Mask = (verdicts == Verdict.BAD_VALUE) | (verdicts == Verdict.VALUE_TOO_LONG)
    return dropped


def _packed(mask: Mask | None) -> Bytes | None:
    return None if mask is None else np.packbits(mask)


def _common(marked: Bytes | None, rows: Bytes) -> int:
    return 0 if marked is None else int(np.bitwise_count(marked & rows).sum())
