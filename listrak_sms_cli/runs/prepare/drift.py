"""What each column holds, and how it has changed since the last good push of the same audience.

The filled share is counted over all rows. The rest is found out of evenly spaced rows, of which only keyed hashes and
lengths of values are kept, so that it costs a push next to nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import CleanedColumn, PlannedColumn
from listrak_sms_cli.columnar import digest_cells, indices, integers, pc, raw, words_and_places
from listrak_sms_cli.runs.record import ColumnFigures, StoredRun
from listrak_sms_cli.runs.remember import KEY_BYTES, Key, read_key
from listrak_sms_cli.runs.report import RunWarning

SAMPLED = 10_000  # rows looked at, at most
_MOST_CELLS = 2_000_000  # looked at, of all columns: 24 MB
FEW = 20  # rows, or values: a share of fewer means nothing
MOVED = 20.0  # percentage points
_COMMON = 0.05  # of the values looked at: those that are rarer are not remembered
_COMMON_COUNT = 5  # nor is what fewer members have, which could be one person's
_ALL_BUT_CONSTANT = 0.99  # of the values looked at
_NAMED = 12  # columns named in one warning
_REMEDY = "If that is not meant, look at how the audience is made."


class Sampling(Struct, frozen=True):
    """Which of so many `rows` are looked at: every `step`-th one. May be used in several threads."""

    key: Key
    rows: int
    step: int

    @classmethod
    def of(cls, state_dir: Path, rows: int, columns: int, *, new_key: bool) -> Sampling:
        """For an audience of so many rows and columns that are sent. `new_key`: a key may be made; else, and where the
        state folder cannot be written, hashes without one mean nothing to a later push."""
        path = state_dir / "drift" / "key"
        key = Key(os.urandom(KEY_BYTES))
        if new_key or path.exists():
            with suppress(OSError):
                key = read_key(path)
        return cls(key, rows, _step(rows, columns))

    def of_columns(self, rows: slice, columns: Sequence[CleanedColumn]) -> LookedAt:
        """Look at the cells of each cleaned column of a batch, which holds these rows of the audience."""
        places = np.arange(-rows.start % self.step, rows.stop - rows.start, self.step)
        found = LookedAt.nothing(len(columns), len(places))
        plain = indices(places)
        for number, column in enumerate(columns if len(places) else ()):
            words, at = words_and_places(column.values.text)
            cells = pc.take(words, plain if at is None else indices(at[places]))
            found.lengths[number] = integers(pc.utf8_length(cells))
            found.digests[number] = digest_cells(raw(cells), int(self.key.number("drift", column.plan.name)))
        return found


class LookedAt(Struct, frozen=True):
    """A row a column, a column a cell looked at: keyed digests, uint64, and lengths in characters, int32, 0 = empty."""

    digests: np.ndarray
    lengths: np.ndarray

    @classmethod
    def nothing(cls, columns: int, cells: int) -> LookedAt:
        """So many empty cells."""
        return cls(np.zeros((columns, cells), np.uint64), np.zeros((columns, cells), np.int32))


class Samples:
    """The cells looked at of all batches, in one piece: what each batch left behind for itself would split the memory
    that the next ones want back, and a push of ten million members would take twice as much."""

    def __init__(self, sampling: Sampling, columns: int) -> None:
        self._sampling = sampling
        self._cells = LookedAt.nothing(columns, -(-sampling.rows // sampling.step))

    def add(self, rows: slice, cells: LookedAt) -> None:
        """Take the cells looked at of these rows of the audience."""
        first = -(-rows.start // self._sampling.step)
        places = slice(first, first + cells.lengths.shape[1])
        self._cells.digests[:, places] = cells.digests
        self._cells.lengths[:, places] = cells.lengths

    def of(self, column: int, name: str, filled: int) -> ColumnFigures:
        """Return the figures of a column that has so many filled cells."""
        return _figures(name, filled, self._cells.digests[column], self._cells.lengths[column], self._sampling.key)


def figures_of(
    columns: Sequence[PlannedColumn], filled: Counter[str], samples: Samples | None = None
) -> tuple[ColumnFigures, ...]:
    """Return the figures of the columns that are sent. `filled`: cells by column."""
    if samples is None:
        return tuple(ColumnFigures(column.name, filled[column.name]) for column in columns)
    return tuple(samples.of(number, column.name, filled[column.name]) for number, column in enumerate(columns))


def rows_looked_at(rows: int, columns: int) -> int:
    """How many of so many rows are looked at, where so many columns are sent."""
    return len(range(0, rows, _step(rows, columns)))


def _step(rows: int, columns: int) -> int:
    return max(1, -(-rows // min(SAMPLED, max(1, _MOST_CELLS // max(1, columns)))))


def _figures(name: str, filled: int, digests: np.ndarray, lengths: np.ndarray, key: Key) -> ColumnFigures:
    holds = lengths > 0
    if not holds.any():
        return ColumnFigures(name, filled)
    values, times = np.unique(digests[holds], return_counts=True)
    sampled = int(times.sum())
    common = times >= _least(sampled)
    return ColumnFigures(
        name,
        filled,
        sampled=sampled,
        distinct=len(values),
        median_length=float(np.median(lengths[holds])),
        common={f"{value:016x}": int(count) for value, count in zip(values[common], times[common], strict=True)},
        key=f"{key.number('name of the drift key'):016x}",
    )


def _least(sampled: int) -> float:
    """How often a value occurs, at least, that is remembered."""
    return max(_COMMON_COUNT, _COMMON * sampled)


class Moved(Struct, frozen=True):
    """A figure of a column `before` and `now`. `shown`: both in words, where the numbers alone do not say it."""

    column: str
    before: float
    now: float
    shown: str = ""

    @property
    def by(self) -> float:
        """How far it has moved, without the noise of floating point."""
        return round(self.now - self.before, 6)


def in_words(moves: Sequence[Moved], unit: str = " %") -> str:
    """The columns with both figures: "Loyalty_Tier 100.0 → 0.5 %"."""
    named = [f"{m.column} {m.shown or f'{m.before:,.1f} → {m.now:,.1f}{unit}'}" for m in moves[:_NAMED]]
    return ", ".join(named) + (f" and {len(moves) - _NAMED} more" if len(moves) > _NAMED else "")


def fill_falls(figures: Sequence[ColumnFigures], rows: int, header: Sequence[str], before: StoredRun) -> list[Moved]:
    """Return the columns of which a smaller share of the rows is filled than in the run `before`, in percent, the
    largest fall first. A column that the audience does not have any more (`header`) is filled in no row; one that is
    left out by an option has not changed."""
    rows_before, now = before.state.read, {column.column: column.filled for column in figures}
    if not rows or not rows_before:
        return []
    falls = [
        Moved(
            column.column,
            100 * column.filled / rows_before,
            100 * now.get(column.column, 0) / rows,
            "" if column.column in now else f"{100 * column.filled / rows_before:.1f} % → no such column",
        )
        for column in before.state.prepared.figures
        if column.column in now or column.column not in header
    ]
    return sorted((fall for fall in falls if fall.by < 0), key=lambda fall: fall.by)


def drift_warnings(
    figures: Sequence[ColumnFigures], rows: int, header: Sequence[str], before: StoredRun
) -> list[RunWarning]:
    """Return warnings about columns that have changed since the run `before`: both figures, never a value."""
    known = {column.column: column for column in before.state.prepared.figures if column.sampled >= FEW}
    pairs = [(known[c.column], c) for c in figures if c.column in known and c.sampled >= FEW]
    constant = [pair for pair in pairs if _became_constant(*pair)]
    shares = [_largest_move(*pair) for pair in pairs if pair not in constant and pair[0].key == pair[1].key]
    halved = [pair for pair in pairs if 2 * pair[1].median_length <= pair[0].median_length]
    falls = fill_falls(figures, rows, header, before) if min(rows, before.state.read) >= FEW else []
    found = (
        ("fill_dropped", "Fewer cells are filled than", [m for m in falls if -m.by > MOVED], " %"),
        (
            "became_constant",
            "All values looked at are one and the same, but not",
            [Moved(b.column, 0, 0, f"{b.distinct:,} distinct → 1") for b, _ in constant],
            "",
        ),
        ("values_moved", "A value has another share of the filled cells than", [m for m in shares if m], " %"),
        (
            "length_halved",
            "Values are at most half as long as",
            [Moved(b.column, b.median_length, n.median_length) for b, n in halved],
            " characters (median)",
        ),
    )
    return [
        RunWarning(
            code, f"{what} in run {before.run_id}: {in_words(moves, unit)}. {_REMEDY}", tuple(m.column for m in moves)
        )
        for code, what, moves, unit in found
        if moves
    ]


def _became_constant(before: ColumnFigures, now: ColumnFigures) -> bool:
    commonest = max(before.common.values(), default=0)
    return now.distinct == 1 and commonest < _ALL_BUT_CONSTANT * before.sampled


def _largest_move(before: ColumnFigures, now: ColumnFigures) -> Moved | None:
    """The value whose share has moved most, if by more than MOVED. Of a value that is not among the common ones it is
    known only that it is rarer."""
    moves = []
    for value in before.common.keys() | now.common.keys():
        then, today = (100 * each.common.get(value, _least(each.sampled)) / each.sampled for each in (before, now))
        rare = ["" if value in each.common else "under " for each in (before, now)]
        moves.append(Moved(now.column, then, today, f"{rare[0]}{then:.1f} → {rare[1]}{today:.1f} %"))
    largest = max(moves, key=lambda move: (abs(move.by), move.by), default=None)
    return largest if largest is not None and abs(largest.by) > MOVED else None
