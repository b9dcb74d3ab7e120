"""`lsms pull`: what is stored, in a file that is itself an audience."""

from __future__ import annotations

import csv
import json
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.world import World

VALUES = (
    "phone,First Name,Last Name,Birthday,Postal Code,Loyalty Tier,Last Purchase,Lifetime Value,VIP,Favorite Store\n"
)
ODD = (
    VALUES + '+13035550101,"Ann ""A"", Jr",O\'Neil,1980-02-03,00501,Gold,2024-02-29,12.5,on," blank before; a tab"\n'
    "+13035550102,=SUM(A1),Ünïcøde 株式,1899-12-31,07030,,,-0.05,off,'quoted'\n"
    "+13035550103,,,,,,,,,\n"
    '+13035550104,NULL,N/A,,1e5,"a,b",,1000000,,""""\n'
)


def pulled(path: Path) -> dict[str, dict[str, Any]]:
    if path.suffix == ".csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    else:
        rows = pq.read_table(path).to_pylist()
    return {row.pop("phone"): row for row in rows}


def stored(world: World, *, on_lists: bool = True) -> dict[str, dict[str, Any]]:
    """What the sandbox has, as a pulled file would say it; its invented contacts 22, 45, … are on no list."""
    found = {}
    for place, (phone, contact) in enumerate(world.contacts().items()):
        if on_lists and place % 23 == 22:
            continue
        contact = {name: "" if value is None else value for name, value in contact.items() if name != "Old Segment"}
        found[phone] = {**contact, "opted_out": "true" if contact["opted_out"] in (True, "true") else "false"}
    return found


@pytest.mark.parametrize("name", ["pulled.csv", "pulled.parquet"])
def test_a_pulled_file_holds_every_contact_once(world: World, name: str) -> None:
    """Each contact on a list is in the file once, with its values under the fields' names; nobody else may read it."""
    file = world.home / name
    ended = world.lsms("pull", "-o", file, "--json")
    assert ended.code == 0, ended.err
    assert pulled(file) == stored(world)
    assert ended.json["contacts"] == len(stored(world))
    assert ended.json["opted_out"] == sum(one["opted_out"] == "true" for one in stored(world).values())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in world.home.iterdir() if "pull" in path.name) == [name]


@pytest.mark.parametrize("name", ["pulled.csv", "pulled.parquet"])
@pytest.mark.parametrize("config", [{}, {"system_values": True}], ids=str)
def test_pushing_a_pulled_file_changes_nothing(
    make_world: Callable[..., World], name: str, config: dict[str, Any]
) -> None:
    """Dates, numbers, checkboxes, leading zeros, quotes and blanks come back as they were, field by field."""
    world = make_world(invented_contacts=False, **config)
    world.admin("contacts?sender_code=1026", ODD)
    before = world.contacts()
    file = world.home / name
    assert world.lsms("pull", "-o", file).code == 0
    ended = world.lsms("push", file, "--json")
    assert (ended.code, ended.json["rows_sent"], ended.json["rows_dropped"]) == (0, 4, 0), ended.out
    assert [(one["updated"], one["values_ignored"]) for one in world.admin("imports")] == [(4, 0)]
    assert {p: {k: v or "" for k, v in row.items()} for p, row in world.contacts().items()} == {
        p: {k: v or "" for k, v in row.items()} for p, row in before.items()
    }


def test_what_a_push_changed_comes_back(world: World) -> None:
    """A file taken before a push, pushed again, restores every value that was not empty."""
    before, file = world.contacts(), world.home / "before.csv"
    audience = world.audience("phone,first_name,last_name\n2125550100,X,Y\n2125550101,X,Y\n")
    assert world.lsms("pull", "-o", file, "--audience", audience, "--json").json["contacts"] == 2
    assert world.lsms("push", audience).code == 0
    assert world.contacts()["+12125550100"]["First Name"] == "X"
    assert world.lsms("push", file).code == 0
    after = world.contacts()
    assert all(value == after[phone][name] for phone, row in before.items() for name, value in row.items() if value)


def test_only_the_contacts_of_an_audience(world: World) -> None:
    """A small audience is asked contact by contact, also for contacts on no list; phones nobody has are counted."""
    file = world.home / "some.csv"
    phones = list(world.contacts())[:40]
    audience = world.audience("phone\n" + "\n".join([*phones, phones[0], "3035550199", "nonsense"]) + "\n")
    ended = world.lsms("pull", "-o", file, "--audience", audience, "--json")
    assert ended.code == 0, ended.err
    assert pulled(file) == {phone: row for phone, row in stored(world, on_lists=False).items() if phone in phones}
    assert ended.json["not_found"] == 1
    assert "/PhoneList" not in str(world.admin("requests"))


