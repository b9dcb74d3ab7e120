"""Languages over digits as tables that judge a whole column of numbers at once.

For numbers of one length a language becomes a machine of few states (equal ones are merged), and that a few
lookup tables of three digits each; they say exactly what the language says. Building is pure Python, less than a
millisecond for most patterns, and kept by those who ask; judging is numpy, without the GIL.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from listrak_sms_cli.audience.phones.patterns import EMPTY, NOTHING, Language, after, building, matches_empty

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint8]
_BLOCK = 3  # digits that one lookup judges
UNSURE = 255  # in a table of prefixes: what is stripped depends on more than the first three digits


@lru_cache(maxsize=1024)
def prefix_lengths(language: Language) -> npt.NDArray[np.uint8]:
    """For each first three digits of a number (000 to 999): how many digits a prefix of this language takes
    from its start. 0: none, whatever follows; UNSURE: it depends on what follows."""
    table = np.zeros(1000, np.uint8)
    with building:
        for three in range(1000):
            rest, found = language, []
            for taken, digit in enumerate((three // 100, three // 10 % 10, three % 10), start=1):
                rest = after(rest, digit)
                if matches_empty[rest]:
                    found.append(taken)
            if rest not in (NOTHING, EMPTY) or len(found) > 1:
                table[three] = UNSURE
            elif found:
                table[three] = found[0]
    return table


class Judge(Struct, frozen=True):
    """Says of numbers with `length` digits whether they are in a language. `decisive`: how many of their first
    digits decide; 0 = all of them are judged alike, as `otherwise` says. `tables`: one for each block of digits, from a
    state and the block to the next state; the last to the verdict. `needed`: of each entry of them, how many digits of
    the block it took."""

    length: int
    decisive: int
    otherwise: bool
    tables: tuple[npt.NDArray[np.int32], ...]
    needed: tuple[Counts, ...]

    def __call__(self, numbers: Integers) -> tuple[Mask, Counts]:
        """Bool a number, and with how many of its first digits that was settled, uint8; each is int64 and is taken to
        have `length` digits, with zeros in front if need be."""
        settled = np.zeros(len(numbers), np.uint8)
        if not self.decisive:
            return np.full(len(numbers), self.otherwise), settled
        unit = 10 ** (self.length - self.decisive)
        head = numbers.view(np.uint64) // np.uint64(unit) if unit > 1 else numbers.view(np.uint64)
        state: Integers | npt.NDArray[np.int32] = np.zeros(len(numbers), np.int32)
        before = np.zeros(len(numbers), np.uint64)
        for blocks_left, table, needed in zip(
            range(len(self.tables) - 1, -1, -1), self.tables, self.needed, strict=True
        ):
            upto = head // np.uint64(10 ** (_BLOCK * blocks_left)) if blocks_left else head
            places = (upto - before * np.uint64(1000)).view(np.int64) + state
            state = table.take(places, mode="clip")
            settled += needed.take(places, mode="clip")
            before = upto
        verdicts: Mask = state != 0
        return verdicts, settled


def compile_language(language: Language, length: int) -> Judge:
    """The judge of numbers with this many digits."""
    with building:
        states: dict[tuple[int, ...], int] = {(0,) * 10: 0, (1,) * 10: 1}  # 0 refuses, 1 accepts whatever follows
        depths = [0, 0]
        seen: dict[tuple[Language, int], int] = {}

        def state_of(rest: Language, left: int) -> int:
            if rest == NOTHING or left == 0:
                return int(rest != NOTHING and matches_empty[rest])
            key = (rest, left)
            if key not in seen:
                following = tuple(state_of(after(rest, digit), left - 1) for digit in range(10))
                if following not in states:
                    states[following] = len(states)
                    depths.append(1 + max(depths[state] for state in following))
                seen[key] = states[following]
            return seen[key]

        first = state_of(language, length)
    moves = np.array(list(states), np.int32)
    return Judge(length, depths[first], first == 1, *_tables(moves, first, depths[first]))


def _tables(
    moves: npt.NDArray[np.int32], first: int, decisive: int
) -> tuple[tuple[npt.NDArray[np.int32], ...], tuple[Counts, ...]]:
    """The state machine, in steps of a block; the first block takes what the others leave."""
    tables, needed = [], []
    current = np.array([first], np.int32)
    left = decisive
    while left:
        step = left % _BLOCK or _BLOCK
        reached = current[:, None]
        taken = np.zeros(reached.shape, np.uint8)
        for _ in range(step):
            taken = np.repeat(taken + (reached > 1), 10, axis=1)  # states 0 and 1 are left by no digit
            reached = moves[reached].reshape(len(current), -1)
        needed.append(taken.ravel())
        left -= step
        if left:
            current, positions = np.unique(reached, return_inverse=True)
            tables.append(positions.astype(np.int32).ravel() * 1000)
        else:
            tables.append((reached == 1).astype(np.int32).ravel())
    return tuple(tables), tuple(needed)
