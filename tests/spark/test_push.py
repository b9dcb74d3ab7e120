"""Frames of Spark, pushed to a sandbox by the driver and prepared by executors: what arrives is what a push of the same
rows from a file brings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli import AudienceError, GuardStopped, ListrakRefused, UsageError
from listrak_sms_cli import push as push_file
from listrak_sms_cli.spark import push, resume
from listrak_sms_cli.spark.frame import SparkFrame, frame_of
from tests.support.readme import code
from tests.support.reference_account import after, furnish, judge, members, reasons
from tests.support.spark import MARKS, import_files, parquet
from tests.support.world import World

pytestmark = MARKS
MEMBERS = 10_000
WAYS = pytest.mark.parametrize("prepare", ["driver", "executors"])
Leads = Callable[..., World]
COLUMNS = "phone string, first_name string, loyalty_tier string, n int"


def phone(number: int) -> str:
    """One of the 300 phones that the sandbox knows."""
    return f"{(212, 415, 718)[number % 3]}55501{number // 3 % 100:02d}"


def three_hundred(*, copies: int = 2) -> list[tuple[str, str, str | None, int]]:
    """Each phone `copies` times, the tier of some empty; `n` ascends."""
    return [(phone(n), f"N{n}", (None, "Gold", "Silver, plus")[n % 5 % 3], n) for n in range(300 * copies)]


@WAYS
def test_every_member_of_a_frame_becomes_what_the_reference_says(
    spark: Any, leads: Leads, tmp_path: Path, prepare: str
) -> None:
    """Counts and every stored value of a frame in eight parts in no order are those that plain Python works out for the
    same rows in their order."""
    world, rows = leads(), members(MEMBERS)
    furnish(world, rows)
    before, judged = world.contacts(), judge(rows)
    numbered = ({"seen": number, **row} for number, row in enumerate(rows))
    frame = spark.read.parquet(parquet(numbered, tmp_path / "frame", parts=8))
    report = push(
        frame, order_by="seen", prepare=prepare, skip_column="seen", consent_column="SMS Consent", batch_rows=1000
    )
    assert report.rows_read == MEMBERS
    assert {reason: count for reason, count in report.dropped.items() if count} == reasons(judged)
    assert report.rows_sent == sum(not row.reason for row in judged)
    assert world.contacts() == after(before, [row for row in judged if not row.reason])
    assert report.skipped_columns == ("seen", "SMS_Consent")


@pytest.mark.parametrize("keep", ["first", "last"])
def test_ties_and_partitions_change_nothing(spark: Any, leads: Leads, tmp_path: Path, keep: str) -> None:
    """Rows that order_by does not tell apart are settled the same way by driver and executors, whatever the partitions;
    executors make the same import files, byte for byte."""
    rows = [
        {"phone": phone(n), "first_name": (f"N{n}", None)[n % 2], "loyalty_tier": (None, f"N{n - n % 2}")[n % 2]}
        for n in range(1200)
    ]
    stored, files = [], []
    for partitions, parts, prepare in ((3, 2, "driver"), (3, 2, "executors"), (5, 7, "executors")):
        world = leads()
        spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
        frame = spark.read.parquet(parquet(rows, tmp_path / f"{prepare}-{parts}", parts=parts, seed=parts))
        report = push(frame, prepare=prepare, keep=keep, batch_rows=70)
        assert "unordered_query" in [warning.code for warning in report.warnings]
        stored.append(world.contacts())
        files.append(import_files(world, report.run_id))
    spark.conf.set("spark.sql.shuffle.partitions", "4")
    assert stored[0] == stored[1] == stored[2]
    assert files[1] == files[2]
    assert [count for count, _ in files[1]] == [70, 70, 70, 70, 20]


@WAYS
def test_types_arrive_as_from_a_file(spark: Any, leads: Leads, tmp_path: Path, prepare: str) -> None:
    """Numbers, dates, truth values and times of a frame are what a Parquet file of them gives; a moment is the local
    time of the session; a column of maps, which is left out, is not looked at."""
    table = pa.table(
        {
            "phone": pa.array([int(phone(n)) for n in range(300)], pa.int64()),
            "birthdate": [date(1990, 1, 1 + n % 28) for n in range(300)],
            "last_purchase": [datetime(2026, 1, 1 + n % 28, 22) for n in range(300)],
            "lifetime_value": pa.array([Decimal(n) / 4 for n in range(300)], pa.decimal128(12, 4)),
            "vip": [n % 3 == 0 for n in range(300)],
            "favorite_store": [n * 1e7 for n in range(300)],
        }
    )
    pq.write_table(table, tmp_path / "typed.parquet")
    world = leads()
    push_file(tmp_path / "typed.parquet")
    expected = world.contacts()
    moments = pa.array([datetime(2026, 1, 2 + n % 28, 3, tzinfo=UTC) for n in range(300)], pa.timestamp("us", "UTC"))
    table = table.set_column(2, "last_purchase", moments).append_column(
        "tags", pa.array([[("a", n)] for n in range(300)], pa.map_(pa.string(), pa.int64()))
    )
    pq.write_table(table, tmp_path / "with_zone.parquet")
    world = leads()
    push(spark.read.parquet(str(tmp_path / "with_zone.parquet")), prepare=prepare, skip_column="tags")
    assert world.contacts() == expected


def test_what_only_the_whole_shows_and_kept_cells(spark: Any, leads: Leads, tmp_path: Path) -> None:
    """Executors do as a file's push does where empty cells are kept (import files by filled columns), and where one
    decimal comma says how a column of numbers is meant: counts, warnings and stored values."""
    rows = [
        {
            "phone": phone(n),
            "first_name": ("", f"N{n}")[n % 2],
            "lifetime_value": ("0,5" if n == 7 else "1,500", "")[n % 4 == 2],
        }
        for n in range(300)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    options: dict[str, Any] = {"empty_cells": "keep", "on_bad_value": "blank"}
    world = leads()
    expected, contacts = push_file(tmp_path / "rows.parquet", **options), world.contacts()
    world = leads()
    report = push(spark.read.parquet(parquet(rows, tmp_path / "frame")), prepare="executors", **options)
    assert world.contacts() == contacts
    assert (report.rows_sent, report.rows_unchanged) == (expected.rows_sent, expected.rows_unchanged)
    assert [(each.rows, each.columns) for each in report.imports] == [(e.rows, e.columns) for e in expected.imports]
    codes = {warning.code for warning in report.warnings} - {"unordered_query"}
    assert codes == {warning.code for warning in expected.warnings}


@WAYS
def test_a_guard_stops_before_anything_is_sent(spark: Any, leads: Leads, prepare: str) -> None:
    """A guard looks at the whole frame, and nothing is sent."""
    world = leads()
    frame = spark.createDataFrame([*three_hundred(copies=1), ("12", "x", None, 0)] * 2, COLUMNS)
    with pytest.raises(GuardStopped) as caught:
        push(frame, prepare=prepare, skip_column="n", max_drop_rate=10)
    assert caught.value.report.dropped["duplicate_phone"] == 300
    assert caught.value.report.dropped["invalid_phone"] == 2
    assert world.admin("imports") == []


@WAYS
def test_a_run_goes_on_with_the_same_frame_alone(spark: Any, leads: Leads, prepare: str) -> None:
    """What Listrak refused is sent by `resume` with the same frame, in whatever parts it is; another frame is refused;
    the command line names the function."""
    world, rows = leads(), three_hundred()
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1, "count": 1}])
    options: dict[str, Any] = {"order_by": "n", "prepare": prepare, "skip_column": "n", "batch_rows": 100}
    with pytest.raises(ListrakRefused) as caught:
        push(spark.createDataFrame(rows, COLUMNS), **options, concurrency=1)
    assert caught.value.report.rows_refused == 100
    told = world.lsms("resume", "--json")
    assert told.code == 2
    assert "listrak_sms_cli.spark.resume" in told.json["error"]["hint"]
    with pytest.raises(AudienceError) as refused:
        resume(spark.createDataFrame([(*row[:1], "other", *row[2:]) for row in rows], COLUMNS))
    assert refused.value.code == "audience_changed"
    report = resume(spark.createDataFrame(rows[::-1], COLUMNS).repartition(5))
    assert (report.rows_read, report.rows_sent, report.dropped["duplicate_phone"]) == (600, 300, 300)
    assert {contact["First Name"] for contact in world.contacts().values()} >= {f"N{n}" for n in range(300, 600)}


@WAYS
def test_what_is_wrong_with_a_frame_is_said(spark: Any, leads: Leads, prepare: str) -> None:
    """A column that is not there, two of one name, a type without text, and an error of Spark's, whose text is kept."""
    leads()
    frame = spark.createDataFrame(three_hundred(copies=1), COLUMNS)
    with pytest.raises(UsageError, match="order_by names a column day"):
        push(frame, order_by="day", prepare=prepare)
    with pytest.raises(AudienceError, match="Two columns get one name"):
        push(frame.selectExpr("*", "n AS Phone"), prepare=prepare)
    with pytest.raises(AudienceError, match="“n” cannot be sent: it holds lists"):
        push(frame.selectExpr("phone", "array(n) AS n"), prepare=prepare, map={"n": "First Name"})
    with pytest.raises(AudienceError) as caught:
        push(frame.selectExpr("phone", "raise_error(first_name) AS first_name"), prepare=prepare)
    assert caught.value.code == "spark_failed"
    assert "N1" not in caught.value.message


