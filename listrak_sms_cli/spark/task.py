"""What runs on the executors: phones are read, then the members of a part are cleaned, counted and packed.

Nothing of Spark is imported, nothing is kept between tasks, and a task that runs twice gives the same twice.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

import numpy as np
import phonenumbers
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import clean_phones
from listrak_sms_cli.audience.source import text_column
from listrak_sms_cli.columnar import numbers_of, raw
from listrak_sms_cli.errors import AudienceError, LsmsError, SettingsError
from listrak_sms_cli.runs.pack import Lines
from listrak_sms_cli.runs.prepare import PartCounts, PartRules, check_part
from listrak_sms_cli.version import VERSION

BLOCK = 16 << 20  # bytes of import text in one row; a serverless cluster takes 128 MB
COUNTS, FAILED = -1, -2  # in place of a bucket: the row holds PartCounts; it holds code, message and hint of an error
ALL_COLUMNS = -1  # in place of a set of columns
NUMBER, BUCKET = "number", "bucket"  # columns beside those of the audience, which are c0, c1, …
RESULT = "bucket int, columns bigint, piece int, text binary"
_RESULT = pa.schema([("bucket", pa.int32()), ("columns", pa.int64()), ("piece", pa.int32()), ("text", pa.binary())])
_PART = "a part of the Spark frame"
_NAMES = ("listrak-sms-cli", "phonenumbers")


def versions() -> tuple[str, str]:
    """Those of the packages that say what is sent: of ours, and of the one that knows phone numbers."""
    return VERSION, phonenumbers.__version__


class Task(Struct, frozen=True):
    """What the executors have to know; it pickles and holds no secret. `wanted`: columns by their index in the
    audience; `versions`: of the driver."""

    how: PartRules
    wanted: tuple[int, ...]
    versions: tuple[str, str]

    def add_numbers(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows with the numbers of their phones (int64, as from `clean_phones`) in a last column."""
        for batch in batches:
            try:
                cells = text_column([batch.column(f"c{self.how.plan.phone}")], _PART, "phone", 1)
                numbers, _ = clean_phones(cells, self.how.rules)
            except AudienceError:  # it is raised where it can be passed on
                numbers = np.zeros(batch.num_rows, np.int64)
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(numbers)], [*batch.schema.names, NUMBER])

    def pack(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of RESULT of a part, whose rows are in order of bucket and number: import text, and at the end its
        counts; an error of ours is the last row instead."""
        counts, blocks, before = PartCounts(), _Blocks(), np.zeros(1, np.int64)
        try:
            self._check_versions()
            filled = (batch for batch in batches if batch.num_rows)
            for batch, following in pairwise(chain(filled, [None])):
                numbers = numbers_of(batch.column(NUMBER))
                after = numbers_of(following.column(NUMBER))[:1] if following is not None else np.zeros(1, np.int64)
                others = (numbers[1:], after) if self.how.keep == "last" else (before, numbers[:-1])
                found, lines = check_part(self._cells(batch), numbers, numbers == np.concatenate(others), self.how)
                counts.add(found)
                yield from blocks.add(numbers_of(batch.column(BUCKET)), lines)
                before = numbers[-1:]
        except LsmsError as error:
            yield _row(FAILED, 0, 0, pickle.dumps((error.code, error.message, error.hint)))
            return
        yield from blocks.end()
        yield _row(COUNTS, 0, 0, pickle.dumps(counts))

    def _cells(self, batch: pa.RecordBatch) -> dict[int, pa.StringArray]:
        header = self.how.plan.header
        return {index: text_column([batch.column(f"c{index}")], _PART, header[index], 1) for index in self.wanted}

    def _check_versions(self) -> None:
        """What is cleaned here has to be what would be cleaned by the driver. Raises SettingsError."""
        if versions() != self.versions:
            here, there = (
                " and ".join(f"{n} {v}" for n, v in zip(_NAMES, each, strict=True))
                for each in (versions(), self.versions)
            )
            raise SettingsError(
                f"The executors have other versions than the driver: {here} there, {there} here.",
                hint="Bring the same packages to both (AUDIENCES.md, Spark).",
                code="executors_differ",
            )


class _Blocks:
    """Lines on their way into rows of RESULT: those of one bucket at a time, each set of columns its own."""

    def __init__(self) -> None:
        self._bucket = COUNTS
        self._texts: dict[int, bytearray] = {}
        self._pieces: dict[int, int] = {}

    def add(self, buckets: np.ndarray, groups: list[Lines]) -> Iterator[pa.RecordBatch]:
        """Add the lines of a batch, whose rows are in these buckets (ascending); yield the rows that are full."""
        for bucket in np.unique(buckets).tolist():
            if bucket != self._bucket:
                yield from self.end()
                self._bucket = bucket
            for lines in groups:
                begin, end = np.searchsorted(buckets[lines.rows], (bucket, bucket + 1))
                yield from self._add(column_set(lines.columns), raw(lines.text.slice(begin, end - begin)).data.data)

    def _add(self, columns: int, data: memoryview) -> Iterator[pa.RecordBatch]:
        text = self._texts.setdefault(columns, bytearray())
        text += data
        while len(text) >= BLOCK:
            yield self._piece(columns, bytes(text[:BLOCK]))
            del text[:BLOCK]

    def end(self) -> Iterator[pa.RecordBatch]:
        """Yield what there is of the bucket."""
        for columns, text in self._texts.items():
            if text:
                yield self._piece(columns, bytes(text))
        self._texts, self._pieces = {}, {}

    def _piece(self, columns: int, text: bytes) -> pa.RecordBatch:
        piece = self._pieces[columns] = self._pieces.get(columns, -1) + 1
        return _row(self._bucket, columns, piece, text)


def column_set(columns: tuple[int, ...] | None) -> int:
    """Columns as a number of 64 bits with a sign: bit i stands for column i of the plan."""
    number = sum(1 << place for place in columns or ())
    return ALL_COLUMNS if columns is None else number - (number >> 63 << 64)


def columns_of(column_set: int) -> tuple[int, ...] | None:
    """The columns that a number stands for."""
    return None if column_set == ALL_COLUMNS else tuple(p for p in range(64) if column_set >> p & 1)


def _row(bucket: int, columns: int, piece: int, text: bytes) -> pa.RecordBatch:
    cells = zip((bucket, columns, piece, text), _RESULT.types, strict=True)
    return pa.RecordBatch.from_arrays([pa.array([cell], kind) for cell, kind in cells], schema=_RESULT)
