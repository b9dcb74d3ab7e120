"""`lsms plan`: what a push would change, held against a comparison written here, and how it is said."""

from __future__ import annotations

import csv
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli import plan, push
from listrak_sms_cli.runs import Plan
from tests.support.in_process import applied, planned, pushed, verified
from tests.support.plain_comparison import FIELDS, Expected, compare, draw_account, draw_audience
from tests.support.world import World

HEAD = "phone,First Name,Birthday,Lifetime Value,VIP,Loyalty Tier\n"
STORED = (
    HEAD + "+13035550101,Ann,1980-02-03,12.5,on,Gold\n"
    "+13035550102,Bob,1990-12-31,100,off,\n"
    "+13035550103,Cy,,0,,Silver\n"
)
AUDIENCE = (
    HEAD + "303-555-0101,Ann,02/03/1980,$12.50,yes,Gold\n"  # the same
    "3035550102,Robert,1990-12-31,1e2,FALSE,Gold\n"  # name changed, tier set
    "3035550103,Cy,,0.00,,\n"  # tier emptied
    "3035550199,Zoe,,,,\n"  # not in Listrak
    "nonsense,X,,,,\n"
)
COUNTS = ("set", "changed", "emptied", "same")


def small(make_world: Callable[..., World], **config: object) -> World:
    world = make_world(invented_contacts=False, **config)
    world.admin("contacts?sender_code=1026", STORED)
    return world


def by_column(document: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {change["column"]: tuple(change[key] for key in COUNTS) for change in document["changes"]}


def assert_says(document: dict[str, Any], expected: Expected) -> None:
    counts = (document["rows_different"], document["rows_same"], document["not_in_listrak"])
    assert counts == (expected.different, expected.same, expected.missing)
    names = {column: column.replace(" ", "_") for column in FIELDS}
    assert by_column(document) == {
        names[column]: tuple(kinds[key] for key in COUNTS) for column, kinds in expected.columns.items()
    }


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
@pytest.mark.parametrize("empty_cells", ["send", "keep"])
@pytest.mark.parametrize("account", ["clear", "keep"])
def test_its_numbers_are_those_of_a_plain_comparison(
    make_world: Callable[..., World], account: str, empty_cells: str, seed: int
) -> None:
    """For random accounts and audiences; what is sent then changes nothing else, and a second plan finds only what this
    account does not do: clear a value for an empty cell."""
    draw = random.Random(f"{account} {empty_cells} {seed}")
    world = make_world(invented_contacts=False, empty_cells=account, system_values=bool(seed % 2))
    phones = [f"+1303555{number:04d}" for number in draw.sample(range(10_000), 40)]
    world.admin("contacts?sender_code=1026", draw_account(draw, phones[:30]))
    text, members = draw_audience(draw, phones[6:])
    before = world.contacts()
    keep = empty_cells == "keep"
    file = world.home / "it.plan"
    document = planned(world, text, empty_cells=empty_cells, save=file)
    expected = compare(members, before, keep=keep)
    assert_says(document, expected)
    assert document["dropped"]["not_in_listrak"] == 0
    assert world.contacts() == before
    plain = pushed(world, text, empty_cells=empty_cells, dry_run=True)
    assert document["rows_sendable"] == plain["rows_sendable"]

    audience = world.home / "audience.csv"
    if seed == 0:
        sent = applied(world, file)
    else:
        sent = pushed(world, audience, empty_cells=empty_cells, only_different=seed == 1)
    if seed < 2:
        assert (sent["rows_sent"], sent["dropped"]["not_in_listrak"]) == (expected.different, expected.missing)
    again = planned(world, audience, empty_cells=empty_cells)
    assert_says(again, compare(members, world.contacts(), keep=keep))
    left = sum(kinds["emptied"] for kinds in expected.columns.values()) if account == "keep" else 0
    assert [sum(change[key] for change in again["changes"]) for key in COUNTS[:3]] == [0, 0, left]
    if not left:
        assert again["rows_different"] == 0
        assert verified(world, audience, code=expected.missing and 1, empty_cells=empty_cells)["different"] == 0


@pytest.mark.parametrize("name", ["changes.csv", "changes.parquet"])
def test_each_change_is_counted_and_listed(make_world: Callable[..., World], name: str) -> None:
    """`--out` has a row a change, with the row of the audience, both values, and the phone masked; it is 0600."""
    world = small(make_world)
    out = world.home / name
    ended = world.lsms("plan", world.audience(AUDIENCE), "--out", out, "--json")
    assert ended.code == 0, ended.out
    document = ended.json
    assert [document[key] for key in ("rows_read", "rows_sendable", "rows_dropped", "rows_sent")] == [5, 4, 1, 0]
    assert [document[key] for key in ("rows_different", "rows_same", "not_in_listrak")] == [2, 1, 1]
    assert by_column(document)["Loyalty_Tier"] == (1, 0, 1, 1)
    assert by_column(document)["First_Name"] == (0, 1, 0, 2)
    is_csv = name.endswith("csv")
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines())) if is_csv else pq.read_table(out).to_pylist()
    assert [{**row, "row": int(row["row"])} for row in rows] == [
        {"row": 3, "phone": "+1…02", "column": "First_Name", "stored": "Bob", "new": "Robert"},
        {"row": 3, "phone": "+1…02", "column": "Loyalty_Tier", "stored": "", "new": "Gold"},
        {"row": 4, "phone": "+1…03", "column": "Loyalty_Tier", "stored": "Silver", "new": ""},
    ]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(path.name for path in world.home.iterdir()) == sorted(["audience.csv", name])
    planned(world, AUDIENCE, out=out, show_phones=True)
    assert not is_csv or b"+13035550102" in out.read_bytes()


