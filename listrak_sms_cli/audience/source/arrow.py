"""Rows that come as Arrow batches (frames, Arrow streams, sheets), kept as batches of text in the spool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import xxhash
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Spool, Spooled
from listrak_sms_cli.audience.source.identity import FileIdentity
from listrak_sms_cli.audience.source.reader import Part, RowNumbers, Rows, Unit, check_cells
from listrak_sms_cli.audience.source.to_text import as_text, why_unreadable
from listrak_sms_cli.errors import AudienceError

UNIT_ROWS = 1 << 16
UNIT_BYTES = 32 << 20
_PANDAS_INDEX = "__index_level_"


class TextBatch(Struct, frozen=True):
    """`columns`: pa.string() each; `first`: number of the first row; `numbers`: of each row where they do not just
    count up."""

    columns: list[pa.Array]
    rows: int
    first: int
    numbers: RowNumbers | None = None


class ArrowPart(Part):
    """Batches of text, one a unit, written to the spool when this is made."""

    def __init__(
        self,
        name: str,
        described: str,
        columns: tuple[str, ...],
        batches: Iterable[TextBatch],
        spool: Spool,
        *,
        unreadable: Mapping[int, str] | None = None,
        mtime_ns: int = 0,
    ) -> None:
        self.name, self.described, self.columns = name, described, columns
        self.unreadable = unreadable or {}
        self.schema = pa.schema([(str(index), pa.string()) for index in range(len(columns))])
        self._units: list[ArrowUnit] = []
        digest = xxhash.xxh3_128("\0".join(columns).encode())
        for batch in batches:
            data = pa.RecordBatch.from_arrays(batch.columns, schema=self.schema).serialize()
            digest.update(data)
            kept = spool.keep(name, [memoryview(data)])
            self._units.append(ArrowUnit(self, kept, batch.rows, batch.first, batch.numbers))
        self.size = sum(unit.size for unit in self._units)
        self.rows = sum(unit.rows for unit in self._units)
        self._identity = FileIdentity(name, self.size, mtime_ns, digest.hexdigest())

    def units(self) -> Iterator[Unit]:
        return iter(self._units)

    def identity(self) -> FileIdentity:
        return self._identity


class ArrowUnit(Unit):
    """One batch in the spool."""

    def __init__(self, part: ArrowPart, kept: Spooled, rows: int, first: int, numbers: RowNumbers | None) -> None:
        self.size = kept.size
        self.rows = rows
        self._part, self._kept, self._first, self._numbers = part, kept, first, numbers

    def read(self, columns: Sequence[int]) -> Rows:
        data = pa.py_buffer(self._kept.read(0, self._kept.size))
        batch = pa.ipc.read_record_batch(data, self._part.schema)
        return Rows([batch.column(index) for index in columns], self.rows, self._first, self._numbers)


def open_stream(source: object, name: str, spool: Spool) -> ArrowPart:
    """Anything with `__arrow_c_stream__`; the index of a pandas frame is left out. Rows count from 1.

    Raises AudienceError: `bad_stream` when it breaks off, `not_utf8`, `empty_file` when it has no columns.
    """
    try:
        reader = pa.RecordBatchReader.from_stream(source)
    except Exception:  # whatever the other library raises
        raise AudienceError(
            f"{name} cannot be read as Arrow columns.", hint="Give every column one type.", code="bad_stream"
        ) from None
    kept = [at for at, column in enumerate(reader.schema.names) if not column.startswith(_PANDAS_INDEX)]
    if not kept:
        raise AudienceError(f"{name} has no columns.", hint="An audience has a phone column.", code="empty_file")
    columns = tuple(reader.schema.names[at] for at in kept)
    reasons = ((place, why_unreadable(reader.schema.types[at])) for place, at in enumerate(kept))
    unreadable = {place: reason for place, reason in reasons if reason}
    batches = _as_text(name, columns, unreadable, _slices(name, reader), kept)
    return ArrowPart(name, "Arrow stream", columns, batches, spool, unreadable=unreadable)


def _slices(name: str, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    rows = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception:  # whatever the other library raises
            raise AudienceError(
                f"{name} broke off after row {rows:,}.", hint="Check the query behind it.", code="bad_stream"
            ) from None
        rows += batch.num_rows
        width = max(1, batch.nbytes // max(1, batch.num_rows))
        step = max(1, min(UNIT_ROWS, UNIT_BYTES // width))
        for start in range(0, batch.num_rows, step):
            yield batch.slice(start, step)


def _as_text(
    name: str, columns: Sequence[str], unreadable: Mapping[int, str], slices: Iterable[pa.RecordBatch], kept: list[int]
) -> Iterator[TextBatch]:
    first = 1
    for batch in slices:
        texts = []
        for place, at in enumerate(kept):
            try:
                texts.append(
                    pa.nulls(batch.num_rows, pa.string()) if place in unreadable else as_text(batch.column(at))
                )
                check_cells(texts[-1], name, columns[place], first)
            except AudienceError as error:
                if error.code == "cell_too_long":
                    raise
                where = f"{name}, column “{columns[place]}”, rows {first:,} to {first + batch.num_rows - 1:,}"
                raise AudienceError(f"{where}: {error.message}", hint=error.hint, code=error.code) from None
        yield TextBatch(texts, batch.num_rows, first)
        first += batch.num_rows
