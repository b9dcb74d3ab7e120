"""A rejects file, once repaired, is an audience: what is sent of it, what stays out, and when it is refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience import DROP_REASONS, Verdict
from listrak_sms_cli.audience.source import behind_reject_columns, open_audience
from tests.support.push_command import pushed
from tests.support.world import World

MIXED = """phone,first_name,row
2125550100,Ann,x
12,Bob,x
2125550102,Old,x
2125550102,New,x
"""
PLAIN = "phone,first_name\n2125550100,Ann\n12,Bob\n2125550102,Old\n2125550102,New\n"


def rejected(world: World, suffix: str = "csv", text: str = MIXED) -> tuple[Path, dict[str, Any]]:
    """The rejects file of a push of `text`, and the report of the push."""
    rejects = world.home / f"rejects.{suffix}"
    report = pushed(world, world.audience(text), "--map", "row=Loyalty Tier", "--rejects", rejects)
    return rejects, report


def repair(rejects: Path) -> None:
    """Bob's phone, as a person mends it with pandas."""
    read, write = (pd.read_parquet, "to_parquet") if rejects.suffix == ".parquet" else (pd.read_csv, "to_csv")
    table = read(rejects, **({} if rejects.suffix == ".parquet" else {"dtype": str, "keep_default_na": False}))
    table.loc[table["phone"] == "12", "phone"] = "2125550101"
    getattr(table, write)(rejects, index=False)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_repaired_members_are_sent_and_duplicates_stay_out(world: World, suffix: str) -> None:
    """The columns of the rejects file are never sent, a column of the audience with such a name still is; every
    member is accounted for, and the kept member of a duplicate is not overwritten."""
    rejects, first = rejected(world, suffix)
    names = pq.read_schema(rejects).names if suffix == "parquet" else rejects.read_text().split("\n")[0].split(",")
    assert [name.strip('"') for name in names] == ["row", "reason", "detail", "run", "phone", "first_name", "row_"]
    repair(rejects)
    again = world.home / f"again.{suffix}"
    report = pushed(world, rejects, "--map", "row=Loyalty Tier", "--rejects", again)
    assert (report["rows_read"], report["rows_sent"], report["dropped"]["duplicate_phone"]) == (2, 1, 1)
    assert [column["field"] for column in report["columns"]] == ["First Name", "Loyalty Tier"]
    contacts = world.contacts()
    assert contacts["+12125550101"]["First Name"] == "Bob"
    assert contacts["+12125550102"]["First Name"] == "New"
    notes = [one["message"] for one in report["warnings"] if one["code"] == "rejects_file"]
    assert len(notes) == 1
    assert first["run_id"] in notes[0]
    with open_audience(again, pushed_options()) as audience:
        assert audience.rejects is not None
        assert audience.rejects.runs == (report["run_id"],)
        assert audience.rejects.duplicates.tolist() == [True]


def pushed_options() -> Any:
    from listrak_sms_cli.audience.source import ReadOptions

    return ReadOptions()


def test_a_duplicate_never_rivals_a_repaired_member(world: World) -> None:
    """With --keep last the duplicate stands behind the member that was kept and is repaired now."""
    text = "phone,Last Purchase\n2125550100,never\n2125550100,2020-01-01\n"
    rejects = world.home / "r.csv"
    audience = world.audience(text)
    assert pushed(world, audience, "--keep", "first", "--rejects", rejects, code=2)["dropped"]["bad_value"] == 1
    rejects.write_text(rejects.read_text("utf-8").replace('"never"', '"2026-01-01"'), "utf-8")
    assert pushed(world, rejects)["rows_sent"] == 1
    assert world.contacts()["+12125550100"]["Last Purchase"] == "2026-01-01"


def test_a_newer_push_of_the_audience_refuses_the_rejects(world: World) -> None:
    """Only one that ended well, of the same audience; --anyway sends them; a push of rejects is never a baseline."""
    rejects, audience = world.home / "rejects.csv", world.audience(PLAIN)
    pushed(world, audience, "--rejects", rejects)
    repair(rejects)
    assert pushed(world, rejects)["rows_sent"] == 1
    assert pushed(world, rejects)["rows_sent"] == 1  # that was no newer push of the audience
    pushed(world, world.audience(PLAIN, "other.csv"))
    pushed(world, audience, "--limit", 1)
    assert pushed(world, rejects)["rows_sent"] == 1
    newer = pushed(world, audience)
    refused = pushed(world, rejects, code=2)
    assert refused["error"]["code"] == "superseded"
    assert newer["run_id"] in refused["error"]["message"]
    assert "--anyway" in refused["error"]["hint"]
    assert pushed(world, rejects, "--anyway", "--audience-name", audience)["rows_sent"] == 1
    shrunk = world.audience(PLAIN.replace("2125550100,Ann\n", ""))
    assert pushed(world, shrunk, "--max-shrink", 1, code=3)["error"]["code"] == "max_shrink"


