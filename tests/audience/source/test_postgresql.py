"""Queries of a real PostgreSQL server (`make test-sql`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pytest

from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError
from tests.support.databases import PASSWORD, Server, postgresql, query, source
from tests.support.in_process import pushed
from tests.support.world import PROJECT, World

pytestmark = pytest.mark.sql

TYPES = """
    SELECT phone, 12.50::numeric AS price, 0.1::numeric(12,4) AS rate, 1e20::numeric AS large, date '2026-01-02' AS day,
        timestamp '2026-01-02 03:04:05.5' AS at, timestamp '2026-01-02' AS midnight, 1.5::float8 AS f, 7::int2 AS n,
        '550e8400-e29b-41d4-a716-446655440000'::uuid AS id, 'a'::mood AS mood, 'X'::citext AS ci, '07030'::zip AS zip,
        '{"a": 1}'::jsonb AS j, 'ab'::char(3) AS padded, NULL::text AS nothing, '' AS empty, time '10:00' AS t,
        xmlelement(name a) AS x, 'é, "q"'::text AS text, 3000000000::int8 AS big
    FROM members ORDER BY phone
"""
SETUP = """
    CREATE EXTENSION citext;
    CREATE TYPE mood AS ENUM ('a', 'b');
    CREATE DOMAIN zip AS text;
    CREATE TABLE members AS
        SELECT (2125550100 + g)::text AS phone, 'N' || g AS first_name, g AS n FROM generate_series(0, 49) g;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql() as server:
        server.run(SETUP)
        yield server


def read(config: Path, sql: str) -> dict[str, list[Any]]:
    path = config.parent / "audience.sql"
    path.write_text(sql, "utf-8")
    with open_audience(path, ReadOptions(source="warehouse", config=str(config))) as audience:
        return cells_of(audience)


def cells_of(audience: Any) -> dict[str, list[Any]]:
    cells: dict[str, list[Any]] = {name: [] for name in audience.columns}
    for chunk in audience.chunks():
        for name, column in chunk.read().to_pydict().items():
            cells[name] += column
    return cells


def refused(config: Path, sql: str) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        read(config, sql)
    assert PASSWORD not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


@pytest.fixture
def config(server: Server, tmp_path: Path) -> Path:
    return source(tmp_path, "postgresql", server.uri)


def test_types_arrive_as_in_an_export(server: Server, config: Path) -> None:
    """Every cell is the text that PostgreSQL's CSV export has of it."""
    export = config.parent / "export.csv"
    export.write_text(server.run(f"COPY ({TYPES}) TO STDOUT (FORMAT csv, HEADER)"), "utf-8")
    with open_audience(export) as audience:
        expected = cells_of(audience)
    found = {name: [cell or "" for cell in cells] for name, cells in read(config, TYPES).items()}
    assert found == {name: [cell or "" for cell in cells] for name, cells in expected.items()}
    assert found["price"][0] == "12.50"


def test_times_are_those_of_the_session(server: Server, tmp_path: Path) -> None:
    """A time with a zone is written in the zone of the session, as an export writes it, without its offset; a boolean
    is a word for which an export has a letter."""
    config = source(tmp_path, "postgresql", f"{server.uri}&options=-c%20TimeZone%3DEurope/Berlin")
    found = read(config, "SELECT '1' AS phone, timestamptz '2026-06-30 22:30:00+00' AS at, true AS vip")
    assert found == {"phone": ["1"], "at": ["2026-07-01 00:30:00"], "vip": ["true"]}


