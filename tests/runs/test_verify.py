"""`lsms verify` and `push --verify`: what Listrak has, held against the audience."""

from __future__ import annotations

import csv
import random
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.world import World

HEAD = "phone,First Name,Birthday,Postal Code,Lifetime Value,VIP,Loyalty Tier\n"
STORED = (
    HEAD + "+13035550101,Ann,1980-02-03,00501,12.5,on,Gold\n"
    "+13035550102,Bob,1990-12-31,07030,100,off,\n"
    "+13035550103,Cy,,10001,0,,Silver\n"
    "+13035550104,Dee,1971-01-01,10002,5,on,Gold\n"
)
SAME = (
    HEAD + "303-555-0101,Ann,02/03/1980,00501,$12.50,yes,Gold\n"
    "(303) 555-0102,Bob,1990-12-31 00:00:00,07030,1e2,FALSE,\n"
    "1 303 555 0103,Cy,,10001,0.00,,Silver\n"
)


def small(make_world: Callable[..., World], **config: object) -> World:
    world = make_world(invented_contacts=False, **config)
    world.admin("contacts?sender_code=1026", STORED)
    return world


@pytest.mark.parametrize("config", [{}, {"system_values": True}], ids=str)
def test_values_are_compared_as_their_type_means_them(
    make_world: Callable[..., World], config: dict[str, bool]
) -> None:
    """A date, a number and a checkbox match in every spelling that means the same; empty matches nothing stored."""
    world = small(make_world, **config)
    ended = world.lsms("verify", world.audience(SAME), "--json")
    assert ended.code == 0, ended.out
    assert {key: ended.json[key] for key in ("rows_read", "checked", "matching", "different", "not_in_listrak")} == {
        "rows_read": 3, "checked": 3, "matching": 3, "different": 0, "not_in_listrak": 0
    }  # fmt: skip
    assert set(ended.json["fields"].values()) == {0}


DIFFERENT = (
    HEAD + "3035550101,Ann,1980-02-04,501,12.51,no,gold\n"  # all but the name
    "3035550102,Bob,1990-12-31,07030,100,off,Gold\n"  # something where nothing is stored
    "3035550103,Cy,,10001,0,,\n"  # nothing where something is stored
    "not a phone,X,,,,,\n"
    "3035550199,Zoe,,,,,\n"  # nobody
    "3035550104,Dee,1971-01-01,10002,5,on,Gold\n"
)


@pytest.mark.parametrize("name", ["differences.csv", "differences.parquet"])
def test_every_difference_is_counted_and_listed(make_world: Callable[..., World], name: str) -> None:
    """The counts add up, `--out` has one row a difference with the row of the audience, and phones are masked."""
    world = small(make_world)
    out = world.home / name
    ended = world.lsms("verify", world.audience(DIFFERENT), "--out", out, "--json")
    document = ended.json
    assert (ended.code, document["exit_code"], document["error"]["code"]) == (1, 1, "members_differ")
    counts = [document[key] for key in ("rows_read", "rows_dropped", "checked", "matching", "different")]
    assert (counts, document["not_in_listrak"]) == ([6, 1, 5, 1, 3], 1)
    assert document["fields"] == {
        "First_Name": 0, "Birthday": 1, "Postal_Code": 1, "Lifetime_Value": 1, "VIP": 1, "Loyalty_Tier": 3
    }  # fmt: skip
    assert "3035550" not in ended.out
    kinds = {(one["row"], one["column"]): one["kind"] for one in document["differences"]}
    assert kinds[3, "Loyalty_Tier"] == "nothing stored"
    assert kinds[4, "Loyalty_Tier"] == "something stored"
    assert kinds[6, "phone"] == "not in Listrak"
    rows = (
        csv.DictReader(out.read_text("utf-8").splitlines()) if name.endswith("csv") else pq.read_table(out).to_pylist()
    )
    listed = {(int(one["row"]), one["column"]): (one["audience_value"], one["stored_value"] or "") for one in rows}
    assert listed == {
        (2, "Birthday"): ("02/04/1980", "1980-02-03T00:00:00"),
        (2, "Postal_Code"): ("501", "00501"),
        (2, "Lifetime_Value"): ("12.51", "12.5"),
        (2, "VIP"): ("false", "on"),
        (2, "Loyalty_Tier"): ("gold", "Gold"),
        (3, "Loyalty_Tier"): ("Gold", ""),
        (4, "Loyalty_Tier"): ("", "Silver"),
        (6, "phone"): ("+13035550199", ""),
    }
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(path.name for path in world.home.iterdir()) == sorted(["audience.csv", name])


def test_on_the_screen_phones_are_masked_and_values_are_not_shown(make_world: Callable[..., World]) -> None:
    """The tables name rows and columns; a whole phone needs `--show-phones`, a value needs `--out`."""
    world = small(make_world)
    audience = world.audience(DIFFERENT)
    ended = world.lsms("verify", audience)
    assert ended.code == 1
    assert "+1…99" in ended.out
    assert "Loyalty_Tier" in ended.out
    assert not [word for word in ("3035550199", "Gold", "Silver", "00501") if word in ended.out + ended.err]
    assert "--out FILE" in ended.err
    assert "+13035550199" in world.lsms("verify", audience, "--show-phones").out


