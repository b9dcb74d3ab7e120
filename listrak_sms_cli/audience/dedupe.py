"""Which of several members with one phone."""

from __future__ import annotations

from typing import Literal

import numpy as np

Keep = Literal["first", "last"]


def duplicates(numbers: np.ndarray, keep: Keep) -> np.ndarray:
    """Rows that give way to another row with the same phone.

    `numbers`: int64, one a row, E.164 digits; values <= 0 are no phones and never duplicates. Returns the sorted
    int64 row indices of every member but the first or last of its phone. Exact for phones of every country.

    One sort of a copy finds the phones that come twice; a hash table of them (one byte a slot) finds the rows
    they could be on, so that only those few are sorted together with their rows. A packed (phone, row) sort is
    no faster and holds only North American phones: 50 bits of phone and 26 of row do not fit into 64.
    """
    ordered = np.sort(numbers)
    repeated = ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] > 0)]
    del ordered
    if not len(repeated):
        return np.empty(0, np.int64)
    candidates = _rows_that_may_hold(numbers, repeated)
    phones = numbers[candidates]
    order = np.argsort(phones, kind="stable")
    phones, rows = phones[order], candidates[order]
    same = (phones[1:] == phones[:-1]) & (phones[1:] > 0)
    superseded: np.ndarray = rows[:-1][same] if keep == "last" else rows[1:][same]
    superseded.sort()
    return superseded


_STEP = 1_000_000  # rows looked at together: bounds the temporary arrays


def _rows_that_may_hold(numbers: np.ndarray, phones: np.ndarray) -> np.ndarray:
    bits = max(16, len(phones).bit_length() + 3)
    table = np.zeros(1 << bits, np.bool_)
    table[_slot(phones, bits)] = True
    found = [
        np.flatnonzero(table[_slot(numbers[start : start + _STEP], bits)]) + start
        for start in range(0, len(numbers), _STEP)
    ]
    return np.concatenate(found)


def _slot(phones: np.ndarray, bits: int) -> np.ndarray:
    # Fibonacci hashing: the golden ratio spreads neighbouring phones over the table.
    mixed = phones.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - bits)).view(np.int64)
