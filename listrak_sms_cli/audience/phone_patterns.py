"""The patterns of a numbering plan as tables that judge a whole column of phones at once.

libphonenumber (through the Python package `phonenumbers`) describes valid numbers by regular expressions
over digits. A `Language` here is such an expression, or a combination of some by "and", "or", "not"; for
numbers of one length it compiles into lookup tables, a few digits each, that say exactly what the
expression says: Brzozowski's derivatives give the states, equal ones are merged.

Building is pure Python, milliseconds for a pattern, and kept; judging is numpy, without the GIL.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Language = int  # a number in the book of expressions below: equal expressions, equal numbers

NOTHING: Language = 0  # no string at all
EMPTY: Language = 1  # the empty string
ANYTHING: Language = 2  # every string

_DIGITS = "0123456789"
_BLOCK = 3  # digits that one lookup judges

_building = threading.RLock()  # the book is shared by all threads
_book: list[tuple[str, tuple[int, ...]]] = [("nothing", ()), ("empty", ()), ("anything", ())]
_numbers: dict[tuple[str, tuple[int, ...]], Language] = {entry: i for i, entry in enumerate(_book)}
_matches_empty: list[bool] = [False, True, True]
_derived: dict[tuple[Language, int], Language] = {}


class UnknownPattern(ValueError):
    """A regular expression with something in it that libphonenumber's patterns did not have so far."""


def _enter(kind: str, parts: tuple[int, ...], matches_empty: bool) -> Language:
    entry = (kind, parts)
    if entry not in _numbers:
        _book.append(entry)
        _matches_empty.append(matches_empty)
        _numbers[entry] = len(_book) - 1
    return _numbers[entry]


def _one_of(digits: set[int]) -> Language:
    return _enter("digit", tuple(sorted(digits)), False)


def _then(first: Language, second: Language) -> Language:
    if NOTHING in (first, second):
        return NOTHING
    if first == EMPTY:
        return second
    kind, parts = _book[first]
    if kind == "then":
        return _then(parts[0], _then(parts[1], second))
    if second == EMPTY:
        return first
    return _enter("then", (first, second), _matches_empty[first] and _matches_empty[second])


def _flattened(kind: str, languages: tuple[Language, ...]) -> set[Language]:
    flat: set[Language] = set()
    for language in languages:
        flat.update(_book[language][1] if _book[language][0] == kind else (language,))
    return flat


def either(*languages: Language) -> Language:
    """What is in at least one of them."""
    with _building:
        parts = _flattened("or", languages) - {NOTHING}
        if ANYTHING in parts:
            return ANYTHING
        if len(parts) < 2:
            return parts.pop() if parts else NOTHING
        return _enter("or", tuple(sorted(parts)), any(_matches_empty[part] for part in parts))


def both(*languages: Language) -> Language:
    """What is in all of them."""
    with _building:
        parts = _flattened("and", languages) - {ANYTHING}
        if NOTHING in parts:
            return NOTHING
        if len(parts) < 2:
            return parts.pop() if parts else ANYTHING
        return _enter("and", tuple(sorted(parts)), all(_matches_empty[part] for part in parts))


def neither(language: Language) -> Language:
    """What is not in it."""
    with _building:
        if language in (NOTHING, ANYTHING):
            return ANYTHING if language == NOTHING else NOTHING
        return _enter("not", (language,), not _matches_empty[language])


def beginning(language: Language) -> Language:
    """What begins with a string of it."""
    with _building:
        return _then(language, ANYTHING)


def _after(language: Language, digit: int) -> Language:
    """The rests of its strings that begin with this digit (Brzozowski's derivative)."""
    key = (language, digit)
    if key not in _derived:
        kind, parts = _book[language]
        if kind == "digit":
            rest = EMPTY if digit in parts else NOTHING
        elif kind == "then":
            rest = _then(_after(parts[0], digit), parts[1])
            if _matches_empty[parts[0]]:
                rest = either(rest, _after(parts[1], digit))
        elif kind == "or":
            rest = either(*[_after(part, digit) for part in parts])
        elif kind == "and":
            rest = both(*[_after(part, digit) for part in parts])
        elif kind == "not":
            rest = neither(_after(parts[0], digit))
        else:
            rest = ANYTHING if kind == "anything" else NOTHING
        _derived[key] = rest
    return _derived[key]


@lru_cache(maxsize=4096)
def pattern(expression: str) -> Language:
    r"""The strings that a regular expression of libphonenumber matches from end to end.

    Known are digits, `\d`, `[…]`, groups, `|`, `?`, `{m}`, `{m,n}`; `$` is taken for nothing, so that a pattern
    with it says too much, never too little. Raises UnknownPattern for anything else.
    """
    with _building:
        language, end = _alternatives(expression, 0)
    if end != len(expression):
        raise UnknownPattern(expression)
    return language


def _alternatives(text: str, at: int) -> tuple[Language, int]:
    branches: list[list[Language]] = []
    parts: list[Language] = []
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            branches.append(parts)
            parts, at = [], at + 1
            continue
        part, at = _atom(text, at)
        low, high, at = _times(text, at)
        optional = EMPTY
        for _ in range(high - low):
            optional = either(EMPTY, _then(part, optional))
        parts += [part] * low + [optional]
    languages = []
    for branch in [*branches, parts]:
        language = EMPTY
        for part in reversed(branch):
            language = _then(part, language)
        languages.append(language)
    return either(*languages), at


