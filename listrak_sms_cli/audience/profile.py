"""The profile of an audience: filled, distinct and longest cells and their shapes, counted batch by batch, column by
column, in flat memory.

No value leaves this module: a sample shows the shape of cells (`Xxxxx`, `99999`), never their content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.members import CleanedColumn
from listrak_sms_cli.audience.phones import EXPONENT
from listrak_sms_cli.audience.shapes import shapes_of_each
from listrak_sms_cli.audience.values import ValueRules, blank_nulls, clean_values
from listrak_sms_cli.columnar import (
    Column,
    Mask,
    Measures,
    NumberSet,
    Raw,
    decoded,
    matches,
    measure_cells,
    nulls_as_empty,
    raw,
    select,
    trimmed,
    words_and_places,
)

DISTINCT_CAP = 10_000  # distinct cells counted exactly, a column
_DISTINCT_BYTES_IN_ALL = 64 << 20  # of the digests of distinct cells, all columns
_DIGEST_SEED = 0  # any
_SAMPLED = 1_024  # filled cells, a column, whose shapes and kinds are determined
_SAMPLED_IN_ALL = 1 << 17  # of all columns, where they are many; at least _FEWEST of each
_FEWEST = 64
_SAMPLE_BYTES = 1 << 18  # of sampled cells that wait for more, all columns: they are counted while others are read
_SHAPES = 3
_MAJORITY = 0.9  # of the sampled cells: the kind that a column looks like
_KINDS = (FieldKind.CHECKBOX, FieldKind.NUMBER, FieldKind.DATE)


Digests: TypeAlias = npt.NDArray[np.uint64]


class ColumnFacts(Struct, frozen=True):
    """Cells of one column in one batch. `longest` in characters. `digests`: uint64, of filled cells, each at
    least once; None = not counted. `sample`: the first filled ones, None = no more are wanted."""

    filled: int
    longest: int
    digests: Digests | None
    sample: pa.StringArray | None = None


class _Used(NamedTuple):
    """The cells of a column of a batch, or the words of its dictionary that occur and how many `times` each does."""

    texts: pa.StringArray
    content: Raw
    times: npt.NDArray[np.intp] | None


class _Sample:
    """The cells of one column that are sampled: `rows`, their shapes, and how many could be of each kind."""

    def __init__(self) -> None:
        self.rows = 0
        self.shapes: Counter[str] = Counter()
        self.kinds: Counter[FieldKind] = Counter()


class _Samples:
    """Counts the sampled cells of all columns, many at once: each regular expression costs a good part of a millisecond
    before it reads a cell, which thousands of columns, or of small files, would pay thousands of times."""

    def __init__(self, columns: int, region: str, date_format: str | None) -> None:
        self.enough = min(_SAMPLED, max(_FEWEST, _SAMPLED_IN_ALL // max(columns, 1)))  # cells of each column
        self._rules = [ValueRules(kind, None, region, date_format) for kind in _KINDS]
        self._waiting: list[tuple[_Sample, pa.StringArray]] = []
        self._bytes = 0

    def add(self, sample: _Sample, cells: pa.StringArray) -> None:
        """Add filled cells to a sample, unless it has enough."""
        if sample.rows >= self.enough or not len(cells):
            return
        cells = cells.slice(0, self.enough - sample.rows)
        sample.rows += len(cells)
        self._waiting.append((sample, cells))
        self._bytes += cells.nbytes
        if self._bytes > _SAMPLE_BYTES:
            self.count()

    def count(self) -> None:
        """Bring all samples up to date."""
        if not self._waiting:
            return
        cells = pa.concat_arrays([waiting for _, waiting in self._waiting])
        samples = [sample for sample, _ in self._waiting]
        ends = np.cumsum([len(waiting) for _, waiting in self._waiting])
        self._waiting, self._bytes = [], 0
        for sample, shapes in zip(samples, shapes_of_each(cells, ends.tolist()), strict=True):
            sample.shapes.update(shapes)
        starts = np.concatenate(([0], ends[:-1]))
        for rules in self._rules:
            bad = clean_values(cells, rules).bad
            fitting = np.ones(len(cells), np.int64) if bad is None else (~bad).astype(np.int64)
            for sample, count in zip(samples, np.add.reduceat(fitting, starts).tolist(), strict=True):
                sample.kinds[rules.kind] += count


class _Distinct:
    """The different cells of a column, counted by their digests up to a cap."""

    def __init__(self, *, counted: bool = True) -> None:
        self.number = 0
        self._digests = NumberSet(DISTINCT_CAP) if counted else None

    @property
    def capped(self) -> bool:
        """Whether there may be more than `number`."""
        return self._digests is None

    @property
    def kept_bytes(self) -> int:
        """Memory that the digests take."""
        return self._digests.nbytes if self._digests is not None else 0

    def add(self, digests: Digests) -> None:
        """Add the digests of a batch."""
        if self._digests is None:
            return
        counts = self._digests.add(digests)
        self.number = self._digests.count
        if not counts:
            self.stop()

    def stop(self) -> None:
        """Count no more."""
        self._digests = None


class ColumnProfile:
    """One column of the batches so far. `bad`, `too_long` and `cleaned` count cells as CleanValues has them, whatever
    the verdict on their members."""

    def __init__(self, samples: _Samples, distinct: _Distinct) -> None:
        self.filled = self.longest = self.bad = self.too_long = self.cleaned = 0
        self._samples = samples
        self._sample = _Sample()
        self._distinct = distinct

    @property
    def distinct(self) -> int:
        """Different cells: exact, or a lower bound once `capped`."""
        return self._distinct.number

    @property
    def capped(self) -> bool:
        """Whether there are more distinct cells than are counted."""
        return self._distinct.capped

    @property
    def sampled(self) -> int:
        """Cells that are sampled."""
        return self._sample.rows

    @property
    def sample(self) -> tuple[str, ...]:
        """The commonest shapes, in one order whatever cells came first."""
        self._samples.count()
        commonest = sorted(self._sample.shapes.items(), key=lambda shape: (-shape[1], shape[0]))
        return tuple(shape for shape, _ in commonest[:_SHAPES])

    @property
    def looks_like(self) -> FieldKind | None:
        """The strictest kind that nine in ten of the sampled cells could be of; None when no cell is filled."""
        self._samples.count()
        kinds = self._sample.kinds
        fits = (kind for kind in _KINDS if kinds[kind] >= _MAJORITY * self.sampled)
        return next(fits, FieldKind.TEXT) if self.sampled else None

    @property
    def unlike(self) -> int:
        """Sampled cells that are not of the kind that the column looks like."""
        kind = self.looks_like
        return 0 if kind in (None, FieldKind.TEXT) else self.sampled - self._sample.kinds[kind]

    @property
    def wants_sample(self) -> bool:
        """Whether more cells have to be sampled."""
        return self.sampled < self._samples.enough

    @property
    def wants_distinct(self) -> bool:
        """Whether distinct cells are still counted."""
        return not self._distinct.capped

    @property
    def kept_bytes(self) -> int:
        """Memory that the distinct cells take."""
        return self._distinct.kept_bytes

    def add(self, facts: ColumnFacts) -> None:
        """Add the facts of the next batch. The result does not depend on when they were determined."""
        self.filled += facts.filled
        self.longest = max(self.longest, facts.longest)
        if facts.sample is not None:
            self._samples.add(self._sample, facts.sample)
        if facts.digests is not None:
            self._distinct.add(facts.digests)

    def stop_counting(self) -> None:
        """Count no more distinct cells."""
        self._distinct.stop()


class AudienceProfile:
    """The profile of the columns with these indices. `facts_of` may run in several threads; `add` takes its results in
    the order of the batches."""

    def __init__(
        self, columns: Iterable[int], null_words: tuple[str, ...], region: str, date_format: str | None = None
    ) -> None:
        self._null_words = null_words
        indices = tuple(columns)
        self._samples = _Samples(len(indices), region, date_format)
        self._not_counted: set[int] = set()
        self.columns = {index: self._empty(index) for index in indices}

    def leave_distinct_out(self, column: int) -> None:
        """Do not count the distinct values of a column: the caller knows them otherwise."""
        if column in self.columns:
            self._not_counted.add(column)
            self.columns[column].stop_counting()

    def restart(self, but: int | None = None) -> None:
        """Forget what was added of all columns but this one: the audience is read again."""
        for column in self.columns.keys() - {but}:
            self.columns[column] = self._empty(column)

    def _empty(self, column: int) -> ColumnProfile:
        return ColumnProfile(self._samples, _Distinct(counted=column not in self._not_counted))

    def facts_of(self, cells: Mapping[int, Column]) -> dict[int, ColumnFacts]:
        """Return the facts of some columns of a batch, by their index in the audience. `cells`: pa.string(), or
        dictionary-encoded."""
        used = {index: self._used(self.columns[index], column) for index, column in cells.items()}
        digested = [self.columns[index].wants_distinct for index in used]
        measured = measure_cells([of_column.content for of_column in used.values()], digested, _DIGEST_SEED)
        return {
            index: self._facts(self.columns[index], of_column, measures)
            for (index, of_column), measures in zip(used.items(), measured, strict=True)
        }

    def add(self, facts: Mapping[int, ColumnFacts], cleaned: Iterable[CleanedColumn] = ()) -> None:
        """Add the facts of a batch, and how many of its values were bad, too long or cleaned."""
        for index, of_column in facts.items():
            self.columns[index].add(of_column)
        for column in cleaned:
            profile, values = self.columns[column.plan.index], column.values
            profile.bad += _count(values.bad)
            profile.too_long += _count(values.too_long)
            profile.cleaned += _count(values.changed)
        while sum(column.kept_bytes for column in self.columns.values()) > _DISTINCT_BYTES_IN_ALL:
            largest = max(self.columns.values(), key=lambda column: column.kept_bytes)
            largest.stop_counting()

    def _used(self, known: ColumnProfile, column: Column) -> _Used:
        # Cells are sampled, not the words of a dictionary.
        texts, places = words_and_places(decoded(column) if known.wants_sample else column)
        cells = blank_nulls(texts, self._null_words) if self._null_words else texts
        if places is None:
            return _Used(cells, raw(cells), None)
        times = np.bincount(places, minlength=len(cells))
        cells = select(cells, times > 0)
        return _Used(cells, raw(cells), times[times > 0])

    def _facts(self, known: ColumnProfile, used: _Used, measures: Measures) -> ColumnFacts:
        rows, sample = measures.filled, None
        if measures.filled and known.wants_sample:
            sample = _first_filled(used.texts, used.content.lengths > 0, self._samples.enough)
        if used.times is not None:
            rows = int(used.times[used.content.lengths > 0].sum())
        return ColumnFacts(rows, measures.longest, measures.digests, sample)


def _first_filled(cells: pa.StringArray, filled: Mask, most: int) -> pa.StringArray:
    """The first cells of which a sample is made."""
    rows = int(np.flatnonzero(filled)[:most][-1]) + 1
    first = cells.slice(0, rows)
    return first if filled[:rows].all() else select(first, filled[:rows])


def _count(rows: Mask | None) -> int:
    return 0 if rows is None else int(np.count_nonzero(rows))


def in_exponent_form(cells: pa.StringArray, invalid: Mask) -> int:
    """Return how many of the invalid phones a spreadsheet has turned into scientific notation (`7.18E+10`)."""
    if not invalid.any():
        return 0
    return int(np.count_nonzero(matches(trimmed(nulls_as_empty(select(cells, invalid))), EXPONENT)))


def short_zips(column: Column) -> int:
    """Return how many cells are three or four digits: ZIPs without their leading zeros."""
    words, places = words_and_places(column)
    lengths = raw(words).lengths
    short = (lengths == 3) | (lengths == 4)
    if not short.any():
        return 0
    short[short] = matches(select(words, short), r"^[0-9]+$")
    return int(np.count_nonzero(short if places is None else short.take(places)))
