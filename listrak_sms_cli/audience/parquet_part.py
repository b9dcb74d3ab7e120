"""A Parquet file: row groups, read a bounded number of rows at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from listrak_sms_cli.audience.identity import DigestPin, FileIdentity
from listrak_sms_cli.audience.part import Part, Rows, Unit
from listrak_sms_cli.audience.spool import PIECE, Content
from listrak_sms_cli.audience.text import as_text, why_unreadable
from listrak_sms_cli.errors import AudienceError

UNIT_ROWS = 131_072
UNIT_BYTES = 64 << 20


class ParquetPart(Part):
    """A Parquet file. Row numbers count from 1."""

    def __init__(self, source: Content) -> None:
        self.name = source.name
        self.size = source.size
        self.source = source
        self._pin = DigestPin(source.name)
        try:
            with source.reader() as reader:
                file = pq.ParquetFile(reader)
                self.metadata: Any = file.metadata
                self.schema: pa.Schema = file.schema_arrow
            self.rows = int(self.metadata.num_rows)
            groups = self.metadata.num_row_groups
        except (pa.ArrowException, OSError, ValueError):
            raise damaged(self.name) from None
        self.columns = tuple(self.schema.names)
        self.described = f"Parquet, {groups:,} row group{'s' * (groups != 1)}"
        reasons = ((index, why_unreadable(field.type)) for index, field in enumerate(self.schema))
        self.unreadable: Mapping[int, str] = {index: reason for index, reason in reasons if reason}
        self.binary = [field.name for field in self.schema if _is_text(field.type)]

    def units(self) -> Iterator[Unit]:
        digest = xxhash.xxh3_128()
        metadata = self.metadata
        first, offset = 1, 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            stream = RowGroup(self, group, rows, self._unit_rows(group))
            starts = range(0, rows, stream.unit_rows)
            share = (self.size * (group + 1) // metadata.num_row_groups - offset) // max(len(starts), 1)
            for start in starts:
                count = min(stream.unit_rows, rows - start)
                yield ParquetUnit(stream, start // stream.unit_rows, first + start, count, share)
            first += rows
            offset = self._hash(digest, offset, self.size * (group + 1) // metadata.num_row_groups)
        self._hash(digest, offset, self.size)
        self.source.check_unchanged()
        self._pin.set(digest.hexdigest())

    def identity(self) -> FileIdentity:
        return FileIdentity(self.name, self.size, self.source.mtime_ns, self._pin.value)

    def _hash(self, digest: Any, start: int, stop: int) -> int:
        with self.source.held():
            while start < stop and (piece := self.source.read(start, min(PIECE, stop - start))):
                digest.update(piece)
                start += len(piece)
        return start

    def _unit_rows(self, group: int) -> int:
        """Rows of one unit, so that their text stays near UNIT_BYTES whatever a dictionary unfolds to."""
        about = self.metadata.row_group(group)
        width = about.total_byte_size / max(about.num_rows, 1)
        if self.binary and about.num_rows:
            try:
                width += self._longest_words(group)
            except (pa.ArrowException, OSError):
                raise damaged(self.name) from None
        return max(1, min(UNIT_ROWS, int(UNIT_BYTES / max(width, 1))))

    def _longest_words(self, group: int) -> int:
        """Bytes of a row that takes the longest word of each column's dictionary."""
        reader = self.reader()
        longest = 0
        for batch in reader.iter_batches(1, row_groups=[group], columns=self.binary, use_threads=False):
            for column in batch.columns:
                if pa.types.is_dictionary(column.type):
                    longest += max_length(column.dictionary)
            break
        reader.close()
        return longest

    def reader(self) -> pq.ParquetFile:
        """A reader with a position of its own."""
        return pq.ParquetFile(self.source.reader(), metadata=self.metadata, read_dictionary=self.binary)


class RowGroup:
    """The batches of one row group, decoded in order by whoever needs one first."""

    def __init__(self, part: ParquetPart, group: int, rows: int, unit_rows: int) -> None:
        self.part = part
        self.rows = rows
        self.unit_rows = unit_rows
        self._group = group
        self._lock = threading.Lock()
        self._runs: dict[tuple[int, ...], tuple[Any, dict[int, pa.RecordBatch], list[int]]] = {}

    def batch(self, index: int, columns: Sequence[int]) -> pa.RecordBatch:
        """Batch `index` with the columns asked for; batches before it wait here for their readers."""
        key = tuple(columns)
        with self._lock:
            batches, waiting, at = self._runs.get(key) or self._started(key)
            if index < at[0] and index not in waiting:
                batches, waiting, at = self._started(key)
            while at[0] <= index:
                batch = next(batches, None)
                if batch is None:
                    raise damaged(self.part.name)
                waiting[at[0]] = batch
                at[0] += 1
            found = waiting.pop(index)
            if at[0] * self.unit_rows >= self.rows and not waiting:
                del self._runs[key]
            return found

    def _started(self, key: tuple[int, ...]) -> tuple[Any, dict[int, pa.RecordBatch], list[int]]:
        names = [self.part.columns[index] for index in key]
        batches = self.part.reader().iter_batches(self.unit_rows, row_groups=[self._group], columns=names)
        self._runs[key] = batches, {}, [0]
        return self._runs[key]


class ParquetUnit(Unit):
    """Some rows of a row group."""

    def __init__(self, stream: RowGroup, index: int, first: int, rows: int, size: int) -> None:
        self.size = size
        self._stream = stream
        self._index = index
        self._first = first
        self._rows = rows

    def read(self, columns: Sequence[int]) -> Rows:
        part = self._stream.part
        if not columns:
            return Rows([], self._rows, self._first)
        try:
            batch = self._stream.batch(self._index, sorted(set(columns)))
        except (pa.ArrowException, OSError):
            raise damaged(part.name) from None
        if batch.num_rows != self._rows:
            raise damaged(part.name)
        selected = {part.columns[index] for index in columns}
        present = [index for index, name in enumerate(part.columns) if name in selected]
        texts = []
        for index in columns:
            try:
                texts.append(as_text(batch.column(present.index(index))))
            except AudienceError as error:
                last = self._first + self._rows - 1
                where = f"{part.name}, column “{part.columns[index]}”, rows {self._first:,} to {last:,}"
                raise AudienceError(f"{where}: {error.message}", hint=error.hint, code=error.code) from None
        return Rows(texts, self._rows, self._first)


def damaged(name: str) -> AudienceError:
    """The error for a Parquet file that cannot be read to its end."""
    return AudienceError(
        f"{name} cannot be read as Parquet: it is damaged, encrypted, or uses a feature that is not supported.",
        hint="Write the file again, or export it as CSV.",
        code="bad_parquet",
    )


def max_length(words: pa.Array) -> int:
    """Length in bytes of the longest word."""
    return int(pc.max(pc.binary_length(words)).as_py() or 0) if len(words) else 0


def _is_text(kind: pa.DataType) -> bool:
    t = pa.types
    return bool(t.is_string(kind) or t.is_binary(kind) or t.is_large_string(kind) or t.is_large_binary(kind))
