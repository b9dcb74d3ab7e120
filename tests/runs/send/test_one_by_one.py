"""`lsms push --per-contact`: members updated one by one, held against what the sandbox stores."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.push_command import check_counts, pushed
from tests.support.world import World

HEAD = "phone,email,first_name,last_name,birthdate,postal_code,Loyalty Tier,Last Purchase\n"
NAMES = ("Email Address", "First Name", "Last Name", "Birthday", "Postal Code", "Loyalty Tier", "Last Purchase")


def line(number: int) -> str:
    day = 1 + number % 28
    person = f'm{number}@example.com,F{number},"L, {number}",1990-02-{day:02d},0{number:04d}'
    return f"212555{100 + number:04d},{person},Gold,2024-03-{day:02d}\n"


def stored(number: int) -> tuple[str, ...]:
    day = 1 + number % 28
    fields = (f"m{number}@example.com", f"F{number}", f"L, {number}", f"1990-02-{day:02d}", f"0{number:04d}", "Gold")
    return (*fields, f"2024-03-{day:02d}")


def expected(before: dict[str, Any], numbers: range) -> dict[str, Any]:
    """The contacts as they must be afterwards, worked out a contact at a time."""
    after = {phone: dict(contact) for phone, contact in before.items()}
    for number in numbers:
        phone = f"+1212555{100 + number:04d}"
        if phone in after:
            after[phone] |= zip(NAMES, stored(number), strict=True)
    return after


def requests(world: World, method: str, what: str) -> int:
    return sum(one["method"] == method and what in one["path"] for one in world.admin("requests"))


@pytest.mark.parametrize("put_missing", ["clear", "keep"])
@pytest.mark.parametrize("system", [{"system_fields": False}, {"system_fields": True, "system_values": True}])
def test_system_fields_travel_without_an_id(
    make_world: Callable[..., World], put_missing: str, system: dict[str, bool]
) -> None:
    """Every column of every member arrives; what the audience does not name, and everybody else, stays as it was."""
    world = make_world(put_missing=put_missing, **system)
    before = world.contacts()
    audience = world.audience(HEAD + "".join(line(number) for number in range(90, 110)))
    report = pushed(world, audience, "--per-contact", "--concurrency", "4")
    assert (report["rows_sent"], report["rows_sendable"], report["dropped"]["not_in_listrak"]) == (10, 10, 10)
    assert report["imports"] == []
    assert requests(world, "POST", "/ContactImport") == 0
    assert world.contacts() == expected(before, range(90, 110))


def test_nobody_is_subscribed_or_unsubscribed(world: World) -> None:
    """Contacts that are opted out are updated and stay opted out, the others stay opted in."""
    before = world.contacts()
    updated = sorted(before)[::3]
    assert {before[phone]["opted_out"] for phone in updated} == {True, False}
    text = "phone,first_name\n" + "".join(f"{phone},New\n" for phone in updated)
    pushed(world, world.audience(text), "--per-contact", "--concurrency", "8")
    assert world.contacts() == before | {phone: {**before[phone], "First Name": "New"} for phone in updated}


def test_an_import_that_cannot_carry_a_system_field_names_the_way_on(make_world: Callable[..., World]) -> None:
    """Without --per-contact a system column without an id is refused, and the message names --per-contact."""
    world = make_world(system_fields=False)
    report = pushed(world, world.audience("phone,email\n2125550100,a@example.com\n"), code=2)
    assert report["error"]["code"] == "unmatched_columns"
    assert "--per-contact" in report["error"]["message"]


def test_an_empty_cell_empties_what_is_stored(world: World) -> None:
    """An empty cell is sent as an empty value, a birthday as none."""
    pushed(world, world.audience(HEAD + line(0)), "--per-contact")
    pushed(world, world.audience(HEAD + "2125550100,,,,,,,\n"), "--per-contact")
    contact = world.contacts()["+12125550100"]
    assert [contact[name] or "" for name in NAMES] == [""] * 7


def test_a_member_that_is_refused_does_not_keep_the_others(world: World) -> None:
    """Refused members are counted, named by `lsms status --members`, and the rest is updated."""
    text = "phone,email\n" + "".join(
        f"212555{100 + n:04d},{'nonsense' if n < 5 else f'm{n}@example.com'}\n" for n in range(12)
    )
    report = pushed(world, world.audience(text), "--per-contact", code=1)
    assert (report["rows_sent"], report["rows_refused"], report["rows_pending"]) == (7, 5, 0)
    assert report["error"]["code"] == "members_refused"
    assert "ERROR_INVALID_EMAIL_ADDRESS 5" in report["error"]["message"]
    assert "nonsense" not in str(report)
    members = world.home / "members.csv"
    assert world.lsms("status", "--members", members).code in (0, 1)
    rows = [row.split(",") for row in members.read_text("utf-8").splitlines()[1:]]
    assert [(row[0], row[3].strip('"')) for row in rows] == [(str(n), "refused") for n in range(2, 7)]


def test_members_listrak_does_not_have_can_be_named_afterwards(world: World) -> None:
    """`lsms status --members` names the rows of members that Listrak does not have."""
    text = "phone,first_name\n3035550100,A\n2125550100,B\n3035550101,C\n"
    report = pushed(world, world.audience(text), "--per-contact")
    assert (report["rows_sent"], report["dropped"]["not_in_listrak"]) == (1, 2)
    members = world.home / "members.csv"
    world.lsms("status", "--members", members)
    rows = [row.split(",") for row in members.read_text("utf-8").splitlines()[1:]]
    assert [(row[0], row[3].strip('"')) for row in rows] == [("2", "not_in_listrak"), ("4", "not_in_listrak")]


def test_rejects_and_guards_know_who_is_not_in_listrak(world: World) -> None:
    """With --rejects, or --max-drop-rate, contacts are asked for first, so the file and the guard are complete."""
    audience = world.audience("phone,first_name\n3035550100,A\n2125550100,B\n3035550101,C\n")
    rejects = world.home / "rejects.csv"
    report = pushed(world, audience, "--per-contact", "--rejects", rejects)
    assert (report["rows_sent"], report["dropped"]["not_in_listrak"]) == (1, 2)
    assert len(rejects.read_text("utf-8").splitlines()) == 3
    stopped = pushed(world, audience, "--per-contact", "--max-drop-rate", "50", code=3)
    assert (stopped["rows_sent"], stopped["dropped"]["not_in_listrak"]) == (0, 2)


def test_nobody_in_listrak_is_nothing_sent(world: World) -> None:
    """An audience of which Listrak has nobody ends with exit 2, all members dropped."""
    report = pushed(world, world.audience("phone,first_name\n3035550100,A\n3035550101,B\n"), "--per-contact", code=2)
    assert (report["rows_sendable"], report["dropped"]["not_in_listrak"]) == (0, 2)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ERROR_BANNED_PHONE_NUMBER", 400),
        ("ERROR_PHONE_NUMBER_SUSPENDED", 400),
        ("ERROR_PENDING_PHONE_NUMBER", 400),
        ("ERROR_PHONE_NUMBER_OPTED_OUT", 403),
        ("ERROR_PHONE_NUMBER_BLOCKED", 403),
        ("ERROR_BIRTHDAY_FIELD_NULL", 400),
        ("ERROR_INVALID_EMAIL_ADDRESS", 400),
    ],
)
@pytest.mark.parametrize("route", ["contact", "update_contact"])
def test_an_error_about_one_contact_ends_that_contact(
    make_world: Callable[..., World], route: str, code: str, status: int
) -> None:
    """Five in a row are refused for their own sake, by read or by update; the other seven are updated."""
    fault = {"route": route, "fault": "status", "status": status, "error": code, "count": 5}
    world = make_world(fault_rules=(fault,))
    text = "phone,first_name\n" + "".join(f"212555{100 + n:04d},A\n" for n in range(12))
    report = pushed(world, world.audience(text), "--per-contact", "--concurrency", "1", code=1)
    assert (report["rows_sent"], report["rows_refused"], report["rows_pending"]) == (7, 5, 0)
    assert report["error"]["code"] == "members_refused"
    assert f"{code} 5" in report["error"]["message"]


def test_a_refusal_of_everybody_stops_after_three(make_world: Callable[..., World]) -> None:
    """Three refusals in a row for something that is not the member's own end the run; the rest is pending."""
    fault = {"route": "update_contact", "fault": "status", "status": 400, "count": None}
    world = make_world(fault_rules=({**fault, "error": "ERROR_INVALID_PARAMETER"},))
    text = "phone,first_name\n" + "".join(f"212555{100 + n:04d},A\n" for n in range(50))
    report = pushed(world, world.audience(text), "--per-contact", "--concurrency", "1", code=1)
    assert report["rows_refused"] == 3
    assert report["rows_pending"] == 47


