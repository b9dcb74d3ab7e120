"""What is kept of numbers by their first digits says of every other number what the steps say of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.phones import prefix_cache as phone_outcomes
from listrak_sms_cli.audience.phones.numbering_plans import plan_of_region
from listrak_sms_cli.audience.phones.parse import MOST_DIGITS, Digits, read_international, read_national
from listrak_sms_cli.audience.phones.prefix_cache import Outcomes

REGIONS = ("US", "GB", "DE", "MX", "BR", "IT", "SG", "ZZ")
STARTS = ("", "1", "00", "011", "0", "44", "0044", "52", "521", "39", "49", "800", "7", "1717555", "0044123")


def numbers_of(length: int, seed: int, count: int = 400) -> np.ndarray:
    """Digits of this length, of which many begin as phones do, and alike."""
    chance = np.random.default_rng(seed)
    starts = chance.choice(STARTS, count)
    rests = chance.integers(0, 10, (count, length)).astype(str)
    return np.array([int((start + "".join(rest))[:length]) for start, rest in zip(starts, rests, strict=True)])


def steps(region: str, values: np.ndarray, shape: int) -> tuple[np.ndarray, np.ndarray]:
    digits = Digits.written(values, shape // 2)
    read = read_international if shape % 2 else read_national
    return read(plan_of_region(region), digits), digits.looked


@pytest.mark.parametrize("region", REGIONS)
@given(shape=st.integers(2, 2 * MOST_DIGITS + 1), seed=st.integers(0, 2**32))
def test_nothing_depends_on_digits_that_were_not_looked_at(region: str, shape: int, seed: int) -> None:
    """Numbers that share the digits a step has looked at get the same added, or are the same."""
    length, values = shape // 2, numbers_of(shape // 2, seed)
    read, looked = steps(region, values, shape)
    free = 10 ** (length - looked.astype(np.int64))
    others = values - values % free + np.random.default_rng(seed).integers(0, free)
    again, looked_again = steps(region, others, shape)
    assert (looked <= length).all()
    assert (looked_again == looked).all()
    assert (np.where(again > 0, again - others, again) == np.where(read > 0, read - values, read)).all()


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("entries", "shifts"), [(1 << 20, 1 << 10), (100_900, 2), (0, 1)])
def test_numbers_are_read_as_by_the_steps(
    region: str, entries: int, shifts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order, seen before or not, and also where no more can be kept."""
    monkeypatch.setattr(phone_outcomes, "_MOST_ENTRIES", entries)
    monkeypatch.setattr(phone_outcomes, "_MOST_SHIFTS", shifts)
    outcomes = Outcomes(plan_of_region(region))
    for seed in range(3):
        shapes = np.random.default_rng(seed).integers(2, 2 * MOST_DIGITS + 2, 3_000).astype(np.uint8)
        values, expected = np.zeros(len(shapes), np.int64), np.full(len(shapes), -2)
        for shape in range(2, 2 * MOST_DIGITS + 2):
            rows = np.flatnonzero(shapes == shape)
            values[rows] = numbers_of(shape // 2, seed, len(rows))
            expected[rows] = steps(region, values[rows], shape)[0]
        shapes[::50], expected[::50] = 0, -2
        assert outcomes.read(values, shapes).tolist() == expected.tolist()
