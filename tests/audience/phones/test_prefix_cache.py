"""The prefix cache reads every number as the parser reads it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.phones import prefix_cache
from listrak_sms_cli.audience.phones.constants import INVALID, MOST_DIGITS, PREFIX_TRIE, UNDECIDED, UNREAD
from listrak_sms_cli.audience.phones.numbering_plans import plan_of_region
from listrak_sms_cli.audience.phones.parse import Digits, read_international, read_national
from listrak_sms_cli.audience.phones.prefix_cache import PrefixCache
from listrak_sms_cli.columnar import DigitTrie, look_up

REGIONS = ("US", "GB", "DE", "MX", "BR", "IT", "SG", "ZZ")
STARTS = ("", "1", "00", "011", "0", "44", "0044", "52", "521", "39", "49", "800", "7", "1717555", "0044123")


def numbers_of(length: int, seed: int, count: int = 400) -> np.ndarray:
    """Digits of this length, of which many begin as phones do, and alike."""
    chance = np.random.default_rng(seed)
    starts = chance.choice(STARTS, count)
    rests = chance.integers(0, 10, (count, length)).astype(str)
    return np.array([int((start + "".join(rest))[:length]) for start, rest in zip(starts, rests, strict=True)])


def parsed(region: str, values: np.ndarray, shape: int) -> tuple[np.ndarray, np.ndarray]:
    digits = Digits.written(values, shape // 2)
    read = read_international if shape % 2 else read_national
    return read(plan_of_region(region), digits), digits.digits_read


@pytest.mark.parametrize("region", REGIONS)
@given(shape=st.integers(2, 2 * MOST_DIGITS + 1), seed=st.integers(0, 2**32))
def test_only_recorded_digits_decide(region: str, shape: int, seed: int) -> None:
    """Numbers that begin with the same recorded digits are both not valid, or get the same added."""
    length, values = shape // 2, numbers_of(shape // 2, seed)
    read, digits_read = parsed(region, values, shape)
    free = 10 ** (length - digits_read.astype(np.int64))
    others = values - values % free + np.random.default_rng(seed).integers(0, free)
    again, digits_read_again = parsed(region, others, shape)
    assert (digits_read <= length).all()
    assert (digits_read_again == digits_read).all()
    assert (np.where(again > 0, again - others, again) == np.where(read > 0, read - values, read)).all()


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("entries", "shifts"), [(1 << 20, 1 << 10), (100_900, 2), (0, 1)])
def test_numbers_are_read_as_by_the_parser(
    region: str, entries: int, shifts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order, the first time and again, and also where there is no room for more."""
    monkeypatch.setattr(prefix_cache, "_MOST_ENTRIES", entries)
    monkeypatch.setattr(prefix_cache, "_MOST_SHIFTS", shifts)
    cache = PrefixCache(plan_of_region(region))
    for seed in range(3):
        shapes = np.random.default_rng(seed).integers(2, 2 * MOST_DIGITS + 2, 3_000).astype(np.uint8)
        values, expected = np.zeros(len(shapes), np.int64), np.full(len(shapes), -2)
        for shape in range(2, 2 * MOST_DIGITS + 2):
            rows = np.flatnonzero(shapes == shape)
            values[rows] = numbers_of(shape // 2, seed, len(rows))
            expected[rows] = parsed(region, values[rows], shape)[0]
        shapes[::50], expected[::50] = 0, -2
        assert cache.read(values, shapes).tolist() == expected.tolist()


def test_what_entries_mean() -> None:
    """By the first five digits, and by two more for each block that follows; nothing is known without a trie."""
    entries = np.zeros(10**5 + 300, np.int16)
    entries[[12, 13, 14, 15]] = 1, 2, 3, -1  # 00012 to 00015
    entries[[10**5 + 34, 10**5 + 35, 10**5 + 234]] = 4, -3, 1  # 00015 34, 00015 35, 00015 35 34
    shifts = np.array([5, -7], np.int64)
    tries: list[DigitTrie | None] = [None] * 38
    tries[22], tries[7] = DigitTrie(entries, shifts, 11), DigitTrie(entries[:1000], shifts, 3)
    results = {12_000_000: INVALID, 13_999_999: UNDECIDED, 14_123_456: 14_123_461, 15_340_001: 15_339_994}
    results |= {15_353_400: INVALID, 0: UNREAD, 15_999_999: UNREAD, 15_350_000: UNREAD, 99_999_999_999: UNREAD}
    values = np.array([*results, 12, 14, 14, 14], np.int64)
    shapes = np.array([22] * len(results) + [7, 7, 0, 9], np.uint8)
    numbers, missed = look_up(values, shapes, tries, PREFIX_TRIE)
    assert numbers.tolist() == [*results.values(), INVALID, 19, UNDECIDED, UNREAD]
    assert missed == 5