def test_rows_are_named_whatever_the_order_of_the_phones(make_world: Callable[..., World]) -> None:
    """A difference names its file and row in a folder of files, and in a file with blank lines, where the phones are
    not in the order of the rows; `push --verify` counts the same."""
    world = small(make_world)
    rows = ["3035550104,Dan\n", "3035550102,Ben\n", "\n", "3035550103,Cy\n", "\n\n", "3035550101,Al\n"]
    one_file = world.audience("phone,First Name\n" + "".join(rows))
    folder = world.home / "folder"
    folder.mkdir()
    for name, texts in (("a.csv", rows[:2]), ("b.csv", rows[3:])):
        (folder / name).write_text("phone,First Name\n" + "".join(texts), "utf-8")
    for audience, places in (
        (one_file, [("", 2), ("", 3), ("", 8)]),
        (folder, [("a.csv", 2), ("a.csv", 3), ("b.csv", 5)]),
    ):
        out = world.home / "out.csv"
        document = world.lsms("verify", audience, "--out", out, "--json").json
        assert document["fields"] == {"First_Name": 3}
        assert [(Path(one["file"]).name, one["row"]) for one in document["differences"]] == places
        listed = list(csv.DictReader(out.read_text("utf-8").splitlines()))
        assert [(Path(one.get("file", "")).name, int(one["row"])) for one in listed] == places
        assert [one["audience_value"] for one in listed] == ["Dan", "Ben", "Al"]
    assert world.lsms("push", folder, "--verify", "--json").json["verify"]["matching"] == 4


def test_a_share_that_is_enough(make_world: Callable[..., World]) -> None:
    """With `--min-match` members may differ, up to that share."""
    world = small(make_world)
    audience = world.audience(DIFFERENT)
    assert world.lsms("verify", audience, "--min-match", 20).code == 0
    assert world.lsms("verify", audience, "--min-match", 20.1).code == 1


def test_a_sample_is_asked_contact_by_contact(world: World) -> None:
    """`--sample N` checks N members, and reads no list."""
    text = "phone,First Name\n" + "".join(f"{p},{c['First Name']}\n" for p, c in world.contacts().items())
    ended = world.lsms("verify", world.audience(text), "--sample", 7, "--json")
    assert (ended.code, ended.json["checked"], ended.json["rows_read"]) == (0, 7, 300)
    asked = [one["path"] for one in world.admin("requests")]
    assert (sum("/Contact/" in path for path in asked), sum("/PhoneList" in path for path in asked)) == (7, 0)


def test_a_large_audience_is_read_from_the_lists(make_world: Callable[..., World]) -> None:
    """Many members are compared page by page; one on several lists counts once, one on none is asked for."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(12_000)]
    rows = "".join(f"{phone},N{n}\n" for n, phone in enumerate(phones))
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + rows)
    world.admin("contacts?sender_code=1026", "phone,list\n" + "".join(f"{p},Old Campaigns\n" for p in phones[:6000]))
    world.admin("contacts?sender_code=1026", "phone,list,First Name\n+13034000000,,Lee\n")
    text = "phone,First Name\n" + "".join(
        f"{phone},{'X' if n % 3000 == 7 else 'N'}{n}\n" for n, phone in reversed(list(enumerate(phones)))
    )
    ended = world.lsms("verify", world.audience(text + "+13034000000,Lee\n+13034000001,Nobody\n"), "--json")
    document = ended.json
    assert (ended.code, document["checked"], document["not_in_listrak"]) == (1, 12_002, 1)
    assert (document["different"], document["fields"]) == (4, {"First_Name": 4})
    rows_told = sorted(one["row"] for one in document["differences"])
    assert rows_told == sorted([12_001 - n for n in (7, 3007, 6007, 9007)] + [12_003])


def test_lists_that_do_not_hold_everybody_are_told(make_world: Callable[..., World]) -> None:
    """When most members are on no list and yet exist, nothing is claimed about them."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", "phone,list\n" + "".join(f"+1303{2000000 + n},\n" for n in range(2600)))
    text = "phone,First Name\n" + "".join(f"+1303{2000000 + n},\n" for n in range(2600))
    ended = world.lsms("verify", world.audience(text), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "lists_incomplete")


def test_places_and_audiences_that_cannot_be_used(world: World) -> None:
    """An audience that cannot be pushed cannot be verified; `--out` never replaces it."""
    audience = world.audience("phone,First Name\n2125550100,A\n")
    itself = world.lsms("verify", audience, "--out", audience, "--json")
    assert (itself.code, itself.json["error"]["code"]) == (2, "output_place")
    unknown = world.lsms("verify", world.audience("phone,Nonsense\n2125550100,A\n", "b.csv"), "--json")
    assert unknown.code == 2
    nobody = world.lsms("verify", world.audience("phone,First Name\nx,A\n", "c.csv"), "--json")
    assert (nobody.code, nobody.json["error"]["code"]) == (2, "nothing_to_send")


