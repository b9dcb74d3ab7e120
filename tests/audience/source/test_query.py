"""Queries of SQLite and DuckDB: what they give, what is no query, and what is told of a database that refuses one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError, LsmsError
from tests.support.databases import source, sqlite_file
from tests.support.examples import examples

ROWS = [("2125550100", "07030", 1), ("2125550101", None, 2)]


@pytest.fixture
def members(tmp_path: Path) -> Path:
    """The config of a SQLite source with two members."""
    return source(tmp_path, "sqlite", sqlite_file(tmp_path / "a b.db", "phone text, zip text, n integer", ROWS))


def read(config: Path, sql: str, **options: Any) -> dict[str, list[Any]]:
    path = config.parent / "audience.sql"
    path.write_text(sql, "utf-8")
    with open_audience(str(path), ReadOptions(source="warehouse", config=str(config), **options)) as audience:
        cells: dict[str, list[Any]] = {name: [] for name in audience.columns}
        for chunk in audience.chunks():
            for name, column in chunk.read().to_pydict().items():
                cells[name] += column
        return cells


def refused(config: Path, sql: str, **options: Any) -> LsmsError:
    with pytest.raises(LsmsError) as caught:
        read(config, sql, **options)
    return caught.value


@pytest.mark.parametrize("end", ["", ";", ";;\n", " -- the end", "\n/* the end */ ; -- of it"])
def test_what_stands_behind_a_query(members: Path, end: str) -> None:
    """Comments and semicolons at the end of a query change nothing."""
    found = read(members, f"-- of the members\nSELECT phone, zip, n FROM members ORDER BY phone{end}")
    assert found == {"phone": ["2125550100", "2125550101"], "zip": ["07030", None], "n": ["1", "2"]}


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("SELECT phone FROM members ORDER BY n", True),
        ("SELECT phone FROM members order\nby n LIMIT 5", True),
        ("WITH m AS (SELECT * FROM members ORDER BY n) SELECT phone FROM m", False),
        ("SELECT phone, row_number() OVER (ORDER BY n) AS r FROM members", False),
        ("SELECT phone, 'a ORDER BY b' AS x FROM members -- ORDER BY n", False),
    ],
)
def test_a_query_without_an_order_is_a_note(members: Path, sql: str, ordered: bool) -> None:
    """Only an ORDER BY of the whole query says which member is the last."""
    path = members.parent / "audience.sql"
    path.write_text(sql, "utf-8")
    with open_audience(path, ReadOptions(source="warehouse", config=str(members))) as audience:
        assert ("unordered_query" in [note.code for note in audience.notes]) is not ordered


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "DELETE FROM members",
        "SELECT 1; DROP TABLE members",
        "PRAGMA query_only = off",
        "SELECT 'open",
    ],
)
def test_what_is_no_query(members: Path, sql: str) -> None:
    """Anything but one statement that reads is refused before it reaches the database."""
    assert refused(members, sql).code == "not_a_query"


def test_a_query_cannot_write(tmp_path: Path) -> None:
    """A statement that begins as a query and writes is refused by a session that only reads; no file is made."""
    config = source(tmp_path, "sqlite", tmp_path / "nothing.db")
    assert refused(config, "SELECT 1 AS phone").code == "cannot_connect"
    assert not (tmp_path / "nothing.db").exists()
    database = tmp_path / "members.duckdb"
    duckdb.connect(str(database)).execute("CREATE TABLE members AS SELECT '2125550100' AS phone").close()
    config = source(tmp_path, "duckdb", database)
    assert read(config, "FROM members") == {"phone": ["2125550100"]}
    config = source(tmp_path, "sqlite", sqlite_file(tmp_path / "members.db", "phone text", [("2125550100",)]))
    error = refused(config, "WITH one AS (SELECT 1) DELETE FROM members")
    assert error.code == "query_failed"
    assert read(config, "SELECT phone FROM members") == {"phone": ["2125550100"]}


def test_types_of_duckdb(tmp_path: Path) -> None:
    """Values arrive as the text that DuckDB's CSV export has; times of a zone without their offset."""
    config = source(tmp_path, "duckdb", ":memory:")
    text = """'2125550100' AS phone, 1.50::DECIMAL(9,2) AS price, DATE '2026-01-02' AS day, TRUE AS vip,
        7::HUGEINT AS n, TIMESTAMP '2026-01-02 03:04:05.5' AS at, '550e8400-e29b-41d4-a716-446655440000'::UUID AS id,
        0.1::DOUBLE AS f,
        'a'::ENUM('a', 'b') AS tier, TIME '10:00:00' AS t, NULL AS nothing"""
    duckdb.sql(f"SELECT {text}").write_csv(str(tmp_path / "export.csv"))
    with open_audience(tmp_path / "export.csv") as export:
        (chunk,) = export.chunks()
        expected = {name: [cell or None for cell in cells] for name, cells in chunk.read().to_pydict().items()}
    assert read(config, f"SELECT {text}") == expected
    assert read(config, f"FROM '{tmp_path}/export.csv'")["phone"] == ["2125550100"]


