"""What the columns of an audience hold, counted batch by batch in flat memory: filled, distinct, longest, shapes.

No value leaves this room: a sample shows the shape of cells (`Xxxxx`, `99999`), never what is in them.
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
    replace_matches,
    select,
    string_column,
    trimmed,
    words_and_places,
)

DISTINCT_CAP = 10_000  # distinct cells a column is counted to
_DISTINCT_BYTES = 1 << 20  # of distinct cells kept a column
_DISTINCT_BYTES_IN_ALL = 64 << 20  # of distinct cells kept for all columns
_SAMPLED = 1_024  # filled cells a column whose shapes and kind are looked at
_SHAPES = 3
_MOST = 0.9  # of the sampled cells: what a column looks like
_SHAPE_LENGTH = 24  # characters

# What is neither letter, digit nor ASCII punctuation could tell something: it is shown as a dot.
_MASKS = (
    (r"\s+", " "),
    (r"\p{Lu}|\p{Lt}", "X"),
    (r"\p{Ll}|\p{Lo}|\p{Lm}|\p{M}", "x"),
    (r"\p{N}", "9"),
    (r"[^ -~]", "·"),
)
_KINDS = (FieldKind.CHECKBOX, FieldKind.NUMBER, FieldKind.DATE)


class ColumnFacts(Struct, frozen=True):
    """Cells of one column in one batch. `longest` in characters. `distinct`: pa.string(), None = too many or not
    counted, `at_least` then says how many there are at least. `shapes`: masked cells and how often; `kinds`: how many
    could be of that kind; both among the first `sampled` filled ones."""

    filled: int
    longest: int
    distinct: pa.StringArray | None
    at_least: int = 0
    sampled: int = 0
    shapes: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[FieldKind, int] = field(default_factory=dict)


class ColumnProfile(Struct):
    """One column of the batches so far. `distinct` is exact, or, when `over`, a number it has at least. `bad`,
    `too_long` and `cleaned` count cells as `CleanValues` has them, whatever becomes of their members."""

    filled: int = 0
    longest: int = 0
    distinct: int = 0
    over: bool = False
    sampled: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[FieldKind] = field(default_factory=Counter)
    bad: int = 0
    too_long: int = 0
    cleaned: int = 0
    _kept: pa.StringArray | None = None

    @property
    def sample(self) -> tuple[str, ...]:
        """The commonest shapes."""
        return tuple(shape for shape, _ in self.shapes.most_common(_SHAPES))

    @property
    def looks_like(self) -> FieldKind | None:
        """The strictest kind that nine in ten of the sampled cells could be of; None when no cell is filled."""
        fits = (kind for kind in _KINDS if self.kinds[kind] >= _MOST * self.sampled)
        return next(fits, FieldKind.TEXT) if self.sampled else None

    @property
    def unlike(self) -> int:
        """Sampled cells that are not what the column looks like."""
        kind = self.looks_like
        return 0 if kind in (None, FieldKind.TEXT) else self.sampled - self.kinds[kind]

    @property
    def wants_sample(self) -> bool:
        return self.sampled < _SAMPLED

    @property
    def kept_bytes(self) -> int:
        return int(self._kept.nbytes) if self._kept is not None else 0

    def add(self, facts: ColumnFacts) -> None:
        """Facts of the next batch: what is counted does not depend on when a batch was looked at."""
        self.filled += facts.filled
        self.longest = max(self.longest, facts.longest)
        if self.wants_sample:
            self.sampled += facts.sampled
            self.shapes.update(facts.shapes)
            self.kinds.update(facts.kinds)
        if self.over:
            return
        if facts.distinct is None:
            self.stop_counting(facts.at_least)
            return
        parts = [facts.distinct] if self._kept is None else [self._kept, facts.distinct]
        kept = pc.unique(pa.concat_arrays(parts))
        if len(kept) > DISTINCT_CAP or kept.nbytes > _DISTINCT_BYTES:
            self.stop_counting(min(len(kept), DISTINCT_CAP))
        else:
            self._kept, self.distinct = kept, len(kept)

    def stop_counting(self, at_least: int) -> None:
        self.distinct, self.over, self._kept = max(self.distinct, at_least), True, None


class AudienceProfile:
    """The profile of an audience of so many columns. `look` may run in several threads; `add` takes what it
    returned in the order of the batches."""

    def __init__(
        self, columns: Iterable[int], null_words: tuple[str, ...], region: str, date_format: str | None = None
    ) -> None:
        self.columns = {index: ColumnProfile() for index in columns}
        self._null_words = null_words
        self._region = region
        self._date_format = date_format

    def leave_distinct_out(self, column: int) -> None:
        """For a column whose distinct values somebody else counts."""
        if column in self.columns:
            self.columns[column].stop_counting(0)

    def look(self, cells: Mapping[int, Column]) -> dict[int, ColumnFacts]:
        """`cells`: some columns of a batch by their index in the audience, perhaps folded."""
        return {index: self._facts(self.columns[index], column) for index, column in cells.items()}

    def add(self, looked: Mapping[int, ColumnFacts], cleaned: Iterable[CleanedColumn] = ()) -> None:
        for index, facts in looked.items():
            self.columns[index].add(facts)
        for column in cleaned:
            profile, values = self.columns[column.plan.index], column.values
            profile.bad += _many(values.bad)
            profile.too_long += _many(values.too_long)
            profile.cleaned += _many(values.changed)
        while sum(column.kept_bytes for column in self.columns.values()) > _DISTINCT_BYTES_IN_ALL:
            largest = max(self.columns.values(), key=lambda column: column.kept_bytes)
            largest.stop_counting(largest.distinct)

    def _facts(self, known: ColumnProfile, column: Column) -> ColumnFacts:
        # A sample is of cells, not of words.
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
        if not known.over:
            distinct = pc.unique(cells)
            distinct = distinct.filter(pc.not_equal(distinct, fixed_column("")[0]))
            if len(distinct) > DISTINCT_CAP or distinct.nbytes > _DISTINCT_BYTES:
                at_least, distinct = min(len(distinct), DISTINCT_CAP), None
        facts = ColumnFacts(count, _longest(cells, known.longest), distinct, at_least)
        return self._sampled(facts, cells, lengths > 0) if known.wants_sample else facts

    def _sampled(self, facts: ColumnFacts, cells: pa.StringArray, holds: Mask) -> ColumnFacts:
        rows = int(np.flatnonzero(holds)[:_SAMPLED][-1]) + 1
        some = select(cells.slice(0, rows), holds[:rows])
        kinds = {}
        for kind in _KINDS:
            bad = clean_values(some, ValueRules(kind, None, self._region, self._date_format)).bad
            kinds[kind] = len(some) - _many(bad)
        return replace(facts, sampled=len(some), shapes=_shapes(some), kinds=kinds)


def _many(rows: Mask | None) -> int:
    return 0 if rows is None else int(np.count_nonzero(rows))


def _longest(cells: pa.StringArray, known: int) -> int:
    """Characters of the longest cell; at most its bytes where a longer one is `known`."""
    seen = raw(cells)
    most_bytes = int(seen.lengths.max())
    if most_bytes <= known or seen.data.max() < 0x80:
        return most_bytes
    return int(integers(pc.utf8_length(cells)).max())


def _shapes(cells: pa.StringArray) -> dict[str, int]:
    """How often each shape occurs: letters x and X, digits 9, punctuation kept, long ones cut."""
    shapes = pc.utf8_slice_codeunits(trimmed(cells), 0, _SHAPE_LENGTH + 1)
    for pattern, mask in _MASKS:
        shapes = replace_matches(shapes, pattern, mask)
    counted = pc.value_counts(shapes)
    texts, counts = counted.field(0).to_pylist(), counted.field(1).to_pylist()
    told: Counter[str] = Counter()
    for text, count in zip(texts, counts, strict=True):
        told[text if len(text) <= _SHAPE_LENGTH else f"{text[: _SHAPE_LENGTH - 1]}…"] += count
    return dict(told)


def in_exponent_form(cells: pa.StringArray, invalid: Mask) -> int:
    """How many of the phones that are no phones a spreadsheet has turned into `7.18E+10`."""
    if not invalid.any():
        return 0
    return int(np.count_nonzero(matches(trimmed(nulls_as_empty(select(cells, invalid))), EXPONENT)))


def short_zips(cells: pa.StringArray) -> int:
    """How many cells are three or four digits: ZIPs that have lost their leading zeros. `cells` has no nulls."""
    lengths = raw(cells).lengths
    short = (lengths == 3) | (lengths == 4)
    return int(np.count_nonzero(matches(select(cells, short), r"^[0-9]+$"))) if short.any() else 0
