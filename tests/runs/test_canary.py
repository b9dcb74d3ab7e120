"""`push --canary N`: a few members are sent and read back before the others are."""

from __future__ import annotations

import csv
import json
import random
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs import push_options
from tests.support.in_process import applied, planned, pushed, resumed, status, verified
from tests.support.world import World

MakeWorld = Callable[..., World]
HEAD = "phone,First Name,Loyalty Tier,VIP\n"
PHONES = [f"212555{number:04d}" for number in range(100, 140)]


def rows(name: str, tier: str = "Gold", phones: list[str] = PHONES) -> str:
    return HEAD + "".join(f"{phone},{name}{phone[-3:]},{tier},on\n" for phone in phones)


def account(make_world: MakeWorld, stored: str = "", **config: Any) -> World:
    """A sandbox whose contacts hold `stored` (an audience), or names that begin with Old."""
    world = make_world(invented_contacts=False, **config)
    head, *lines = (stored or rows("Old")).splitlines()
    world.admin("contacts?sender_code=1026", "\n".join([head, *(f"+1{line}" for line in lines)]) + "\n")
    return world


def fault(world: World, kind: str, **settings: Any) -> None:
    """What the next import does wrong."""
    world.admin("faults", [{"route": "start_import", "fault": kind, **settings}])


def values(world: World, field: str = "First Name") -> dict[str, Any]:
    return {phone[2:]: contact[field] for phone, contact in world.contacts().items()}


def touched(world: World) -> set[str]:
    """Phones of the contacts whose name is not what it was."""
    return {phone for phone, name in values(world).items() if not str(name).startswith("Old")}


def counts(document: dict[str, Any]) -> list[int]:
    return [document["canary"][key] for key in ("rows", "matching", "different")]


def learned(world: World) -> dict[str, Any]:
    (facts,) = json.loads((world.home / "state/learned.json").read_text())["accounts"].values()
    return {name: fact for name, fact in facts.items() if name != "at"}


def commands(document: dict[str, Any]) -> list[list[str]]:
    """Those of an error's hint, as words after `lsms`."""
    hint = document["error"]["hint"].splitlines()
    return [shlex.split(line[line.index("lsms ") :])[1:] for line in hint if "lsms " in line]


def test_all_right_and_the_rest_goes(make_world: MakeWorld) -> None:
    """The canary is the first part, then all members arrive; the undo file is private and holds what was stored; one
    seed draws the same members again."""
    drawn = []
    for _ in range(2):
        world = account(make_world)
        undo = world.home / "undo.csv"
        report = pushed(world, rows("New"), canary=5, canary_seed=7, undo=undo)
        assert (counts(report), report["canary"]["seed"]) == ([5, 5, 0], 7)
        assert [part["rows"] for part in report["imports"]] == [5, 35]
        assert touched(world) == set(PHONES)
        assert stat.S_IMODE(undo.stat().st_mode) == 0o600
        drawn.append({row["phone"]: row["First Name"] for row in csv.DictReader(undo.read_text().splitlines())})
    assert drawn[0] == drawn[1] == {phone: f"Old{phone[-3:]}" for phone in drawn[0]}


def test_a_canary_that_is_not_right_stops_the_rest_and_can_be_undone(make_world: MakeWorld) -> None:
    """Exit 1 with the differences by column, nobody else is sent, however often it is resumed. The command of the hint
    puts back what was stored, and the other sends the rest."""
    world = account(make_world)
    fault(world, "import_alters")
    undo_file = world.home / "un do.csv"
    failed = pushed(world, rows("New"), canary=4, undo=undo_file, code=1)
    assert (counts(failed), failed["error"]["code"]) == ([4, 0, 4], "canary_differs")
    assert failed["canary"]["fields"] == {"First_Name": 4, "Loyalty_Tier": 4, "VIP": 0}
    assert (failed["rows_sent"], failed["rows_pending"], len(touched(world))) == (4, 36, 4)
    assert status(world, code=1)["error"]["code"] == "canary_differs"
    assert counts(resumed(world, code=1)) == [4, 0, 4]
    assert len(world.admin("imports")) == 1
    undo, go_on = commands(failed)
    assert go_on == ["resume", failed["run_id"], "--skip-canary"]
    assert world.lsms(*undo).code == 0
    assert not touched(world)
    assert resumed(world, code=2)["error"]["code"] == "superseded"
    report = world.lsms(*go_on, "--anyway", "--json").json
    assert (report["exit_code"], report["rows_sent"], len(touched(world))) == (0, 40, 36)