def test_a_push_can_verify_what_arrived(make_world: Callable[..., World]) -> None:
    """`push --verify` reads back once the imports have ended; its report says who is not in Listrak, and exit 1."""
    world = small(make_world, import_seconds=0.3)
    good = world.lsms("push", world.audience(SAME), "--verify", "--json")
    assert good.code == 0, good.out
    verify = good.json["verify"]
    assert [verify[key] for key in ("checked", "matching", "different", "not_in_listrak")] == [3, 3, 0, 0]
    bad = world.lsms("push", world.audience(DIFFERENT), "--verify", "--json")
    assert (bad.code, bad.json["error"]["code"], bad.json["rows_sent"]) == (1, "members_differ", 5)
    verify = bad.json["verify"]
    assert [verify[key] for key in ("checked", "matching", "different", "not_in_listrak")] == [5, 4, 0, 1]
    told = world.lsms("push", world.audience(DIFFERENT), "--verify-sample", 5)
    assert told.code == 1
    assert "4 of 5 members match" in told.out


def test_values_that_listrak_did_not_take_are_found(make_world: Callable[..., World]) -> None:
    """An account that keeps what an empty cell should clear shows up as a difference after the push."""
    world = small(make_world, empty_cells="keep")
    ended = world.lsms("push", world.audience(HEAD + "3035550101,Ann,,00501,12.5,on,\n"), "--verify", "--json")
    assert (ended.code, ended.json["verify"]["different"]) == (1, 1)
    fields = {name for name, count in ended.json["verify"]["fields"].items() if count}
    assert fields == {"Birthday", "Loyalty_Tier"}


def test_verifying_needs_imports_that_have_ended(world: World) -> None:
    """`--verify` with `--no-wait` is refused before anything is read; a dry run has nothing to verify."""
    audience = world.audience("phone,First Name\n2125550100,A\n")
    refused = world.lsms("push", audience, "--verify", "--no-wait", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "usage")
    dry = world.lsms("push", audience, "--verify", "--dry-run", "--json")
    assert (dry.code, dry.json["verify"]) == (0, None)


def test_rows_are_named_among_many_files_with_blank_lines(make_world: Callable[..., World]) -> None:
    """Read list by list, each difference, and each member not in Listrak, is named by its file and its record there."""
    world = make_world(invented_contacts=False)
    phones = [f"212555{number:04d}" for number in range(1000, 1600)]
    random.Random(9).shuffle(phones)
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + "".join(f"{p},Old\n" for p in phones[:-5]))
    folder = world.home / "folder"
    folder.mkdir()
    expected = set()
    for file in range(3):
        lines = ["phone,First Name"]
        for n, phone in enumerate(phones[file::3]):
            lines += [""] * (n % 7 == 3)
            changed = n % 11 == 0
            lines.append(f"{phone},{'New' if changed else 'Old'}")
            if phone in phones[-5:]:
                expected.add((f"{file}.csv", len(lines), "phone"))
            elif changed:
                expected.add((f"{file}.csv", len(lines), "First_Name"))
        (folder / f"{file}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    out = world.home / "out.csv"
    document = world.lsms("verify", folder, "--out", out, "--json").json
    listed = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert {(Path(line["file"]).name, int(line["row"]), line["column"]) for line in listed} == expected
    assert (len(listed), document["not_in_listrak"]) == (len(expected), 5)


def test_opted_out_contacts_are_counted_apart(make_world: Callable[..., World]) -> None:
    """How many of the members opted out, and how many of those differ: in the document, the table and the message."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", "phone,opted_out,First Name\n+13035550101,true,A\n+13035550102,true,B\n"
                "+13035550103,false,C\n")  # fmt: skip
    audience = world.audience("phone,first_name\n3035550101,A\n3035550102,X\n3035550103,C\n")
    ended = world.lsms("verify", audience, "--json")
    keys = ("checked", "matching", "different", "opted_out", "opted_out_different")
    assert [ended.json[key] for key in keys] == [3, 2, 1, 2, 1]
    assert "1 of those that differ opted out" in ended.json["error"]["message"]
    shown = world.lsms("verify", audience)
    assert "opted out" in shown.out
    report = world.lsms("push", audience, "--verify", "--json").json
    assert (report["verify"]["matching"], report["verify"]["opted_out"]) == (3, 2)
    assert "2 opted out" in world.lsms("push", audience, "--verify").out


def test_a_contact_that_listrak_refuses_does_not_end_a_verify(make_world: Callable[..., World]) -> None:
    """One that is banned cannot be read: it counts as not in Listrak, the others are compared."""
    fault = {"route": "contact", "fault": "status", "status": 403, "error": "ERROR_BANNED_PHONE_NUMBER", "count": 1}
    world = small(make_world, fault_rules=(fault,))
    document = world.lsms("verify", world.audience(SAME), "--json").json
    assert (document["matching"], document["not_in_listrak"]) == (2, 1)
