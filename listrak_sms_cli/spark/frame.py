"""A frame of Spark as the rows of an audience: in one order however Spark shuffles, without what nobody needs.

Works with Spark 3.5 and 4, classic and Connect: it speaks SQL and calls methods of the frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa

from listrak_sms_cli.audience import column_key, rewrite_names
from listrak_sms_cli.audience.source import ArrowStream, RemoteRows, SourceNote, cause_of
from listrak_sms_cli.errors import AudienceError, LsmsError, UsageError

_NO_HASH = re.compile("map<|variant|void|interval")  # types that Spark cannot hash; they hold no value to send either
_MISSING = re.compile(r"No module named '(\w+)")


class SparkFrame(RemoteRows):
    """The rows of a frame, streamed to this process. `order_by`: names of columns, the first decides first."""

    prepared_by = "driver"

    def __init__(self, frame: Any, order_by: Sequence[str]) -> None:
        """Spark is not asked for anything yet. Raises UsageError for what is no frame of Spark."""
        if not (type(frame).__module__.startswith("pyspark.sql.") and hasattr(frame, "mapInArrow")):
            raise UsageError(
                f"A {type(frame).__name__} is no frame of Spark.",
                hint="Other frames, files and URLs are pushed with listrak_sms_cli.push.",
                code="not_spark",
            )
        self.frame = frame
        self.order_by = tuple(order_by)

    @property
    def columns(self) -> list[str]:
        """As in RemoteRows."""
        return list(self.types)

    @property
    def recipe(self) -> dict[str, Any]:
        """As in RemoteRows."""
        return {"prepare": self.prepared_by, "order_by": list(self.order_by), "unneeded": list(self.unneeded)}

    def again(self, recipe: Mapping[str, Any]) -> SparkFrame:
        """As in RemoteRows."""
        frame = frame_of(self.frame, recipe.get("order_by", ()), recipe.get("prepare", "driver"))
        frame.unneeded = recipe.get("unneeded", ())
        return frame

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of each column, in SQL. Raises AudienceError where two columns have one name."""
        with spark_errors():
            fields = self.frame.schema.fields
        rewrite_names([field.name for field in fields])
        return {field.name: field.dataType.simpleString() for field in fields}

    @cached_property
    def order(self) -> list[str]:
        """The expressions that order the rows. Raises UsageError."""
        names = {column_key(name): name for name in self.types}
        for name in self.order_by:
            if column_key(name) not in names:
                raise UsageError(
                    f"order_by names a column {name} that the frame does not have.",
                    hint=f"It has: {', '.join(self.types)}.",
                    code="unknown_column",
                )
        found = [names[column_key(name)] for name in self.order_by]
        # A local time may be the same twice, when clocks are put back.
        return [f"unix_micros({quoted(n)})" if self.types[n] == "timestamp" else quoted(n) for n in found]

    def stream(self, skip: Collection[str]) -> ArrowStream:
        """As in RemoteRows: all rows in their order. Times are those of the session's time zone."""
        with spark_errors():
            columns = [f"{value} AS {quoted(name)}" for name, value in self.values(skip).items()]
            order = [f"{by} AS {place}" for place, by in self.order_with_ties(skip).items()]
            ordered = self.frame.selectExpr(*columns, *order).orderBy(*self.order_with_ties(skip))
            rows = ordered.drop(*self.order_with_ties(skip))
            return ArrowStream(self.name, self.schema_of(rows), batches_of(rows), "Spark", self.notes)

    @property
    def name(self) -> str:
        """What the audience is called in messages."""
        return "the Spark frame"

    @property
    def notes(self) -> tuple[SourceNote, ...]:
        """What a person should know of the order."""
        if self.order_by:
            return ()
        message = (
            "The Spark frame is pushed without order_by: which of several members with one phone is the first or the "
            "last (--keep) is decided by a hash of the row, and not by which is newer."
        )
        return (SourceNote("unordered_query", message),)

    def values(self, skip: Collection[str]) -> dict[str, str]:
        """By column the expression of its values; those of columns that `skip` names, and the unneeded ones, are null,
        so that nothing of them is read. A time is as the session shows it, without a zone."""
        left_out = {column_key(name) for name in (*skip, *self.unneeded)}
        values = {
            n: f"CAST({quoted(n)} AS TIMESTAMP_NTZ)" if t == "timestamp" else quoted(n) for n, t in self.types.items()
        }
        return {n: "CAST(NULL AS STRING)" if column_key(n) in left_out else value for n, value in values.items()}

    def order_with_ties(self, skip: Collection[str]) -> dict[str, str]:
        """The expressions that order the rows, the last of which settles every tie, by names that no column has."""
        return {f"lsms_order_{place}": by for place, by in enumerate([*self.order, self.tie_of(skip)])}

    def tie_of(self, skip: Collection[str]) -> str:
        """An expression that settles the order of rows that `order_by` does not tell apart: a hash of the whole row but
        for the columns that `skip` names, so that it never depends on how Spark shuffles. Spark's hash passes over
        nulls, and a collation takes different texts for the same: hence the rest."""
        left_out = {column_key(name) for name in skip}
        parts = ["0"]
        for name, kind in self.types.items():
            if column_key(name) not in left_out and not _NO_HASH.search(kind):
                value = f"CAST({quoted(name)} AS BINARY)" if kind.startswith("string") else quoted(name)
                parts += [f"{quoted(name)} IS NULL", value]
        return f"xxhash64({', '.join(parts)})"

    @staticmethod
    def schema_of(frame: Any) -> pa.Schema:
        """The schema of the batches that Spark gives of a frame."""
        from pyspark.sql.pandas.types import to_arrow_schema

        return to_arrow_schema(frame.schema)


