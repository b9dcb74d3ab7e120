"""`--changed-only` after pushes that were killed, interrupted, refused or cut off: nobody is left out who has not
arrived just so."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.changed_only import HEADER, held, sent
from tests.support.in_process import pushed, resumed
from tests.support.world import World

MEMBERS = 60
OLD = HEADER + "".join(f"21255501{n:02d},Old{n},Gold\n" for n in range(MEMBERS))
NEW = HEADER + "".join(f"21255501{n:02d},{'New' if n % 3 else 'Old'}{n},Gold\n" for n in range(MEMBERS))
SLOW = {"route": "start_import", "fault": "hang_reply", "seconds": 0.05, "count": None}
HANGS = {"route": "start_import", "fault": "hang", "skip": 8, "count": None, "seconds": 600}


def broken_off(world: World, how: signal.Signals, *options: object) -> int:
    """A push of NEW that ends in the middle; returns how many import files Listrak has taken of it."""
    before = len(world.admin("imports"))
    world.admin("faults", [HANGS, SLOW])
    command = ["push", world.audience(NEW, "new.csv"), "--batch-rows", 2, "--concurrency", 2, *options]
    with world.start(*command) as process:
        while len(world.admin("imports")) < before + 5:
            assert process.poll() is None
            time.sleep(0.03)
        process.send_signal(how)
        process.communicate(timeout=60)
    world.admin("faults", [])
    return len(world.admin("imports")) - before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_old_audience_after_a_push_that_broke_off(world: World, how: signal.Signals) -> None:
    """Every member the broken push could have changed is sent; who it sent just so, and arrived, may stay at home."""
    pushed(world, OLD)
    taken = broken_off(world, how)
    assert 5 <= taken < MEMBERS // 2
    again = sent(pushed(world, OLD, changed_only=True))
    assert sum(again) == MEMBERS
    assert again[0] >= 2 * MEMBERS // 3
    assert held(world, OLD)
    pushed(world, OLD, changed_only=True)
    assert held(world, OLD)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_same_audience_after_it_was_resumed(world: World, how: signal.Signals) -> None:
    """Once `resume` has brought the rest, all are remembered, those of before the kill and those of after it."""
    pushed(world, OLD)
    broken_off(world, how, "--changed-only")
    report = resumed(world)
    assert sent(report) == (2 * MEMBERS // 3, MEMBERS // 3)
    assert held(world, NEW)
    assert sent(pushed(world, NEW, changed_only=True)) == (0, MEMBERS)


def test_the_same_audience_without_resuming(world: World) -> None:
    """Members whose import file was accepted before the kill, and whose answer was not lost, need not go again."""
    taken = broken_off(world, signal.SIGKILL)
    again = sent(pushed(world, NEW, changed_only=True))
    assert 0 < again[1] <= 2 * taken
    assert sum(again) == MEMBERS
    assert held(world, NEW)


def test_after_a_kill_only_who_is_in_doubt_goes_again(world: World) -> None:
    """Once the rest has been sent by another push, only the members whose answer was lost are sent once more; those
    the killed push had not begun with are unchanged."""
    broken_off(world, signal.SIGKILL)
    pushed(world, NEW, changed_only=True)
    assert sent(pushed(world, NEW, changed_only=True))[0] <= 2 * 2  # two files of two were under way
    assert held(world, NEW)


def test_what_another_push_has_yet_to_send_is_in_doubt(make_world: Callable[..., World]) -> None:
    """A push at work to another sender code of the account has struck its members, but sends them later: who was in a
    push that came between is not remembered."""
    world = make_world(invented_contacts=False)
    for sender_code in (1026, 1027):
        numbers = "".join(f"21255501{n:02d}\n" for n in range(MEMBERS))
        world.admin(f"contacts?sender_code={sender_code}", "phone\n" + numbers)
    world.admin("faults", [{**SLOW, "seconds": 0.1}])
    options = ("--sender-code", 1027, "--batch-rows", 2, "--concurrency", 1)
    with world.start("push", world.audience(NEW, "new.csv"), *options) as process:
        while len(world.admin("imports")) < 3:
            assert process.poll() is None
            time.sleep(0.03)
        pushed(world, OLD)
        assert process.poll() is None
        process.communicate(timeout=60)
    world.admin("faults", [])
    assert process.returncode == 0
    different = 2 * MEMBERS // 3  # the others have the same values in both pushes
    assert different - 10 <= sent(pushed(world, OLD, changed_only=True))[0] <= different
    assert held(world, OLD)


def test_a_resumed_refusal(world: World) -> None:
    """After a refusal only those that arrived are unchanged; `resume` brings the others, and then all are."""
    refusal = {"route": "start_import", "fault": "status", "status": 400, "skip": 2}
    world.admin("faults", [refusal])
    options = {"batch_rows": 10, "concurrency": 1}
    report = pushed(world, NEW, **options, code=1)
    assert (report["rows_sent"], report["rows_refused"], report["rows_pending"]) == (20, 10, 30)
    assert pushed(world, NEW, changed_only=True, dry_run=True)["rows_unchanged"] == 20
    resumed(world, audience=str(world.audience(NEW)))
    assert held(world, NEW)
    assert sent(pushed(world, NEW, changed_only=True)) == (0, MEMBERS)


def test_an_outage_then_the_old_audience(world: World) -> None:
    """After exit 5 the members that were not reached, and those whose answer was lost, are sent again."""
    pushed(world, OLD)
    lost = {"route": "start_import", "fault": "lost_reply", "skip": 1, "count": None}
    world.admin("faults", [lost])
    broken = pushed(world, NEW, batch_rows=10, concurrency=1, give_up_after="0.5s", code=5)
    assert (broken["rows_sent"], broken["rows_pending"]) == (10, 50)
    world.admin("faults", [])
    again = sent(pushed(world, OLD, changed_only=True))
    assert again[0] >= 50
    assert held(world, OLD)


def test_a_killed_push_contact_by_contact(make_world: Callable[..., World]) -> None:
    """A batch that was under way is not remembered, whatever of it had arrived; once it is through, all of it is."""
    slow = {"route": "update_contact", "fault": "hang_reply", "seconds": 0.02, "count": None}
    world = make_world(fault_rules=(slow,))
    pushed(world, OLD)
    with world.start("push", world.audience(NEW, "new.csv"), "--per-contact", "--changed-only") as process:
        while sum(one["method"] == "PUT" for one in world.admin("requests")) < 15:
            assert process.poll() is None
            time.sleep(0.03)
        process.kill()
        process.communicate(timeout=60)
    world.admin("faults", [])
    unsure = pushed(world, OLD, changed_only=True, dry_run=True)
    assert unsure["rows_unchanged"] == MEMBERS // 3
    assert sent(resumed(world)) == (2 * MEMBERS // 3, MEMBERS // 3)
    assert held(world, NEW)
    assert sent(pushed(world, NEW, changed_only=True, per_contact=True)) == (0, MEMBERS)


def aged(world: World, by: timedelta) -> None:
    """Every run was at work so long ago."""
    when = (datetime.now(UTC) - by).isoformat(timespec="milliseconds")
    for journal in (world.home / "state" / "runs").glob("*/journal.jsonl"):
        journal.write_text(re.sub(r'"at":"[^"]*"', f'"at":"{when}"', journal.read_text("utf-8")), "utf-8")


def test_a_killed_push_does_not_have_its_members_sent_again_and_again(world: World) -> None:
    """Who was under way when a push was killed is sent by the next push, and then is unchanged: the same values may
    land twice."""
    broken_off(world, signal.SIGKILL)
    assert sent(pushed(world, NEW, changed_only=True))[0] >= MEMBERS // 2
    for _ in range(2):
        assert sent(pushed(world, NEW, changed_only=True)) == (0, MEMBERS)
    assert sent(pushed(world, NEW, changed_only=True, full=True)) == (MEMBERS, 0)
    assert sent(pushed(world, NEW, changed_only=True)) == (0, MEMBERS)


@pytest.mark.parametrize("by", [timedelta(hours=2), timedelta(days=-400)], ids=str)
def test_a_killed_push_puts_nobody_in_doubt_for_ever(world: World, by: timedelta) -> None:
    """Members with other values in a push that was killed long ago, or when the clock was ahead, are remembered."""
    broken_off(world, signal.SIGKILL)
    aged(world, by)
    pushed(world, OLD)
    assert sent(pushed(world, OLD, changed_only=True)) == (0, MEMBERS)


def test_open_imports_of_another_sender_code_are_asked_about(make_world: Callable[..., World]) -> None:
    """A push to another sender code that did not wait does not keep its members from being remembered for ever."""
    world = make_world(invented_contacts=False)
    for sender_code in (1026, 1027):
        numbers = "".join(f"21255501{n:02d}\n" for n in range(MEMBERS))
        world.admin(f"contacts?sender_code={sender_code}", "phone\n" + numbers)
    pushed(world, NEW, sender_code=1027, wait=False)
    while any(entry["ended"] is None for entry in world.admin("imports")):
        time.sleep(0.02)
    assert sent(pushed(world, OLD, changed_only=True)) == (MEMBERS, 0)
    assert sent(pushed(world, OLD, changed_only=True)) == (0, MEMBERS)


def test_members_that_exist_are_known_in_a_resumed_run_too(world: World) -> None:
    """Who was found by `--only-existing` is not sent again because `resume` has sent it."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    options = {"changed_only": True, "only_existing": True}
    assert pushed(world, NEW, batch_rows=20, concurrency=1, code=1, **options)["rows_sent"] == 20
    resumed(world)
    assert sent(pushed(world, NEW, refresh_after="0s", **options)) == (0, MEMBERS)