def test_a_stopped_canary_is_no_baseline(make_world: MakeWorld) -> None:
    """Also one that is the whole audience, so that nothing is pending."""
    world = account(make_world)
    fault(world, "import_alters")
    pushed(world, rows("New"), canary=99, code=1, audience_name="spring")
    small = rows("New", phones=PHONES[:5])
    assert pushed(world, small, audience_name="spring", max_shrink=10.0)["rows_sent"] == 5


def test_values_that_are_not_visible_yet_are_waited_for(make_world: MakeWorld) -> None:
    """An import that has ended, and whose values appear a moment later, is right; when time is up before, it is exit 6
    with the rest pending, and `resume` looks again."""
    world = account(make_world)
    fault(world, "import_late", seconds=0.4)
    late = pushed(world, rows("New"), canary=3, wait_timeout=0.2, code=6)
    assert (counts(late), late["error"]["code"], late["rows_pending"]) == ([3, 0, 0], "canary_unseen", 37)
    assert status(world, code=6)["error"]["code"] == "canary_unseen"
    report = resumed(world)
    assert (counts(report), report["rows_sent"], len(world.admin("imports"))) == ([3, 3, 0], 40, 2)
    assert touched(world) == set(PHONES)
    fault(world, "import_late", seconds=0.3)
    assert counts(pushed(world, rows("Newer"), canary=3)) == [3, 3, 0]


def test_an_import_that_ends_badly_or_not_at_all_stops_the_rest(make_world: MakeWorld) -> None:
    """Exit 1 and 6, the rest pending; once it can, `resume` sends the canary again, reads it back and goes on."""
    world = account(make_world)
    fault(world, "import_fails")
    assert pushed(world, rows("New"), canary=3, code=1)["rows_pending"] == 37
    report = resumed(world)
    assert (counts(report), report["rows_sent"]) == ([3, 3, 0], 40)
    world.admin("faults", [{"route": "start_import", "fault": "import_seconds", "seconds": 0.5}])
    slow = pushed(world, rows("Newer"), canary=3, wait_timeout=0.1, code=6)
    assert (slow["rows_pending"], slow["error"]["code"]) == (37, "not_ended")
    assert f"lsms resume {slow['run_id']}" in slow["error"]["hint"]
    assert counts(resumed(world)) == [3, 3, 0]


@pytest.mark.parametrize("account_does", ["clear", "keep"])
def test_what_an_empty_cell_does_is_learned(make_world: MakeWorld, account_does: str) -> None:
    """A value that stayed under an empty cell is no difference. From then on plan, verify and --only-different know,
    and `check` says so."""
    world = account(make_world, empty_cells=account_does)
    before = planned(world, rows("New", tier=""))
    assert [change["emptied"] for change in before["changes"]] == [0, 40, 0]
    report = pushed(world, rows("New", tier=""), canary=5, wait_timeout=0.5)
    assert counts(report) == [5, 5, 0]
    stays = account_does == "keep"
    assert learned(world)["empties_stay"] is stays
    assert ("leaves the stored value" in str(report["warnings"])) is stays
    assert f"an empty cell of an import {'leaves' if stays else 'clears'} the stored value" in world.lsms("check").out
    world.admin("contacts?sender_code=1026", (HEAD + "+12125550100,New100,Gold,on\n"))
    one = rows("New", tier="", phones=PHONES[:1])
    assert planned(world, one)["rows_different"] == (not stays)
    assert verified(world, one, code=0 if stays else 1)["different"] == (not stays)
    assert pushed(world, one, only_different=True)["rows_unchanged"] == stays
    text = (world.home / "state/learned.json").read_text()
    assert not any(private in text for private in ("2125550", "New", "Gold", world.sandbox.config.client_secret))


def test_an_account_that_changes_its_mind_is_learned_anew(make_world: MakeWorld) -> None:
    """An empty cell that clears a value after all is noticed by the next canary."""
    world = account(make_world)
    state = world.home / "state"
    pushed(world, rows("New"), canary=2)
    file = json.loads((state / "learned.json").read_text())
    next(iter(file["accounts"].values()))["empties_stay"] = True
    (state / "learned.json").write_text(json.dumps(file))
    pushed(world, rows("Newer", tier=""), canary=4)
    assert learned(world)["empties_stay"] is False


