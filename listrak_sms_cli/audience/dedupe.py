"""Which of several members with one phone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

Keep = Literal["first", "last"]


def duplicates(numbers: np.ndarray, keep: Keep) -> np.ndarray:
    """Rows that give way to another row with the same phone.

    `numbers`: int64, one a row, E.164 digits; values <= 0 are no phones and never duplicates. Returns the sorted
    int64 row indices of every member but the first or last of its phone. Exact for phones of every country.

    A hash of 32 bits stands for each phone while those that come twice are looked for: hashes are sorted share by share
    on several threads. A table of the hashes found (one byte a slot) finds the rows they could be on, so that only
    those few phones are sorted together with their rows, and compared as themselves. A packed (phone, row) sort is no
    faster and holds only North American phones: 50 bits of phone and 26 of row do not fit into 64.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        candidates = _rows_that_may_be_repeated(numbers, pool)
    phones = numbers[candidates]
    order = np.argsort(phones, kind="stable")
    phones, rows = phones[order], candidates[order]
    same = phones[1:] == phones[:-1]
    superseded: np.ndarray = rows[:-1][same] if keep == "last" else rows[1:][same]
    superseded.sort()
    return superseded


_STEP = 1_000_000  # rows looked at together: bounds the temporary arrays
_BITS = 32  # of a hash
_SHARE = 1 << 30  # hashes that are sorted together


def _rows_that_may_be_repeated(numbers: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
    blocks = [slice(start, start + _STEP) for start in range(0, len(numbers), _STEP)]
    hashes = np.empty(len(numbers), np.uint32)

    def fill(block: slice) -> None:
        hashes[block] = _hashes(numbers[block])

    list(pool.map(fill, blocks))
    repeated = _repeated(hashes, pool)
    bits = min(_BITS, max(16, len(repeated).bit_length() + 3))
    unused = np.uint32(_BITS - bits)
    table = np.zeros(1 << bits, np.bool_)
    table[repeated >> unused] = True

    def held(block: slice) -> np.ndarray:
        rows = np.flatnonzero(table[hashes[block] >> unused] & (numbers[block] > 0))
        rows += block.start
        return rows

    found: np.ndarray = np.concatenate([np.empty(0, np.int64), *pool.map(held, blocks)])
    return found


def _repeated(hashes: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
    def of_share(first: int) -> np.ndarray:
        some = hashes[(hashes >= first) & (hashes <= first + (_SHARE - 1))]
        some.sort()
        again: np.ndarray = some[1:][some[1:] == some[:-1]]
        return again

    every: np.ndarray = np.concatenate(list(pool.map(of_share, range(0, 1 << _BITS, _SHARE))))
    return every


def _hashes(phones: np.ndarray) -> np.ndarray:
    # Fibonacci hashing: the golden ratio spreads neighbouring phones over all values.
    mixed = phones.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - _BITS)).astype(np.uint32)
