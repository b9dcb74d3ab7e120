"""Languages over digits as lookup tables, which match a whole column of numbers at once.

For numbers of one length a language becomes a state machine (equal states are merged), and the machine becomes lookup
tables of three digits each, which accept exactly the numbers in the language. Building is pure Python, takes less than
a millisecond for most patterns, and is cached by the callers; matching is numpy, without the GIL.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from listrak_sms_cli.audience.phones.patterns import EMPTY, NOTHING, Language, derivative, languages_lock, matches_empty
from listrak_sms_cli.columnar import Integers, Mask

Counts = npt.NDArray[np.uint8]
_BLOCK = 3  # digits of one table
UNSURE = 255  # how many digits the prefix takes depends on more than the first three digits


@lru_cache(maxsize=1024)
def prefix_lengths(language: Language) -> npt.NDArray[np.uint8]:
    """How many digits a prefix of this language takes from the start of a number: uint8, 1000, by the number's first
    three digits. 0: there is no prefix, whatever follows; UNSURE: it depends on what follows."""
    table = np.zeros(1000, np.uint8)
    with languages_lock:
        for three in range(1000):
            rest, lengths = language, []
            for taken, digit in enumerate((three // 100, three // 10 % 10, three % 10), start=1):
                rest = derivative(rest, digit)
                if matches_empty[rest]:
                    lengths.append(taken)
            if rest not in (NOTHING, EMPTY) or len(lengths) > 1:
                table[three] = UNSURE
            elif lengths:
                table[three] = lengths[0]
    return table


class DigitTables(Struct, frozen=True):
    """Accept the numbers with `length` digits that are in a language.

    `deciding`: how many of the first digits decide; 0 = none, all numbers are accepted if `accepts_all`. `tables`: one
    for each block of digits, from a state and the block to the next state, in the last one to 1 (accepted) or 0.
    `digits_used`: for each entry of the tables how many digits of the block were needed to get there.
    """

    length: int
    deciding: int
    accepts_all: bool
    tables: tuple[npt.NDArray[np.int32], ...]
    digits_used: tuple[Counts, ...]

    def match(self, numbers: Integers) -> tuple[Mask, Counts]:
        """For each number whether it is accepted, and how many of its first digits decided that (uint8). Numbers are
        int64 and have `length` digits, with zeros in front if need be."""
        used = np.zeros(len(numbers), np.uint8)
        if not self.deciding:
            return np.full(len(numbers), self.accepts_all), used
        unit = 10 ** (self.length - self.deciding)
        head = numbers.view(np.uint64) // np.uint64(unit) if unit > 1 else numbers.view(np.uint64)
        state: Integers | npt.NDArray[np.int32] = np.zeros(len(numbers), np.int32)
        before = np.zeros(len(numbers), np.uint64)
        for blocks_left, table, digits_used in zip(
            range(len(self.tables) - 1, -1, -1), self.tables, self.digits_used, strict=True
        ):
            upto = head // np.uint64(10 ** (_BLOCK * blocks_left)) if blocks_left else head
            places = (upto - before * np.uint64(1000)).view(np.int64) + state
            state = table.take(places, mode="clip")
            used += digits_used.take(places, mode="clip")
            before = upto
        accepted: Mask = state != 0
        return accepted, used


def compile_language(language: Language, length: int) -> DigitTables:
    """The tables for numbers with this many digits."""
    with languages_lock:
        states: dict[tuple[int, ...], int] = {(0,) * 10: 0, (1,) * 10: 1}  # 0 refuses, 1 accepts whatever follows
        depths = [0, 0]  # of each state, how many digits may still decide
        known: dict[tuple[Language, int], int] = {}

        def state_of(rest: Language, left: int) -> int:
            if rest == NOTHING or left == 0:
                return int(rest != NOTHING and matches_empty[rest])
            key = (rest, left)
            if key not in known:
                following = tuple(state_of(derivative(rest, digit), left - 1) for digit in range(10))
                if following not in states:
                    states[following] = len(states)
                    depths.append(1 + max(depths[state] for state in following))
                known[key] = states[following]
            return known[key]

        first = state_of(language, length)
    moves = np.array(list(states), np.int32)
    return DigitTables(length, depths[first], first == 1, *_tables(moves, first, depths[first]))


def _tables(
    moves: npt.NDArray[np.int32], first: int, deciding: int
) -> tuple[tuple[npt.NDArray[np.int32], ...], tuple[Counts, ...]]:
    """The tables and digits used of a state machine. The first block is shorter when the digits make no whole number of
    blocks."""
    tables, digits_used = [], []
    current = np.array([first], np.int32)
    left = deciding
    while left:
        block = left % _BLOCK or _BLOCK
        reached = current[:, None]
        used = np.zeros(reached.shape, np.uint8)
        for _ in range(block):
            used = np.repeat(used + (reached > 1), 10, axis=1)  # states 0 and 1 are left by no digit
            reached = moves[reached].reshape(len(current), -1)
        digits_used.append(used.ravel())
        left -= block
        if left:
            current, positions = np.unique(reached, return_inverse=True)
            tables.append(positions.astype(np.int32).ravel() * 1000)
        else:
            tables.append((reached == 1).astype(np.int32).ravel())
    return tuple(tables), tuple(digits_used)
