"""Read a Parquet file, a bounded number of rows at a time.

pyarrow aborts the process when the metadata of a column chunk of some encrypted or unknown-codec files is touched, so
it is never asked for. It reads some damaged files as fewer rows than their footer says, so rows are counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property, partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import PIECE, Content
from listrak_sms_cli.audience.source.parquet_rows import Batches, RowGroup, Wanted
from listrak_sms_cli.audience.source.parquet_words import ChunkFields, Words, column_chunks, end_of, words_of
from listrak_sms_cli.audience.source.reader import CELL_LIMIT, FileChunk, FileReader, Rows
from listrak_sms_cli.audience.source.to_text import as_text, text_column, unreadable_columns
from listrak_sms_cli.columnar import Column, pc
from listrak_sms_cli.errors import AudienceError

CHUNK_ROWS = 1 << 16  # twice as many took a tenth more time and memory: threads wait for each other
CHUNK_BYTES = 64 << 20  # text of one chunk, at most, whatever the length of a dictionary's values
DICTIONARY_BYTES = 1 << 19  # of values: writers give a dictionary up at a megabyte, and go on with plain values
BUFFER = 1 << 16  # bytes of a column chunk read at once where only its beginning is needed
PYARROW_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError)


class _GroupPlan(Struct, frozen=True):
    """How a row group is read: rows of a chunk, and the names of the columns that may stay dictionary-encoded."""

    chunk_rows: int
    dictionary_columns: tuple[str, ...] = ()


class ParquetReader(FileReader):
    """A Parquet file. Row numbers count from 1."""

    def __init__(self, content: Content) -> None:
        """Raises AudienceError: `bad_parquet`, `empty_file`."""
        super().__init__(content.name, content.size, content.mtime_ns)
        self._content = content
        try:
            with content.open() as stream:
                file = pq.ParquetFile(stream, pre_buffer=False)
                self._metadata: Any = file.metadata
                schema: pa.Schema = file.schema_arrow
            groups = range(self._metadata.num_row_groups)
            self._group_rows = [self._metadata.row_group(group).num_rows for group in groups]
            total = int(self._metadata.num_rows)
        except PYARROW_ERRORS:
            raise damaged(self.name) from None
        if sum(self._group_rows) != total or min(self._group_rows, default=0) < 0:
            raise damaged(self.name)
        self.columns = tuple(schema.names)
        if not self.columns:
            raise AudienceError(f"{self.name} has no columns.", hint="Check the export.", code="empty_file")
        self.rows = total
        self.described = f"Parquet, {len(groups):,} row group{'s' * (len(groups) != 1)}"
        self.unreadable = unreadable_columns(schema)
        self._text_columns = [field.name for field in schema if _is_text(field.type)]
        self._plan = cache(self._plan_group)
        self._read_plain: set[str] = set()  # columns that are no longer read dictionary-encoded

    def chunks(self) -> Iterator[FileChunk]:
        """As in FileReader. Bytes for the digest are read as the pass goes on."""
        digest = xxhash.xxh3_128()
        first, hashed, total = 1, 0, max(sum(self._group_rows), 1)
        for group, plan in enumerate(self._plans()):
            rows = self._group_rows[group]
            row_group = RowGroup(rows, plan.chunk_rows, partial(self._batches, group, plan))
            until = self.size * (first - 1 + rows) // total
            for number, start in enumerate(range(0, rows, plan.chunk_rows)):
                size = (until - hashed) * row_group.length(number) // rows
                yield _ParquetChunk(self, row_group, number, first + start, size)
            first += rows
            hashed = self._hash(digest, hashed, until)
        self._hash(digest, hashed, self.size)
        self._content.check_unchanged()
        self.compare_digest(digest.hexdigest())

    def _hash(self, digest: Any, start: int, stop: int) -> int:
        with self._content.held():
            while start < stop and (piece := self._content.read(start, min(PIECE, stop - start))):
                digest.update(piece)
                start += len(piece)
        return start

    def read_plain(self, column: int) -> None:
        """Read this column without a dictionary in row groups that are begun from now on."""
        self._read_plain.add(self.columns[column])

    def _batches(self, group: int, plan: _GroupPlan, wanted: Wanted) -> Batches:
        columns, keep_dictionaries = wanted
        dictionaries = [name for name in plan.dictionary_columns if name not in self._read_plain]
        names = [self.columns[index] for index in columns]
        file = self._open(dictionaries if keep_dictionaries else [])
        batches: Batches = file.iter_batches(plan.chunk_rows, row_groups=[group], columns=names)
        return batches

    def _open(self, dictionary_columns: Sequence[str], buffer_size: int = 0) -> Any:
        """A pq.ParquetFile with a position of its own; the columns named are read dictionary-encoded."""
        return pq.ParquetFile(
            self._content.open(),
            metadata=self._metadata,
            read_dictionary=list(dictionary_columns),
            pre_buffer=False,
            buffer_size=buffer_size,
        )

    def _plans(self) -> Iterator[_GroupPlan]:
        """One for each row group, made ahead of those who read it, as soon as all bytes of the group are there."""
        groups, plans = len(self._group_rows), deque[Future[_GroupPlan]]()
        with ThreadPoolExecutor(1, thread_name_prefix="lsms-measure") as ahead:
            begun = 0
            try:
                for group in range(groups):
                    self._content.wait_for(self._end_of(group))
                    while begun < groups and (begun <= group or self._end_of(begun) <= self._content.available):
                        plans.append(ahead.submit(self._plan, begun))
                        begun += 1
                    yield plans.popleft().result()
            finally:
                ahead.shutdown(cancel_futures=True)

    def _end_of(self, group: int) -> int:
        if self._content.available == self.size:
            return self.size
        return end_of(self._column_chunks[group] if group < len(self._column_chunks) else {}, self.size)

    def _plan_group(self, group: int) -> _GroupPlan:
        """Choose the rows of a chunk by the sizes in the footer and by the longest word of each dictionary.

        A file of 4 kB can hold one word of a megabyte for each of thousands of rows, in any row group, also behind
        thousands of short ones.
        """
        rows = self._group_rows[group]
        if not rows:
            return _GroupPlan(1)
        row_bytes = self._metadata.row_group(group).total_byte_size / rows + 16 * len(self.columns)
        try:
            words = list(zip(self._text_columns, self._words(group), strict=True))
        except PYARROW_ERRORS:
            raise damaged(self.name) from None
        row_bytes += sum(of_column.longest for _, of_column in words)
        repeating = tuple(name for name, of_column in words if _are_worth_a_dictionary(of_column))
        return _GroupPlan(max(1, min(CHUNK_ROWS, int(CHUNK_BYTES / max(row_bytes, 1)))), repeating)

    def _words(self, group: int) -> Iterator[Words]:
        """The words of each text column in this row group."""
        chunks = self._column_chunks[group] if group < len(self._column_chunks) else {}
        with self._content.held():
            found = [words_of(self._content, chunks[name]) if name in chunks else None for name in self._text_columns]
        unknown = [name for name, words in zip(self._text_columns, found, strict=True) if words is None]
        built = iter(self._built_words(group, unknown))
        return (next(built) if words is None else words for words in found)

    @cached_property
    def _column_chunks(self) -> list[ChunkFields]:
        return column_chunks(self._content)

    def _built_words(self, group: int, names: Sequence[str]) -> list[Words]:
        """As `_words`, from the dictionaries that Arrow builds."""
        if not names:
            return []
        # Through a buffer, as otherwise whole column chunks are read for the one row that shows the dictionaries.
        rows = self._open(names, BUFFER).iter_batches(1, row_groups=[group], columns=names, use_threads=False)
        if (batch := next(rows, None)) is None:
            raise damaged(self.name)
        return [_words_built(column) for column in batch.columns]


class _ParquetChunk(FileChunk):
    """Some rows of a row group; `first` is the row number of the first."""

    def __init__(self, reader: ParquetReader, row_group: RowGroup, number: int, first: int, size: int) -> None:
        self.size = size
        self._reader, self._row_group, self._number, self._first = reader, row_group, number, first
        self._rows = row_group.length(number)

    def read(self, columns: Sequence[int]) -> Rows:
        return self._read(columns, keep_dictionaries=False)

    def read_with_dictionaries(self, columns: Sequence[int]) -> Rows:
        return self._read(columns, keep_dictionaries=True)

    def _read(self, columns: Sequence[int], *, keep_dictionaries: bool) -> Rows:
        if not columns:
            return Rows([], self._rows, self._first)
        reader, wanted = self._reader, tuple(sorted(set(columns)))
        try:
            batches = self._row_group.chunk(self._number, (wanted, keep_dictionaries))
        except PYARROW_ERRORS:
            raise damaged(reader.name) from None
        if sum(batch.num_rows for batch in batches) != self._rows:
            raise damaged(reader.name)
        names = [reader.columns[index] for index in wanted]
        if any(batch.schema.names != names for batch in batches):
            raise AudienceError(
                f"{reader.name} has columns that cannot be told apart by their names.",
                hint="Give every column a name of its own, without dots.",
                code="duplicate_column",
            )
        cells = {
            index: self._column([batch.column(place) for batch in batches], index, keep_dictionaries)
            for place, index in enumerate(wanted)
        }
        return Rows([cells[index] for index in columns], self._rows, self._first)

    def _column(self, arrays: Sequence[pa.Array], index: int, keep_dictionaries: bool) -> Column:
        try:
            column = self._dictionary_column(arrays[0], index) if keep_dictionaries and len(arrays) == 1 else None
            if column is not None:
                return column
            return text_column(arrays, self._reader.name, self._reader.columns[index], self._first)
        except pa.ArrowIndexError:  # indices that the dictionary does not have
            raise damaged(self._reader.name) from None

    def _dictionary_column(self, array: pa.Array, index: int) -> pa.DictionaryArray | None:
        """None when `array` has no dictionary, or too large a one to save work."""
        if not pa.types.is_dictionary(array.type):
            return None
        values = len(array.dictionary)
        if values > CHUNK_ROWS // 2:
            self._reader.read_plain(index)
        if values > self._rows // 2 or array.dictionary.nbytes > CELL_LIMIT:
            return None
        # `from_arrays` checks each index: those of a damaged page may not be in the dictionary.
        return pa.DictionaryArray.from_arrays(pc.cast(array.indices, pa.int32()), as_text(array.dictionary))


def damaged(name: str) -> AudienceError:
    """The error for a Parquet file that cannot be read to its end."""
    return AudienceError(
        f"{name} cannot be read as Parquet: it is damaged or cut short, encrypted, or compressed in an unknown way.",
        hint="Export it again, as Parquet without encryption or as CSV.",
        code="bad_parquet",
    )


def _words_built(column: pa.Array) -> Words:
    if not pa.types.is_dictionary(column.type) or not len(column.dictionary):
        return Words()
    longest = int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)
    return Words(len(column.dictionary), column.dictionary.nbytes, longest)


def _are_worth_a_dictionary(words: Words) -> bool:
    """A dictionary of one word does not count: it may be the first value of a column that has no dictionary."""
    return 1 < words.count <= CHUNK_ROWS // 2 and words.octets <= DICTIONARY_BYTES


def _is_text(kind: pa.DataType) -> bool:
    t = pa.types
    if t.is_dictionary(kind):
        kind = kind.value_type
    text = t.is_string(kind) or t.is_large_string(kind) or t.is_binary(kind) or t.is_large_binary(kind)
    return bool(text or t.is_string_view(kind) or t.is_binary_view(kind))
