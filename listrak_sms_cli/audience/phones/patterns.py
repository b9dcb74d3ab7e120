"""The regular expressions of numbering plans, read as languages (sets of strings) over the ten digits.

libphonenumber (through the Python package `phonenumbers`) describes valid numbers by regular expressions. `pattern`
makes a Language of one; languages have unions, intersections and complements; and `derivative` (Brzozowski's) is all
that `tables` needs to make tables of a language.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import lru_cache, reduce
from operator import and_, or_

Language = int  # a place in _expressions: equal expressions have equal places

NOTHING: Language = 0  # no string at all
EMPTY: Language = 1  # the empty string
ANYTHING: Language = 2  # every string

_RANGE = re.compile(r"\d(?:-\d)?", re.ASCII)
_ONE_DIGIT = re.compile(r"\d|\\d|\[(?:\\d|\d(?:-\d)?)+\]", re.ASCII)

languages_lock = threading.RLock()  # all threads share the lists below: hold it while languages are made
_expressions: list[tuple[str, tuple[int, ...]]] = [("nothing", ()), ("empty", ()), ("anything", ())]
_places: dict[tuple[str, tuple[int, ...]], Language] = {entry: i for i, entry in enumerate(_expressions)}
matches_empty: list[bool] = [False, True, True]  # by language: is the empty string in it?
_ANY_DIGIT = (1 << 10) - 1
_first_digits: list[int] = [0, 0, _ANY_DIGIT]  # by language: a bit for each digit that may begin a string of it
_derived: dict[tuple[Language, int], Language] = {}


class UnknownPattern(ValueError):
    """A regular expression with something in it that libphonenumber's patterns have not had so far."""


def _language(kind: str, parts: tuple[int, ...], nullable: bool, first_digits: int) -> Language:
    expression = (kind, parts)
    if expression not in _places:
        _expressions.append(expression)
        matches_empty.append(nullable)
        _first_digits.append(first_digits)
        _places[expression] = len(_expressions) - 1
    return _places[expression]


def _one_of(digits: set[int]) -> Language:
    return _language("digit", tuple(sorted(digits)), False, sum(1 << digit for digit in digits))


def _concatenation(first: Language, second: Language) -> Language:
    if NOTHING in (first, second):
        return NOTHING
    if first == EMPTY:
        return second
    kind, parts = _expressions[first]
    if kind == "then":
        return _concatenation(parts[0], _concatenation(parts[1], second))
    if second == EMPTY:
        return first
    first_digits = _first_digits[first] | (_first_digits[second] if matches_empty[first] else 0)
    return _language("then", (first, second), matches_empty[first] and matches_empty[second], first_digits)


def _combined(
    kind: str,
    languages: tuple[Language, ...],
    neutral: Language,
    decisive: Language,
    quantifier: Callable[..., bool],
    of_digits: Callable[[int, int], int],
) -> Language:
    """The languages as one expression of this kind, in which `neutral` changes nothing and `decisive` is the result."""
    with languages_lock:
        parts: set[Language] = set()
        for language in languages:
            parts.update(_expressions[language][1] if _expressions[language][0] == kind else (language,))
        parts.discard(neutral)
        if decisive in parts:
            return decisive
        if len(parts) < 2:
            return parts.pop() if parts else neutral
        nullable = quantifier(matches_empty[part] for part in parts)
        first_digits = reduce(of_digits, (_first_digits[part] for part in parts))
        return _language(kind, tuple(sorted(parts)), nullable, first_digits)


def union(*languages: Language) -> Language:
    """The strings that are in at least one of the languages."""
    return _combined("or", languages, neutral=NOTHING, decisive=ANYTHING, quantifier=any, of_digits=or_)


def intersection(*languages: Language) -> Language:
    """The strings that are in all of the languages."""
    return _combined("and", languages, neutral=ANYTHING, decisive=NOTHING, quantifier=all, of_digits=and_)


def complement(language: Language) -> Language:
    """The strings that are not in the language."""
    with languages_lock:
        if language in (NOTHING, ANYTHING):
            return ANYTHING if language == NOTHING else NOTHING
        return _language("not", (language,), not matches_empty[language], _ANY_DIGIT)


def beginning_with(language: Language) -> Language:
    """The strings that begin with a string of the language."""
    with languages_lock:
        return _concatenation(language, ANYTHING)


def derivative(language: Language, digit: int) -> Language:
    """What follows this digit in the strings of the language that begin with it (Brzozowski's derivative)."""
    if not _first_digits[language] >> digit & 1:
        return NOTHING
    key = (language, digit)
    if key not in _derived:
        kind, parts = _expressions[language]
        if kind == "digit":
            rest = EMPTY
        elif kind == "then":
            rest = _concatenation(derivative(parts[0], digit), parts[1])
            if matches_empty[parts[0]]:
                rest = union(rest, derivative(parts[1], digit))
        elif kind == "or":
            rest = union(*[derivative(part, digit) for part in parts])
        elif kind == "and":
            rest = intersection(*[derivative(part, digit) for part in parts])
        elif kind == "not":
            rest = complement(derivative(parts[0], digit))
        else:
            rest = ANYTHING
        _derived[key] = rest
    return _derived[key]


@lru_cache(maxsize=4096)
def pattern(expression: str) -> Language:
    r"""The strings that a regular expression of libphonenumber matches from end to end.

    Known are digits, `\d`, `[…]`, groups, `|`, `?`, `{m}`, `{m,n}`; `$` is passed over, so that the language of a
    pattern with it may be too large, but never too small. Raises UnknownPattern for anything else.
    """
    with languages_lock:
        language, end = _alternatives(expression, 0)
    if end != len(expression):
        raise UnknownPattern(expression)
    return language


def _alternatives(text: str, at: int) -> tuple[Language, int]:
    language, at = _sequence(text, at)
    while text.startswith("|", at):
        other, at = _sequence(text, at + 1)
        language = union(language, other)
    return language, at


def _sequence(text: str, at: int) -> tuple[Language, int]:
    parts: list[Language] = []
    while at < len(text) and text[at] not in "|)":
        part, at = _atom(text, at)
        low, high, at = _times(text, at)
        optional = EMPTY
        for _ in range(high - low):
            optional = union(EMPTY, _concatenation(part, optional))
        parts += [part] * low + [optional]
    language = EMPTY
    for part in reversed(parts):
        language = _concatenation(part, language)
    return language, at


def _atom(text: str, at: int) -> tuple[Language, int]:
    if one_digit := _ONE_DIGIT.match(text, at):
        ranges = ["0-9"] if "\\d" in one_digit[0] else _RANGE.findall(one_digit[0])
        digits = {digit for each in ranges for digit in range(int(each[0]), int(each[-1]) + 1)}
        return _one_of(digits), one_digit.end()
    if text[at] == "(":
        inner, end = _alternatives(text, at + (3 if text.startswith("(?:", at) else 1))
        if text[end : end + 1] == ")":
            return inner, end + 1
    if text[at] == "$":
        return EMPTY, at + 1
    raise UnknownPattern(text)


def _times(text: str, at: int) -> tuple[int, int, int]:
    if text[at : at + 1] == "?":
        return 0, 1, at + 1
    if text[at : at + 1] != "{":
        return 1, 1, at
    end = text.index("}", at)
    low, _, high = text[at + 1 : end].partition(",")
    return int(low), int(high or low), end + 1
