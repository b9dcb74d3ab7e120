"""Dictionary-encoded columns are cleaned and sent as plain ones: the same lines, verdicts and counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli import validate
from listrak_sms_cli.audience.columns import ColumnPlan, FieldKind, PlannedColumn, ProfileField
from listrak_sms_cli.audience.members import CleaningRules, Verdict, clean_members
from listrak_sms_cli.audience.profile import AudienceProfile
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.columnar.dictionaries import decoded
from listrak_sms_cli.errors import NothingSent
from listrak_sms_cli.runs.pack import lines_of, write_lines
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts

KINDS = tuple(FieldKind)
WORDS = ["", " ", "Gold", "gold, plus", 'a "b"', "yes", "no", "12.345", "1,5", "2024-02-30", "1988-03-05", "n/a", "é\t"]
PLAN = ColumnPlan(
    0,
    tuple(PlannedColumn(n, kind.name, ProfileField(n, kind.name, kind, 9)) for n, kind in enumerate(KINDS, 1)),
    None,
    (),
    ("phone", *(kind.name for kind in KINDS)),
)
ENCODED = pa.dictionary(pa.int32(), pa.string())


@given(
    st.lists(st.lists(st.one_of(st.none(), st.sampled_from(WORDS)), min_size=len(KINDS), max_size=len(KINDS))),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_encoded_members_are_cleaned_as_plain_ones(
    rows: list[list[str | None]], cut: int, blank: bool, keep: bool
) -> None:
    """Whatever the kind of field, also for slices, nulls, null words, values sent empty and empty cells kept."""
    rules = CleaningRules("US", null_values=("n/a",), blank_bad_values=blank, keep_empty=keep)
    plain = {n: pa.array(column, pa.string())[cut:] for n, column in enumerate(_columns(rows), 1)}
    few = {n: pa.array(column, pa.string()).cast(ENCODED)[cut:] for n, column in enumerate(_columns(rows), 1)}
    verdicts = np.zeros(len(plain[1]), np.uint8)
    numbers = np.full(len(verdicts), 17175550100)
    wanted, found = (clean_members(cells, PLAN, rules, verdicts) for cells in (plain, few))
    assert found.verdicts.tolist() == wanted.verdicts.tolist()
    assert ColumnCounts.of(found) == ColumnCounts.of(wanted)
    lines = [next(lines_of(some, numbers, rules, by_filled_columns=False)).text.to_pylist() for some in (wanted, found)]
    assert lines[0] == lines[1]


def _columns(rows: list[list[str | None]]) -> list[list[str | None]]:
    return [[row[place] for row in rows] for place in range(len(KINDS))]


@given(st.lists(st.lists(st.one_of(st.none(), st.sampled_from(WORDS)), max_size=9)), st.integers(0, 3))
def test_encoded_columns_have_the_profile_of_plain_ones(batches: list[list[str | None]], cut: int) -> None:
    """Also once the sample is whole, with nulls, null words and words that are in no row."""
    told = []
    for kind in (pa.string(), ENCODED):
        profile = AudienceProfile([1], ("n/a",), "US")
        profile.add(profile.facts_of({1: pa.array(["full"] * 1_024)}))
        for batch in batches:
            profile.add(profile.facts_of({1: pa.array(batch, pa.string()).cast(kind)[cut:]}))
        told.append(profile.columns[1])
    plain, few = told
    assert not plain.wants_sample
    assert (few.filled, few.distinct, few.longest) == (plain.filled, plain.distinct, plain.longest)


def test_not_sent_for_a_word_that_nobody_has() -> None:
    """A word of the dictionary that is in no row drops nobody and counts nowhere."""
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array(["yes", "perhaps"]))
    plan = ColumnPlan(0, (PlannedColumn(1, "x", ProfileField(1, "x", FieldKind.CHECKBOX)),), None, (), ("phone", "x"))
    cleaned = clean_members({1: column}, plan, CleaningRules("US"), np.zeros(2, np.uint8))
    assert cleaned.verdicts.tolist() == [Verdict.SENDABLE] * 2
    assert cleaned.columns[0].unfit is None


@pytest.mark.parametrize("options", [{}, {"dictionary_pagesize_limit": 1 << 10}, {"use_dictionary": False}])
def test_read_from_parquet(tmp_path: Path, options: dict[str, object]) -> None:
    """Columns of few words come dictionary-encoded and hold what the plain ones hold: also with nulls, where the
    dictionary ends early and plain values follow, where there is none, and from one row group to the next."""
    rows = 70_000
    tiers = pa.array([None if n % 11 == 0 else f"tier {n % 7}" for n in range(rows)])
    names = pa.array([f"name {n % 40_000}" if n > 5_000 else "one of few" for n in range(rows)])
    kinds = pa.array([f"kind {n % 3}" for n in range(rows)]).dictionary_encode()
    table = pa.table({"phone": names, "tier": tiers, "name": names, "kind": kinds})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=30_000, **options)
    kept = []
    with open_audience(path) as audience:
        for chunk in audience.chunks():
            plain, few = chunk.read(), chunk.read(keep_dictionaries=True)
            kept += [pa.types.is_dictionary(few.column("tier").type)]
            assert few.schema.names == plain.schema.names
            for one, other in zip(plain.columns, few.columns, strict=True):
                assert decoded(one).equals(decoded(other))
    assert all(kept) or options.get("use_dictionary") is False


def test_a_long_word_behind_the_dictionary(tmp_path: Path) -> None:
    """One long word among plain values behind a dictionary of few words takes the room of one cell, not of all."""
    tiers = pa.array([f"tier {n % 5}" for n in range(5_000)]).dictionary_encode()
    notes = pa.array([f"note {n % 90}" if n else "long note " * 1_800 for n in range(60_536)]).dictionary_encode()
    table = pa.table({"phone": ["1"] * 65_536, "notes": pa.chunked_array([tiers, notes])})
    pq.write_table(table, tmp_path / "a.parquet")
    with open_audience(tmp_path / "a.parquet") as audience:
        (chunk,) = audience.chunks()
        batch = chunk.read(keep_dictionaries=True)
    assert pa.types.is_dictionary(batch.column(1).type)
    lines = write_lines(decoded(batch.column(0)), [batch.column(1)])
    assert len(lines[5_000].as_py()) == 18_003


def test_encoding_is_given_up(tmp_path: Path) -> None:
    """A column that has few words in its first dictionary and many behind it is read plain from then on."""
    words = [f"word {n}" if n < 100 else f"a longer word {n}" for n in range(120_000)]
    table = pa.table({"phone": words, "text": words})
    path = tmp_path / "a.parquet"
    pq.write_table(pa.concat_tables([table, table]), path, row_group_size=120_000, dictionary_pagesize_limit=1 << 10)
    with open_audience(path) as audience:
        texts = [chunk.read([1], keep_dictionaries=True).column(0) for chunk in audience.chunks()]
    assert [text for column in texts for text in decoded(column).to_pylist()] == words * 2


@pytest.mark.parametrize("few", [True, False])
def test_rejected_rows_are_written_as_they_were_read(tmp_path: Path, few: bool) -> None:
    """A null stays a null beside an empty cell, whether the column came dictionary-encoded or plain."""
    columns = {"phone": ["12", "13", None], "tier": ["Gold", None, ""], "name": [None, "Ann", "Ann"]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", use_dictionary=few)
    for name in ("rejects.parquet", "rejects.csv"):
        with pytest.raises(NothingSent):
            validate(tmp_path / "a.parquet", offline=True, rejects=tmp_path / name)
    rows = pq.read_table(tmp_path / "rejects.parquet").select(list(columns))
    assert rows.to_pydict() == columns
    lines = (tmp_path / "rejects.csv").read_text().splitlines()[1:]
    assert [line.split(",")[-3:] for line in lines] == [
        ['"12"', '"Gold"', ""],
        ['"13"', "", '"Ann"'],
        ["", '""', '"Ann"'],
    ]