def test_the_code_of_the_page_runs(spark: Any, leads: Leads) -> None:
    """The code of AUDIENCES.md pushes a frame; `resume` of what ended well says that there is nothing to do."""
    world = leads()
    example = code("python", "from listrak_sms_cli.spark import push, resume")
    frame = spark.createDataFrame(three_hundred(), COLUMNS.replace("n int", "updated_at int"))
    names: dict[str, Any] = {"df": frame}
    exec(example.replace("max_drop_rate=5", "max_drop_rate=50, skip_column='updated_at'"), names)
    assert names["report"].rows_sent == 300
    again = resume(names["df"], names["report"].run_id)
    assert "nothing_to_resume" in [warning.code for warning in again.warnings]
    assert len(world.admin("imports")) == 1


def test_columns_that_are_not_sent_stay_where_they_are(spark: Any, leads: Leads, tmp_path: Path) -> None:
    """A column of `skip_column` is not read, those of `skip_unmatched` do not come to the driver; one that looks like
    consent is looked at all the same, by driver and executors, and is warned of."""
    leads()
    rows = [{"phone": phone(n), "first_name": f"N{n}", "memo": f"M{n}", "sms_consent": "yes"} for n in range(300)]
    frame = spark.read.parquet(parquet(rows, tmp_path / "frame")).selectExpr(
        "*", "IF(first_name > '', raise_error(memo), memo) AS unread"
    )
    for prepare in ("driver", "executors"):
        audience = frame_of(frame, (), prepare)
        report = push_file(audience, skip_unmatched=True, skip_column="unread", no_warn="consent_unused", dry_run=True)
        assert (report.rows_sendable, report.skipped_columns) == (300, ("memo", "sms_consent", "unread"))
        assert audience.unneeded == ["memo"]
        report = push(frame, prepare=prepare, skip_unmatched=True, skip_column="unread", dry_run=True)
        assert "consent_unused" in [warning.code for warning in report.warnings]
    moved = SparkFrame(frame, ()).again({"unneeded": ["memo"]}).stream(["unread"])
    assert {row["memo"] for batch in moved.batches for row in batch.to_pylist()} == {None}