def frame_of(frame: Any, order_by: Sequence[str], prepare: str) -> SparkFrame:
    """The frame, prepared by "driver" or "executors". Raises UsageError."""
    if prepare == "executors":
        from listrak_sms_cli.spark.executors import SparkExecutors

        return SparkExecutors(frame, order_by)
    return SparkFrame(frame, order_by)


def quoted(name: str) -> str:
    """The name of a column in an expression."""
    return "`" + name.replace("`", "``") + "`"


def batches_of(frame: Any) -> Iterator[pa.RecordBatch]:
    """All rows in their order, partition by partition: no more than two of these are in memory here."""
    with spark_errors():
        for row in frame.mapInArrow(_serializer(), "batch binary").toLocalIterator(prefetchPartitions=True):
            with pa.ipc.open_stream(pa.py_buffer(row.batch)) as reader:
                yield from reader


def _serializer() -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Runs on the executors, which need not have this package: a function within a function goes there whole."""

    def serialize(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for batch in batches:
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pyarrow.record_batch([pyarrow.array([sink.getvalue().to_pybytes()], pyarrow.binary())], ["batch"])

    return serialize


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turns an error of Spark, whose text may quote members, into AudienceError (`spark_failed`, `spark_package`) with
    its class alone."""
    try:
        yield
    except LsmsError:
        raise
    except Exception as error:
        if missing := _MISSING.search(str(error)):
            raise AudienceError(
                f"The executors have no package {missing[1]}.",
                hint="Bring it there (AUDIENCES.md, Spark), or take prepare='driver', which needs pyarrow alone there.",
                code="spark_package",
            ) from None
        condition = getattr(error, "getCondition", None) or getattr(error, "getErrorClass", None)
        named = condition() if condition is not None else None
        what = ", ".join(filter(None, [cause_of(error), named if isinstance(named, str) else None]))
        raise AudienceError(
            f"Spark ended with an error ({what}).",
            hint="Its log says more. Check the query behind the frame; columns of types that Arrow does not have are "
            "left out with --skip-column NAME.",
            code="spark_failed",
        ) from None