def test_lists_are_refused_by_name(tmp_path: Path) -> None:
    """A column without a text is named, with the way to leave it out; left out it is never looked at."""
    config = source(tmp_path, "duckdb", ":memory:")
    with pytest.raises(AudienceError) as caught:
        read(config, "SELECT '2125550100' AS phone, [1, 2] AS tags")
    assert caught.value.code == "unreadable_column"
    assert "“tags”" in caught.value.message


def test_skipped_columns_are_not_converted(members: Path) -> None:
    """Columns that are left out may hold what is no text; others are read."""
    path = members.parent / "audience.sql"
    path.write_text("SELECT phone, x'ff00' AS Raw_Bytes, n FROM members", "utf-8")
    with open_audience(path, ReadOptions(source="warehouse", config=str(members), skip=("raw bytes",))) as audience:
        (chunk,) = audience.chunks()
        assert chunk.read([0, 2]).to_pydict() == {"phone": ["2125550100", "2125550101"], "n": ["1", "2"]}
        assert audience.unreadable == {1: "it is left out"}


def test_a_broken_stream_tells_no_text(tmp_path: Path) -> None:
    """What the driver says of a query that dies midway is not passed on: its type and status are, and the row."""
    rows = [("2125550100", n) for n in range(70_000)] + [("2125550101", "canary")]
    config = source(tmp_path, "sqlite", sqlite_file(tmp_path / "m.db", "phone text, n", rows))
    error = refused(config, "SELECT phone, n FROM members ORDER BY rowid")
    assert error.code == "query_failed"
    assert error.message.startswith("warehouse:")
    assert "after row 65,536 (" in error.message
    assert "canary" not in f"{error.message}{error.hint}"
    assert "CAST(column AS TEXT)" in error.hint


def test_a_query_that_fails(members: Path) -> None:
    """The text of an error is not passed on, its status is."""
    error = refused(members, "SELECT phone FROM canary")
    assert error.code == "query_failed"
    assert "(ProgrammingError, INVALID_ARGUMENT)" in error.message
    assert "canary" not in f"{error.message}{error.hint}"


def test_where_a_source_and_a_query_do_not_meet(members: Path, tmp_path: Path) -> None:
    """A query needs a source, and a source a query; a query that is not there, or is no text, is named."""
    with pytest.raises(AudienceError) as caught:
        open_audience(tmp_path / "audience.sql")
    assert caught.value.code == "no_source"
    options = ReadOptions(source="warehouse", config=str(members))
    (tmp_path / "bytes.sql").write_bytes(b"\xff\xfe\xfd")
    for other, code in ((tmp_path / "x.csv", "not_a_query"), (object(), "not_a_query"), ("-", "not_a_query")):
        with pytest.raises(AudienceError) as caught:
            open_audience(other, options)
        assert caught.value.code == code
    for name, code in (("nothing.sql", "not_found"), ("bytes.sql", "cannot_read")):
        with pytest.raises(AudienceError) as caught:
            open_audience(tmp_path / name, options)
        assert caught.value.code == code


@pytest.mark.parametrize("package", ["sqlglot", "adbc_driver_manager", "adbc_driver_sqlite"])
def test_a_driver_that_is_not_installed(members: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is missing is an error that names the extra."""
    monkeypatch.setitem(sys.modules, package, None)
    error = refused(members, "SELECT phone FROM members")
    assert error.code == "extra_missing"
    assert "listrak-sms-cli[sqlite]" in error.hint


@given(cells=st.lists(st.text("0123é ", max_size=3) | st.none(), max_size=12), data=st.data())
@examples(30)
def test_the_digest_does_not_depend_on_batches(cells: list[str | None], data: st.DataObject) -> None:
    """The same rows have one identity, however they come in batches; other rows have another."""
    import pyarrow as pa

    cuts = sorted(data.draw(st.lists(st.integers(0, len(cells)), max_size=3)))
    schema = pa.schema([("phone", pa.string()), ("x", pa.string())])

    def identity(rows: list[list[str | None]]) -> tuple[int, str]:
        batches = [pa.record_batch([pa.array(part, pa.string())] * 2, schema=schema) for part in rows]
        with open_audience(pa.RecordBatchReader.from_batches(schema, batches)) as audience:
            (file,) = audience.identity
            return file.size, file.digest

    parts = [cells[start:end] for start, end in zip([0, *cuts], [*cuts, len(cells)], strict=True)]
    assert identity(parts) == identity([cells])
    other = [*cells, ""] if data.draw(st.booleans()) or not cells else [*cells[:-1], f"{cells[-1] or ''}0"]
    assert identity([other]) != identity([cells])
