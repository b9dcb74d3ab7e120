"""A Parquet file: row groups, read a bounded number of rows at a time.

pyarrow aborts the process when the metadata of a column chunk of some encrypted or unknown-codec files is touched, so
nothing here asks for it; it reads some damaged files as fewer rows than their footer says, so rows are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import PIECE, Content
from listrak_sms_cli.audience.source.identity import DigestPin, FileIdentity
from listrak_sms_cli.audience.source.parquet_rows import Batches, RowGroup, Wanted
from listrak_sms_cli.audience.source.reader import CELL_LIMIT, Part, Rows, Unit, check_cells
from listrak_sms_cli.audience.source.to_text import as_text, why_unreadable
from listrak_sms_cli.columnar import Column
from listrak_sms_cli.errors import AudienceError

UNIT_ROWS = 1 << 16  # twice as many took a tenth more time and memory: threads wait for each other
WINDOW = 1 << 16  # bytes of a column chunk read at once where only its beginning is wanted
UNIT_BYTES = 64 << 20  # text of one unit, at most, whatever a dictionary unfolds to
FOLDED_BYTES = 1 << 19  # of words: writers give a dictionary up at a megabyte, and go on with plain values
FOREIGN = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError)


class _Measure(Struct, frozen=True):
    """How a row group is read: rows of a unit, and the columns of few words, which may stay folded."""

    unit_rows: int
    few: tuple[str, ...] = ()


class ParquetPart(Part):
    """A Parquet file. Row numbers count from 1."""

    def __init__(self, content: Content) -> None:
        self.name = content.name
        self.size = content.size
        self.content = content
        self._pin = DigestPin(content.name)
        try:
            with content.reader() as reader:
                file = pq.ParquetFile(reader, pre_buffer=False)
                self._metadata: Any = file.metadata
                self._schema: pa.Schema = file.schema_arrow
            groups = self._metadata.num_row_groups
            counts = [self._metadata.row_group(group).num_rows for group in range(groups)]
        except FOREIGN:
            raise damaged(self.name) from None
        self.rows = rows = int(self._metadata.num_rows)
        if sum(counts) != rows or min(counts, default=0) < 0:
            raise damaged(self.name)
        self.columns = tuple(self._schema.names)
        if not self.columns:
            raise AudienceError(f"{self.name} has no columns.", hint="Check the export.", code="empty_file")
        self.described = f"Parquet, {groups:,} row group{'s' * (groups != 1)}"
        reasons = ((index, why_unreadable(kind)) for index, kind in enumerate(self._schema.types))
        self.unreadable: Mapping[int, str] = {index: reason for index, reason in reasons if reason}
        self._words = [field.name for field in self._schema if _holds_words(field.type)]
        self._measure = cache(self._measured)
        self._many: set[str] = set()  # columns of few words in the dictionary, and many behind it

    def units(self) -> Iterator[Unit]:
        digest = xxhash.xxh3_128()
        first, hashed = 1, 0
        for group, measure in enumerate(self._measures()):
            rows = self._metadata.row_group(group).num_rows
            shares = RowGroup(rows, measure.unit_rows, self._starter(group, measure))
            until = self.size * (first - 1 + rows) // max(self._metadata.num_rows, 1)
            for number, start in enumerate(shares.starts()):
                count = shares.length(number)
                yield ParquetUnit(self, shares, number, first + start, count, (until - hashed) * count // rows)
            first += rows
            hashed = self._hash(digest, hashed, until)
        self._hash(digest, hashed, self.size)
        self.content.check_unchanged()
        self._pin.set(digest.hexdigest())

    def _measures(self) -> Iterator[_Measure]:
        """Of each row group, found out ahead of those that read it."""
        with ThreadPoolExecutor(1, thread_name_prefix="lsms-measure") as ahead:
            yield from ahead.map(self._measure, range(self._metadata.num_row_groups))

    def identity(self) -> FileIdentity:
        return FileIdentity(self.name, self.size, self.content.mtime_ns, self._pin.value)

    def _hash(self, digest: Any, start: int, stop: int) -> int:
        with self.content.held():
            while start < stop and (piece := self.content.read(start, min(PIECE, stop - start))):
                digest.update(piece)
                start += len(piece)
        return start

    def many_words(self, index: int) -> None:
        """This column is not worth folding in row groups that are read from now on."""
        self._many.add(self.columns[index])

    def _starter(self, group: int, measure: _Measure) -> Any:
        def start(wanted: Wanted) -> Batches:
            columns, may_fold = wanted
            few = [name for name in measure.few if name not in self._many] if may_fold else []
            names = [self.columns[index] for index in columns]
            batches: Batches = self._file(few).iter_batches(measure.unit_rows, row_groups=[group], columns=names)
            return batches

        return start

    def _file(self, words: Sequence[str] = (), buffer: int = 0) -> Any:
        """A reader with a position of its own; `words` are columns to be read as dictionaries."""
        reader = self.content.reader()
        return pq.ParquetFile(
            reader, metadata=self._metadata, read_dictionary=list(words), pre_buffer=False, buffer_size=buffer
        )

    def _measured(self, group: int) -> _Measure:
        """Rows of a unit: by the sizes in the footer, and by the longest word of each dictionary, as a file of 4 kB
        can hold one of a megabyte for each of thousands of rows. To look at them is a tenth of a push, but a long word
        may come in any row group, also behind thousands of short ones."""
        about = self._metadata.row_group(group)
        if not about.num_rows:
            return _Measure(1)
        width = about.total_byte_size / max(about.num_rows, 1) + 16 * len(self.columns)
        # Through a buffer, as whole column chunks would be read for the one row that tells the dictionaries.
        file = self._file(self._words, WINDOW)
        few: list[str] = []
        try:
            for batch in file.iter_batches(1, row_groups=[group], columns=self._words, use_threads=False):
                width += sum(_longest(column) for column in batch.columns)
                few = [name for name, column in zip(self._words, batch.columns, strict=False) if _has_few(column)]
                break
        except FOREIGN:
            raise damaged(self.name) from None
        return _Measure(max(1, min(UNIT_ROWS, int(UNIT_BYTES / max(width, 1)))), tuple(few))


class ParquetUnit(Unit):
    """Some rows of a row group."""

    def __init__(self, part: ParquetPart, shares: RowGroup, number: int, first: int, rows: int, size: int) -> None:
        self.size = size
        self._part, self._shares, self._number = part, shares, number
        self._first, self._rows = first, rows

    def read(self, columns: Sequence[int]) -> Rows:
        return self._read(columns, may_fold=False)

    def read_folded(self, columns: Sequence[int]) -> Rows:
        return self._read(columns, may_fold=True)

    def _read(self, columns: Sequence[int], *, may_fold: bool) -> Rows:
        part = self._part
        if not columns:
            return Rows([], self._rows, self._first)
        wanted = tuple(sorted(set(columns)))
        try:
            batches = self._shares.unit(self._number, (wanted, may_fold))
        except FOREIGN:
            raise damaged(part.name) from None
        if sum(batch.num_rows for batch in batches) != self._rows:
            raise damaged(part.name)
        names = [part.columns[index] for index in wanted]
        if any(batch.schema.names != names for batch in batches):
            raise AudienceError(
                f"{part.name} has columns that cannot be told apart by their names.",
                hint="Give every column a name of its own, without dots.",
                code="duplicate_column",
            )
        texts = {
            index: self._column([batch.column(place) for batch in batches], index, may_fold=may_fold)
            for place, index in enumerate(wanted)
        }
        return Rows([texts[index] for index in columns], self._rows, self._first)

    def _column(self, arrays: Sequence[pa.Array], index: int, *, may_fold: bool) -> Column:
        part, name = self._part, self._part.columns[index]
        last = self._first + self._rows - 1
        try:
            if may_fold and len(arrays) == 1 and (column := self._folded(arrays[0], index)) is not None:
                return column
            texts = [as_text(array) for array in arrays]
        except pa.ArrowIndexError:  # places in a dictionary that it does not have
            raise damaged(part.name) from None
        except AudienceError as error:
            where = f"{part.name}, column “{name}”, rows {self._first:,} to {last:,}"
            raise AudienceError(f"{where}: {error.message}", hint=error.hint, code=error.code) from None
        text = texts[0] if len(texts) == 1 else pa.concat_arrays(texts)
        check_cells(text, part.name, name, self._first)
        return text

    def _folded(self, array: pa.Array, index: int) -> pa.DictionaryArray | None:
        """None where it would not pay."""
        if not pa.types.is_dictionary(array.type):
            return None
        words = len(array.dictionary)
        if words > UNIT_ROWS // 2:
            self._part.many_words(index)
        if words > self._rows // 2 or array.dictionary.nbytes > CELL_LIMIT:
            return None
        # Looks at each place: those of a damaged page may not be in the dictionary.
        return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), as_text(array.dictionary))


def damaged(name: str) -> AudienceError:
    """The error for a Parquet file that cannot be read to its end."""
    return AudienceError(
        f"{name} cannot be read as Parquet: it is damaged or cut short, encrypted, or compressed in an unknown way.",
        hint="Export it again, as Parquet without encryption or as CSV.",
        code="bad_parquet",
    )


def _longest(column: pa.Array) -> int:
    """Bytes of the longest word of a dictionary."""
    if not pa.types.is_dictionary(column.type) or not len(column.dictionary):
        return 0
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def _has_few(column: pa.Array) -> bool:
    """Is it worth reading it folded? A dictionary of one word can also be the first value of a column without one."""
    if not pa.types.is_dictionary(column.type):
        return False
    return 1 < len(column.dictionary) <= UNIT_ROWS // 2 and column.dictionary.nbytes <= FOLDED_BYTES


def _holds_words(kind: pa.DataType) -> bool:
    t = pa.types
    if t.is_dictionary(kind):
        kind = kind.value_type
    text = t.is_string(kind) or t.is_large_string(kind) or t.is_binary(kind) or t.is_large_binary(kind)
    return bool(text or t.is_string_view(kind) or t.is_binary_view(kind))
