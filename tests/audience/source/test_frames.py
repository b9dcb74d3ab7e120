"""What Python may give as an audience: frames, lazy frames, data sets, cursors, batches; and streams that die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import adbc_driver_sqlite.dbapi
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError
from tests.support.databases import sqlite_file

PHONES = [f"21255501{n:02d}" for n in range(10)]
TABLE = pa.table({"phone": PHONES, "n": range(10)})
EXPECTED = {"phone": PHONES, "n": [str(n) for n in range(10)]}


def read(source: object) -> dict[str, list[str]]:
    with open_audience(source) as audience:
        cells: dict[str, list[str]] = {name: [] for name in audience.columns}
        for chunk in audience.chunks():
            for name, column in chunk.read().to_pydict().items():
                cells[name] += column
        return cells


def refused(source: object) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        read(source)
    return caught.value


class OnlyArray:
    """A batch of a library that speaks one batch at a time only."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, schema: object = None) -> object:
        return self._batch.__arrow_c_array__(schema)


@pytest.fixture
def execute(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The ADBC cursor of a query of a SQLite table that holds these rows."""
    with ExitStack() as closing:

        def run(rows: list[tuple[str, Any]], sql: str | None = "select * from members order by rowid") -> Any:
            file = sqlite_file(tmp_path / "m.db", "phone text, n", rows)
            connection = closing.enter_context(adbc_driver_sqlite.dbapi.connect(f"file:{file}", autocommit=True))
            cursor = closing.enter_context(connection.cursor())
            if sql is not None:
                cursor.execute(sql)
            return cursor

        yield run


def files(folder: Path) -> ds.Dataset:
    for part in range(2):
        pq.write_table(TABLE.slice(5 * part, 5), folder / f"part-{part}.parquet")
    return ds.dataset(folder)


BATCHES = TABLE.to_batches(max_chunksize=3)
SOURCES: dict[str, Callable[[Path], object]] = {  # from an empty folder
    "lazy frame": lambda _: pl.LazyFrame(TABLE.to_pydict()).filter(pl.col("n") >= 0),
    "polars": lambda _: pl.DataFrame(TABLE.to_pydict()),
    "data set": files,
    "scanner": lambda folder: files(folder).scanner(),
    "in memory": lambda _: ds.dataset(TABLE),
    "list": lambda _: BATCHES,
    "tuple of frames": lambda _: (TABLE.slice(0, 4).to_pandas(), pl.DataFrame(TABLE.slice(4).to_pydict())),
    "generator": lambda _: (batch for batch in BATCHES),
    "batches of another library": lambda _: map(OnlyArray, BATCHES),
    "one batch": lambda _: OnlyArray(TABLE.combine_chunks().to_batches()[0]),
    "reader": lambda _: TABLE.to_reader(),
    "DuckDB": lambda _: duckdb.from_arrow(TABLE),
    "parts of a frame": lambda _: (part for part in [TABLE.to_pandas()[:3], TABLE.to_pandas()[3:]]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_is_read(name: str, tmp_path: Path) -> None:
    """Whatever gives Arrow batches is an audience, in the order in which it gives them."""
    assert read(SOURCES[name](tmp_path)) == EXPECTED


def test_cursors_are_read(execute: Callable[..., Any]) -> None:
    """A cursor that has run a query is an audience, and so is its reader; one that has run none is an error of ours."""
    rows = list(zip(PHONES, range(10), strict=True))
    assert read(execute(rows)) == EXPECTED
    assert read(execute(rows).fetch_record_batch()) == EXPECTED
    assert refused(execute(rows, None)).code == "bad_stream"


def test_an_empty_lazy_frame_has_columns() -> None:
    """A frame without rows is an audience without members, not one without columns."""
    assert read(pl.LazyFrame(TABLE.to_pydict()).filter(pl.col("n") > 99)) == {"phone": [], "n": []}
    assert read(iter([TABLE.slice(0, 0)])) == {"phone": [], "n": []}


def test_skipped_columns_are_not_converted() -> None:
    """A column that is left out may hold anything; its neighbours are read."""
    frame = TABLE.append_column("junk", pa.array([b"\xff"] * 10)).append_column("tags", pa.array([[1]] * 10))
    with open_audience(frame.to_reader(), ReadOptions(skip=("JUNK", "tags"))) as audience:
        (chunk,) = audience.chunks()
        assert chunk.read([0, 1]).to_pydict() == EXPECTED
        assert audience.unreadable == {2: "it is left out", 3: "it is left out"}


class FailedQuery(Exception):
    """As drivers raise it: with a SQLSTATE, and a text that quotes data."""

    sqlstate = "57014"


def dies(how: Callable[[], None]) -> Iterator[pa.RecordBatch]:
    yield BATCHES[0]
    how()


def raise_alone() -> None:
    raise FailedQuery("canary 2125550100")


def raise_from() -> None:
    try:
        raise_alone()
    except FailedQuery as error:
        raise OSError("canary") from error


@pytest.mark.parametrize("how", [raise_alone, raise_from])
def test_a_stream_that_dies(how: Callable[[], None]) -> None:
    """The error names the type and the SQLSTATE of the cause, and where the stream broke off; never its text."""
    for source in (dies(how), pa.RecordBatchReader.from_batches(TABLE.schema, dies(how))):
        error = refused(source)
        assert error.code == "bad_stream"
        assert error.message.endswith("ended with an error after row 3 (FailedQuery, SQLSTATE 57014).")
        assert "canary" not in f"{error.message}{error.hint}"


def test_a_cursor_that_dies(execute: Callable[..., Any]) -> None:
    """A cursor whose rows break off: the type of the driver's error, not its words."""
    error = refused(execute([("2125550100", 1)] * 2000 + [("2125550101", "canary")]))
    assert error.code == "bad_stream"
    assert "after row 1,024 (OSError)" in error.message
    assert "canary" not in f"{error.message}{error.hint}"


def test_batches_of_other_columns() -> None:
    """Batches whose columns differ are refused, with the row where they begin to."""
    error = refused([*BATCHES[:1], pa.record_batch({"phone": ["1"], "m": ["2"]})])
    assert error.code == "different_columns"
    assert "after row 3" in error.message


class DaskFrame:
    """Stands in for a frame of Dask: of its module, without an Arrow stream."""

    __module__ = "dask.dataframe.dask_expr._collection"


class DaftFrame:
    """Stands in for a frame of Daft that speaks Arrow."""

    __module__ = "daft.dataframe.dataframe"

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return TABLE.__arrow_c_stream__(schema)


def test_frames_of_clusters() -> None:
    """One that speaks Arrow is read; for one that does not, the hint says what of it does."""
    assert read(DaftFrame()) == EXPECTED
    error = refused(DaskFrame())
    assert error.code == "not_an_audience"
    assert "frame.partitions" in error.hint


@pytest.mark.parametrize("nothing", [[], {}, [1, 2], ["a.csv"], iter(()), b"x", 5, {"phone": PHONES}])
def test_what_holds_no_batches(nothing: object) -> None:
    """Other iterables, also empty ones, are no audience."""
    assert refused(nothing).code == "not_an_audience"


def test_a_postgresql_money_column_is_refused() -> None:
    """The driver gives money as whole cents without saying so in the type; it would be a hundred times too much."""
    field = pa.field("price", pa.int64(), metadata={"POSTGRESQL:type": "money"})
    frame = pa.table([pa.array(PHONES), pa.array(range(10))], schema=pa.schema([("phone", pa.string()), field]))
    error = refused(frame)
    assert error.code == "unreadable_column"
    assert "column::numeric" in error.message


def test_a_pandas_index_is_left_out() -> None:
    """The index of a frame that was filtered is no column of the audience."""
    frame = pd.DataFrame({"phone": PHONES, "n": range(10)})
    with open_audience(iter([frame[frame.n % 2 == 0]])) as audience:
        assert audience.columns == ("phone", "n")


def test_small_batches_are_read_together() -> None:
    """A database that gives few rows at a time costs no more than one that gives many; no chunk becomes too large."""
    phones = [str(n) for n in range(150_000)]
    with open_audience(iter(pa.table({"phone": phones}).to_batches(max_chunksize=2_048))) as audience:
        chunks = [chunk.read().column(0).to_pylist() for chunk in audience.chunks()]
    assert [len(chunk) for chunk in chunks] == [65_536, 65_536, 18_928]
    assert [phone for chunk in chunks for phone in chunk] == phones


def test_a_column_of_pandas_that_arrow_cannot_convert() -> None:
    """It is named, with what to type, which helps; no value of it is."""
    mixed = pd.DataFrame({"x": ["a", "b"], "phone": ["2125550100", 2125550101]})
    for source in (mixed, [mixed], [mixed.head(1), mixed]):
        error = refused(source)
        assert error.code == "bad_stream"
        assert "its column phone" in error.message
        assert error.hint == 'Make it text: frame["phone"] = frame["phone"].astype("string")'
        assert "21255501" not in str(error)
    mixed["phone"] = mixed["phone"].astype("string")
    assert read(mixed)["phone"] == ["2125550100", "2125550101"]


def test_columns_of_pandas_without_one_name_each() -> None:
    """Names of several levels, and two columns of one name, are refused with a line that helps."""
    levels = pd.DataFrame([["2125550100", "a"]], columns=pd.MultiIndex.from_tuples([("phone", ""), ("x", "a")]))
    error = refused(levels)
    assert (error.code, "2 levels (a MultiIndex)" in error.message) == ("bad_stream", True)
    levels.columns = ["_".join(map(str, name)).strip("_") for name in levels.columns]
    assert list(read(levels)) == ["phone", "x_a"]
    twice = pd.DataFrame([["2125550100", "a", "b"]], columns=["phone", "x", "x"])
    error = refused(twice)
    assert (error.code, "one name: x." in error.message) == ("duplicate_column", True)
    assert list(read(twice.loc[:, ~twice.columns.duplicated()])) == ["phone", "x"]