def test_many_members_need_a_yes(make_world: Callable[..., World]) -> None:
    """More than 10,000 sendable members are refused with exit 2 before anything is sent, unless --yes."""
    world = make_world(invented_contacts=False)
    text = "phone,first_name\n" + "".join(f"+1303{2000000 + n},A\n" for n in range(10_001))
    report = pushed(world, world.audience(text), "--per-contact", code=2)
    assert (report["error"]["code"], report["rows_sendable"]) == ("many_contacts", 10_001)
    assert requests(world, "PUT", "") == 0
    assert pushed(world, world.audience(text), "--per-contact", "--yes", "--dry-run")["rows_sendable"] == 10_001


WEATHER = (
    {"route": "contact", "fault": "status", "status": 503, "probability": 0.1, "count": None},
    {"route": "contact", "fault": "truncated_json", "probability": 0.1, "seed": 1, "count": None},
    {"route": "update_contact", "fault": "lost_reply", "probability": 0.1, "seed": 2, "count": None},
    {"route": "update_contact", "fault": "status", "status": 429, "probability": 0.1, "seed": 3, "count": None},
    {"route": "update_contact", "fault": "status", "status": 500, "applied": True, "probability": 0.05, "count": None},
    {"route": "update_contact", "fault": "revoke_tokens", "skip": 30, "count": 2},
)