@pytest.mark.parametrize("imports", ["update", "skip"])
def test_whether_opted_out_contacts_are_updated_is_learned(make_world: MakeWorld, imports: str) -> None:
    """Contacts that opted out and are passed over are no difference."""
    stored = "phone,opted_out,First Name\n" + "".join(f"{p},{int(n < 30)},Old\n" for n, p in enumerate(PHONES))
    world = account(make_world, stored, opted_out_imports=imports)
    report = pushed(world, rows("New"), canary=30, canary_seed=1, wait_timeout=0.5)
    assert counts(report) == [30, 30, 0]
    assert learned(world) == {"opted_out_updated": imports == "update", "spellings": {"digits": True}}


def test_what_an_account_does_not_find_is_learned(make_world: MakeWorld) -> None:
    """Where no contact is found in the form of the push, a guard stops it; where it is found and
    nothing arrives, exit 6, and `check` says it."""
    world = account(make_world, phone_spellings=("e164",))
    report = pushed(world, rows("New"), canary=3, code=3)
    assert (report["error"]["code"], world.admin("imports")) == ("no_canary", [])
    assert counts(pushed(world, rows("New"), canary=3, phone_format="e164")) == [3, 3, 0]
    assert learned(world)["spellings"] == {"e164": True}
    other = account(make_world)
    fault(other, "import_fails", word="Completed")
    pushed(other, rows("New"), canary=3, wait_timeout=0.2, code=6)
    assert learned(other)["spellings"] == {"digits": False}
    assert "phones in the form digits were not seen to be found" in other.lsms("check").out


def test_who_is_drawn(make_world: MakeWorld) -> None:
    """Members who exist and would change: with fewer than N those, with none of them nobody, and it is said; where
    nobody exists that is exit 3."""
    mixed = rows("Old", phones=PHONES[:20]) + rows("New", phones=PHONES[20:]).removeprefix(HEAD)
    strangers = rows("New", phones=[f"646555{number:04d}" for number in range(100, 120)]).removeprefix(HEAD)
    world = account(make_world)
    report = pushed(world, mixed + strangers, canary=50, dry_run=True)
    assert (counts(report), report["imports"][0]["rows"]) == ([20, 0, 0], 20)
    assert counts(pushed(world, mixed + strangers, canary=1)) == [2, 2, 0]  # no import file has a single member
    again = pushed(world, mixed, canary=3)
    assert counts(again) == [0, 0, 0]
    assert "nothing_to_prove" in {warning["code"] for warning in again["warnings"]}
    assert again["rows_sent"] == 40
    nobody = pushed(world, HEAD + strangers, canary=3, code=3)
    assert (nobody["error"]["code"], nobody["canary"]["rows"]) == ("no_canary", 0)
    assert pushed(world, rows("Z"), canary=3, limit=10, canary_seed=3)["rows_sent"] == 10


def test_few_of_many_are_found_by_the_lists(make_world: MakeWorld) -> None:
    """Where the members who would change are not found by asking some, all are read; duplicates are not drawn."""
    phones = [f"{area}555{number:04d}" for area in (212, 415) for number in range(300)]
    world = account(make_world, rows("Old", phones=phones))
    audience = rows("Old", phones=phones) + rows("New", phones=phones[7:11]).removeprefix(HEAD)
    report = pushed(world, audience, canary=3, canary_seed=5)
    assert counts(report) == [3, 3, 0]
    assert report["dropped"]["duplicate_phone"] == 4


