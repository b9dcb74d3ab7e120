"""The rows of one Parquet row group in chunks of bounded size, decoded by the thread that needs them first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
from msgspec import Struct, field

Batches = Iterator[pa.RecordBatch]
Wanted = tuple[tuple[int, ...], bool]  # indices of columns, and whether dictionary-encoded ones may stay so


class _Pass(Struct):
    """One pass over the row group. `next_chunk`: number of the chunk that is decoded next; `waiting`: chunks that were
    decoded on the way to a later one; `rest`: rows decoded already that belong to the next chunk."""

    batches: Batches
    next_chunk: int = 0
    waiting: dict[int, list[pa.RecordBatch]] = field(default_factory=dict)
    rest: pa.RecordBatch | None = None


class RowGroup:
    """Chunks of `chunk_rows` rows each, the last one shorter. `start` gives the batches of the whole row group.

    Several threads may ask for chunks at once and in any order. In order, the row group is decoded once, and one chunk
    is in memory.
    """

    def __init__(self, rows: int, chunk_rows: int, start: Callable[[Wanted], Batches]) -> None:
        self._rows = rows
        self._chunk_rows = chunk_rows
        self._start = start
        self._lock = threading.Lock()
        self._passes: dict[Wanted, _Pass] = {}

    def length(self, chunk: int) -> int:
        """Rows of a chunk."""
        return min(self._chunk_rows, self._rows - chunk * self._chunk_rows)

    def chunk(self, number: int, wanted: Wanted) -> list[pa.RecordBatch]:
        """The rows of a chunk, in one batch or more; fewer than `length` when the row group ends early."""
        with self._lock:
            current = self._passes.get(wanted)
            if current is None or (number < current.next_chunk and number not in current.waiting):
                current = self._passes[wanted] = _Pass(self._start(wanted))
            while current.next_chunk <= number:
                current.waiting[current.next_chunk] = _next_rows(current, self.length(current.next_chunk))
                current.next_chunk += 1
            batches = current.waiting.pop(number)
            if not current.waiting and current.next_chunk * self._chunk_rows >= self._rows:
                del self._passes[wanted]
            return batches


def _next_rows(current: _Pass, rows: int) -> list[pa.RecordBatch]:
    batches = []
    while rows:
        batch = current.rest or next(current.batches, None)
        current.rest = None
        if batch is None:
            break
        if batch.num_rows > rows:
            batch, current.rest = batch.slice(0, rows), batch.slice(rows)
        if batch.num_rows:
            batches.append(batch)
            rows -= batch.num_rows
    return batches
