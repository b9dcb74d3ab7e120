"""`lsms apply`: a plan is carried out as it was made, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from listrak_sms_cli import GuardStopped, apply, plan
from tests.support.in_process import applied, planned, resumed
from tests.support.world import World

PHONES = [f"+1303555{number:04d}" for number in range(20)]
STORED = "phone,First Name,Loyalty Tier\n" + "".join(f"{phone},Old,Gold\n" for phone in PHONES)
AUDIENCE = "phone,First Name,Loyalty Tier\n" + "".join(
    f"{phone},{'New' if n % 2 else 'Old'},{'' if n == 3 else 'Gold'}\n" for n, phone in enumerate(PHONES)
)


@pytest.fixture
def made(make_world: Callable[..., World]) -> World:
    """A world with a plan of AUDIENCE in `it.plan`: ten members differ."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", STORED)
    planned(world, AUDIENCE + "+13035559999,Nobody,\n", save=world.home / "it.plan")
    return world


def stale(world: World, *words: str) -> None:
    """The plan is refused with exit 3, nothing is sent, and the message has these words."""
    imports = len(world.admin("imports"))
    error = applied(world, world.home / "it.plan", code=3)["error"]
    assert error["code"] == "plan_stale"
    assert [word for word in words if word not in error["message"]] == []
    assert "lsms plan" in error["hint"]
    assert len(world.admin("imports")) == imports


def test_it_sends_just_who_differs(made: World) -> None:
    """Once; then the plan is stale, because what it stands on has been brought about."""
    report = applied(made, made.home / "it.plan")
    assert (report["rows_sent"], report["rows_unchanged"], report["dropped"]["not_in_listrak"]) == (10, 10, 1)
    assert made.admin("imports")[0]["rows"] == 10
    assert made.contacts()[PHONES[3]]["Loyalty Tier"] is None
    stale(made, "First_Name: changed 10 then, 0 now", "Loyalty_Tier: emptied 1 then, 0 now")


def test_its_record_is_one_of_the_audience(made: World) -> None:
    """By the name that the plan was made with, wherever the audience is found: later pushes are compared with it."""
    made.lsms("plan", "audience.csv", "--save", "other.plan", cwd=made.home)
    run = made.lsms("apply", made.home / "other.plan", "--json").json["run_id"]
    runs = made.lsms("runs", "--audience-name", "audience.csv", "--json").json["runs"]
    assert [one["run_id"] for one in runs] == [run]


def test_a_changed_audience_is_refused(made: World) -> None:
    """Another value, another member, another column; the same content elsewhere and in another order is not."""
    audience = made.home / "audience.csv"
    text = audience.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    for changed in (text.replace("New", "Now", 1), text + "3035550500,A,\n", text.replace("First Name", "Last Name")):
        audience.write_text(changed, "utf-8")
        stale(made, "audience")
    audience.unlink()
    elsewhere = made.home / "elsewhere.csv"
    elsewhere.write_text("".join([lines[0], *reversed(lines[1:])]), "utf-8")
    assert applied(made, made.home / "it.plan", audience=str(elsewhere))["rows_sent"] == 10


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("907,Loyalty Tier,Text,50,Active", ("created again", "907 now")),
        ("{id},Loyalty Tier,Number,,Active", ("type Text then, Number now",)),
        ("{id},Loyalty Tier,Text,4,Active", ("length", "4 now")),
        ("{id},Loyalty Tier,Text,50,Disabled", ("gone or disabled",)),
        ("{id},Other,Text,50,Active", ("called Other now",)),
    ],
    ids=str,
)
def test_a_changed_field_is_refused_by_name(made: World, field: str, words: tuple[str, ...]) -> None:
    """Created again, of another type or length, disabled, or renamed."""
    known = made.lsms("fields", "--json").json["fields"]
    tier = next(one["id"] for one in known if one["name"] == "Loyalty Tier")
    others = [one for one in known if one["id"] and one["name"] != "Loyalty Tier"]
    rows = [f"{one['id']},{one['name']},{one['type']},{one['max_length'] or ''},Active" for one in others]
    rows.append(field.format(id=tier))
    made.admin("fields?replace=true", "id,name,type,max_length,status\n" + "\n".join(rows) + "\n")
    stale(made, "Loyalty Tier", *words)


