"""`--max-shrink`, `--max-fill-drop`: an audience that has lost members or values since its last good push stops before
anything is sent."""

from __future__ import annotations

import pyarrow as pa
import pytest

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs import push_audience, push_options
from tests.support.in_process import pushed, settings_of
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


def tiers(filled: int, rows: int = 40) -> str:
    cells = ("Gold" if n < filled else "" for n in range(rows))
    return "phone,first_name,Loyalty Tier\n" + "".join(f"21255501{n:02d},N{n},{tier}\n" for n, tier in enumerate(cells))


def test_a_column_that_is_filled_less_is_stopped(world: World) -> None:
    """Exit 3, nothing sent: the column with both figures, and the run. A smaller fall passes."""
    first = pushed(world, tiers(40), audience_name="a")
    assert pushed(world, tiers(36), audience_name="a", max_fill_drop=10)["columns"][1]["filled_before"] == 1.0
    stopped = pushed(world, tiers(20), audience_name="a", max_fill_drop=10, code=3)
    assert stopped["error"]["code"] == "max_fill_drop"
    assert "Loyalty_Tier 90.0 → 50.0 %" in stopped["error"]["message"]
    assert first["run_id"] not in stopped["error"]["message"]
    assert {c["column"]: (c["filled"], c["filled_before"]) for c in stopped["columns"]} == {
        "first_name": (1.0, 1.0),
        "Loyalty_Tier": (0.5, 0.9),
    }
    assert len(world.admin("imports")) == 2
    assert pushed(world, tiers(20), audience_name="a")["rows_sent"] == 40


def test_a_column_that_is_gone_is_filled_in_no_row(world: World) -> None:
    """Unless an option leaves it out."""
    pushed(world, tiers(40), audience_name="a")
    assert (
        "no such column" in pushed(world, members(40), audience_name="a", max_fill_drop=99, code=3)["error"]["message"]
    )
    pushed(world, tiers(40), audience_name="a", max_fill_drop=0, skip_column=["Loyalty Tier"])


def test_a_value_that_its_field_cannot_hold_fills_its_cell(world: World) -> None:
    """As in the profile of `validate`; that it is sent empty is told by a warning of its own."""
    text = "phone,birthdate\n" + "".join(f"21255501{n:02d},1990-01-02\n" for n in range(40))
    pushed(world, text, audience_name="a", on_bad_value="blank")
    broken = pushed(world, text.replace("1990", "x"), audience_name="a", on_bad_value="blank", max_fill_drop=0)
    assert broken["columns"][0]["filled"] == 1.0
    assert [w["code"] for w in broken["warnings"] if w["new"]] == ["values_blanked"]


def test_a_frame_without_a_name_is_compared_with_nothing(world: World) -> None:
    """And cannot be guarded."""
    with pytest.raises(UsageError, match="--max-fill-drop compares"):
        push_audience(pa.table({"phone": ["2125550100"]}), settings_of(world, {}), push_options({"max_fill_drop": 5}))


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
