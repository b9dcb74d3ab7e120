"""Queries as audiences of every command: named after source and file, run again by `resume`, their address unseen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from listrak_sms_cli import push
from tests.support.databases import query, sqlite_file
from tests.support.lsms import Ended
from tests.support.world import World

ROWS = [(f"21255501{n:02d}", f"N{n}", "junk") for n in range(20)]
SQL = "SELECT phone, first_name, notes FROM members ORDER BY phone;\n"
COLUMNS = "phone text, first_name text, notes text"


@pytest.fixture
def ready(make_world: Callable[..., World]) -> Iterator[World]:
    """A world with a query of a database, whose path stands for a secret; no address of it may be seen anywhere."""
    world = make_world(import_seconds=0.0)
    (world.home / "hidden-place").mkdir()
    database = sqlite_file(world.home / "hidden-place/members.db", COLUMNS, ROWS)
    query(world, "sqlite", database, SQL)
    yield world
    kept = [file for file in (world.home / "state").rglob("*") if file.is_file()]
    assert not [file for file in kept if b"hidden-place" in file.read_bytes()]


def lsms(world: World, *words: object) -> Ended:
    ended = world.lsms(*words, "--config", world.home / "config.toml", cwd=world.home)
    assert "hidden-place" not in f"{ended.out}{ended.err}"
    return ended


def test_every_command_takes_a_query(ready: World) -> None:
    """push, validate, verify, plan, apply and pull read the same members from it."""
    words = ("audience.sql", "--source", "warehouse", "--skip-column", "notes", "--json")
    pushed = lsms(ready, "push", *words)
    assert (pushed.code, pushed.json["rows_sent"], pushed.json["audience"]) == (0, 20, "warehouse:audience.sql")
    assert pushed.json["settings"]["--source"] == "warehouse"
    assert [warning for warning in pushed.json["warnings"] if warning["code"] == "unordered_query"] == []
    assert lsms(ready, "validate", *words).json["rows_sendable"] == 20
    verified = lsms(ready, "verify", *words)
    assert (verified.code, verified.json["matching"]) == (0, 20)
    sqlite_file(ready.home / "hidden-place/members.db", COLUMNS, [(*ROWS[0][:1], "New", "other junk"), *ROWS[1:]])
    planned = lsms(ready, "plan", *words, "--save", "p.plan")
    assert (planned.code, planned.json["rows_different"]) == (0, 1)
    applied = lsms(ready, "apply", "p.plan", "--json")
    assert (applied.code, applied.json["rows_sent"]) == (0, 1)
    pulled = lsms(ready, "pull", "-o", "x.csv", "--audience", "audience.sql", "--source", "warehouse", "--json")
    assert (pulled.code, pulled.json["contacts"]) == (0, 20)


def test_the_baseline_is_called_after_source_and_file(ready: World) -> None:
    """The last push of the same query of the same source is the one that a guard compares with."""
    words = ("audience.sql", "--source", "warehouse", "--skip-column", "notes")
    assert lsms(ready, "push", *words, "-q").code == 0
    runs = lsms(ready, "runs", "--audience-name", "warehouse:audience.sql", "--json").json["runs"]
    assert [run["audience"] for run in runs] == ["warehouse:audience.sql"]
    sqlite_file(ready.home / "hidden-place/members.db", COLUMNS, ROWS[:5])
    ended = lsms(ready, "push", *words, "--max-shrink", "50", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "max_shrink")


def test_resume_runs_the_query_again(ready: World) -> None:
    """An interrupted push goes on where it was: with the same rows, whatever is in skipped columns; else refused."""
    ready.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    words = ("audience.sql", "--source", "warehouse", "--skip-column", "notes", "--batch-rows", "12")
    assert lsms(ready, "push", *words, "--concurrency", "1", "-q").code == 1
    database = ready.home / "hidden-place/members.db"
    for rows, code in ((ROWS[:-1], 2), ([("2125550100", "Other", "junk"), *ROWS[1:]], 2)):
        sqlite_file(database, COLUMNS, rows)
        ended = lsms(ready, "resume", "--json")
        assert (ended.code, ended.json["error"]["code"]) == (code, "audience_changed")
    sqlite_file(database, COLUMNS, [(*row[:2], "other junk") for row in ROWS])
    ended = lsms(ready, "resume", "--json")
    assert (ended.code, ended.json["rows_sent"], ended.json["rows_read"]) == (0, 20, 20)


def test_a_query_without_an_order_is_a_warning(ready: World) -> None:
    """Which of several members is the last is left to the database: it is said once."""
    ready.audience("SELECT phone, first_name FROM members", "audience.sql")
    ended = lsms(ready, "push", "audience.sql", "--source", "warehouse", "--json")
    assert [w["code"] for w in ended.json["warnings"]].count("unordered_query") == 1


def test_a_job_names_a_query(ready: World) -> None:
    """A job holds the query and its source, as any option; `validate --save-job` writes both."""
    words = ("audience.sql", "--source", "warehouse", "--skip-column", "notes", "--save-job", "nightly")
    assert lsms(ready, "validate", *words, "--offline").code == 0
    ended = lsms(ready, "push", "--job", "nightly", "--json")
    assert (ended.code, ended.json["rows_sent"]) == (0, 20)


def test_an_address_is_never_typed(ready: World) -> None:
    """An address in place of a source's name is refused unseen."""
    ended = lsms(ready, "push", "audience.sql", "--source", "postgresql://me:hidden-place@host/db", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")


def test_from_python(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`push` takes a query with `source`, its address from the environment."""
    for name, value in ready.env.items():
        monkeypatch.setenv(name, value)
    config = ready.home / "other.toml"
    config.write_text('[sources.ware-house]\ndriver = "sqlite"\n', "utf-8")
    config.chmod(0o600)
    monkeypatch.setenv("LSMS_SOURCE_WARE_HOUSE_URI", str(ready.home / "hidden-place/members.db"))
    report = push(ready.home / "audience.sql", source="ware-house", config=config, skip_column="notes")
    assert report.rows_sent == 20


def test_a_query_is_rehearsed(ready: World) -> None:
    """--sandbox pushes the query's rows to a sandbox of its own, and names the command that comes next."""
    words = ("audience.sql", "--source", "warehouse", "--skip-column", "notes", "--sandbox")
    ended = lsms(ready, "push", *words)
    assert ended.code == 0
    assert "lsms validate audience.sql --source warehouse" in ended.out


def test_an_address_that_others_can_read(ready: World) -> None:
    """The file of the address is refused when others can read it."""
    file = ready.home / "warehouse.uri"
    os.chmod(file, 0o644)  # noqa: PTH101
    ended = lsms(ready, "validate", "audience.sql", "--source", "warehouse", "--offline", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "unsafe_file")
    assert Path(file).exists()
