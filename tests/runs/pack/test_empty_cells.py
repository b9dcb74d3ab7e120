"""`--empty-cells keep`: what an audience leaves empty stays as it is stored, held against a computation a row at a
time."""

from __future__ import annotations

import csv
import io
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.push_command import check_counts, pushed
from tests.support.remembered import begin_remembering
from tests.support.world import World

KEEP = ("--empty-cells", "keep")
FIELDS = {
    "email": "Email Address",
    "first_name": "First Name",
    "birthdate": "Birthday",
    "Loyalty Tier": "Loyalty Tier",
    "Lifetime Value": "Lifetime Value",
    "VIP": "VIP",
}
STORED = {"true": "on", "false": "off"}
PHONES = [f"{area}555{n:04d}" for area in (212, 415, 718) for n in range(100, 200)]
Rows = list[dict[str, str]]
MakeWorld = Callable[..., World]


def drawn(seed: int, strangers: int = 60) -> Rows:
    """Members that fill columns at random, but one in twenty none, some twice, some with a value no field can hold."""
    draw = random.Random(seed)
    phones = draw.sample(PHONES, 240) + [f"646555{n:04d}" for n in range(strangers)]
    phones += draw.sample(phones, 20)
    draw.shuffle(phones)
    values = {
        "email": lambda n: f"m{n}@example.com",
        "first_name": lambda n: f'F{n}, "x"' if n % 7 == 0 else f"F{n}",
        "birthdate": lambda n: f"19{60 + n % 40}-0{1 + n % 9}-1{n % 10}",
        "Loyalty Tier": lambda n: ["Gold", "Silver"][n % 2],
        "Lifetime Value": lambda n: "much" if n % 31 == 0 else f"{n}.5",
        "VIP": lambda n: ["true", "false"][n % 3 == 0],
    }
    rows: Rows = []
    for n, phone in enumerate(phones):
        odds = 0.0 if draw.random() < 0.05 else draw.choice([0.2, 0.6, 1.0])
        filled = {name: value(n) if draw.random() < odds else "" for name, value in values.items()}
        rows.append({"phone": phone, **filled})
    return rows


