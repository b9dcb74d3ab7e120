"""Drift: what a column holds is compared with the last good push of the same audience."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listrak_sms_cli.runs.prepare.drift import SAMPLED, drift_warnings
from listrak_sms_cli.runs.record import ColumnFigures, RunStore, StoredRun
from listrak_sms_cli.runs.record.state import RunState
from tests.support.in_process import pushed
from tests.support.records import STARTED, prepared
from tests.support.world import World

DRIFT = ("fill_dropped", "became_constant", "values_moved", "length_halved")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(import_seconds=0.0)


def audience(tiers: Sequence[str]) -> str:
    rows = (f"21255501{n:02d},N{n},{tier}\n" for n, tier in enumerate(tiers))
    return f"phone,first_name,Loyalty Tier\n{''.join(rows)}"


def told(document: dict[str, Any]) -> dict[str, str]:
    """The warnings about drift: code -> message."""
    return {w["code"]: w["message"] for w in document["warnings"] if w["code"] in DRIFT}


def figures(world: World) -> dict[str, ColumnFigures]:
    """Those of the newest run."""
    run = next(RunStore(world.home / "state").runs())
    return {column.column: column for column in run.state.prepared.figures}


@pytest.mark.parametrize(
    ("before", "now", "code", "shown"),
    [
        (["Gold"] * 40, ["Gold"] * 30 + [""] * 10, "fill_dropped", "Loyalty_Tier 100.0 → 75.0 %"),
        (["Gold", "Silver"] * 20, ["Gold"] * 30 + ["Silver"] * 10, "values_moved", "Loyalty_Tier 50.0 → 75.0 %"),
        (["Gold", "Silver"] * 20, ["Gold", "Bronze"] * 20, "values_moved", "Loyalty_Tier"),
        (["Gold", "Silver"] * 20, ["Tin"] * 40, "became_constant", "Loyalty_Tier 2 distinct → 1"),
        ([f"tier {n:04d}" for n in range(40)], [f"{n}" for n in range(40)], "length_halved", "Loyalty_Tier 9.0 → 2.0"),
    ],
)
def test_what_has_moved_is_told_with_both_figures(
    world: World, before: list[str], now: list[str], code: str, shown: str
) -> None:
    """One warning a kind of change, which names the column, both figures and the run, and no value."""
    first = pushed(world, audience(before))
    assert told(first) == {}
    second = pushed(world, audience(now))
    assert list(told(second)) == [code]
    assert shown in told(second)[code]
    assert first["run_id"] in told(second)[code]
    assert not any(value in told(second)[code] for value in ("Gold", "Silver", "Bronze", "Tin"))


def test_a_change_is_new_each_time(world: World) -> None:
    """A column that loses more every night is told of every night."""
    for filled in (40, 30, 20, 10):
        tiers = ["Gold"] * filled + [""] * (40 - filled)
        new = [warning["new"] for warning in pushed(world, audience(tiers))["warnings"] if warning["code"] in DRIFT]
        assert new == ([True] if filled < 40 else [])


def test_what_has_moved_little_is_not_told(world: World) -> None:
    """By 20 points or less, or in an audience too small for shares."""
    pushed(world, audience(["Gold", "Silver"] * 20))
    assert told(pushed(world, audience(["Gold"] * 28 + ["Silver"] * 12))) == {}
    pushed(world, audience(["Gold"] * 9 + ["Silver"] * 10), audience_name="few")
    assert told(pushed(world, audience(["Gold"] + [""] * 18), audience_name="few")) == {}


def test_only_good_whole_real_pushes_are_compared_with(world: World) -> None:
    """Dry, limited, sandbox and refused runs are none, nor are those whose read-back differed; nor other names."""
    good, other = audience(["Gold"] * 40), audience(["Gold"] * 20 + [""] * 20)
    baseline = pushed(world, good)["run_id"]
    pushed(world, other, dry_run=True)
    pushed(world, other, limit=5)
    pushed(world, world.audience(other, "else.csv"))
    assert world.lsms("push", world.audience(other), "--sandbox").code == 0
    pushed(world, other + "6465550100,Nobody,Gold\n", verify=True, code=1)  # who is not in Listrak
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    pushed(world, other, code=1)
    assert baseline in told(pushed(world, other, dry_run=True))["fill_dropped"]
    world.admin("faults", [])
    pushed(world, other)
    assert told(pushed(world, other, dry_run=True)) == {}


def test_constant_and_nearly_empty_columns_are_noticed_by_a_push_too(world: World) -> None:
    """With the words of `validate`; a dry run and a sandbox push notice them as well."""
    text = "phone,first_name,Loyalty Tier\n" + "".join(f"21255501{n:02d},,Gold\n" for n in range(30))
    for options in ({}, {"dry_run": True}):
        columns = {w["code"]: tuple(w["columns"]) for w in pushed(world, text, **options)["warnings"]}
        assert columns["one_value"] == ("Loyalty_Tier",)
        assert columns["nearly_empty"] == ("first_name",)
    ended = world.lsms("push", world.audience(text), "--sandbox", "--json")
    assert {"one_value", "nearly_empty"} <= {w["code"] for w in ended.json["warnings"]}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["", "Gold", "Silver", "Größe", "x"]), min_size=1, max_size=90), st.booleans())
def test_the_figures_are_those_of_a_plain_count(world: World, tiers: list[str], parquet: bool) -> None:
    """From CSV and from dictionaries of Parquet: filled, distinct, the median length, how often common values occur."""
    path = world.audience(audience(tiers))
    if parquet:
        path = world.home / "audience.parquet"
        phones = [f"21255501{n:02d}" for n in range(len(tiers))]
        pq.write_table(pa.table({"phone": phones, "Loyalty Tier": pa.array(tiers).dictionary_encode()}), path)
    report = pushed(world, path, allow_empty=True, empty_cells="send")
    column, cells = figures(world)["Loyalty_Tier"], [tier for tier in tiers if tier]
    assert (column.filled, column.sampled, column.distinct) == (len(cells), len(cells), len(set(cells)))
    assert column.median_length == (median(map(len, cells)) if cells else 0)
    common = [count for count in Counter(cells).values() if count >= max(5, 0.05 * len(cells))]
    assert sorted(column.common.values()) == sorted(common)
    assert next(c["filled"] for c in report["columns"] if c["column"] == "Loyalty_Tier") == round(
        len(cells) / len(tiers), 6
    )


def test_a_large_audience_is_looked_at_in_evenly_spaced_rows(world: World) -> None:
    """At most 10,000; the filled share is that of all rows all the same."""
    rows = 3 * SAMPLED + 1
    tiers = ["Gold" if n % 4 == 0 else "Silver" for n in range(rows)]
    tiers[1] = ""
    text = "".join(f"+1212{5550000 + n % 9000:07d},{tier}\n" for n, tier in enumerate(tiers))
    report = pushed(world, f"phone,Loyalty Tier\n{text}", max_drop_rate=100)
    column = figures(world)["Loyalty_Tier"]
    assert report["columns"][0]["filled"] == round((rows - 1) / rows, 6)
    chosen = Counter(tiers[::4])
    assert column.sampled == len(tiers[::4]) <= SAMPLED
    assert sorted(column.common.values()) == sorted(chosen.values())


def test_nothing_of_a_member_is_kept(world: World) -> None:
    """Values of fewer than five members are not kept even as hashes; those that are cannot be told without the key."""
    pushed(world, audience([f"Secret{n // 2}" for n in range(40)]))
    assert {column: f.common for column, f in figures(world).items()} == {"first_name": {}, "Loyalty_Tier": {}}
    pushed(world, audience(["Secret"] * 40))
    (hashed,) = figures(world)["Loyalty_Tier"].common
    assert len(hashed) == 16
    kept = b"".join(path.read_bytes() for path in (world.home / "state").rglob("*") if path.is_file())
    assert b"Secret" not in kept
    assert (world.home / "state" / "drift" / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [None, b"cut off"])
def test_hashes_under_another_key_are_not_compared(world: World, content: bytes | None) -> None:
    """When the key is lost or damaged, nobody is told that all values are others."""
    pushed(world, audience(["Gold", "Silver"] * 20))
    key = world.home / "state" / "drift" / "key"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    assert told(pushed(world, audience(["Gold", "Silver"] * 20))) == {}


def test_a_journal_without_figures_is_compared_with_nothing(tmp_path: Any) -> None:
    """As those of earlier versions are."""
    before = StoredRun(tmp_path, RunState(STARTED, prepared(40)))
    assert drift_warnings([ColumnFigures("Tier", 1, 40)], 40, ["phone", "Tier"], before) == []
