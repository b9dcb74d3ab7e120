"""The rows of one Parquet row group, decoded a bounded number at a time by whoever needs them first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
from msgspec import Struct, field

Batches = Iterator[pa.RecordBatch]
Wanted = tuple[tuple[int, ...], bool]  # columns, and whether some of them may be folded


class _Run(Struct):
    """One way through the row group: `at`: number of the next unit; `waiting`: units decoded on the way to a later one;
    `rest`: decoded rows of the next unit."""

    batches: Batches
    at: int = 0
    waiting: dict[int, list[pa.RecordBatch]] = field(default_factory=dict)
    rest: pa.RecordBatch | None = None


class RowGroup:
    """Units of `unit_rows` rows each, the last shorter. `start` gives all batches of the row group with what is wanted.

    Units can be asked for by several threads at once and in any order; in order costs one pass, and holds one unit.
    """

    def __init__(self, rows: int, unit_rows: int, start: Callable[[Wanted], Batches]) -> None:
        self._rows = rows
        self._unit_rows = unit_rows
        self._start = start
        self._lock = threading.Lock()
        self._runs: dict[Wanted, _Run] = {}

    def starts(self) -> range:
        """First row of each unit."""
        return range(0, self._rows, self._unit_rows)

    def length(self, unit: int) -> int:
        """Rows of a unit."""
        return min(self._unit_rows, self._rows - unit * self._unit_rows)

    def unit(self, number: int, wanted: Wanted) -> list[pa.RecordBatch]:
        """The rows of a unit in one batch or more; fewer rows than its length when the row group ends early."""
        with self._lock:
            run = self._runs.get(wanted)
            if run is None or (number < run.at and number not in run.waiting):
                run = self._runs[wanted] = _Run(self._start(wanted))
            while run.at <= number:
                run.waiting[run.at] = self._taken(run, self.length(run.at))
                run.at += 1
            found = run.waiting.pop(number)
            if not run.waiting and run.at * self._unit_rows >= self._rows:
                del self._runs[wanted]
            return found

    def _taken(self, run: _Run, rows: int) -> list[pa.RecordBatch]:
        taken = []
        while rows:
            batch = run.rest or next(run.batches, None)
            run.rest = None
            if batch is None:
                break
            if batch.num_rows > rows:
                batch, run.rest = batch.slice(0, rows), batch.slice(rows)
            if batch.num_rows:
                taken.append(batch)
                rows -= batch.num_rows
        return taken
