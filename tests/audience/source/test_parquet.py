"""Parquet audiences: every type as the text a person would write, in flat memory, or one clear sentence."""

from __future__ import annotations

import datetime as dt
import decimal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.audience.source.parquet_rows import RowGroup, Wanted
from listrak_sms_cli.audience.source.to_text import as_text, text_column
from listrak_sms_cli.columnar.strings import fixed_column, indices
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack.import_files import write_lines


def written(path: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


def all_rows(path: Path) -> dict[str, list[str | None]]:
    with open_audience(path) as audience:
        batches = [chunk.read() for chunk in audience.chunks()]
        for batch in batches:
            assert set(batch.schema.types) == {pa.string()}
        table = pa.Table.from_batches(batches, schema=pa.schema([(name, pa.string()) for name in audience.columns]))
    return table.to_pydict()


def refused(path: Path) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        all_rows(path)
    return caught.value


D = decimal.Decimal
NOON = dt.datetime(2026, 1, 2, 12, 30, 5)
TYPES = [
    (pa.int8(), [1, -1, None], ["1", "-1", None]),
    (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
    (pa.int64(), [-(2**63)], ["-9223372036854775808"]),
    (
        pa.float64(),
        [1.0, -0.0, 7.18e10, 1e15, 1e16, 1e300],
        ["1", "0", "71800000000", "1" + "0" * 15, "1" + "0" * 16, "1" + "0" * 300],
    ),
    (pa.float64(), [0.1, 1e-7, 2.5, 123456.789, -0.000001], ["0.1", "0.0000001", "2.5", "123456.789", "-0.000001"]),
    (pa.float32(), [0.1, 3.0, 16777216.0], ["0.1", "3", "16777216"]),
    (pa.float16(), [0.5, 3.0], ["0.5", "3"]),
    (pa.decimal128(10, 2), [D("1.50"), D("-0.05")], ["1.50", "-0.05"]),
    (pa.decimal128(12, 9), [D("0.000000100"), D("-0.000000001"), D(0)], ["0.000000100", "-0.000000001", "0.000000000"]),
    (pa.decimal128(5, -2), [D("1.2E4")], ["12000"]),
    (pa.decimal256(50, 0), [D("1" + "0" * 40)], ["1" + "0" * 40]),
    (pa.bool_(), [True, False, None], ["true", "false", None]),
    (pa.date32(), [dt.date(2026, 1, 2), dt.date(1899, 12, 31)], ["2026-01-02", "1899-12-31"]),
    (pa.date64(), [dt.date(2026, 1, 2)], ["2026-01-02"]),
    (pa.timestamp("s"), [NOON], ["2026-01-02 12:30:05"]),
    (pa.timestamp("ns"), [NOON], ["2026-01-02 12:30:05"]),
    (pa.timestamp("us"), [NOON.replace(microsecond=250000)], ["2026-01-02 12:30:05.25"]),
    (pa.timestamp("ms", "America/New_York"), [NOON.replace(tzinfo=dt.UTC)], ["2026-01-02 07:30:05"]),
    (pa.time64("us"), [dt.time(7, 5)], ["07:05:00"]),
    (pa.large_string(), ["é", None], ["é", None]),
    (pa.string_view(), ["a longer string than twelve", None], ["a longer string than twelve", None]),
    (pa.binary(), ["é".encode()], ["é"]),
    (pa.large_binary(), [b"a"], ["a"]),
    (pa.binary(2), [b"ab"], ["ab"]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b", None, "a"], ["a", "b", None, "a"]),
    (pa.dictionary(pa.int32(), pa.int64()), [7, None], ["7", None]),
    (pa.null(), [None, None], [None, None]),
]


@pytest.mark.parametrize(("kind", "values", "expected"), TYPES, ids=[f"{n}-{t[0]}" for n, t in enumerate(TYPES)])
def test_every_type_as_text(tmp_path: Path, kind: pa.DataType, values: list[Any], expected: list[str | None]) -> None:
    """A column of any type becomes the text a person would write, alike from memory and from a file."""
    column = pa.array(values, kind)
    assert as_text(column).to_pylist() == expected
    assert text_column([column, column.slice(1)], "a", "x", 1).to_pylist() == expected + expected[1:]
    try:
        path = written(tmp_path / "a.parquet", pa.table({"x": column}))
    except (pa.ArrowNotImplementedError, OSError):  # a type that Parquet does not have
        return
    assert all_rows(path)["x"] == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_floats_that_are_no_numbers(value: float) -> None:
    """NaN is an empty cell, as pandas writes it; infinities stay words."""
    assert as_text(pa.array([value])).to_pylist() == [None if np.isnan(value) else str(value)]


def test_floats_read_back_the_same() -> None:
    """The text of a float has no exponent and reads back as the same float."""
    rng = np.random.default_rng(5)
    values = np.concatenate((rng.random(500), rng.random(500) * 10.0 ** rng.integers(-30, 30, 500)))
    texts = as_text(pa.array(values)).to_pylist()
    assert [float(text) for text in texts] == values.tolist()
    assert not [text for text in texts if "e" in text.lower()]


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    """Every codec that pyarrow has is read."""
    path = written(tmp_path / "a.parquet", pa.table({"phone": ["1", "2"]}), compression=codec)
    assert all_rows(path) == {"phone": ["1", "2"]}


def test_row_groups_in_order(tmp_path: Path) -> None:
    """Rows of many row groups come in order, are counted beforehand, and are numbered from 1."""
    values = [str(number) for number in range(1000)]
    path = written(tmp_path / "a.parquet", pa.table({"phone": values}), row_group_size=7)
    assert all_rows(path)["phone"] == values
    with open_audience(path) as audience:
        assert audience.rows == 1000
        assert "143 row groups" in audience.described
        assert sum(chunk.size for chunk in audience.chunks()) <= audience.size
        for chunk in audience.chunks():
            chunk.read([0])
        _, numbers = audience.locate(np.array([0, 6, 7, 999]))
        assert numbers.tolist() == [1, 7, 8, 1000]


def test_empty_table(tmp_path: Path) -> None:
    """A table without rows is an audience without rows."""
    path = written(tmp_path / "a.parquet", pa.table({"phone": pa.array([], pa.string())}))
    assert all_rows(path) == {"phone": []}


def test_columns_by_position(tmp_path: Path) -> None:
    """Columns are read in the order asked for, whatever dots and blanks their names have."""
    table = pa.table({"phone": ["1"], "a.b": ["2"], "a": ["3"], "": ["4"], "first name": ["5"]})
    with open_audience(written(tmp_path / "a.parquet", table)) as audience:
        (chunk,) = audience.chunks()
        assert [column[0].as_py() for column in chunk.read([4, 1, 0, 4]).columns] == ["5", "2", "1", "5"]
        assert [column[0].as_py() for column in chunk.read([2, 3]).columns] == ["3", "4"]


def test_nested_columns(tmp_path: Path) -> None:
    """Nested columns are named as unreadable, refused when read, and no hindrance otherwise."""
    table = pa.table({"phone": ["1"], "tags": [["a"]], "who": [{"x": 1}], "wait": pa.array([5], pa.duration("s"))})
    with open_audience(written(tmp_path / "a.parquet", table)) as audience:
        assert set(audience.unreadable) == {1, 2, 3}
        (chunk,) = audience.chunks()
        assert chunk.read([0]).to_pydict() == {"phone": ["1"]}
        with pytest.raises(AudienceError) as caught:
            chunk.read([0, 1])
    assert caught.value.code == "unreadable_column"
    assert "“tags”" in caught.value.message
    assert "--skip-column" in caught.value.hint


def test_binary_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused with the column, and are not quoted."""
    error = refused(written(tmp_path / "a.parquet", pa.table({"x": [b"secret\xff"]})))
    assert error.code == "not_utf8"
    assert "“x”" in error.message
    assert "--skip-column 'x'" in error.hint
    assert "secret" not in str(error)


def test_dictionary_bomb(tmp_path: Path) -> None:
    """A small file whose rows all name one long word is read in pieces of bounded size."""
    word = "z" * (1 << 20)
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(500, np.int32)), pa.array([word]))
    path = written(tmp_path / "a.parquet", pa.table({"phone": column}).cast(pa.schema([("phone", pa.string())])),
                   compression="zstd")  # fmt: skip
    assert path.stat().st_size < 100_000
    rows = 0
    with open_audience(path) as audience:
        for chunk in audience.chunks():
            batch = chunk.read()
            assert batch.nbytes < 80 << 20
            rows += batch.num_rows
    assert rows == 500


def test_long_words_behind_many_short_ones(tmp_path: Path) -> None:
    """A column whose row groups have few long words, or thousands of short ones, in any order is read whole."""
    short = [str(number) for number in range(3000)]
    groups = [short, ["z" * 50_000] * 3000, short, ["z" * 2000 + str(number % 7) for number in range(3000)]]
    schema = pa.schema([("phone", pa.string()), ("text", pa.string())])
    path = tmp_path / "a.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        for words in (*groups, *reversed(groups)):
            writer.write_table(pa.table({"phone": short, "text": words}, schema=schema))
    with open_audience(path) as audience:
        texts = [text for chunk in audience.chunks() for text in chunk.read([1]).column(0).to_pylist()]
    assert texts == [text for words in (*groups, *reversed(groups)) for text in words]


def test_long_cell(tmp_path: Path) -> None:
    """A cell over 16 MiB is refused with its row and column."""
    error = refused(written(tmp_path / "a.parquet", pa.table({"phone": ["1", "z" * (17 << 20)]})))
    assert error.code == "cell_too_long"
    assert "row 2" in error.message


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_cut_off(tmp_path: Path, keep: float) -> None:
    """A file that was cut off is refused in one sentence."""
    path = written(tmp_path / "a.parquet", pa.table({"phone": [str(number) for number in range(1000)]}))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    assert refused(path).code == "bad_parquet"


def test_encrypted_footer(tmp_path: Path) -> None:
    """A file with an encrypted footer is named as that."""
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PARE" + bytes(100) + b"PARE")
    assert "encrypted" in refused(path).message


@pytest.mark.parametrize("keep_dictionaries", [False, True])
def test_damaged_pages_never_lose_rows(tmp_path: Path, keep_dictionaries: bool) -> None:
    """With any byte changed a file gives as many rows as its footer says, or is refused as damaged."""
    table = pa.table({"phone": [str(number % 7) for number in range(300)], "x": list(range(300))})
    path = written(tmp_path / "a.parquet", table, row_group_size=100, write_page_checksum=False)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 13):
        damaged = data.copy()
        damaged[at] ^= 0x55
        path.write_bytes(damaged)
        try:
            with open_audience(path, ReadOptions(format="parquet")) as audience:
                batches = [chunk.read(keep_dictionaries=keep_dictionaries) for chunk in audience.chunks()]
                assert sum(batch.num_rows for batch in batches) == audience.rows == 300
                for batch in batches:
                    write_lines(fixed_column("1").take(indices(np.zeros(batch.num_rows, np.int64))), batch.columns)
        except AudienceError as error:
            assert error.code in ("bad_parquet", "not_utf8", "wrong_format", "unreadable_column", "cell_too_long")


def test_changed_between_passes(tmp_path: Path) -> None:
    """A file replaced between two passes is refused."""
    path = written(tmp_path / "a.parquet", pa.table({"phone": ["1"]}))
    with open_audience(path) as audience:
        list(audience.chunks())
        written(path, pa.table({"phone": ["2"]}))
        with pytest.raises(AudienceError) as caught:
            [chunk.read() for chunk in audience.chunks()]
    assert caught.value.code == "audience_changed"


def test_read_by_several_threads(tmp_path: Path) -> None:
    """Chunks read by several threads, in any order, twice, hold the same rows as in order."""
    values = [str(number) for number in range(400_000)]
    path = written(tmp_path / "a.parquet", pa.table({"phone": values, "x": values}))
    with open_audience(path) as audience, ThreadPoolExecutor(3) as pool:
        chunks = list(audience.chunks())
        assert len(chunks) > 2
        backwards = list(pool.map(lambda chunk: chunk.read([1]).column(0), chunks[::-1]))[::-1]
        forwards = list(pool.map(lambda chunk: chunk.read([1]).column(0), chunks))
    assert pa.chunked_array(backwards).to_pylist() == values
    assert pa.chunked_array(forwards).to_pylist() == values


def test_chunks_of_a_row_group() -> None:
    """Chunks put together from batches of other lengths hold the rows they should, and a short row group shows."""
    starts: list[Wanted] = []

    def start(wanted: Wanted) -> Any:
        starts.append(wanted)
        return iter(pa.RecordBatch.from_pydict({"x": list(range(at, at + 3))}) for at in range(0, 12, 3))

    group = RowGroup(12, 5, start)
    rows = [
        [row for batch in group.chunk(number, ((0,), False)) for row in batch.column(0).to_pylist()]
        for number in range(3)
    ]
    assert rows == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    assert starts == [((0,), False)]
    longer = RowGroup(20, 5, start)
    assert [sum(batch.num_rows for batch in longer.chunk(number, ((), False))) for number in range(4)] == [5, 5, 2, 0]