def test_changes_are_told_by_shape_or_on_request_by_value(make_world: Callable[..., World]) -> None:
    """No value is on the screen, nor in the document, unless `--show-values`; nor is a phone."""
    world = small(make_world)
    audience = world.audience(AUDIENCE)
    ended = world.lsms("plan", audience)
    assert "nothing → Xxxx 1, Xxxxxx → nothing 1" in ended.out
    assert not [word for word in ("Robert", "Silver", "3035550102") if word in ended.out + ended.err]
    assert "1 stored value would be emptied: Loyalty_Tier 1." in ended.out
    assert f"lsms push {audience} --only-different" in ended.out
    assert "Silver → nothing 1" in world.lsms("plan", audience, "--show-values").out
    kept = world.lsms("plan", audience, "--empty-cells", "keep")
    assert "Nothing that is stored would be emptied." in kept.out


def test_many_members_are_read_from_the_lists_in_pages(make_world: Callable[..., World]) -> None:
    """Contacts on several lists count once, one on none is asked for, and nobody is dropped for not being there."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(6000)]
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + "".join(f"{p},Old\n" for p in phones))
    world.admin("contacts?sender_code=1026", "phone,list\n" + "".join(f"{p},Old Campaigns\n" for p in phones[:3000]))
    world.admin("contacts?sender_code=1026", "phone,list,First Name\n+13034000000,,New\n")
    rows = [f"{p},{'New' if n % 10 == 0 else 'Old'}\n" for n, p in enumerate(phones)]
    text = "phone,First Name\n" + "".join(reversed(rows)) + "+13034000000,New\n+13034000001,Nobody\n"
    document = planned(world, text, max_drop_rate=0)
    assert by_column(document) == {"First_Name": (0, 600, 0, 5401)}
    assert (document["rows_different"], document["not_in_listrak"]) == (600, 1)
    sent = pushed(world, text, only_different=True, max_drop_rate=0)
    assert (sent["rows_sent"], sent["rows_unchanged"], sent["dropped"]["not_in_listrak"]) == (600, 5401, 1)


@pytest.mark.parametrize("out", [None, "changes.csv"])
def test_an_interrupted_reading_goes_on(make_world: Callable[..., World], out: str | None) -> None:
    """The same command reads only the pages that are missing, and says the same as one that was not interrupted."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(7_000)]
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + "".join(f"{p},Old\n" for p in phones))
    text = "phone,First Name\n" + "".join(f"{p},{'New' if n % 1000 == 7 else 'Old'}\n" for n, p in enumerate(phones))
    file = {"out": world.home / out} if out else {}
    world.admin("faults", [{"route": "PhoneList/10261/Contact", "fault": "status", "status": 400, "skip": 1}])
    failed = planned(world, text, code=1, **file)
    assert "same command" in failed["error"]["hint"]
    left = [*world.home.glob(".changes*"), *world.home.glob("state/plans/.*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in left} == {0o600}
    if not out:
        assert not any(phone.removeprefix("+").encode() in path.read_bytes() for path in left for phone in phones[:20])
    world.admin("faults", [])
    earlier = len(world.admin("requests"))
    whole = planned(world, text, save=world.home / "it.plan", **file)
    assert whole["resumed"] == 5_000
    pages = [one for one in world.admin("requests")[earlier:] if "10261/Contact" in one["path"]]
    assert len(pages) == 1  # then everybody is found
    assert by_column(whole) == {"First_Name": (0, 7, 0, 6_993)}
    assert [*world.home.glob(".changes*"), *world.home.glob("state/plans/.*")] == []
    if out:
        rows = (world.home / out).read_text("utf-8").splitlines()
        assert [int(row.split(",")[0]) for row in rows[1:]] == [n + 2 for n in range(7_000) if n % 1000 == 7]
    assert applied(world, world.home / "it.plan")["rows_sent"] == 7


def test_another_question_begins_anew(make_world: Callable[..., World]) -> None:
    """What an interrupted plan of another audience has noted is not gone on with, nor is a damaged note."""
    world = make_world(invented_contacts=False)
    phones = [f"+1303{2000000 + n}" for n in range(6_000)]
    world.admin("contacts?sender_code=1026", "phone,First Name\n" + "".join(f"{p},Old\n" for p in phones))
    text = "phone,First Name\n" + "".join(f"{p},New\n" for p in phones)
    fault = {"route": "PhoneList/10261/Contact", "fault": "status", "status": 400, "skip": 1}
    world.admin("faults", [fault])
    planned(world, text, code=1)
    world.admin("faults", [])
    assert planned(world, text + "+13034000000,X\n")["resumed"] == 0
    side = next(world.home.glob("state/plans/.*.json"))
    progress = msgspec.json.decode(side.read_bytes())
    side.write_bytes(msgspec.json.encode({**progress, "notes": "{}"}))
    document = planned(world, text)
    assert (document["resumed"], document["rows_different"]) == (0, 6_000)


def test_a_plan_file_holds_no_member_data(make_world: Callable[..., World]) -> None:
    """Neither phones nor values, of the audience or stored, nor a digest that a known phone would give; it is 0600."""
    world = small(make_world)
    file = world.home / "it.plan"
    planned(world, AUDIENCE, save=file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pa.CompressedInputStream(pa.OSFile(str(file)), "zstd") as stream:
        text = stream.read().decode()
    assert not [word for word in ("3035550", "Robert", "Bob", "Silver", "Gold", "1990-12") if word in text]
    loaded = Plan.load(file)
    assert (loaded.rows_different, [change.column for change in loaded.changes]) == (2, [
        "First_Name", "Birthday", "Lifetime_Value", "VIP", "Loyalty_Tier"
    ])  # fmt: skip
    assert loaded.recipe.columns[-1].field_name == "Loyalty Tier"
    again = world.home / "again.plan"
    planned(world, AUDIENCE, save=again)
    assert Plan.load(again).audience_digest != loaded.audience_digest


def test_guards_rejects_and_places_are_those_of_a_push(make_world: Callable[..., World]) -> None:
    """Exit 3 of a guard, the rejects file, refused places, and an audience that cannot be sent at all."""
    world = small(make_world)
    stopped = planned(world, AUDIENCE, code=3, max_drop_rate=10)
    assert stopped["error"]["code"] == "max_drop_rate"
    rejects = world.home / "rejects.csv"
    planned(world, AUDIENCE, rejects=rejects)
    assert "invalid_phone" in rejects.read_text("utf-8")
    audience = world.home / "audience.csv"
    for option in ("out", "save"):
        refused = planned(world, audience, code=2, **{option: audience})
        assert refused["error"]["code"] == "output_place"
    assert planned(world, "phone,First Name\nx,A\n", code=2)["error"]["code"] == "nothing_to_send"
    with_limit = world.lsms("plan", world.audience(AUDIENCE), "--limit", 1, "--save", world.home / "x", "--json")
    assert (with_limit.code, with_limit.json["error"]["code"]) == (2, "usage")
    assert planned(world, AUDIENCE, limit=1)["rows_sendable"] == 1


def test_a_verify_before_any_push_names_plan(make_world: Callable[..., World]) -> None:
    """It does not read as a failure, until the audience was pushed; the exit code is the same."""
    world = small(make_world)
    audience = world.audience(AUDIENCE)
    before = world.lsms("verify", audience)
    assert before.code == 1
    assert "Not pushed yet: " in before.err
    assert "lsms plan shows" in before.err
    assert "Error" not in before.err
    assert not verified(world, audience, code=1)["pushed"]
    pushed(world, audience)
    after = world.lsms("verify", audience)
    assert "Error: Of 4 members 3 match" in after.err
    assert "lsms plan" not in after.err


def test_from_python_with_a_frame(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`plan` takes what `push` takes, and its report has the changes by column."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    frame = pa.table({"phone": ["2125550100", "2125550101"], "first_name": ["Ada", "Zed"]})
    report = plan(frame, save=tmp_path / "it.plan")
    assert (report.rows_different, report.rows_same, report.not_in_listrak) == (1, 1, 0)
    assert report.changes is not None
    assert (report.changes[0].changed, report.changes[0].same) == (1, 1)
    assert push(frame, only_different=True).rows_sent == 1
