"""`parts.parquet`: for each row of the audience the import file it went to. No member data; kilobytes, because
the numbers run in long stretches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.audience.cells import booleans, numbers_of
from listrak_sms_cli.audience.clean import Verdict
from listrak_sms_cli.audience.files import Audience
from listrak_sms_cli.runs.packing import Part

FILE_NAME = "parts.parquet"
_STEP = 1_000_000  # rows written together
_SCHEMA = pa.schema([("part", pa.int32()), ("file", pa.int32()), ("row", pa.int64())])


def write_assignment(
    folder: Path, audience: Audience, verdicts: np.ndarray, parts: list[Part], ranks: np.ndarray | None = None
) -> None:
    """`verdicts`: uint8 a row of the audience; the sendable rows, in their order, fill the parts in theirs, those of
    each group its own. `ranks`: of a Packing.

    Columns: `part` (0 = in none), `file` (index into the audience's files), `row` (its number as people count
    it). On disk, flushed, when this returns. Raises OSError.
    """
    groups = [_Group(list(some)) for _, some in groupby(parts, key=attrgetter("columns"))]
    with os.fdopen(os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with pq.ParquetWriter(
            file,
            _SCHEMA,
            compression="zstd",
            use_dictionary=["part", "file"],
            column_encoding={"row": "DELTA_BINARY_PACKED"},
        ) as writer:
            for start in range(0, len(verdicts), _STEP):
                sendable = verdicts[start : start + _STEP] == Verdict.SENDABLE
                assigned = np.zeros(len(sendable), np.int32)
                for rank, group in enumerate(groups):
                    mine = True if ranks is None else ranks[start : start + _STEP] == rank
                    group.assign(assigned, sendable & mine)
                files, rows = audience.locate(np.arange(start, start + len(sendable)))
                columns = [_column(assigned), _column(files.astype(np.int32)), _column(rows)]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        file.flush()
        os.fsync(file.fileno())


class _Group:
    """The parts of a group, filled from stretch to stretch of the audience."""

    def __init__(self, parts: list[Part]) -> None:
        self._numbers = np.array([part.number for part in parts], np.int32)
        self._ends = np.cumsum([part.rows for part in parts], dtype=np.int64)
        self._sent = 0

    def assign(self, assigned: np.ndarray, members: np.ndarray) -> None:
        """`assigned` (int32 a row) gets the part of each of the group's members (bool a row)."""
        until = self._sent + int(np.count_nonzero(members))
        rows: np.ndarray = np.diff(np.clip(self._ends, self._sent, until), prepend=self._sent)
        assigned[members] = np.repeat(self._numbers, rows)
        self._sent = until


def _column(numbers: np.ndarray) -> pa.Array:
    # pa.array() would import pandas (0.2 s).
    kind = pa.int32() if numbers.dtype == np.int32 else pa.int64()
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def read_assignment(folder: Path) -> np.ndarray:
    """int32, one a row of the audience: the import file it was packed into, 0 = none."""
    return numbers_of(pq.ParquetFile(folder / FILE_NAME).read(["part"]).column(0))


def rows_of(folder: Path, parts: set[int]) -> Iterator[pa.RecordBatch]:
    """The rows (`part`, `file`, `row`) that were packed into these import files."""
    wanted = np.array(sorted(parts), np.int32)
    for batch in pq.ParquetFile(folder / FILE_NAME).iter_batches(_STEP):
        mask = np.isin(np.from_dlpack(batch.column(0)), wanted)
        if mask.any():
            yield batch.filter(booleans(mask))
