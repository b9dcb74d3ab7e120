"""`--metrics-file`: what the official parser reads of it is what the push reported."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.world import PROJECT, World

README = (PROJECT / "README.md").read_text("utf-8")
GOOD = "phone,first_name,Loyalty Tier\n2125550100,Ann,Gold\n2125550101,Bob,\n12,Cleo,Gold\n"


def read(path: Path) -> dict[str, dict[str, float]]:
    """Each metric: its values by the label that is its own."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(path.read_text("utf-8")):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            assert sample.labels["audience"] == "nightly"
            own = [value for label, value in sample.labels.items() if label not in ("audience", "sender_code")]
            found.setdefault(family.name, {})["".join(own)] = sample.value
    return found


def test_the_metrics_say_what_the_report_says(world: World) -> None:
    """Under the names of the README; after a failure the last success stays."""
    path = world.home / "lsms.prom"
    options = ("--audience-name", "nightly", "--metrics-file", path, "--json")
    ended = world.lsms("push", world.audience(GOOD), *options)
    report, metrics = ended.json, read(path)
    assert ended.code == 0
    assert metrics["lsms_push_exit_code"] == {"": 0}
    assert metrics["lsms_push_members"]["sent"] == report["rows_sent"] == 2
    assert metrics["lsms_push_dropped_members"] == report["dropped"]
    assert metrics["lsms_push_column_filled_ratio"] == {c["column"]: c["filled"] for c in report["columns"]}
    assert metrics["lsms_push_warnings"] == {"": len(report["warnings"])}
    assert metrics["lsms_push_success_timestamp_seconds"] == metrics["lsms_push_end_timestamp_seconds"]
    assert set(re.findall(r"`(lsms_push_[a-z_]+)", README)) == set(metrics)

    assert world.lsms("push", world.home / "missing.csv", *options).code == 2
    after = read(path)
    assert after["lsms_push_exit_code"] == {"": 2}
    assert after["lsms_push_success_timestamp_seconds"] == metrics["lsms_push_success_timestamp_seconds"]
    assert after["lsms_push_end_timestamp_seconds"][""] > after["lsms_push_success_timestamp_seconds"][""]
    assert [file.name for file in world.home.glob("*prom*")] == ["lsms.prom"]


def test_metrics_that_cannot_be_written_are_a_warning(world: World) -> None:
    """The push goes its way; a file that is not *.prom is refused before it begins, for nobody would read it."""
    audience = world.audience(GOOD)
    ended = world.lsms("push", audience, "--metrics-file", world.home / "no" / "lsms.prom", "--json")
    assert ended.code == 0
    assert "metrics_failed" in [warning["code"] for warning in ended.json["warnings"]]
    refused = world.lsms("push", audience, "--metrics-file", audience, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "metrics_file")
    assert audience.read_text("utf-8") == GOOD
