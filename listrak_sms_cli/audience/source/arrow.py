"""Read rows that come once, as Arrow batches (frames, Arrow streams, sheets): a copy of their text is spooled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import xxhash
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.source.reader import FileChunk, FileReader, Rows
from listrak_sms_cli.audience.source.spool import SourceSpool, SpooledContent
from listrak_sms_cli.audience.source.to_text import text_column, unreadable_columns
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


class ArrowReader(FileReader):
    """The batches of a TextStream, read from the spool, one a chunk."""

    def __init__(self, stream: TextStream, spool: SourceSpool) -> None:
        """Reads the whole stream. Raises AudienceError: `disk_full`, `temporary_folder`, and what the stream raises."""
        digest = xxhash.xxh3_128("\0".join(stream.columns).encode())
        self._chunks = []
        for batch in stream.batches:
            schema = pa.schema([(str(index), pa.string()) for index in range(len(batch.columns))])
            data = pa.RecordBatch.from_arrays(batch.columns, schema=schema).serialize()
            digest.update(data)
            content = spool.keep(stream.name, [memoryview(data)])
            self._chunks.append(_ArrowChunk(schema, content, replace(batch, columns=())))
        super().__init__(stream.name, sum(chunk.size for chunk in self._chunks), stream.mtime_ns)
        self.described, self.columns, self.unreadable = stream.described, stream.columns, stream.unreadable
        self.rows = sum(chunk.rows.count for chunk in self._chunks)
        self.digest = digest.hexdigest()

    def chunks(self) -> Iterator[FileChunk]:
        """As in FileReader; nobody else can change the spool."""
        return iter(self._chunks)


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


def open_stream(source: object, name: str, spool: SourceSpool) -> ArrowReader:
    """Read anything with `__arrow_c_stream__`. Row numbers count from 1.

    Raises AudienceError: `bad_stream` when the stream ends with an error, `empty_file` when it has no columns,
    `not_utf8`, `cell_too_long`, and what ArrowReader raises.
    """
    try:
        reader = pa.RecordBatchReader.from_stream(source)
    except Exception:  # whatever the other library raises
        raise AudienceError(
            f"{name} cannot be read as Arrow columns.", hint="Give every column one type.", code="bad_stream"
        ) from None
    schema = reader.schema
    if not schema.names:
        raise AudienceError(f"{name} has no columns.", hint="An audience has a phone column.", code="empty_file")
    columns, unreadable = tuple(schema.names), unreadable_columns(schema.types)
    batches = _text_batches(name, columns, unreadable, _slices(name, reader))
    return ArrowReader(TextStream(name, "Arrow stream", columns, batches, unreadable), spool)


def _slices(name: str, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches of a stream, cut to at most CHUNK_ROWS rows and about CHUNK_BYTES bytes."""
    rows = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception:  # whatever the other library raises
            raise AudienceError(
                f"{name} ended with an error after row {rows:,}.", hint="Check the query behind it.", code="bad_stream"
            ) from None
        rows += batch.num_rows
        row_bytes = max(1, batch.nbytes // max(1, batch.num_rows))
        step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // row_bytes))
        for start in range(0, batch.num_rows, step):
            yield batch.slice(start, step)


def _text_batches(
    name: str, columns: Sequence[str], unreadable: dict[int, str], batches: Iterable[pa.RecordBatch]
) -> Iterator[Rows]:
    """Unreadable columns become nulls, also those that turn out so: they may be skipped."""
    first = 1
    for batch in batches:
        texts = []
        for index, column in enumerate(columns):
            text = pa.nulls(batch.num_rows, pa.string())
            if index not in unreadable:
                try:
                    text = text_column([batch.column(index)], name, column, first)
                except AudienceError as error:
                    if error.code != "not_utf8":
                        raise
                    unreadable[index] = f"rows {first:,} to {first + batch.num_rows - 1:,} hold bytes that are no text"
            texts.append(text)
        yield Rows(texts, batch.num_rows, first)
        first += batch.num_rows
