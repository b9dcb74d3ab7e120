"""Read rows that come once, as Arrow batches (frames, Arrow streams, sheets): a copy of their text is spooled."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import xxhash
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import column_key
from listrak_sms_cli.audience.source.identity import FileIdentity
from listrak_sms_cli.audience.source.reader import FileChunk, FileReader, Rows, SourceNote
from listrak_sms_cli.audience.source.spool import SourceSpool, SpooledContent
from listrak_sms_cli.audience.source.to_text import text_column, unreadable_columns
from listrak_sms_cli.columnar import raw
from listrak_sms_cli.errors import AudienceError

CHUNK_ROWS = 1 << 16
CHUNK_BYTES = 32 << 20


class TextStream(Struct, frozen=True):
    """Rows that can be read once: `batches` of the `columns`, each a pa.string() array; last columns that are empty may
    be left out of a batch. The other fields are those of FileReader."""

    name: str
    described: str
    columns: tuple[str, ...]
    batches: Iterable[Rows]
    unreadable: Mapping[int, str] = {}
    mtime_ns: int = 0
    notes: tuple[SourceNote, ...] = ()


class ArrowStream(Struct, frozen=True):
    """Rows of any types that can be read once."""

    name: str
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    described: str = "Arrow stream"
    notes: tuple[SourceNote, ...] = ()


class ArrowReader(FileReader):
    """The batches of a TextStream, read from the spool, one a chunk."""

    def __init__(self, stream: TextStream, spool: SourceSpool) -> None:
        """Reads the whole stream. Raises AudienceError: `disk_full`, `temporary_folder`, and what the stream raises."""
        digest = _RowsDigest(stream.columns)
        self._chunks = []
        for batch in stream.batches:
            schema = pa.schema([(str(index), pa.string()) for index in range(len(batch.columns))])
            data = pa.RecordBatch.from_arrays(batch.columns, schema=schema).serialize()
            digest.update(batch)
            content = spool.keep(stream.name, [memoryview(data)])
            self._chunks.append(_ArrowChunk(schema, content, replace(batch, columns=())))
        super().__init__(stream.name, sum(chunk.size for chunk in self._chunks), stream.mtime_ns)
        self.notes = stream.notes
        self.described, self.columns, self.unreadable = stream.described, stream.columns, stream.unreadable
        self.rows = sum(chunk.rows.count for chunk in self._chunks)
        self.digest = digest.hexdigest()

    def chunks(self) -> Iterator[FileChunk]:
        """As in FileReader; nobody else can change the spool."""
        return iter(self._chunks)

    def identity(self) -> FileIdentity:
        """As in FileReader; `size` counts rows, as the bytes depend on how they come in batches."""
        return FileIdentity(self.name, self.rows or 0, self.mtime_ns, self.digest)


class _RowsDigest:
    """A digest of rows that come in batches, wherever one batch ends and the next begins."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = [(xxhash.xxh3_128(name.encode()), xxhash.xxh3_128()) for name in columns]

    def update(self, batch: Rows) -> None:
        """Add the rows of a batch; columns that it does not have hold nulls."""
        for index, (lengths, texts) in enumerate(self._columns):
            if index >= len(batch.columns):
                lengths.update(np.full(batch.count, -1, np.int32).data)
                continue
            cells = batch.columns[index]
            filled = cells.fill_null("") if cells.null_count else cells
            octets = raw(filled)
            sizes = np.diff(octets.starts).astype(np.int32)
            if cells.null_count:
                sizes[cells.is_null().to_numpy(zero_copy_only=False)] = -1
            lengths.update(sizes.data)
            texts.update(octets.data.data)

    def hexdigest(self) -> str:
        whole = xxhash.xxh3_128()
        for lengths, texts in self._columns:
            whole.update(lengths.digest() + texts.digest())
        return whole.hexdigest()


class _ArrowChunk(FileChunk):
    """One batch in the spool; `rows` without columns."""

    def __init__(self, schema: pa.Schema, content: SpooledContent, rows: Rows) -> None:
        self.size = content.size
        self.rows = rows
        self._schema, self._content = schema, content

    def read(self, columns: Sequence[int]) -> Rows:
        batch = pa.ipc.read_record_batch(pa.py_buffer(self._content.read(0, self.size)), self._schema)
        width, missing = batch.num_columns, pa.nulls(batch.num_rows, pa.string())
        return replace(self.rows, columns=[batch.column(index) if index < width else missing for index in columns])