def test_a_large_audience_is_read_from_the_lists(make_world: Callable[..., World]) -> None:
    """More than 500 members are looked up in the lists; who is on none is asked for."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(700)]
    world.admin("contacts?sender_code=1026", "phone\n" + "\n".join(phones) + "\n")
    world.admin("contacts?sender_code=1026", "phone,list\n+13034000000,\n")
    file = world.home / "some.csv"
    audience = world.audience("phone\n" + "\n".join([*phones[:600], "+13034000000", "+13034000001"]) + "\n")
    ended = world.lsms("pull", "-o", file, "--audience", audience, "--json")
    assert ended.code == 0, ended.err
    assert set(pulled(file)) == {*phones[:600], "+13034000000"}
    assert ended.json["not_found"] == 1


def test_one_list_and_subscribed_contacts_only(world: World) -> None:
    """`--list` takes one list's contacts, `--subscribed-only` leaves the opted-out ones out."""
    everybody = stored(world)
    old = world.lsms("pull", "-o", world.home / "old.csv", "--list", 10262, "--json")
    assert 0 < old.json["contacts"] < len(everybody)
    assert world.lsms("pull", "-o", world.home / "in.csv", "--subscribed-only").code == 0
    assert pulled(world.home / "in.csv") == {p: row for p, row in everybody.items() if row["opted_out"] == "false"}
    unknown = world.lsms("pull", "-o", world.home / "no.csv", "--list", 7, "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (2, "unknown_list")
    assert not (world.home / "no.csv").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_pull_goes_on(make_world: Callable[..., World], how: signal.Signals) -> None:
    """After kill -9 or Ctrl-C the same command reads only the pages that are missing, and the file is whole."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(23_000)]
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + "".join(f"{p},N{p}\n" for p in phones))
    hang = {"route": "PhoneList/10261/Contact", "fault": "hang", "skip": 2, "count": None, "seconds": 600}
    world.admin("faults", [hang])
    file = world.home / "all.csv"
    side = world.home / ".all.csv-pull.json"
    with world.start("pull", "-o", file, "--json") as process:
        while not (side.exists() and json.loads(side.read_bytes())["rows"] >= 10_000):
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(how)
        out, _ = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
        assert "same command" in json.loads(out)["error"]["hint"]
    assert not file.exists()
    assert stat.S_IMODE(side.stat().st_mode) == 0o600
    world.admin("faults", [])
    earlier = len(world.admin("requests"))
    ended = world.lsms("pull", "-o", file, "--json")
    assert ended.code == 0, ended.err
    assert (ended.json["resumed"], ended.json["contacts"]) == (10_000, 23_000)
    assert list(pulled(file)) == phones
    pages = [one for one in world.admin("requests")[earlier:] if "10261/Contact" in one["path"]]
    assert len(pages) == 4  # three that were missing, and the opted-out ones
    assert not side.exists()


def test_another_question_begins_anew(world: World) -> None:
    """What another command left behind is never mixed into the file."""
    file = world.home / "in.csv"
    (world.home / ".in.csv-pull.part").write_bytes(b"rubbish" * 1000)
    (world.home / ".in.csv-pull.json").write_text('{"question": "?", "began": 1e18, "bytes": 700, "rows": 3}', "utf-8")
    assert world.lsms("pull", "-o", file, "--json").json["resumed"] == 0
    assert pulled(file) == stored(world)


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_read(world: World) -> None:
    """A folder that is not there, and the audience itself, are refused."""
    nowhere = world.lsms("pull", "-o", world.home / "no" / "all.csv", "--json")
    assert (nowhere.code, nowhere.json["error"]["code"]) == (2, "output_place")
    audience = world.audience("phone\n2125550100\n")
    itself = world.lsms("pull", "-o", audience, "--audience", audience, "--json")
    assert (itself.code, itself.json["error"]["code"]) == (2, "output_place")
    assert audience.read_text("utf-8") == "phone\n2125550100\n"


def test_a_file_that_is_there_is_kept_unless_forced(world: World) -> None:
    """The way back from a push is not overwritten by what the push has made of it."""
    target = world.home / "before.csv"
    target.write_text("before")
    refused = world.lsms("pull", "-o", target, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "file_exists")
    assert "--force" in refused.json["error"]["hint"]
    assert target.read_text() == "before"
    assert world.lsms("pull", "-o", target, "--force").code == 0
    assert target.read_text().startswith("phone,")
