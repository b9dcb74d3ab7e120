"""`parts.parquet`: for each row of the audience the import file it went to. No member data; kilobytes, because
the numbers run in long stretches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.audience.clean import Verdict
from listrak_sms_cli.audience.files import Audience
from listrak_sms_cli.runs.ordered import in_order
from listrak_sms_cli.runs.packing import Part

FILE_NAME = "parts.parquet"
_STEP = 1 << 19  # rows written together
_SCHEMA = pa.schema([("part", pa.int32()), ("file", pa.int32()), ("row", pa.int64())])


def write_assignment(folder: Path, audience: Audience, verdicts: np.ndarray, parts: list[Part]) -> None:
    """`verdicts`: uint8 a row of the audience; the sendable rows, in their order, fill the parts in theirs.

    Columns: `part` (0 = in none), `file` (index into the audience's files), `row` (its number as people count
    it). On disk, flushed, when this returns. Raises OSError.
    """
    ends = np.cumsum([part.rows for part in parts], dtype=np.int64)
    numbers = np.array([part.number for part in parts], np.int32)
    starts = range(0, len(verdicts), _STEP)
    amounts = [np.count_nonzero(verdicts[start : start + _STEP] == Verdict.SENDABLE) for start in starts]
    sent: np.ndarray = np.cumsum([0, *amounts])

    def made(start: int) -> pa.RecordBatch:
        sendable = verdicts[start : start + _STEP] == Verdict.SENDABLE
        before, until = sent[start // _STEP : start // _STEP + 2]
        assigned = np.zeros(len(sendable), np.int32)
        rows_of_parts: np.ndarray = np.diff(np.clip(ends, before, until), prepend=before)
        assigned[sendable] = np.repeat(numbers, rows_of_parts)
        files, rows = audience.locate(np.arange(start, start + len(sendable)))
        columns = [_column(assigned), _column(files.astype(np.int32)), _column(rows)]
        return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)

    with os.fdopen(os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with pq.ParquetWriter(
            file,
            _SCHEMA,
            compression="zstd",
            use_dictionary=["part", "file"],
            column_encoding={"row": "DELTA_BINARY_PACKED"},
            write_statistics=False,
        ) as writer:
            for _, batch in in_order(made, starts):
                writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())


def _column(numbers: np.ndarray) -> pa.Array:
    # pa.array() would import pandas (0.2 s).
    kind = pa.int32() if numbers.dtype == np.int32 else pa.int64()
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def read_assignment(folder: Path) -> np.ndarray:
    """int32, one a row of the audience: the import file it was packed into, 0 = none."""
    return np.asarray(pq.read_table(folder / FILE_NAME, columns=["part"]).column(0).combine_chunks())


def rows_of(folder: Path, parts: set[int]) -> Iterator[pa.RecordBatch]:
    """The rows (`part`, `file`, `row`) that were packed into these import files."""
    wanted = np.array(sorted(parts), np.int32)
    for batch in pq.ParquetFile(folder / FILE_NAME).iter_batches(_STEP):
        mask = np.isin(np.asarray(batch.column(0)), wanted)
        if mask.any():
            yield batch.filter(pa.array(mask))
