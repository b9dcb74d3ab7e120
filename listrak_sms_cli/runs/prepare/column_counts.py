"""Counts of the values that are sent, by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from msgspec import Struct, field

from listrak_sms_cli.audience import Cleaned, CleanedColumn, FieldKind, Verdict, short_zips
from listrak_sms_cli.audience.values import CleanValues, all_padded
from listrak_sms_cli.columnar import Bytes, Mask, decoded, empty_cells, pc, select


class ColumnMarks(Struct, frozen=True):
    """One column of a batch, before it is known which members are sent: cells that are `empty`, were `cleaned`, or are
    `unfit` for the field, `too_long` (a part of those): a bit a row, as `np.packbits` makes them, None = no cell.
    `short_zips`: ZIPs that are too short; `filled`: cells with a value, also an unfit one; `future`: dates later than
    today, of so many `dates`; `null_words`: how often each occurs; `padded`: whether blanks begin or end every text,
    None = there is none; `doubtful`, `contradicting`: whether CleanValues has any."""

    name: str
    empty: Bytes | None
    cleaned: Bytes | None
    unfit: Bytes | None
    too_long: Bytes | None
    short_zips: int
    filled: int
    future: int
    dates: int
    null_words: Mapping[str, int]
    padded: bool | None
    doubtful: bool
    contradicting: bool

    @property
    def nbytes(self) -> int:
        """Memory that the marks of its cells take."""
        return sum(
            marked.nbytes for marked in (self.empty, self.cleaned, self.unfit, self.too_long) if marked is not None
        )

    @classmethod
    def of(cls, column: CleanedColumn) -> ColumnMarks:
        """Mark the cells of a cleaned column."""
        values = column.values
        texts, kind = values.text, column.plan.field.kind
        empty = empty_cells(texts)
        unfit, fit = column.unfit, len(texts) - (0 if empty is None else int(np.count_nonzero(empty)))
        future = 0 if values.future is None else int(np.count_nonzero(values.future))
        return cls(
            column.plan.name,
            _packed(empty),
            _packed(values.changed),
            _packed(unfit),
            _packed(values.too_long),
            short_zips(texts) if column.plan.holds_zips else 0,
            fit + (0 if unfit is None else int(np.count_nonzero(unfit))),
            future,
            fit if kind is FieldKind.DATE else 0,
            {} if values.null_words is None else _words(select(decoded(texts), values.null_words)),
            _padded(values, fit) if kind is FieldKind.TEXT else None,
            values.doubtful is not None,
            values.contradicting is not None,
        )


def _padded(values: CleanValues, filled: int) -> bool | None:
    if not filled:
        return None
    return all_padded(values.text) if values.blank_ends else False


class ColumnCounts(Struct):
    """By column, among the members that are sent: empty cells, cleaned values, values sent empty or not at all; among
    those dropped for their values, the values that are `unfit`, and those of them that are `too_long`; and among all
    members cells that are filled, ZIPs that are too short, dates and those in the future, words for empty cells by
    (column, word), columns whose every text is padded with blanks (False: not every), and shapes of consents that are
    neither yes nor no. A value left out counts also where no other is left to send."""

    empty: Counter[str] = field(default_factory=Counter)
    cleaned: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    too_long: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    short_zips: Counter[str] = field(default_factory=Counter)
    future: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)
    null_words: Counter[tuple[str, str]] = field(default_factory=Counter)
    padded: dict[str, bool] = field(default_factory=dict)
    unknown_consents: Counter[str] = field(default_factory=Counter)
    doubtful: set[str] = field(default_factory=set)
    contradicted: set[str] = field(default_factory=set)

    @property
    def mixed(self) -> frozenset[str]:
        """Names of columns that were read in a way that other cells of theirs contradict (see ValueRules)."""
        return frozenset(self.doubtful & self.contradicted)

    @classmethod
    def of(cls, members: Cleaned) -> ColumnCounts:
        """Count the columns of one batch."""
        sent = Verdict.SENDABLE.of(members.verdicts)
        passed = sent
        if members.column_sets is not None:
            passed = sent | (members.column_sets == 0) & Verdict.UNCHANGED.of(members.verdicts)
        counts = cls(unknown_consents=Counter(members.unknown_consents))
        counts.count(map(ColumnMarks.of, members.columns), sent, passed, dropped_for_values(members.verdicts))
        return counts

    def count(self, columns: Iterable[ColumnMarks], sent: Mask, passed: Mask, dropped: Mask) -> None:
        """Add the columns of one batch. Bool a row: members that are `sent`; those that `passed` all checks, whose
        unfit values are blanked; those `dropped` for unfit values."""
        sent_bits, passed_bits, dropped_bits = np.packbits(sent), np.packbits(passed), np.packbits(dropped)
        for marks in columns:
            name = marks.name
            for counter, count in (
                (self.empty, _common(marks.empty, sent_bits)),
                (self.cleaned, _common(marks.cleaned, sent_bits)),
                (self.blanked, _common(marks.unfit, passed_bits)),
                (self.unfit, _common(marks.unfit, dropped_bits)),
                (self.too_long, _common(marks.too_long, dropped_bits)),
                (self.filled, marks.filled),
                (self.short_zips, marks.short_zips),
            ):
                counter[name] = counter.get(name, 0) + count  # += of a new name is a call, thousands of them a batch
            self._count_all(marks)

    def _count_all(self, marks: ColumnMarks) -> None:
        """Count what is counted among all members."""
        name = marks.name
        if marks.dates:
            self.dates[name] += marks.dates
            self.future[name] += marks.future
        for word, count in marks.null_words.items():
            self.null_words[name, word] += count
        if marks.padded is not None:
            self.padded[name] = self.padded.get(name, True) and marks.padded
        if marks.doubtful:
            self.doubtful.add(name)
        if marks.contradicting:
            self.contradicted.add(name)

    def add(self, other: ColumnCounts) -> None:
        """Add the counts of another batch."""
        self.empty.update(other.empty)
        self.cleaned.update(other.cleaned)
        self.blanked.update(other.blanked)
        self.unfit.update(other.unfit)
        self.too_long.update(other.too_long)
        self.filled.update(other.filled)
        self.short_zips.update(other.short_zips)
        self.future.update(other.future)
        self.dates.update(other.dates)
        self.null_words.update(other.null_words)
        for name, padded in other.padded.items():
            self.padded[name] = self.padded.get(name, True) and padded
        self.unknown_consents.update(other.unknown_consents)
        self.doubtful |= other.doubtful
        self.contradicted |= other.contradicted


def _words(cells: pa.StringArray) -> dict[str, int]:
    words, occurrences = pc.value_counts(cells).flatten()
    return dict(zip(words.to_pylist(), occurrences.to_pylist(), strict=True))


def dropped_for_values(verdicts: np.ndarray) -> Mask:
    """Bool a row: its member is dropped for a value that its field cannot hold."""
    dropped: Mask = Verdict.BAD_VALUE.of(verdicts) | Verdict.VALUE_TOO_LONG.of(verdicts)
    return dropped


def _packed(mask: Mask | None) -> Bytes | None:
    return None if mask is None else np.packbits(mask)


def _common(marked: Bytes | None, rows: Bytes) -> int:
    return 0 if marked is None else int(np.bitwise_count(marked & rows).sum())