def _atom(text: str, at: int) -> tuple[Language, int]:
    if text[at] in _DIGITS:
        return _one_of({int(text[at])}), at + 1
    if text.startswith("\\d", at):
        return _one_of(set(range(10))), at + 2
    if text[at] == "[":
        end = text.index("]", at)
        return _one_of(_digit_class(text[at + 1 : end])), end + 1
    if text[at] == "(":
        inner, end = _alternatives(text, at + (3 if text.startswith("(?:", at) else 1))
        if text[end : end + 1] == ")":
            return inner, end + 1
    if text[at] == "$":
        return EMPTY, at + 1
    raise UnknownPattern(text)


def _digit_class(inside: str) -> set[int]:
    digits: set[int] = set()
    at = 0
    while at < len(inside):
        if inside.startswith("\\d", at):
            return set(range(10))
        last = inside[at + 2] if inside[at + 1 : at + 2] == "-" else inside[at]
        if inside[at] not in _DIGITS or last not in _DIGITS:
            raise UnknownPattern(inside)
        digits.update(range(int(inside[at]), int(last) + 1))
        at += 3 if last != inside[at] or inside[at + 1 : at + 2] == "-" else 1
    return digits


def _times(text: str, at: int) -> tuple[int, int, int]:
    if text[at : at + 1] == "?":
        return 0, 1, at + 1
    if text[at : at + 1] != "{":
        return 1, 1, at
    end = text.index("}", at)
    low, _, high = text[at + 1 : end].partition(",")
    return int(low), int(high or low), end + 1


UNSURE = 255  # in a table of prefixes: what is stripped depends on more than the first three digits


@lru_cache(maxsize=1024)
def prefix_lengths(language: Language) -> npt.NDArray[np.uint8]:
    """For each first three digits of a number (000 to 999): how many digits a prefix of this language takes
    from its start. 0: none, whatever follows; UNSURE: it depends on what follows."""
    table = np.zeros(1000, np.uint8)
    with _building:
        for three in range(1000):
            rest, found = language, []
            for taken, digit in enumerate((three // 100, three // 10 % 10, three % 10), start=1):
                rest = _after(rest, digit)
                if _matches_empty[rest]:
                    found.append(taken)
            if rest not in (NOTHING, EMPTY) or len(found) > 1:
                table[three] = UNSURE
            elif found:
                table[three] = found[0]
    return table


@dataclass(frozen=True)
class Judge:
    """Says of numbers with `length` digits whether they are in a language. `decisive`: how many of their first
    digits decide; 0 = all of them are judged alike, as `otherwise` says. `tables`: one for each block of digits, from a
    state and the block to the next state; the last to the verdict."""

    length: int
    decisive: int
    otherwise: bool
    tables: tuple[npt.NDArray[np.int32], ...]

    def __call__(self, numbers: Integers) -> Mask:
        """Bool a number; each is int64 and is taken to have `length` digits, with zeros in front if need be."""
        if not self.decisive:
            return np.full(len(numbers), self.otherwise)
        unit = 10 ** (self.length - self.decisive)
        head = numbers.view(np.uint64) // np.uint64(unit) if unit > 1 else numbers.view(np.uint64)
        state: npt.NDArray[np.int32] | None = None
        before = head
        for blocks_left, table in zip(range(len(self.tables) - 1, -1, -1), self.tables, strict=True):
            upto = head // np.uint64(10 ** (_BLOCK * blocks_left)) if blocks_left else head
            if state is None:
                state = table.take(upto.view(np.int64), mode="clip")
            else:
                block = upto - before * np.uint64(1000)
                state = table.take(block.view(np.int64) + state, mode="clip")
            before = upto
        assert state is not None
        verdicts: Mask = state != 0
        return verdicts


def compile_language(language: Language, length: int) -> Judge:
    """The judge of numbers with this many digits."""
    with _building:
        states: dict[tuple[int, ...], int] = {(0,) * 10: 0, (1,) * 10: 1}  # 0 refuses, 1 accepts whatever follows
        depths = [0, 0]
        seen: dict[tuple[Language, int], int] = {}

        def state_of(rest: Language, left: int) -> int:
            if rest == NOTHING or left == 0:
                return int(rest != NOTHING and _matches_empty[rest])
            key = (rest, left)
            if key not in seen:
                following = tuple(state_of(_after(rest, digit), left - 1) for digit in range(10))
                if following not in states:
                    states[following] = len(states)
                    depths.append(1 + max(depths[state] for state in following))
                seen[key] = states[following]
            return seen[key]

        first = state_of(language, length)
    moves = np.array(list(states), np.int32)
    return Judge(length, depths[first], first == 1, _tables(moves, first, depths[first]))


def _tables(moves: npt.NDArray[np.int32], first: int, decisive: int) -> tuple[npt.NDArray[np.int32], ...]:
    """The state machine, in steps of a block; the first block takes what the others leave."""
    tables = []
    current = np.array([first], np.int32)
    left = decisive
    while left:
        step = left % _BLOCK or _BLOCK
        reached = current[:, None]
        for _ in range(step):
            reached = moves[reached].reshape(len(current), -1)
        left -= step
        if left:
            current, positions = np.unique(reached, return_inverse=True)
            tables.append(positions.astype(np.int32).ravel() * 1000)
        else:
            tables.append((reached == 1).astype(np.int32).ravel())
    return tuple(tables)