@pytest.mark.parametrize("seed", range(4))
def test_no_import_file_has_a_single_member(make_world: MakeWorld, seed: int) -> None:
    """With --empty-cells keep the canary may be several import files, none of one member unless its group is; the
    audience arrives, and only what was not empty."""
    rng = random.Random(seed)
    world = account(make_world)
    lines = [
        f"{phone},{rng.choice(['', 'New'])},{rng.choice(['', 'Silver'])},{rng.choice(['', '', 'off'])}\n"
        for phone in PHONES
    ]
    sets = [tuple(bool(cell) for cell in line.strip().split(",")[1:]) for line in lines]
    groups = {one: sets.count(one) for one in set(sets) if any(one)}
    report = pushed(world, HEAD + "".join(lines), canary=rng.randint(1, 12), canary_seed=seed, empty_cells="keep")
    drawn, matching, different = counts(report)
    assert drawn == matching > 0 == different
    singles = [part["columns"] for part in report["imports"] if part["rows"] == 1]
    assert len(singles) <= sum(count == 1 for count in groups.values())
    stored = world.contacts()
    for line in lines:
        phone, name, tier, vip = line.strip().split(",")
        contact = stored[f"+1{phone}"]
        assert contact["First Name"] == (name or f"Old{phone[-3:]}")
        assert contact["Loyalty Tier"] == (tier or "Gold")
        assert contact["VIP"] == ("off" if vip else "on")


def test_with_other_options(make_world: MakeWorld) -> None:
    """With --only-different and `apply` the canary is of those that are sent; with --changed-only too, and members
    that have arrived, canary or not, are unchanged the next time."""
    world = account(make_world)
    half = rows("Old", phones=PHONES[:20]) + rows("New", phones=PHONES[20:]).removeprefix(HEAD)
    first = pushed(world, half, canary=3, only_different=True)
    assert (counts(first), first["rows_sent"], first["rows_unchanged"]) == ([3, 3, 0], 20, 20)
    plan = world.home / "plan"
    planned(world, rows("Newer"), save=plan)
    assert counts(applied(world, plan, canary=3, undo=world.home / "undo.csv")) == [3, 3, 0]
    assert counts(pushed(world, rows("A"), canary=3, changed_only=True)) == [3, 3, 0]
    mixed = rows("A", phones=PHONES[:37]) + rows("B", phones=PHONES[37:]).removeprefix(HEAD)
    again = pushed(world, mixed, canary=2, changed_only=True)  # a rest of one would be a single member
    assert (counts(again), again["rows_sent"], again["rows_unchanged"]) == ([3, 3, 0], 3, 37)


@pytest.mark.parametrize(
    "options",
    [{"canary": 3, "wait": False}, {"canary": 3, "per_contact": True}, {"undo": "undo.csv"}, {"canary_seed": 3}],
)
def test_what_a_canary_cannot_be(options: dict[str, Any]) -> None:
    """What would leave a canary unproved, or is about one that is not asked for, is a usage error."""
    with pytest.raises(UsageError):
        push_options(options)


def test_a_resume_that_does_not_wait_is_refused(make_world: MakeWorld) -> None:
    """A canary that is not proved has to be waited for, or skipped by name."""
    world = account(make_world)
    fault(world, "import_alters")
    failed = pushed(world, rows("New"), canary=3, code=1)
    assert world.lsms("resume", "--no-wait").code == 2
    assert world.lsms("resume", "--skip-canary", "--no-wait").code == 0
    assert f"{failed['run_id']}" in world.lsms("runs").out


def test_the_undo_file_does_not_replace_one_that_is_there(make_world: MakeWorld) -> None:
    """It may be the only copy of what was stored before a push that went wrong: nothing is read or sent."""
    world = account(make_world)
    undo = world.home / "undo.csv"
    pushed(world, rows("New"), canary=3, undo=undo)
    before = undo.read_bytes()
    rehearsed = world.home / "rehearsed.csv"
    words = ("--canary", "3", "--undo", rehearsed, "--sandbox", "--json")
    assert world.lsms("push", world.audience(rows("New")), *words).json["canary"]["undo"] is None
    assert not rehearsed.exists()  # or the real push that follows would be refused
    error = pushed(world, rows("Newer"), canary=3, undo=undo, code=2)["error"]
    assert (error["code"], str(undo) in error["message"]) == ("file_exists", True)
    assert undo.read_bytes() == before
    assert len(world.admin("imports")) == 2


def test_the_undo_file_does_not_replace_the_audience(make_world: MakeWorld) -> None:
    world = account(make_world)
    audience = world.audience(rows("New"))
    assert pushed(world, audience, canary=3, undo=audience, code=2)["error"]["code"] == "output_place"
    missing: Path = world.home / "no" / "undo.csv"
    assert pushed(world, audience, canary=3, undo=missing, code=2)["error"]["code"] == "output_place"
    assert world.admin("imports") == []