def test_in_bad_weather_every_member_is_updated(make_world: Callable[..., World]) -> None:
    """Errors that pass, lost answers and ended tokens change neither the counts nor what is stored."""
    world = make_world(system_fields=False, fault_rules=WEATHER)
    before = world.contacts()
    audience = world.audience(HEAD + "".join(line(number) for number in range(-20, 120)))
    report = pushed(world, audience, "--per-contact", "--concurrency", "6", "--give-up-after", "60s")
    assert (report["rows_sent"], report["dropped"]["not_in_listrak"]) == (100, 40)
    assert world.contacts() == expected(before, range(-20, 120))


def test_an_outage_leaves_the_rest_pending_for_resume(make_world: Callable[..., World]) -> None:
    """What Listrak said yes to before an outage counts as sent; `lsms resume` updates the rest, and only the rest."""
    outage = {"route": "update_contact", "fault": "status", "status": 503, "skip": 60, "count": None}
    world = make_world(system_fields=False, fault_rules=(outage,))
    before = world.contacts()
    audience = world.audience(HEAD + "".join(line(number) for number in range(-5, 100)))
    report = pushed(world, audience, "--per-contact", "--give-up-after", "1s", code=5)
    assert report["rows_sent"] == 60
    assert report["rows_pending"] + report["dropped"]["not_in_listrak"] == 45
    assert report["rows_pending"] >= 40
    world.admin("faults", [])
    asked = requests(world, "PUT", "/Contact")
    resumed = world.lsms("resume", "--json")
    assert resumed.code == 0, resumed.err
    check_counts(resumed.json)
    assert (resumed.json["rows_sent"], resumed.json["dropped"]["not_in_listrak"]) == (100, 5)
    assert requests(world, "PUT", "/Contact") - asked == 40
    assert world.contacts() == expected(before, range(-5, 100))


