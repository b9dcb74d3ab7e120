"""`digests.arrow` in the folder of a run: the digests of its members, part after part, until all of its imports have
ended well. With it `status` and `resume` need no audience to remember members or to forget them again.

An Arrow stream of `phone` and `row` (uint64). Its schema says for which snapshot they are, as they mean nothing under
another key, and each batch has a checksum of each column: digests that rot are as none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import xxhash

from listrak_sms_cli.columnar import column_of_numbers, numbers_of

FILE_NAME = "digests.arrow"
Pair = tuple[np.ndarray, np.ndarray]


def write_digests(place: Path, snapshot: str, batches: Iterable[Pair]) -> None:
    """`batches`: digests of phones and of rows, uint64. On disk, flushed, when this returns. Raises OSError."""
    schema = _schema(snapshot)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with pa.ipc.new_stream(file, schema) as writer:
            for pair in batches:
                columns = [column_of_numbers(numbers) for numbers in pair]
                sums = {name: _checksum(numbers) for name, numbers in zip(schema.names, pair, strict=True)}
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema), custom_metadata=sums)
        file.flush()
        os.fsync(file.fileno())


def digests_of(place: Path, snapshot: str, wanted: np.ndarray, column: str) -> np.ndarray:
    """Those of a `column` of the members that are `wanted` (bool each), in their order: uint64. Raises OSError, also
    for a file that has rotted, holds other members, or is of another snapshot."""
    digests = np.empty(int(np.count_nonzero(wanted)), np.uint64)
    start = taken = 0
    for pair in _batches(place, snapshot):
        batch = pair[column == "row"]
        end = start + len(batch)
        chosen = batch[wanted[start:end]] if end <= len(wanted) else batch[:0]
        digests[taken : taken + len(chosen)] = chosen
        start, taken = end, taken + len(chosen)
    if start != len(wanted):
        raise OSError("these are not the digests of the run's members")
    return digests


def _batches(place: Path, snapshot: str) -> Iterator[Pair]:
    schema = _schema(snapshot)
    try:
        with pa.OSFile(str(place)) as file, pa.ipc.open_stream(file) as reader:
            if not reader.schema.equals(schema, check_metadata=True):
                raise OSError("these are not the digests of a run, or not under this key")
            for batch, sums in reader.iter_batches_with_custom_metadata():
                phones, rows = (numbers_of(column) for column in batch.columns)
                if sums != {"phone": _checksum(phones), "row": _checksum(rows)}:
                    raise OSError("the digests have changed")
                yield phones, rows
    except pa.ArrowException:
        raise OSError("the digests cannot be read") from None


def _schema(snapshot: str) -> pa.Schema:
    return pa.schema([("phone", pa.uint64()), ("row", pa.uint64())], metadata={"snapshot": snapshot})


def _checksum(numbers: np.ndarray) -> str:
    return xxhash.xxh3_64_hexdigest(numbers.data)
