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
import xxhash

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.columnar import booleans, column_of_numbers, in_order, numbers_of
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.record.store import StoredRun

FILE_NAME = "parts.parquet"
_STEP = 1 << 19  # rows written together
_SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in (("part", pa.int32()), ("file", pa.int32()), ("row", pa.int64()))
    ]
)


def write_row_map(
    folder: Path, audience: Audience, verdicts: np.ndarray, parts: list[ImportFile], ranks: np.ndarray | None = None
) -> str:
    """Returns the digest of the file, for the journal. `verdicts`: uint8 a row of the audience; the sendable rows, in
    their order, fill the parts in theirs, those of each group its own. `ranks`: of a Packing.

    Columns: `part` (0 = in none), `file` (index into the audience's files), `row` (its number as people count
    it). On disk, flushed, when this returns. Raises OSError.
    """
    starts = range(0, len(verdicts), _STEP)
    groups = [list(some) for _, some in groupby(parts, key=attrgetter("canary", "columns"))]

    def members_of(start: int, rank: int) -> np.ndarray:
        mine: np.ndarray = Verdict.SENDABLE.of(verdicts[start : start + _STEP])
        return mine if ranks is None else mine & (ranks[start : start + _STEP] == rank)

    assigners = [
        _Assigner(some, [int(np.count_nonzero(members_of(start, rank))) for start in starts])
        for rank, some in enumerate(groups)
    ]

    def made(start: int) -> pa.RecordBatch:
        assigned = np.zeros(len(verdicts[start : start + _STEP]), np.int32)
        for rank, group in enumerate(assigners):
            group.assign(assigned, members_of(start, rank), start // _STEP)
        files, rows = audience.locate(np.arange(start, start + len(assigned)))
        columns = [column_of_numbers(assigned), column_of_numbers(files.astype(np.int32)), column_of_numbers(rows)]
        return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)

    place = folder / FILE_NAME
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with pq.ParquetWriter(
            file,
            _SCHEMA,
            compression="zstd",
            use_dictionary=False,
            column_encoding="BYTE_STREAM_SPLIT",
            write_statistics=False,
        ) as writer:
            for _, batch in in_order(made, starts):
                writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())
    return xxhash.xxh3_128_hexdigest(place.read_bytes())


class _Assigner:
    """Gives the members of a group to its parts. `amounts`: how many of them each stretch of the audience has."""

    def __init__(self, parts: list[ImportFile], amounts: list[int]) -> None:
        self._numbers = np.array([part.number for part in parts], np.int32)
        self._ends = np.cumsum([part.rows for part in parts], dtype=np.int64)
        self._before: np.ndarray = np.cumsum([0, *amounts])

    def assign(self, assigned: np.ndarray, members: np.ndarray, stretch: int) -> None:
        """`assigned` (int32 a row of a stretch) gets the part of each of the group's members (bool a row)."""
        before, until = self._before[stretch : stretch + 2]
        rows: np.ndarray = np.diff(np.clip(self._ends, before, until), prepend=before)
        assigned[members] = np.repeat(self._numbers, rows)


def parts_of_rows(run: StoredRun) -> np.ndarray:
    """int32, one a row of the audience: the import file it was packed into, 0 = none. Raises SettingsError."""
    return numbers_of(_opened(run).read(["part"]).column(0))


def rows_of(run: StoredRun, parts: set[int]) -> Iterator[pa.RecordBatch]:
    """The rows (`part`, `file`, `row`) that were packed into these import files. Raises SettingsError."""
    wanted = np.array(sorted(parts), np.int32)
    for batch in _opened(run).iter_batches(_STEP):
        mask = np.isin(np.from_dlpack(batch.column(0)), wanted)
        if mask.any():
            yield batch.filter(booleans(mask))


def _opened(run: StoredRun) -> pq.ParquetFile:
    """The row map of a run, proved by the digest in its journal where there is one."""
    digest = run.state.prepared.row_map
    try:
        content = (run.folder / FILE_NAME).read_bytes()
        if digest and xxhash.xxh3_128_hexdigest(content) != digest:
            raise OSError("it has changed")
        return pq.ParquetFile(pa.BufferReader(content))
    except (OSError, pa.ArrowException):
        raise SettingsError(
            f"The record of run {run.run_id} is damaged: {run.folder / FILE_NAME}, which says what row is in what "
            "import file, is missing or has changed.",
            hint="Push the audience again; sending the same values twice does no harm.",
            code="damaged_record",
        ) from None