def test_a_killed_run_is_resumed(make_world: Callable[..., World]) -> None:
    """After kill -9 the journal holds no member data, and `lsms resume` ends with the same contacts and counts."""
    slow = {"route": "update_contact", "fault": "hang_reply", "seconds": 0.02, "count": None}
    world = make_world(invented_contacts=False, system_fields=False, fault_rules=(slow,))
    phones = "".join(f"+1212555{100 + number:04d}\n" for number in range(200))
    world.admin("contacts?sender_code=1026", "phone\n" + phones)
    before = world.contacts()
    audience = world.audience(HEAD + "".join(line(number) for number in range(240)))
    process = world.start("push", audience, "--per-contact", "--concurrency", "4")
    while requests(world, "PUT", "/Contact") < 100:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = "".join(path.read_text("utf-8") for path in (world.home / "state").rglob("*.jsonl"))
    assert not [word for word in ("2125550", "1990-02", "example.com") if word in kept]
    world.admin("faults", [])
    asked = requests(world, "PUT", "/Contact")
    resumed = world.lsms("resume", "--json", "--concurrency", "4")
    assert resumed.code == 0, resumed.err
    check_counts(resumed.json)
    assert (resumed.json["rows_sent"], resumed.json["dropped"]["not_in_listrak"]) == (200, 40)
    assert 0 < requests(world, "PUT", "/Contact") - asked < 200
    assert world.contacts() == expected(before, range(240))


def test_ctrl_c_ends_in_good_order(make_world: Callable[..., World]) -> None:
    """Ctrl-C ends with 130 and counts that add up; what had its answer counts as sent."""
    slow = {"route": "update_contact", "fault": "hang_reply", "seconds": 0.02, "count": None}
    world = make_world(fault_rules=(slow,))
    audience = world.audience("phone,first_name\n" + "".join(f"212555{100 + n:04d},A\n" for n in range(100)))
    process = world.start("push", audience, "--per-contact", "--json")
    while requests(world, "PUT", "/Contact") < 20:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    report = json.loads(out)
    check_counts(report)
    assert process.returncode == 130
    assert report["rows_sent"] >= 18
    assert report["rows_pending"] == 100 - report["rows_sent"]
    assert world.lsms("resume").code == 0
    assert {world.contacts()[f"+1212555{100 + n:04d}"]["First Name"] for n in range(100)} == {"A"}


def test_the_embedded_sandbox_is_updated_one_by_one(world: World) -> None:
    """`--sandbox --per-contact` tells how many contacts the sandbox updated and how many it does not know."""
    text = "phone,email,birthdate\n" + "".join(f"212555{100 + n:04d},m{n}@example.com,\n" for n in range(20))
    ended = world.lsms("push", world.audience(text), "--per-contact", "--sandbox")
    assert ended.code == 0, ended.err
    assert "updated 18 contacts and reported 2 members it does not know" in ended.out
    assert "email → Email Address" in ended.out


def test_runs_and_status_count_the_same(world: World) -> None:
    """`lsms runs` and `lsms status` take members that Listrak does not have for dropped, as the push did."""
    text = "phone,first_name\n3035550100,A\n2125550100,B\n2125550101,C\n"
    report = pushed(world, world.audience(text), "--per-contact")
    status = world.lsms("status", "--json").json
    for key in ("rows_sendable", "rows_sent", "rows_dropped", "dropped"):
        assert status[key] == report[key]
    run = world.lsms("runs", "--json").json["runs"][0]
    assert (run["sendable"], run["sent"], run["state"]) == (2, 2, "ended well")


def test_what_was_updated_can_be_read_back(make_world: Callable[..., World]) -> None:
    """`--verify` finds every member as it was sent."""
    world = make_world(put_missing="clear")
    audience = world.audience(HEAD + "".join(line(number) for number in range(20)))
    report = pushed(world, audience, "--per-contact", "--verify")
    assert (report["rows_sent"], report["verify"]["matching"]) == (20, 20)
