"""Members grouped by the columns they fill: nobody is lost or repeated, no cell is empty, and the way out of too many
groups is the shortest."""

from __future__ import annotations

import csv
import io
import itertools
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience import (
    Cleaned,
    CleaningRules,
    ColumnPlan,
    FieldKind,
    PlannedColumn,
    ProfileField,
    Verdict,
    clean_members,
)
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack import GroupPacker, ImportFile, ImportSpool, check_columns, check_groups, lines_of
from listrak_sms_cli.runs.pack.by_filled_columns import fewest_to_skip

ROOMY = 1 << 20


def plan(names: list[str]) -> ColumnPlan:
    columns = [PlannedColumn(n, name, ProfileField(n, name, FieldKind.TEXT)) for n, name in enumerate(names, 1)]
    return ColumnPlan(0, tuple(columns), None, (), ("phone", *names))


NAMES = ["A", "B", "C"]
RULES = CleaningRules("US", keep_empty=True)
CELLS = st.sampled_from(["", "x", "y, z"])
BATCHES = st.lists(st.lists(st.tuples(st.booleans(), CELLS, CELLS, CELLS), max_size=8), max_size=5)


def cleaned(batch: list[tuple[bool, str, str, str]]) -> Cleaned:
    cells = {n: pa.array([row[n] for row in batch], pa.string()) for n in range(1, 4)}
    verdicts = np.array([Verdict.SENDABLE if row[0] else Verdict.INVALID_PHONE for row in batch], np.uint8)
    return clean_members(cells, plan(NAMES), RULES, verdicts)


def rows_of(part: ImportFile) -> list[dict[str, str]]:
    text = b"".join(part.content.chunks()).decode()
    assert len(text) == part.content.size
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(BATCHES, st.integers(2, 4))
def test_every_member_is_sent_once_without_an_empty_cell(
    batches: list[list[tuple[bool, str, str, str]]], rows: int
) -> None:
    """Who fills a column is in one import file, in order, with just what it fills; who fills none is unchanged; nobody
    is alone but in a group of one; `ranks` says whose group comes when."""
    expected: dict[tuple[str, ...], list[dict[str, str]]] = {}
    first, unchanged, sendable = 12125550100, 0, []
    with closing(ImportSpool()) as spool:
        packer = GroupPacker(spool, NAMES, rows, ROOMY, by_filled_columns=True)
        packer.begin(sum(map(len, batches)))
        for batch in batches:
            found = cleaned(batch)
            phones = np.arange(first, first + len(batch))
            packer.add(first - 12125550100, list(lines_of(found, phones, RULES, by_filled_columns=True)))
            first += len(batch)
            unchanged += int(np.count_nonzero(found.verdicts == Verdict.UNCHANGED))
            sendable += (found.verdicts == Verdict.SENDABLE).tolist()
            for phone, (sent, *values) in zip(phones.tolist(), batch, strict=True):
                filled = {name: value for name, value in zip(NAMES, values, strict=True) if value}
                if sent and filled:
                    expected.setdefault(tuple(filled), []).append({"phone": str(phone), **filled})
        parts, ranks = packer.import_files()
        packed: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for part in parts:
            names = NAMES if part.columns is None else [NAMES[place] for place in part.columns]
            packed.setdefault(tuple(names), []).extend(rows_of(part))
        assert packed == expected
        assert unchanged == sum(row[0] and not any(row[1:]) for batch in batches for row in batch)
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))
        assert all(part.rows > 1 or len(expected[names]) == 1 for part, names in zip(parts, _names(parts), strict=True))
        sizes = [sum(part.rows for part in some) for _, some in itertools.groupby(parts, key=lambda part: part.columns)]
        assert sizes == sorted(sizes, reverse=True)
        assert ranks is not None
        assert np.bincount(ranks[np.array(sendable, np.bool_)], minlength=len(sizes)).tolist() == sizes


def _names(parts: list[ImportFile]) -> list[tuple[str, ...]]:
    return [tuple(NAMES if part.columns is None else (NAMES[place] for place in part.columns)) for part in parts]


def brute_force(fills: list[int], most: int) -> int:
    varying = [n for n in range(8) if len({fill >> n & 1 for fill in fills}) == 2]
    for size in range(len(varying) + 1):
        for some in itertools.combinations(varying, size):
            mask = ~sum(1 << n for n in some)
            if len({fill & mask for fill in fills} - {0}) <= most:
                return size
    raise AssertionError("without all of them one fill is left")


@given(st.sets(st.integers(1, 255), min_size=1, max_size=120), st.integers(1, 12))
def test_no_smaller_set_of_columns_would_do(fills: set[int], most: int) -> None:
    """The columns to leave out are enough, and as few as trying all sets finds."""
    columns, certain = fewest_to_skip(np.array(sorted(fills), np.uint64), most)
    mask = ~sum(1 << column for column in columns)
    assert len({fill & mask for fill in fills} - {0}) <= most
    assert certain
    assert len(columns) == brute_force(sorted(fills), most)


def test_many_columns_are_searched_in_time() -> None:
    """Fifty columns filled at random end with a set that is enough, whether or not it is known to be the smallest."""
    draw = np.random.default_rng(7)
    bits = draw.random((5_000, 50)) < np.linspace(0.01, 0.99, 50)
    fills = np.unique((bits.astype(np.uint64) << np.arange(50, dtype=np.uint64)).sum(axis=1, dtype=np.uint64))
    columns, _certain = fewest_to_skip(fills, 64)
    mask = ~np.uint64(sum(1 << column for column in columns))
    assert np.count_nonzero(np.unique(fills & mask)) <= 64


def test_what_is_enough_for_a_few_fills_is_enough_for_all() -> None:
    """All ways to fill seventeen columns are too many by eleven columns, no search needed; a few rare ones beside them
    are not overlooked."""
    fills = np.arange(1, 1 << 17, dtype=np.uint64)
    columns, certain = fewest_to_skip(fills, 64)
    assert (len(columns), certain) == (11, True)
    rare = np.arange(1, 16, dtype=np.uint64) << np.uint64(40)
    fills = np.concatenate([fills, rare])
    columns, _certain = fewest_to_skip(fills, 64)
    mask = ~np.uint64(sum(1 << column for column in columns))
    assert np.count_nonzero(np.unique(fills & mask)) <= 64


def test_too_many_groups_are_refused_with_the_way_on() -> None:
    """More than 64 groups are an error that names the columns to leave out, quoted for a shell; 64 are none."""
    names = ["it's", *(f"c{n}" for n in range(6))]
    check_groups(np.arange(1, 65, dtype=np.uint64), plan(names))
    with pytest.raises(AudienceError) as caught:
        check_groups(np.arange(1, 128, dtype=np.uint64), plan(names))
    assert caught.value.code == "too_many_groups"
    assert caught.value.exit_code == 2
    assert """--skip-column 'it'"'"'s'""" in caught.value.hint
    with pytest.raises(AudienceError, match="at most 64 columns"):
        check_columns(plan([f"c{n}" for n in range(65)]))