def test_moved_values_are_refused_with_their_counts_unless_tolerated(made: World) -> None:
    """By column, then and now; also values that moved without changing a count. `--max-moved` is a share of members."""
    file = made.home / "it.plan"
    made.admin("contacts?sender_code=1026", f"phone,First Name\n{PHONES[1]},Older\n")
    stale(made, "First_Name: other values, with the same counts")
    made.admin("contacts?sender_code=1026", f"phone,First Name\n{PHONES[0]},Older\n{PHONES[1]},New\n{PHONES[2]},X\n")
    stale(made, "First_Name: changed 10 then, 11 now, as they are 10 then, 9 now")
    assert applied(made, file, code=3, max_moved=4)["error"]["code"] == "plan_stale"
    assert applied(made, file, max_moved=5)["rows_sent"] == 11
    assert made.contacts()[PHONES[0]]["First Name"] == "Old"


def test_a_contact_that_came_or_went_is_a_move(made: World) -> None:
    """Who was not in Listrak then and is now."""
    made.admin("contacts?sender_code=1026", "phone,First Name\n+13035559999,Nobody\n")
    stale(made, "not in Listrak 1 then, 0 now", "First_Name: as they are 10 then, 11 now")


def test_anyway_sends_what_differs_now(made: World) -> None:
    """Whatever has moved: audience, stored values."""
    audience = made.home / "audience.csv"
    audience.write_text(AUDIENCE.replace("Old", "Newer"), "utf-8")
    made.admin("contacts?sender_code=1026", f"phone,First Name\n{PHONES[0]},Newer\n")
    assert applied(made, made.home / "it.plan", anyway=True)["rows_sent"] == 19


def test_what_the_plan_was_made_with_holds(make_world: Callable[..., World]) -> None:
    """Its mapping, `--empty-cells keep` and consent are those of the push; the sender code is the plan's own."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", STORED)
    text = "phone,name,Loyalty Tier,ok\n" + "".join(f"{p},New,,{'yes' if n else 'no'}\n" for n, p in enumerate(PHONES))
    file = world.home / "it.plan"
    options = {"map": {"name": "First Name"}, "empty_cells": "keep", "consent_column": "ok", "keep": "first"}
    document = planned(world, text, save=file, **options)
    assert [change["emptied"] for change in document["changes"]] == [0, 0]
    ended = world.lsms("apply", file, "--json", env={"LISTRAK_SENDER_CODE": "1027"})
    assert (ended.code, ended.json["rows_sent"], ended.json["dropped"]["no_consent"]) == (0, 19, 1)
    contacts = world.contacts()
    assert {contacts[phone]["Loyalty Tier"] for phone in PHONES} == {"Gold"}
    assert [contacts[phone]["First Name"] for phone in PHONES[:2]] == ["Old", "New"]


def test_it_is_for_the_account_it_was_made_with(made: World) -> None:
    """Another client id, or what is no plan, is exit 2."""
    file = made.home / "it.plan"
    other = made.lsms("apply", file, "--json", env={"LISTRAK_CLIENT_ID": "other"})
    assert (other.code, other.json["error"]["code"]) == (2, "other_account")
    file.write_bytes(b"(\xb5/\xfd rubbish")
    assert made.lsms("apply", file, "--json").json["error"]["code"] == "plan_file"
    assert made.lsms("apply", made.home / "none", "--json").json["error"]["code"] == "not_found"


def test_an_interrupted_apply_is_resumed(made: World) -> None:
    """What was not accepted is sent by `resume`, and nobody else."""
    made.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    report = applied(made, made.home / "it.plan", code=1, batch_rows=4, concurrency=1)
    assert (report["rows_sent"], report["rows_refused"]) == (4, 4)
    made.admin("faults", [])
    assert resumed(made)["rows_sent"] == 10
    assert sorted(one["rows"] for one in made.admin("imports")) == [2, 4, 4]
    assert planned(made, made.home / "audience.csv")["rows_different"] == 0


def test_from_python(made: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A frame is named again; a stale plan is GuardStopped with a report."""
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    frame = pa.table({"phone": PHONES[:3], "first_name": ["A", "Old", "C"]})
    plan(frame, save=tmp_path / "frame.plan")
    report = apply(tmp_path / "frame.plan", audience=frame)
    assert (report.rows_sent, report.rows_unchanged) == (2, 1)
    with pytest.raises(GuardStopped) as caught:
        apply(tmp_path / "frame.plan", audience=frame)
    assert caught.value.code == "plan_stale"
    assert caught.value.report.rows_sent == 0
