"""`--max-shrink`: an audience that has lost members since its last good push stops before anything is sent."""

from __future__ import annotations

from tests.support.world import World


def members(count: int) -> str:
    return "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(count))


def test_an_audience_that_has_shrunk_too_much_is_stopped(world: World) -> None:
    """Exit 3, nothing sent, and the message names the run it was compared with."""
    first = world.lsms("push", world.audience(members(10)), "--json").json
    assert world.lsms("push", world.audience(members(8)), "--max-shrink", 20, "--json").code == 0
    stopped = world.lsms("push", world.audience(members(6)), "--max-shrink", 20, "--json")
    assert (stopped.code, stopped.json["error"]["code"]) == (3, "max_shrink")
    assert stopped.json["rows_sent"] == 0
    assert first["run_id"] not in stopped.json["error"]["message"]
    assert len(world.admin("imports")) == 2


def test_dry_limited_and_failed_runs_are_no_baseline(world: World) -> None:
    """Only a whole push that ended well is compared with."""
    world.lsms("push", world.audience(members(10)), "--limit", 5, "--json")
    world.lsms("push", world.audience(members(10)), "--dry-run", "--json")
    assert world.lsms("push", world.audience(members(2)), "--max-shrink", 1, "--json").code == 0


def test_audiences_are_told_apart_by_name(world: World) -> None:
    """By the path as given, or by --audience-name whatever the path."""
    world.lsms("push", world.audience(members(10), "monday.csv"), "--audience-name", "weekly")
    tuesday = world.audience(members(2), "tuesday.csv")
    assert world.lsms("push", tuesday, "--max-shrink", 10, "--audience-name", "weekly").code == 3
    assert world.lsms("push", tuesday, "--max-shrink", 10).code == 0
