"""The profile of an audience: filled, distinct and longest cells and their shapes, counted batch by batch, column by
column, in flat memory.

No value leaves this module: a sample shows the shape of cells (`Xxxxx`, `99999`), never their content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.members import CleanedColumn
from listrak_sms_cli.audience.phones import EXPONENT
from listrak_sms_cli.audience.shapes import shapes_of
from listrak_sms_cli.audience.values import ValueRules, blank_nulls, clean_values
from listrak_sms_cli.columnar import (
    Column,
    Mask,
    decoded,
    fixed_column,
    integers,
    matches,
    nulls_as_empty,
    raw,
    select,
    string_column,
    trimmed,
    words_and_places,
)

DISTINCT_CAP = 10_000  # distinct cells counted exactly, a column
_DISTINCT_BYTES = 1 << 20  # of distinct cells kept, a column
_DISTINCT_BYTES_IN_ALL = 64 << 20  # of distinct cells kept, all columns
_SAMPLED = 1_024  # filled cells, a column, whose shapes and kinds are determined
_SHAPES = 3
_MAJORITY = 0.9  # of the sampled cells: the kind that a column looks like
_KINDS = (FieldKind.CHECKBOX, FieldKind.NUMBER, FieldKind.DATE)


class ColumnFacts(Struct, frozen=True):
    """Cells of one column in one batch. `longest` in characters. `distinct`: pa.string(), None = too many or not
    counted; there are at least `at_least`. `shapes`: masked cells and how often each occurs; `kinds`: how many cells
    could be of each kind; both among the first `sampled` filled ones."""

    filled: int
    longest: int
    distinct: pa.StringArray | None
    at_least: int = 0
    sampled: int = 0
    shapes: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[FieldKind, int] = field(default_factory=dict)


class ColumnProfile(Struct):
    """One column of the batches so far. `distinct` is exact, or a lower bound once `capped`. `bad`, `too_long` and
    `cleaned` count cells as CleanValues has them, whatever the verdict on their members."""

    filled: int = 0
    longest: int = 0
    distinct: int = 0
    capped: bool = False
    sampled: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[FieldKind] = field(default_factory=Counter)
    bad: int = 0
    too_long: int = 0
    cleaned: int = 0
    _distinct_cells: pa.StringArray | None = None

    @property
    def sample(self) -> tuple[str, ...]:
        """The commonest shapes."""
        return tuple(shape for shape, _ in self.shapes.most_common(_SHAPES))

    @property
    def looks_like(self) -> FieldKind | None:
        """The strictest kind that nine in ten of the sampled cells could be of; None when no cell is filled."""
        fits = (kind for kind in _KINDS if self.kinds[kind] >= _MAJORITY * self.sampled)
        return next(fits, FieldKind.TEXT) if self.sampled else None

    @property
    def unlike(self) -> int:
        """Sampled cells that are not of the kind that the column looks like."""
        kind = self.looks_like
        return 0 if kind in (None, FieldKind.TEXT) else self.sampled - self.kinds[kind]

    @property
    def wants_sample(self) -> bool:
        """Whether more cells have to be sampled."""
        return self.sampled < _SAMPLED

    @property
    def kept_bytes(self) -> int:
        """Memory that the distinct cells take."""
        return int(self._distinct_cells.nbytes) if self._distinct_cells is not None else 0

    def add(self, facts: ColumnFacts) -> None:
        """Add the facts of the next batch. The result does not depend on when they were determined."""
        self.filled += facts.filled
        self.longest = max(self.longest, facts.longest)
        if self.wants_sample:
            self.sampled += facts.sampled
            self.shapes.update(facts.shapes)
            self.kinds.update(facts.kinds)
        if self.capped:
            return
        if facts.distinct is None:
            self.stop_counting(facts.at_least)
            return
        known = [] if self._distinct_cells is None else [self._distinct_cells]
        cells = pc.unique(pa.concat_arrays([*known, facts.distinct]))
        if _too_many(cells):
            self.stop_counting(min(len(cells), DISTINCT_CAP))
        else:
            self._distinct_cells, self.distinct = cells, len(cells)

    def stop_counting(self, at_least: int) -> None:
        """Count no more distinct cells; there are `at_least` so many."""
        self.distinct, self.capped, self._distinct_cells = max(self.distinct, at_least), True, None


class AudienceProfile:
    """The profile of the columns with these indices. `facts_of` may run in several threads; `add` takes its results in
    the order of the batches."""

    def __init__(
        self, columns: Iterable[int], null_words: tuple[str, ...], region: str, date_format: str | None = None
    ) -> None:
        self.columns = {index: ColumnProfile() for index in columns}
        self._null_words = null_words
        self._region = region
        self._date_format = date_format
        self._not_counted: set[int] = set()

    def leave_distinct_out(self, column: int) -> None:
        """Do not count the distinct values of a column: the caller knows them otherwise."""
        if column in self.columns:
            self._not_counted.add(column)
            self.columns[column].stop_counting(0)

    def restart(self, but: int | None = None) -> None:
        """Forget what was added of all columns but this one: the audience is read again."""
        for column in self.columns.keys() - {but}:
            self.columns[column] = ColumnProfile(capped=column in self._not_counted)

    def facts_of(self, cells: Mapping[int, Column]) -> dict[int, ColumnFacts]:
        """Return the facts of some columns of a batch, by their index in the audience. `cells`: pa.string(), or
        dictionary-encoded."""
        return {index: self._facts(self.columns[index], column) for index, column in cells.items()}

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
            largest.stop_counting(largest.distinct)

    def _facts(self, known: ColumnProfile, column: Column) -> ColumnFacts:
        # Cells are sampled, not the words of a dictionary.
        texts, places = words_and_places(decoded(column) if known.wants_sample else column)
        cells = blank_nulls(texts, self._null_words) if self._null_words else texts
        lengths = raw(cells).lengths
        count = int(np.count_nonzero(lengths))
        if places is not None:
            times = np.bincount(places, minlength=len(cells))
            count = int(times[lengths > 0].sum())
            cells = select(cells, times > 0)
        if not count:
            return ColumnFacts(0, 0, string_column([]))
        distinct, at_least = None, 0
        if not known.capped:
            distinct = pc.unique(cells)
            distinct = distinct.filter(pc.not_equal(distinct, fixed_column("")[0]))
            if _too_many(distinct):
                at_least, distinct = min(len(distinct), DISTINCT_CAP), None
        facts = ColumnFacts(count, _longest(cells, known.longest), distinct, at_least)
        return self._sampled(facts, cells, lengths > 0) if known.wants_sample else facts

    def _sampled(self, facts: ColumnFacts, cells: pa.StringArray, holds: Mask) -> ColumnFacts:
        rows = int(np.flatnonzero(holds)[:_SAMPLED][-1]) + 1
        sample = select(cells.slice(0, rows), holds[:rows])
        kinds = {}
        for kind in _KINDS:
            bad = clean_values(sample, ValueRules(kind, None, self._region, self._date_format)).bad
            kinds[kind] = len(sample) - _count(bad)
        return replace(facts, sampled=len(sample), shapes=shapes_of(sample), kinds=kinds)


def _too_many(distinct: pa.StringArray) -> bool:
    return len(distinct) > DISTINCT_CAP or distinct.nbytes > _DISTINCT_BYTES


def _count(rows: Mask | None) -> int:
    return 0 if rows is None else int(np.count_nonzero(rows))


def _longest(cells: pa.StringArray, known: int) -> int:
    """Characters of the longest cell; at most its bytes where a longer cell is `known`."""
    content = raw(cells)
    most_bytes = int(content.lengths.max())
    if most_bytes <= known or content.data.max() < 0x80:
        return most_bytes
    return int(integers(pc.utf8_length(cells)).max())


def in_exponent_form(cells: pa.StringArray, invalid: Mask) -> int:
    """Return how many of the invalid phones a spreadsheet has turned into scientific notation (`7.18E+10`)."""
    if not invalid.any():
        return 0
    return int(np.count_nonzero(matches(trimmed(nulls_as_empty(select(cells, invalid))), EXPONENT)))


def short_zips(cells: pa.StringArray) -> int:
    """Return how many cells are three or four digits: ZIPs without their leading zeros. `cells` has no nulls."""
    lengths = raw(cells).lengths
    short = (lengths == 3) | (lengths == 4)
    return int(np.count_nonzero(matches(select(cells, short), r"^[0-9]+$"))) if short.any() else 0
