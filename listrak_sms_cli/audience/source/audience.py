"""Any audience a person has, as chunks of text columns that can be read several times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Spool
from listrak_sms_cli.audience.source.identity import FileIdentity, SourceIdentity
from listrak_sms_cli.audience.source.open import Found, open_parts
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.reader import Rows, Unit
from listrak_sms_cli.errors import AudienceError

__all__ = ["Audience", "Chunk", "FileIdentity", "ReadOptions", "SourceIdentity", "open_audience"]


def open_audience(source: object, options: ReadOptions = ReadOptions()) -> Audience:  # noqa: B008 (frozen)
    """Open a path, glob, folder, URL, "-" (standard input) or anything with `__arrow_c_stream__`.

    Reads the header and, where the source cannot be read twice, spools it. Raises AudienceError for whatever cannot be
    an audience; the message says where and the hint what to type.
    """
    spool = Spool()
    try:
        name, found = open_parts(source, options, spool)
        return Audience(name, found, spool)
    except BaseException:
        spool.close()
        raise


class _Counted(Struct, frozen=True):
    """Where the rows of a chunk are: which file, and the row numbers there."""

    file: int
    rows: Rows


class Chunk:
    """Some rows of an audience, read when asked for, in any thread. `size`: bytes of the source it stands for."""

    def __init__(self, audience: Audience, index: int, file: int, unit: Unit) -> None:
        self.size = unit.size
        self._audience = audience
        self._index = index
        self._file = file
        self._unit = unit

    def read(self, columns: Sequence[int] | None = None, *, folded: bool = False) -> pa.RecordBatch:
        """The rows as a RecordBatch of pa.string() columns, those asked for by index (None: all), named as in
        `Audience.columns`. `folded`: some may be folded ones. Raises AudienceError with file, row and column."""
        audience = self._audience
        wanted = list(range(len(audience.columns))) if columns is None else list(columns)
        found = audience.found[self._file]
        places = [found.places[index] for index in wanted]
        for place, index in zip(places, wanted, strict=True):
            if isinstance(place, int) and place in found.part.unreadable:
                raise AudienceError(
                    f"{found.part.name}: the column “{audience.columns[index]}” cannot be sent: "
                    f"{found.part.unreadable[place]}.",
                    hint=f"Leave it out with --skip-column '{audience.columns[index]}'.",
                    code="unreadable_column",
                )
        read_unit = self._unit.read_folded if folded else self._unit.read
        rows = read_unit([place for place in places if isinstance(place, int)])
        read = iter(rows.columns)
        arrays = [next(read) if isinstance(p, int) else _repeated(p, rows.count) for p in places]
        audience.note(self._index, self._file, rows)
        if not arrays:
            return pa.RecordBatch.from_struct_array(pa.nulls(rows.count, pa.struct([])))
        schema = pa.schema([(audience.columns[index], array.type) for index, array in zip(wanted, arrays, strict=True)])
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


class Audience:
    """An open audience; a context manager. `columns` is the header as read, hive partition columns at the end."""

    def __init__(self, name: str, found: Sequence[Found], spool: Spool) -> None:
        self.name = name
        self.found = tuple(found)
        self._spool = spool
        first = self.found[0]
        self.columns = (*first.part.columns, *first.folders)
        self.files = tuple(one.part.name for one in self.found)
        self.size = sum(one.part.size for one in self.found)
        counts = [one.part.rows for one in self.found]
        self.rows = None if None in counts else sum(count or 0 for count in counts)
        more = f", {len(self.found):,} files" if len(self.found) > 1 else ""
        self.described = first.part.described + more
        self._counted: dict[int, _Counted] = {}
        self._chunks = -1

    @property
    def unreadable(self) -> dict[int, str]:
        """Columns that have no text (nested, durations), by index, with the reason."""
        reasons: dict[int, str] = {}
        for one in self.found:
            for index, place in enumerate(one.places):
                if isinstance(place, int) and place in one.part.unreadable:
                    reasons[index] = one.part.unreadable[place]
        return reasons

    @property
    def identity(self) -> SourceIdentity:
        """What the source was; the digests are there after the first full pass."""
        return SourceIdentity(tuple(one.part.identity() for one in self.found))

    def chunks(self) -> Iterator[Chunk]:
        """One pass in order; each call starts anew. Raises AudienceError (`audience_changed`) at the end of a file
        that is no longer what it was."""
        index = 0
        for file, one in enumerate(self.found):
            for unit in one.part.units():
                yield Chunk(self, index, file, unit)
                index += 1
        self._chunks = index

    def note(self, index: int, file: int, rows: Rows) -> None:
        """Remember how many rows chunk `index` has, for `locate`."""
        if index not in self._counted:
            self._counted[index] = _Counted(file, Rows((), rows.count, rows.first, rows.numbers))

    def locate(self, rows: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """For rows of the audience (counted from 0, ascending) the index of the file, and the row number there: the
        record number in a CSV (header = 1, blank lines counted), from 1 elsewhere. Valid once all chunks have been
        read."""
        if len(self._counted) != self._chunks:
            raise RuntimeError("locate needs a full pass in which every chunk has been read")
        counted = [self._counted[index] for index in range(self._chunks)]
        starts = np.concatenate(([0], np.cumsum([one.rows.count for one in counted]))).astype(np.int64)
        wanted = np.asarray(rows, np.int64)
        bounds = np.searchsorted(wanted, starts)
        found = np.diff(bounds)
        files = np.repeat(np.array([one.file for one in counted], np.int64), found)
        numbers = wanted + np.repeat(np.array([one.rows.first for one in counted], np.int64) - starts[:-1], found)
        for index in np.flatnonzero(found).tolist():
            exact = counted[index].rows.numbers
            if exact is not None:
                here = slice(bounds[index], bounds[index + 1])
                numbers[here] = exact[wanted[here] - starts[index]]
        return files, numbers

    def close(self) -> None:
        """Drop the spool."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _repeated(value: str, count: int) -> pa.Array:
    """`value` in every row, built from buffers."""
    data = value.encode()
    offsets = np.arange(count + 1, dtype=np.int32) * len(data)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data * count))
