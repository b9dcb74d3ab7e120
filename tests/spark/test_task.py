"""What runs on executors, without Spark: parts of an audience add up to what is found of the whole."""

from __future__ import annotations

import pickle
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli import AudienceError, UsageError
from listrak_sms_cli.audience import CleaningRules, ColumnChoices, ColumnPlan, FieldKind, ProfileField, plan_columns
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.pack import GroupPacker, ImportSpool, Lines
from listrak_sms_cli.runs.prepare import PartCounts, PartRules, PlannedAudience, Receivers, read_phones
from listrak_sms_cli.runs.prepare.part import ForeignPhones
from listrak_sms_cli.runs.prepare.value_pass import check_members
from listrak_sms_cli.spark import push
from listrak_sms_cli.spark.executors import _NEED_ROWS
from listrak_sms_cli.spark.frame import spark_errors
from listrak_sms_cli.spark.task import BLOCK, COUNTS, FAILED, Task, _Blocks, column_set, columns_of, versions
from tests.support.examples import examples
from tests.support.readme import PAGES
from tests.support.reference_account import members

KINDS = {"birthdate": FieldKind.DATE, "Last Purchase": FieldKind.DATE, "VIP": FieldKind.CHECKBOX}
KINDS["Lifetime Value"] = FieldKind.NUMBER
TABLE = pa.Table.from_pylist(members(150))
FIELDS = [ProfileField(n, name, KINDS.get(name, FieldKind.TEXT), 30) for n, name in enumerate(TABLE.column_names, 1)]


def whole(plan: ColumnPlan, rules: CleaningRules, keep: Any) -> tuple[PartCounts, set[bytes]]:
    """What a push finds of the audience, and its lines."""
    with open_audience(TABLE) as audience, closing(ImportSpool()) as spool:
        planned = PlannedAudience(audience, plan, rules, ReadingOptions(keep=keep))
        packer = GroupPacker(spool, [c.name for c in plan.columns], 1000, 1 << 30, by_filled_columns=rules.keep_empty)
        phones = read_phones(planned, lambda _event: None)
        checked = check_members(planned, phones, Receivers(packer), lambda _event: None)
        foreign = ForeignPhones.of(phones.numbers, phones.verdicts, rules)
        found = PartCounts(checked.counts, checked.columns, np.unique(checked.column_sets), foreign, phones.exponents)
        lines = b"".join(b"".join(file.content.chunks()) for file in packer.import_files()[0]).splitlines()
        return found, {line for line in lines if not line.startswith(b"phone,")}


def in_parts(task: Task, parts: int, batch_rows: int) -> tuple[PartCounts, list[bytes]]:
    """The same of tasks: rows go to buckets by their phone, in order within each; each part takes some buckets."""
    names = [f"c{index}" for index in range(TABLE.num_columns)]
    rows = TABLE.rename_columns(names).append_column("n", pa.array(range(len(TABLE))))
    numbered = pa.Table.from_batches(task.add_numbers(rows.to_batches(max_chunksize=batch_rows)))
    buckets = pa.array(numbered["number"].to_numpy() % 16, pa.int32())
    ordered = numbered.append_column("bucket", buckets).sort_by(
        [(name, "ascending") for name in ("bucket", "number", "n")]
    )
    found, lines = PartCounts(), []
    for part in range(parts):
        mine = ordered.filter(pa.array(ordered["bucket"].to_numpy() % parts == part)).combine_chunks()
        for result in task.pack(mine.to_batches(max_chunksize=batch_rows)):
            [row] = result.to_pylist()
            assert row["bucket"] != FAILED, pickle.loads(row["text"])
            if row["bucket"] == COUNTS:
                found.add(pickle.loads(row["text"]))
            else:
                lines += row["text"].splitlines()
    return found, lines