def text_of(rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def kept(rows: Rows) -> Rows:
    """The last row of each phone; a value that is no number is left out, as `--on-bad-value blank` has it."""
    last = {row["phone"]: row for row in rows}
    ordered = [row for n, row in enumerate(rows) if all(row["phone"] != later["phone"] for later in rows[n + 1 :])]
    assert len(ordered) == len(last)
    return [{**row, "Lifetime Value": row["Lifetime Value"].replace("much", "")} for row in ordered]


def laid_over(before: dict[str, Any], rows: Rows) -> dict[str, Any]:
    """The contacts as they must be: what a row fills over what was stored."""
    after = {phone: dict(contact) for phone, contact in before.items()}
    for row in rows:
        contact = after.get("+1" + row["phone"])
        if contact is not None:
            contact.update({FIELDS[name]: STORED.get(row[name], row[name]) for name in filled(row)})
    return after


def filled(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if row.get(name))


def check(report: dict[str, Any], rows: Rows) -> None:
    """Counts and import files of a report, against the rows that count."""
    sent = [row for row in rows if filled(row)]
    assert report["rows_sent"] == report["rows_sendable"] == len(sent)
    assert report["rows_unchanged"] == len(rows) - len(sent)
    by_fill: dict[tuple[str, ...], int] = {}
    for row in sent:
        by_fill[filled(row)] = by_fill.get(filled(row), 0) + 1
    told: dict[tuple[str, ...], int] = {}
    for one in report["imports"]:
        columns = tuple(FIELDS) if one["columns"] is None else tuple(name.replace("_", " ") for name in one["columns"])
        columns = tuple("first_name" if name == "first name" else name for name in columns)
        told[columns] = told.get(columns, 0) + one["rows"]
    assert told == by_fill


def furnished(make_world: MakeWorld, **config: Any) -> tuple[World, dict[str, Any]]:
    """A world of which every contact has every field filled, so that an empty cell that arrived would be seen."""
    world = make_world(empty_cells="clear", put_missing="clear", **config)
    begin_remembering(world)
    old = [
        {"phone": phone, **dict(zip(FIELDS, ("old@x.com", "Old", "1950-05-05", "Old", "1", "true"), strict=True))}
        for phone in PHONES
    ]
    pushed(world, world.audience(text_of(old), "old.csv"))
    return world, world.contacts()


def test_what_is_left_empty_stays_as_it_is(make_world: MakeWorld) -> None:
    """Every filled cell arrives, no other value changes, counts and import files are those of the rows, and `verify`
    finds that all match."""
    world, before = furnished(make_world)
    rows = drawn(1)
    audience = world.audience(text_of(rows))
    options = (*KEEP, "--on-bad-value", "blank")
    report = pushed(world, audience, *options, "--batch-rows", "4")
    check(report, kept(rows))
    assert all(one["rows"] <= 5 for one in report["imports"])
    assert "empty_cells" not in [one["code"] for one in report["warnings"]]
    assert world.contacts() == laid_over(before, kept(rows))
    known = [row for row in kept(rows) if filled(row) and row["phone"] in PHONES]
    verified = world.lsms("verify", audience, *options, "--json").json
    assert verified["matching"] == len(known)
    assert verified["different"] == 0
    assert world.lsms("verify", audience, "--on-bad-value", "blank", "--json").json["different"] > 0
    validated = world.lsms("validate", audience, *options, "--json").json
    assert [validated[name] for name in ("rows_sendable", "rows_unchanged")] == [
        report[name] for name in ("rows_sendable", "rows_unchanged")
    ]


def test_one_by_one_as_by_import(make_world: MakeWorld) -> None:
    """`--per-contact` leaves the same contacts behind, without import files."""
    world, before = furnished(make_world)
    rows = drawn(2)
    report = pushed(world, world.audience(text_of(rows)), *KEEP, "--on-bad-value", "blank", "--per-contact")
    known = [row for row in kept(rows) if filled(row) and row["phone"] in PHONES]
    assert report["rows_sent"] == len(known)
    assert report["rows_unchanged"] == sum(not filled(row) for row in kept(rows))
    assert world.contacts() == laid_over(before, kept(rows))


FAULTS = (
    {"route": "start_import", "fault": "status", "status": 503, "probability": 0.2, "count": None},
    {"route": "start_import", "fault": "lost_reply", "probability": 0.1, "seed": 2, "count": None},
    {"route": "start_import", "fault": "status", "status": 400, "skip": 25, "count": 1},
    {"route": "start_import", "fault": "import_fails", "skip": 9, "count": 1},
    {"route": "import_status", "fault": "truncated_json", "probability": 0.2, "seed": 3, "count": None},
)


def test_faults_lose_nothing(make_world: MakeWorld) -> None:
    """Refused and failed import files are made again by `resume` with the columns they had, and nothing else is."""
    world, before = furnished(make_world)
    rows = drawn(3)
    world.admin("faults", list(FAULTS))
    options = (*KEEP, "--on-bad-value", "blank", "--batch-rows", "5", "--concurrency", "3")
    report = pushed(world, world.audience(text_of(rows)), *options, code=1)
    assert report["rows_refused"] + report["rows_import_failed"] > 0
    world.admin("faults", [])
    resumed = world.lsms("resume", "--json")
    assert resumed.code == 0, resumed.err
    check_counts(resumed.json)
    check(resumed.json, kept(rows))
    assert world.contacts() == laid_over(before, kept(rows))


def test_a_killed_run_is_resumed(make_world: MakeWorld) -> None:
    """After kill -9 in the midst of many small import files, `resume` sends the others, with the columns they had."""
    world, before = furnished(make_world)
    rows = drawn(4)
    world.admin("faults", [{"route": "start_import", "fault": "hang", "seconds": 0.05, "count": None}])
    done = len(world.admin("imports"))
    options = (*KEEP, "--on-bad-value", "blank", "--batch-rows", "3", "--concurrency", "1")
    process = world.start("push", world.audience(text_of(rows)), *options)
    while len(world.admin("imports")) < done + 8:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.admin("faults", [])
    resumed = world.lsms("resume", "--json")
    assert resumed.code == 0, resumed.err
    check_counts(resumed.json)
    check(resumed.json, kept(rows))
    assert world.contacts() == laid_over(before, kept(rows))


def test_a_file_that_is_too_large_is_halved(make_world: MakeWorld) -> None:
    """The halves of an import file that is too large have its columns."""
    world = make_world(invented_contacts=False)
    phones = [f"212{n:07d}" for n in range(2_550_000, 2_552_500)]
    world.admin("contacts?sender_code=1026", "phone\n" + "".join(f"+1{phone}\n" for phone in phones))
    world.admin("faults", [{"route": "start_import", "fault": "max_rows", "rows": 700, "status": 413, "count": None}])
    text = "phone,first_name,Loyalty Tier\n" + "".join(f"{p},N{p},{'Gold' if p < phones[9] else ''}\n" for p in phones)
    report = pushed(world, world.audience(text), *KEEP)
    assert report["rows_sent"] == 2500
    assert {one["First Name"] for one in world.contacts().values()} == {f"N{phone}" for phone in phones}


def test_only_what_has_changed(make_world: MakeWorld) -> None:
    """With --changed-only a member whose filled cells are as they arrived is unchanged, whether they arrived alone or
    among others' columns; one that fills another column is sent."""
    world, _ = furnished(make_world)
    head = "phone,first_name,Loyalty Tier\n"
    only_names = "phone,first_name\n2125550100,Ann\n2125550101,Bob\n"
    pushed(world, world.audience(only_names))
    text = head + "2125550100,Ann,\n2125550101,Bob,Gold\n2125550102,Cleo,\n2125550103,,\n"
    report = pushed(world, world.audience(text), *KEEP, "--changed-only")
    assert (report["rows_sent"], report["rows_unchanged"]) == (2, 2)
    again = pushed(world, world.audience(text), *KEEP, "--changed-only")
    assert (again["rows_sent"], again["rows_unchanged"]) == (0, 4)
    cleared = pushed(world, world.audience(text), "--changed-only")
    assert (cleared["rows_sent"], cleared["rows_unchanged"]) == (3, 1)


def test_what_was_kept_one_by_one_is_not_taken_for_emptied(make_world: MakeWorld) -> None:
    """After --per-contact has left a stored value, --changed-only without `keep` still sends the empty cell; with it
    the member is unchanged."""
    world, _ = furnished(make_world)
    audience = world.audience("phone,first_name,Loyalty Tier\n2125550100,Ann,\n2125550101,Bob,Gold\n")
    pushed(world, audience, *KEEP, "--per-contact")
    again = pushed(world, audience, *KEEP, "--per-contact", "--changed-only")
    assert (again["rows_sent"], again["rows_unchanged"]) == (0, 2)
    assert world.contacts()["+12125550100"]["Loyalty Tier"] == "Old"
    cleared = pushed(world, audience, "--changed-only")
    assert (cleared["rows_sent"], cleared["rows_unchanged"]) == (1, 1)  # Bob fills every column: his line is the same
    assert world.contacts()["+12125550100"]["Loyalty Tier"] is None


@pytest.mark.parametrize("more", [(), ("--per-contact",)])
def test_blanks_are_as_good_as_nothing(make_world: MakeWorld, more: tuple[str, ...]) -> None:
    """A cell of blanks alone leaves what is stored too, and `resume` makes the same of it."""
    world, _ = furnished(make_world)
    text = "phone,first_name,Loyalty Tier\n2125550100,Ann,  \n2125550101, \u00a0,Gold\n2125550102,  , \n"
    failing = "start_import" if not more else "update_contact"
    world.admin("faults", [{"route": failing, "fault": "status", "status": 400, "count": None}])
    pushed(world, world.audience(text), *KEEP, *more, code=1)
    world.admin("faults", [])
    report = world.lsms("resume", "--json").json
    assert (report["rows_sent"], report["rows_unchanged"]) == (2, 1)
    found = [world.contacts()[f"+1212555010{n}"] for n in range(3)]
    assert [one["First Name"] for one in found] == ["Ann", "Old", "Old"]
    assert [one["Loyalty Tier"] for one in found] == ["Old", "Gold", "Old"]
    assert world.lsms("verify", world.audience(text), *KEEP, "--json").json["matching"] == 2


def test_half_of_it_arrived(make_world: MakeWorld) -> None:
    """Who was in an import file that was refused is sent again by the next --changed-only push, the others are not."""
    world, before = furnished(make_world)
    text = "phone,first_name,Loyalty Tier\n" + "".join(
        f"212555{100 + n:04d},{'N' if n % 2 else ''},{'' if n % 2 else 'Gold'}\n" for n in range(20)
    )
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    broken = pushed(world, world.audience(text), *KEEP, "--concurrency", "1", code=1)
    assert (broken["rows_sent"], broken["rows_refused"]) == (10, 10)
    report = pushed(world, world.audience(text), *KEEP, "--changed-only")
    assert (report["rows_sent"], report["rows_unchanged"]) == (10, 10)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert world.contacts() == laid_over(before, rows)


def test_limit_rejects_and_rows_that_did_not_arrive(make_world: MakeWorld) -> None:
    """--limit counts members that fill something; a refused group's rows are named by `status --members`."""
    world, _ = furnished(make_world)
    text = "phone,first_name,Loyalty Tier\n2125550100,,\n2125550101,B,\n2125550102,,Gold\n2125550103,D,\n12,E,\n"
    report = pushed(world, world.audience(text), *KEEP, "--limit", "2", "--dry-run")
    counts = ("rows_sendable", "rows_unchanged", "rows_beyond_limit", "rows_dropped")
    assert [report[name] for name in counts] == [2, 1, 1, 1]
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    broken = pushed(world, world.audience(text), *KEEP, "--concurrency", "1", code=1)
    assert broken["rows_refused"] == 2
    assert "lone_members" in [one["code"] for one in broken["warnings"]]
    members = world.home / "members.csv"
    world.lsms("status", "--members", members)
    named = list(csv.DictReader(members.read_text("utf-8").splitlines()))
    assert sorted((row["row"], row["state"]) for row in named) == [("3", "refused"), ("4", "pending"), ("5", "refused")]


def filled_in_all_ways() -> Rows:
    """127 members, each of which fills other columns of seven than all others."""
    values = {
        "email": "a@example.com",
        "first_name": "A",
        "last_name": "B",
        "postal_code": "10001",
        "Loyalty Tier": "Gold",
        "Favorite Store": "Boston",
        "VIP": "true",
    }
    return [
        {
            "phone": f"212555{2000 + n}",
            **{name: value if n >> place & 1 else "" for place, (name, value) in enumerate(values.items())},
        }
        for n in range(1, 128)
    ]


@pytest.mark.parametrize("command", ["push", "validate"])
def test_too_many_ways_to_fill_columns(make_world: MakeWorld, command: str) -> None:
    """More than 64 groups are exit 2 and nothing is sent; with the columns of the message left out it goes."""
    world = make_world()
    audience = world.audience(text_of(filled_in_all_ways()))
    ended = world.lsms(command, audience, *KEEP, "--json")
    assert ended.code == 2
    error = ended.json["error"]
    assert error["code"] == "too_many_groups"
    assert "127 different ways" in error["message"]
    assert world.admin("imports") == []
    way_on = error["hint"].split(": ")[1].split()
    assert len(way_on) == 2
    report = world.lsms(command, audience, *KEEP, *way_on, "--json")
    assert report.code == 0, report.err
    assert (report.json["rows_sendable"], report.json["rows_unchanged"]) == (126, 1)
    if command == "push":
        assert pushed(world, audience, *KEEP, "--per-contact", code=2)["rows_read"] == 127


@pytest.mark.parametrize("command", ["push", "validate"])
def test_members_beyond_the_limit_are_counted_in_groups(world: World, command: str) -> None:
    """A test audience of members that fill few columns is refused where the whole one would be, and not lost."""
    ended = world.lsms(command, world.audience(text_of(filled_in_all_ways())), *KEEP, "--limit", "5", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "too_many_groups")


def test_unchanged_members_are_counted_in_groups(world: World) -> None:
    """A member that alone has changed is not lost behind 64 groups of others that have not: they are too many."""
    rows = filled_in_all_ways()
    folder = world.home / "audience"
    folder.mkdir()
    (folder / "1.csv").write_text(text_of(rows[:64]), "utf-8")
    assert pushed(world, folder, *KEEP)["rows_sent"] == 64
    (folder / "2.csv").write_text(text_of(rows[64:65]), "utf-8")
    report = pushed(world, folder, *KEEP, "--changed-only", code=2)
    assert report["error"]["code"] == "too_many_groups"


def test_an_audience_that_fills_nothing_is_unchanged(world: World) -> None:
    """When nobody fills any column nothing is sent, everybody is unchanged, and that is success."""
    text = "phone,first_name\n2125550100,\n2125550101,\n"
    report = pushed(world, world.audience(text), *KEEP)
    assert (report["rows_unchanged"], report["rows_sent"], report["imports"]) == (2, 0, [])
    ended = world.lsms("push", world.audience(text), *KEEP)
    assert "nothing is to be changed" in ended.out


@pytest.mark.parametrize("command", ["push", "validate"])
def test_values_that_leave_a_member_nothing_to_say_are_counted(world: World, command: str) -> None:
    """A member whose only value its field cannot hold is unchanged, and the warning counts that value."""
    text = "phone,Lifetime Value\n2125550100,much\n2125550101,more\n2125550102,\n2125550103,5\n"
    ended = world.lsms(command, world.audience(text), *KEEP, "--on-bad-value", "blank", "--json")
    assert (ended.json["rows_sendable"], ended.json["rows_unchanged"]) == (1, 3)
    (message,) = (one["message"] for one in ended.json["warnings"] if one["code"] == "values_blanked")
    assert "the stored values stay: Lifetime_Value 2." in message


def test_the_way_to_see_differences_keeps_empty_cells(world: World) -> None:
    """After a push that left cells out, the hint leaves them out of the comparison too; without, it does not say so."""
    audience = world.audience("phone,first_name,Loyalty Tier\n2125550100,A,\n6465550000,B,Gold\n")
    hint = pushed(world, audience, *KEEP, "--verify", code=1)["error"]["hint"]
    assert "lsms verify AUDIENCE --sender-code ID --empty-cells keep --out FILE" in hint
    assert world.lsms("verify", audience, *KEEP, "--json").json["error"]["hint"] == hint
    assert "keep" not in world.lsms("verify", audience, "--json").json["error"]["hint"]


@pytest.mark.parametrize("command", ["push", "validate", "verify"])
def test_more_columns_than_a_set_of_them_can_hold(world: World, command: str) -> None:
    """With more than 64 columns every command that is asked to keep empty cells says so, and misjudges nobody."""
    names = [f"Extra {n}" for n in range(65)]
    lines = [f"{9000 + n},{name},Text,50,Active\n" for n, name in enumerate(names)]
    world.admin("fields", "id,name,type,max_length,status\n" + "".join(lines))
    cells = "," * 65 + "x"
    audience = world.audience(f"phone,{','.join(names)}\n2125550100{cells}\n2125550101{cells}\n")
    ended = world.lsms(command, audience, *KEEP, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "too_many_columns")
