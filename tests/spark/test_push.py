"""Frames of Spark, pushed to a sandbox: what arrives is what a reference of plain Python says."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.spark import push
from tests.support.reference_account import after, furnish, judge, members, reasons
from tests.support.world import World

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings(
        "ignore:PySpark does not yet:FutureWarning",
        "ignore:Failed to set spark:UserWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]
MEMBERS = 10_000
WAYS = ["driver", "executors"]


@pytest.fixture
def leads(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The sandbox, and the environment that leads there."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    return world


def in_parts(rows: list[dict[str, Any]], folder: Path, parts: int, seed: int) -> str:
    """The rows as Parquet files, in no order."""
    rows = random.Random(seed).sample(rows, len(rows))
    folder.mkdir()
    for part in range(parts):
        pq.write_table(pa.Table.from_pylist(rows[part::parts]), folder / f"part-{part}.parquet")
    return str(folder)


@pytest.mark.parametrize("prepare", WAYS)
def test_every_member_of_a_frame_becomes_what_the_reference_says(
    spark: Any, leads: World, tmp_path: Path, prepare: str
) -> None:
    """Counts and every stored value of a frame in eight parts in no order are those that plain Python works out for the
    same rows in their order."""
    rows = members(MEMBERS)
    furnish(leads, rows)
    before, judged = leads.contacts(), judge(rows)
    numbered = [{"seen": number, **row} for number, row in enumerate(rows)]
    frame = spark.read.parquet(in_parts(numbered, tmp_path / "frame", 8, 3))
    report = push(
        frame, order_by="seen", prepare=prepare, skip_column="seen", consent_column="SMS Consent", batch_rows=1000
    )
    assert report.rows_read == MEMBERS
    assert {reason: count for reason, count in report.dropped.items() if count} == reasons(judged)
    assert report.rows_sent == sum(not row.reason for row in judged)
    assert leads.contacts() == after(before, [row for row in judged if not row.reason])
    assert report.skipped_columns == ("seen", "SMS_Consent")
