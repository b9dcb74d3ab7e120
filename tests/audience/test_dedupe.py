"""Duplicates, held against a plain dictionary."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.dedupe import duplicates


def plain(numbers: list[int], keep: Literal["first", "last"]) -> list[int]:
    rows: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        if number > 0:
            rows.setdefault(number, []).append(row)
    return sorted(row for same in rows.values() for row in (same[1:] if keep == "first" else same[:-1]))


@given(
    st.lists(st.one_of(st.integers(-2, 6), st.sampled_from([12125550100, 999_999_999_999_999])), max_size=60),
    st.sampled_from(["first", "last"]),
)
def test_every_member_but_one_of_a_phone_gives_way(numbers: list[int], keep: Literal["first", "last"]) -> None:
    """Of the rows with one phone all but the first or last are named, sorted; rows without a phone never are."""
    found = duplicates(np.array(numbers, np.int64), keep)
    assert found.dtype == np.int64
    assert found.tolist() == plain(numbers, keep)


@pytest.mark.parametrize("rows", [200_000, pytest.param(1_200_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("keep", ["last", "first"])
def test_many_phones(keep: Literal["first", "last"], rows: int) -> None:
    """Over more than a million rows of neighbouring phones of several countries the answer is exact too."""
    random = np.random.default_rng(7)
    numbers = random.integers(0, rows // 3, rows) + random.choice([12_000_000_000, 4_917_100_000_000], rows)
    numbers[::1000] = random.choice([0, -1], rows // 1000)
    before = numbers.copy()
    assert duplicates(numbers, keep).tolist() == plain(numbers.tolist(), keep)
    assert np.array_equal(numbers, before)


def test_a_phone_on_every_row() -> None:
    """An audience of one phone keeps one member, and an empty one has no duplicates."""
    numbers = np.full(1000, 12125550100, np.int64)
    assert duplicates(numbers, "last").tolist() == list(range(999))
    assert duplicates(numbers, "first").tolist() == list(range(1, 1000))
    assert duplicates(numbers[:0], "last").tolist() == []
