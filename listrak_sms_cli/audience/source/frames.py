"""Find the Arrow batches in what a Python program gives: frames, lazy or not, readers, data sets, cursors, batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import pyarrow as pa

from listrak_sms_cli.audience.source.arrow import ArrowStream, cause_of, column_of, one_type_hint
from listrak_sms_cli.errors import AudienceError, NotAnAudience

# Frames of other libraries that do not speak Arrow themselves, and what of them does.
_WAYS = {
    "dask": "Give its parts, one after the other: (part.compute() for part in frame.partitions)",
    "daft": "Give its batches: frame.to_arrow_iter()",
    "pyspark": "Push it with listrak_sms_cli.spark.push(frame, …), or write it as Parquet and give the folder.",
}


class RemoteRows(ABC):
    """Rows that another system holds. They are asked for once it is known which columns are left out.

    `unneeded`: columns of which nobody needs the values, besides those that `stream` is told.
    """

    unneeded: Collection[str] = ()

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The names of the columns."""

    @property
    @abstractmethod
    def recipe(self) -> Mapping[str, Any]:
        """What it takes to ask for the same rows again, for the record of a run; no member data."""

    @abstractmethod
    def stream(self, skip: Collection[str]) -> ArrowStream:
        """The rows. Columns that `skip` names, and the unneeded ones, stay in their place and may be null."""

    @abstractmethod
    def again(self, recipe: Mapping[str, Any]) -> RemoteRows:
        """These rows as those of a recipe were asked for."""


def stream_of(source: object, skip: Collection[str] = ()) -> ArrowStream:
    """The rows of a frame, data set, cursor or iterable of batches as a stream, of which at most one batch is read
    already. `skip`: names of columns that nobody needs. Raises AudienceError: `not_an_audience`, `bad_stream`."""
    if isinstance(source, RemoteRows):
        return source.stream(skip)
    name = f"the {type(source).__name__}"
    try:
        found = _rows_of(source)
    except AudienceError:
        raise
    except Exception as error:  # whatever the other library raises
        column = column_of(error)
        which = (
            ""
            if column is None
            else f": its column {column} holds values of several types, or of a type that Arrow lacks"
        )
        raise AudienceError(
            f"{name} cannot be read as Arrow columns{which} ({cause_of(error)}).",
            hint=one_type_hint(column),
            code="bad_stream",
        ) from None
    if found is None:
        library = type(source).__module__.partition(".")[0]
        raise NotAnAudience(
            f"audience is of the type {type(source).__name__}, which cannot be read as an audience.",
            hint=_WAYS.get(library)
            or "Give a path, a URL, a frame with the Arrow stream interface (pandas, polars, pyarrow), an iterable of "
            "record batches, or a cursor with fetch_record_batch.",
        )
    return ArrowStream(name, *found)


_Found = tuple[pa.Schema, Iterator[pa.RecordBatch]]


def _rows_of(source: Any) -> _Found | None:
    """The schema and the batches; None of what has none."""
    if isinstance(source, pa.RecordBatchReader) or _speaks_arrow(source):
        return _of_reader(_reader(source))
    if hasattr(source, "scanner"):  # a data set of pyarrow
        return _of_reader(source.scanner().to_reader())
    if hasattr(source, "to_reader"):  # a scanner
        return _of_reader(source.to_reader())
    if hasattr(source, "collect_schema"):  # a lazy frame of polars
        batches = source.collect_batches() if hasattr(source, "collect_batches") else [source.collect()]
        return _of_items(chain([source.limit(0).collect()], batches))
    if cursor_reader := getattr(source, "fetch_record_batch", None) or getattr(source, "to_arrow_reader", None):
        return _of_reader(adbc_reader(source) or cursor_reader())
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping):
        return _of_items(iter(source))
    return None


def adbc_reader(cursor: Any) -> Any:
    """The reader of an ADBC cursor that raises errors with their SQLSTATE, as that of `fetch_record_batch` does not;
    None of other cursors."""
    return getattr(getattr(cursor, "_results", None), "reader", None)


def _speaks_arrow(source: object) -> bool:
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


def _refuse_columns(columns: Any) -> None:
    """Raise AudienceError for columns of pandas that Arrow cannot name: of several levels, or two of one name."""
    if getattr(columns, "nlevels", 1) > 1:
        raise AudienceError(
            f"The columns of the frame have names of {columns.nlevels} levels (a MultiIndex).",
            hint='Give each one name: frame.columns = ["_".join(map(str, name)).strip("_") for name in frame.columns]',
            code="bad_stream",
        )
    if getattr(columns, "has_duplicates", False):
        name = columns[columns.duplicated()][0]
        raise AudienceError(
            f"Two columns of the frame have one name: {name}.",
            hint="Rename one of them, or keep the first: frame = frame.loc[:, ~frame.columns.duplicated()]",
            code="duplicate_column",
        )


def _reader(source: Any) -> Any:
    _refuse_columns(getattr(source, "columns", None))
    if isinstance(source, pa.RecordBatchReader):
        return source  # not by its capsule, which would lose the type of an error
    if hasattr(source, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(source)
    batch = pa.record_batch(source)
    return pa.RecordBatchReader.from_batches(batch.schema, [batch])


def _of_reader(reader: Any) -> _Found:
    return reader.schema, iter(reader)


def _of_items(items: Iterator[Any]) -> _Found | None:
    """Of record batches, tables or frames that come one after the other; None where the first is none of them."""
    first = next(items, None)
    if first is None or not _speaks_arrow(first):
        return None
    reader = _reader(first)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from reader
        for item in items:
            yield from _reader(item)

    return reader.schema, batches()