def test_a_run_that_is_not_known_here_is_said(world: World) -> None:
    """Of another machine, of a dry run, or forgotten."""
    rejects = world.home / "r.csv"
    pushed(world, world.audience(PLAIN), "--dry-run", "--rejects", rejects)
    repair(rejects)
    report = pushed(world, rejects)
    assert (report["rows_sent"], "unknown_run" in [one["code"] for one in report["warnings"]]) == (1, True)


def test_several_files_and_resume(world: World) -> None:
    """The file of each row is a column of the rejects file, too; a run of rejects is resumed like any other."""
    folder = world.home / "parts"
    folder.mkdir()
    for name in ("1.csv", "2.csv"):
        (folder / name).write_text(f"phone,first_name,file\n2125550100,A,x\n1{name[0]},B{name[0]},y\n", "utf-8")
    rejects = world.home / "r.csv"
    pushed(world, folder, "--map", "file=Loyalty Tier", "--rejects", rejects)
    rows = list(csv.DictReader(rejects.read_text("utf-8").splitlines()))
    assert list(rows[0]) == ["row", "reason", "detail", "run", "file", "phone", "first_name", "file_"]
    assert {Path(row["file"]).name for row in rows} == {"1.csv", "2.csv"}
    text = rejects.read_text("utf-8").replace('"11"', '"2125550101"').replace('"12"', '"2125550102"')
    rejects.write_text(text, "utf-8")
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 503, "count": None}])
    broken = world.lsms("push", rejects, "--map", "file=Loyalty Tier", "--give-up-after", "0.2s", "--json")
    world.admin("faults", [])
    assert (broken.code, broken.json["rows_sendable"]) == (5, 2)
    resumed = world.lsms("resume", broken.json["run_id"], "--json")
    assert (resumed.code, resumed.json["rows_sent"]) == (0, 2)
    assert world.contacts()["+12125550102"]["Loyalty Tier"] == "y"


RUN = "20261128-010203-1e24f7a3"
ROW = ["2", "bad_value", "why", RUN, "2125550100", "A"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["row", "reason", "detail", "phone", "run", "a"], ROW),
        (["Row", "reason", "detail", "run", "phone", "a"], ROW),
        (["x", "row", "reason", "detail", "run", "phone"], ["1", *ROW[:-1]]),
        (["row", "reason", "detail", "run", "phone", "a"], ["2", "bad value", *ROW[2:]]),
        (["row", "reason", "detail", "run", "phone", "a"], ["2", "", *ROW[2:]]),
        (["row", "reason", "detail", "run", "phone", "a"], [*ROW[:3], "42", *ROW[4:]]),
        (["row", "reason", "detail", "run", "phone", "a"], [*ROW[:3], RUN + "0", *ROW[4:]]),
    ],
)
def test_nothing_less_is_a_rejects_file(header: list[str], row: list[str]) -> None:
    """A field may be called detail: all four names, in front, with reasons and run ids of ours in every row."""
    for rows in ([row], [ROW, row]) if header == ["row", "reason", "detail", "run", "phone", "a"] else ([row],):
        table = pa.table({name: [cells[place] for cells in rows] for place, name in enumerate(header)})
        with open_audience(table, pushed_options()) as audience:
            assert audience.rejects is None
            assert audience.columns == tuple(header)


def test_names_behind_the_columns_of_a_rejects_file() -> None:
    """Each name is there once, and still names its profile field."""
    names = behind_reject_columns(["phone", "detail", "detail_", "file", "x"])
    assert names == ["phone", "detail__", "detail_", "file_", "x"]


def test_the_reasons_are_those_of_the_verdicts() -> None:
    """One list of words."""
    assert tuple(verdict.reason for verdict in Verdict if verdict.drops) == DROP_REASONS