@given(
    parts=st.integers(1, 5), batch_rows=st.integers(1, 90), keep=st.sampled_from(["first", "last"]), kept=st.booleans()
)
@examples(4)
def test_parts_add_up_to_the_whole(parts: int, batch_rows: int, keep: Any, kept: bool) -> None:
    """Whatever the parts and batches, counts, column sets and lines of tasks together are those of a push of the whole,
    which of several members is kept included."""
    choices = ColumnChoices(consent_column="SMS Consent")
    plan = plan_columns(TABLE.column_names, FIELDS, choices)
    rules = CleaningRules("US", blank_bad_values=kept, keep_empty=kept)
    wanted = (plan.phone, plan.consent or 0, *(column.index for column in plan.columns))
    task = Task(PartRules(plan, rules, keep), wanted, versions())
    found, lines = in_parts(pickle.loads(pickle.dumps(task)), parts, batch_rows)
    expected, expected_lines = whole(plan, rules, keep)
    assert len(lines) == len(expected_lines)
    assert set(lines) == expected_lines
    assert (+found.counts, found.exponents, found.foreign) == (+expected.counts, expected.exponents, expected.foreign)
    assert found.column_sets.tolist() == expected.column_sets.tolist()
    assert {name: +value if hasattr(value, "total") else value for name, value in vars_of(found.columns).items()} == {
        name: +value if hasattr(value, "total") else value for name, value in vars_of(expected.columns).items()
    }


def vars_of(counts: Any) -> dict[str, Any]:
    return {name: getattr(counts, name) for name in counts.__struct_fields__}


def test_blocks_are_of_bounded_size() -> None:
    """Text is cut into pieces of at most 16 MiB, each set of columns its own, and nothing is lost between them."""
    text = pa.array(["x" * (5 << 20)] * 4 + ["y"])
    blocks = _Blocks()
    buckets = np.array([3, 3, 3, 3, 4], np.int32)
    batches = [*blocks.add(buckets, [Lines(None, np.arange(5), text)]), *blocks.end()]
    rows = [batch.to_pylist()[0] for batch in batches]
    assert [(row["bucket"], row["piece"], len(row["text"])) for row in rows] == [
        (3, 0, BLOCK),
        (3, 1, 4 << 20),
        (4, 0, 1),
    ]
    for columns in (None, (0,), (3, 63), tuple(range(1, 64))):
        assert -(1 << 63) <= column_set(columns) < 1 << 63
        assert columns_of(column_set(columns)) == columns


def test_executors_of_another_version_are_refused() -> None:
    """A task that another version would clean otherwise ends with an error of its own, not with other values."""
    plan = plan_columns(["phone", "email"], FIELDS, ColumnChoices())
    task = Task(PartRules(plan, CleaningRules("US"), "last"), (0, 1), ("0.0.1", "9"))
    [row] = next(iter(task.pack([]))).to_pylist()
    assert row["bucket"] == FAILED
    assert pickle.loads(row["text"])[0] == "executors_differ"


def test_what_is_no_frame_and_what_executors_cannot() -> None:
    """Before Spark is asked for anything: what is no frame, odd arguments, options that need single rows. AUDIENCES.md
    names each of these."""
    with pytest.raises(UsageError, match="no frame of Spark"):
        push(TABLE)
    with pytest.raises(UsageError, match="order_by"):
        push(TABLE, order_by=[1])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="prepare is not"):
        push(TABLE, prepare="cluster")  # type: ignore[arg-type]
    for option, value in {
        "limit": 3,
        "rejects": "r.csv",
        "canary": 5,
        "changed_only": True,
        "per_contact": True,
    }.items():
        with pytest.raises(UsageError) as caught:
            push(TABLE, prepare="executors", **{option: value})
        assert (caught.value.code, option in caught.value.message) == ("executors_cannot", True)
    assert [name for name in _NEED_ROWS if f"`{name}`" not in PAGES] == []


def test_errors_of_spark_keep_their_text() -> None:
    """A missing package is named; of any other error the class alone is told."""
    with pytest.raises(AudienceError, match="no package listrak_sms_cli") as missing, spark_errors():
        raise RuntimeError("Traceback …\nModuleNotFoundError: No module named 'listrak_sms_cli'")
    assert missing.value.code == "spark_package"
    with pytest.raises(AudienceError) as caught, spark_errors():
        raise ValueError("the phone 2125550100 is …")
    assert caught.value.message == "Spark ended with an error (ValueError)."