@pytest.mark.parametrize(
    "value", ["'{1,2}'::int[]", "'10.0.0.1'::inet", "12.5::money", "interval '1 day'", "point(1,2)"]
)
def test_types_without_a_text_are_refused_by_name(config: Path, value: str) -> None:
    """Arrays, and types whose bytes are no text, are refused by the name of their column, never sent as garbage."""
    error = refused(config, f"SELECT '2125550100' AS phone, {value} AS odd")
    assert error.code == "unreadable_column"
    assert "“odd”" in error.message


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SELECT phone FROM canary", "42P01"),
        ("SELECT canary FROM", "42601"),
        ("WITH gone AS (DELETE FROM members RETURNING phone) SELECT phone FROM gone", "25006|0A000|42601"),
        ("SELECT nextval('numbers') AS phone", "25006"),
        ("SELECT phone, 1 / (n - 40) AS x FROM members", "22012"),
        ("SELECT 'canary'::int AS phone", "22P02"),
    ],
)
def test_an_error_tells_its_sqlstate_and_no_more(server: Server, config: Path, sql: str, state: str) -> None:
    """Whatever PostgreSQL refuses, also a query that would write, also midway, names its SQLSTATE; no text of it."""
    server.run("CREATE SEQUENCE IF NOT EXISTS numbers")
    error = refused(config, sql)
    assert error.code == "query_failed"
    assert any(f"SQLSTATE {one}" in error.message for one in state.split("|")), error.message
    assert "canary" not in f"{error.message}{error.hint}"
    assert len(read(config, "TABLE members")["phone"]) == 50


def test_a_server_that_refuses(server: Server, config: Path) -> None:
    """A wrong password, and a server that is not there, are said without the address."""
    for uri in (server.uri.replace(PASSWORD, "wrong-canary"), server.uri.replace("lsms-pg", "canary")):
        error = refused(source(config.parent, "postgresql", uri), "SELECT 1 AS phone")
        assert error.code == "cannot_connect"
        assert "canary" not in f"{error.message}{error.hint}"


def test_a_cursor_that_dies_names_its_sqlstate(server: Server) -> None:
    """Also a cursor that a Python program gives."""
    with adbc_driver_postgresql.dbapi.connect(server.uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT phone, 1 / (n - 40) AS x FROM members")
        with pytest.raises(AudienceError) as caught:
            open_audience(cursor)
    assert caught.value.code == "bad_stream"
    assert "(DataError, SQLSTATE 22012, " in caught.value.message


def test_a_push_equals_that_of_an_export(server: Server, make_world: Any) -> None:
    """What is stored after the push of a query is what is stored after the push of the same rows as a CSV."""
    sql = "SELECT phone, first_name FROM members ORDER BY phone"
    stored = []
    for way in ("query", "export"):
        world = make_world(import_seconds=0.0)
        if way == "query":
            path, options = query(world, "postgresql", server.uri, sql)
        else:
            path = world.audience(server.run(f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"))
            options = {}
        document = pushed(world, path, **options)
        assert document["rows_sent"] == 50
        stored.append(world.contacts())
    assert stored[0] == stored[1]


def test_resume_runs_the_query_again(server: Server, make_world: Any) -> None:
    """A push that broke off goes on with the query's rows, and is refused once they have changed."""
    world: World = make_world(import_seconds=0.0)
    path, options = query(world, "postgresql", server.uri, "SELECT phone, first_name FROM members ORDER BY phone")
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    pushed(world, path, code=1, batch_rows=30, concurrency=1, **options)
    server.run("UPDATE members SET first_name = 'Other' WHERE n = 7")
    ended = world.lsms("resume", "--config", options["config"], "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "audience_changed")
    server.run("UPDATE members SET first_name = 'N7' WHERE n = 7")
    ended = world.lsms("resume", "--config", options["config"], "--json")
    assert (ended.code, ended.json["rows_sent"]) == (0, 50)
    assert PASSWORD not in "".join(file.read_text("utf-8", "replace") for file in (world.home / "state").rglob("*.*"))


def test_the_section_about_queries(server: Server, make_world: Any) -> None:
    """The source, the query and the commands that are shown push what the server holds."""
    page = (PROJECT / ".github" / "AUDIENCES.md").read_text("utf-8")
    section = page[page.index("## Queries") : page.index("## Object stores")]
    config, sql = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0] for kind in ("toml", "sql"))
    server.run("ALTER TABLE members ADD tier text DEFAULT 'Gold', ADD consent bool DEFAULT true, ADD updated_at date")
    world: World = make_world(import_seconds=0.0)
    (world.home / ".config/lsms").mkdir(parents=True)
    for name, text in (("config.toml", config), ("warehouse", server.uri)):
        world.audience(text, f".config/lsms/{name}").chmod(0o600)
    world.audience(sql, "audience.sql")
    for command in re.findall(r"^\$ lsms (.+)$", section, re.MULTILINE):
        ended = world.lsms(*command.split(), "--json", cwd=world.home)
        assert (ended.code, ended.json["rows_sendable"]) == (0, 50)