def open_stream(stream: ArrowStream, spool: SourceSpool, skip: Collection[str] = ()) -> ArrowReader:
    """Read a stream to its end. Row numbers count from 1. Columns that `skip` names are not converted.

    Raises AudienceError: `bad_stream` when the stream ends with an error, `empty_file` when it has no columns,
    `not_utf8`, `cell_too_long`, and what ArrowReader raises.
    """
    schema, name = stream.schema, stream.name
    if not schema.names:
        raise AudienceError(f"{name} has no columns.", hint="An audience has a phone column.", code="empty_file")
    columns, skipped = tuple(schema.names), {column_key(column) for column in skip}
    unreadable = unreadable_columns(schema)
    for index, field in enumerate(schema):
        if column_key(field.name) in skipped:
            unreadable[index] = "it is left out"
        elif (field.metadata or {}).get(b"POSTGRESQL:type") == b"money":
            unreadable[index] = (
                "its type money comes without the decimal point (in the query, cast it: column::numeric)"
            )
    batches = _text_batches(name, columns, unreadable, _together(_slices(stream)))
    return ArrowReader(TextStream(name, stream.described, columns, batches, unreadable, notes=stream.notes), spool)


def cause_of(error: BaseException) -> str:
    """What may be told of an error of another library, whose text may hold data or a password: the type, the SQLSTATE
    and the status of what it began with."""
    chain = [error]
    while (cause := _began_with(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    words = [type(chain[-1]).__name__]
    for cause in reversed(chain):
        state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        if isinstance(state, str) and re.fullmatch("[0-9A-Z]{5}", state):
            words.append(f"SQLSTATE {state}")
            break
    status = getattr(getattr(chain[-1], "status_code", None), "name", None)  # an AdbcStatusCode
    return ", ".join([*words, status] if isinstance(status, str) else words)


def column_of(error: BaseException) -> str | None:
    """The column of a frame of pandas that Arrow could not convert; None of other errors."""
    last = error.args[-1] if error.args else ""
    found = re.fullmatch(r"Conversion failed for column (.*) with type \S+", last) if isinstance(last, str) else None
    return found[1] if found else None


def one_type_hint(column: str | None) -> str:
    """What makes the columns readable, or the one that could not be converted."""
    if column is None:
        return "Give every column one type, and check the query behind it."
    return f'Make it text: frame["{column}"] = frame["{column}"].astype("string")'


def _began_with(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _slices(stream: ArrowStream) -> Iterator[pa.RecordBatch]:
    """The batches of a stream, cut to at most CHUNK_ROWS rows and about CHUNK_BYTES bytes."""
    rows = 0
    while True:
        try:
            batch = next(stream.batches, None)
        except AudienceError:
            raise
        except Exception as error:  # whatever the other library raises
            column = column_of(error)
            which = "" if column is None else f" in its column {column}"
            raise AudienceError(
                f"{stream.name} ended with an error{which} after row {rows:,} ({cause_of(error)}).",
                hint="Check the query behind it." if column is None else one_type_hint(column),
                code="bad_stream",
            ) from None
        if batch is None:
            return
        if batch.schema.names != stream.schema.names:
            raise AudienceError(
                f"{stream.name} changes its columns after row {rows:,}.",
                hint="Each batch of an audience has the same columns.",
                code="different_columns",
            )
        rows += batch.num_rows
        row_bytes = max(1, batch.nbytes // max(1, batch.num_rows))
        step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // row_bytes))
        for start in range(0, batch.num_rows, step):
            yield batch.slice(start, step)


def _together(slices: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Small ones are read together, up to CHUNK_ROWS and CHUNK_BYTES: DuckDB gives 2,048 rows at a time."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in slices:
        if group and (rows + batch.num_rows > CHUNK_ROWS or size + batch.nbytes > CHUNK_BYTES):
            yield group
            group, rows, size = [], 0, 0
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if group:
        yield group


def _text_batches(
    name: str, columns: Sequence[str], unreadable: dict[int, str], groups: Iterable[Sequence[pa.RecordBatch]]
) -> Iterator[Rows]:
    """Unreadable columns become nulls, also those that turn out so: they may be skipped."""
    first = 1
    for group in groups:
        rows = sum(batch.num_rows for batch in group)
        texts = []
        for index, column in enumerate(columns):
            text = pa.nulls(rows, pa.string())
            if index not in unreadable:
                try:
                    text = text_column([batch.column(index) for batch in group], name, column, first)
                except AudienceError as error:
                    if error.code != "not_utf8":
                        raise
                    unreadable[index] = f"rows {first:,} to {first + rows - 1:,} hold bytes that are no text"
            texts.append(text)
        yield Rows(texts, rows, first)
        first += rows
