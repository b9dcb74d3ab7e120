"""`lsms health` and `lsms runs --audience-name`: what the records of earlier pushes say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.in_process import pushed, status
from tests.support.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(import_seconds=0.0)


def members(count: int, filled: int) -> str:
    cells = (f"N{n}" if n < filled else "" for n in range(count))
    return "phone,first_name\n" + "".join(f"21255501{n:02d},{name}\n" for n, name in enumerate(cells))


def test_health_is_a_good_push_that_is_young_enough(world: World) -> None:
    """Of that audience and sender code; dry and limited pushes are none."""
    assert world.lsms("health", "--max-age", "26h").code == 1
    pushed(world, members(10, 10), limit=5)
    pushed(world, members(10, 10), dry_run=True)
    none = world.lsms("health", "--max-age", "26h", "--json")
    assert (none.code, none.json["ok"], none.json["run_id"], none.json["age_seconds"]) == (1, False, None, None)
    assert none.json["error"]["code"] == "no_good_push"
    run = pushed(world, members(10, 10), audience_name="nightly")["run_id"]
    well = world.lsms("health", "--max-age", "26h", "--json")
    assert (well.code, well.json["ok"], well.json["run_id"], well.json["error"]) == (0, True, run, None)
    assert world.lsms("health", "--max-age", "26h", "--audience-name", "nightly").code == 0
    assert world.lsms("health", "--max-age", "26h", "--audience-name", "weekly").code == 1
    assert world.lsms("health", "--max-age", "26h", "--sender-code", 7).code == 1
    assert world.lsms("health", "--max-age", "26h", "--quiet").out == ""


def test_a_push_that_is_too_old_is_not_healthy(world: World) -> None:
    """By its journal: the time when something of it was on its way."""
    run = pushed(world, members(10, 10))["run_id"]
    journal = world.home / "state" / "runs" / run / "journal.jsonl"
    old = (datetime.now(UTC) - timedelta(hours=30)).isoformat(timespec="milliseconds")
    journal.write_text(re.sub(r'"at":"[^"]+"', f'"at":"{old}"', journal.read_text("utf-8")), "utf-8")
    ended = world.lsms("health", "--max-age", "26h", "--json")
    assert (ended.code, ended.json["run_id"], ended.json["age_seconds"] // 3600) == (1, run, 30)
    assert world.lsms("health", "--max-age", "31h").code == 0


def test_imports_that_were_seen_to_end_later_count(make_world: Callable[..., World]) -> None:
    """A push that did not wait is good once somebody has seen how it ended."""
    world = make_world(import_seconds=0.3)
    pushed(world, members(10, 10), wait=False)
    assert world.lsms("health", "--max-age", "1h").code == 1
    status(world, wait=True)
    assert world.lsms("health", "--max-age", "1h").code == 0


def test_the_trend_of_an_audience(world: World) -> None:
    """Its runs, and how many members and filled cells the good ones had, the oldest first, as a chart and in JSON."""
    for count, filled in ((10, 10), (20, 10), (40, 0)):
        pushed(world, members(count, filled), audience_name="nightly")
    pushed(world, members(5, 5), audience_name="other")
    pushed(world, members(5, 5), audience_name="nightly", limit=1)
    listed = world.lsms("runs", "--audience-name", "nightly", "--json").json
    assert len(listed["runs"]) == 4
    (trend,) = listed["trends"]
    assert [(point["rows"], point["filled"]["first_name"]) for point in trend["points"]] == [
        (10, 1.0),
        (20, 0.5),
        (40, 0.0),
    ]
    shown = " ".join(world.lsms("runs", "--audience-name", "nightly").out.split())
    assert "members ▃▅█ 10 → 40" in shown
    assert "first_name █▅▁ 100.0 % → 0.0 % filled" in shown
    narrow = world.lsms("runs", "--audience-name", "nightly", encoding="ascii").out
    assert "members" in narrow
    assert "?" not in narrow
    unknown = world.lsms("runs", "--audience-name", "nightyl")
    assert (unknown.code, "Did you mean nightly?" in unknown.err) == (2, True)
