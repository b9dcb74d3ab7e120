"""Digests of members in a file: `digests.arrow` in the folder of a run, those of its members, part after part, until
all of its imports have ended well; and beside each note of what is remembered.

An Arrow stream of `phone` and `row` (uint64). Its schema says under which key they are, as they mean nothing under
another one, and each batch has a checksum of each column: digests that rot are as none. So nothing is flushed: what a
power cut takes is found missing.
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


def write_digests(place: Path, key: str, batches: Iterable[Pair]) -> None:
    """`key`: the name of the key they are under; `batches`: digests of phones and of rows, uint64. Raises OSError."""
    schema = _schema(key)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        for pair in batches:
            columns = [column_of_numbers(numbers) for numbers in pair]
            sums = {name: _checksum(numbers) for name, numbers in zip(schema.names, pair, strict=True)}
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema), custom_metadata=sums)


def read_digests(place: Path, key: str, total: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """The digests of `total` members, some at a time: their places, phones and rows. Raises OSError, also for a file
    that has rotted, holds other members, or is under another key."""
    schema = _schema(key)
    start = 0
    try:
        with pa.OSFile(str(place)) as file, pa.ipc.open_stream(file) as reader:
            if not reader.schema.equals(schema, check_metadata=True):
                raise OSError("these are not the digests of a run, or not under this key")
            for batch, sums in reader.iter_batches_with_custom_metadata():
                phones, rows = (numbers_of(column) for column in batch.columns)
                end = start + len(phones)
                if end > total or sums != {"phone": _checksum(phones), "row": _checksum(rows)}:
                    raise OSError("the digests have changed")
                yield slice(start, end), phones, rows
                start = end
    except pa.ArrowException:
        raise OSError("the digests cannot be read") from None
    if start != total:
        raise OSError("these are not the digests of the run's members")


def read_all(place: Path, key: str, total: int) -> Pair:
    """The digests of all `total` members: phones and rows. Raises OSError as `read_digests`."""
    phones, rows = np.empty(total, np.uint64), np.empty(total, np.uint64)
    for some, their_phones, their_rows in read_digests(place, key, total):
        phones[some], rows[some] = their_phones, their_rows
    return phones, rows


def _schema(key: str) -> pa.Schema:
    return pa.schema([("phone", pa.uint64()), ("row", pa.uint64())], metadata={"key": key})


def _checksum(numbers: np.ndarray) -> str:
    return xxhash.xxh3_64_hexdigest(numbers.data)
