"""The regular expressions of numbering plans, read as languages over the ten digits.

libphonenumber (through the Python package `phonenumbers`) describes valid numbers by regular expressions. A
`Language` is such an expression, or some of them combined by "and", "or", "not"; `after` says what may follow a
digit (Brzozowski's derivative), which is all that `phone_judges` needs to make tables of it.
"""

from __future__ import annotations

import threading
from functools import lru_cache

Language = int  # a number in the book of expressions below: equal expressions, equal numbers

NOTHING: Language = 0  # no string at all
EMPTY: Language = 1  # the empty string
ANYTHING: Language = 2  # every string

_DIGITS = "0123456789"

building = threading.RLock()  # the book is shared by all threads: hold this while building
_book: list[tuple[str, tuple[int, ...]]] = [("nothing", ()), ("empty", ()), ("anything", ())]
_numbers: dict[tuple[str, tuple[int, ...]], Language] = {entry: i for i, entry in enumerate(_book)}
matches_empty: list[bool] = [False, True, True]  # by language
_derived: dict[tuple[Language, int], Language] = {}


class UnknownPattern(ValueError):
    """A regular expression with something in it that libphonenumber's patterns did not have so far."""


def _enter(kind: str, parts: tuple[int, ...], nullable: bool) -> Language:
    entry = (kind, parts)
    if entry not in _numbers:
        _book.append(entry)
        matches_empty.append(nullable)
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
    return _enter("then", (first, second), matches_empty[first] and matches_empty[second])


def _flattened(kind: str, languages: tuple[Language, ...]) -> set[Language]:
    flat: set[Language] = set()
    for language in languages:
        flat.update(_book[language][1] if _book[language][0] == kind else (language,))
    return flat


def either(*languages: Language) -> Language:
    """What is in at least one of them."""
    with building:
        parts = _flattened("or", languages) - {NOTHING}
        if ANYTHING in parts:
            return ANYTHING
        if len(parts) < 2:
            return parts.pop() if parts else NOTHING
        return _enter("or", tuple(sorted(parts)), any(matches_empty[part] for part in parts))


def both(*languages: Language) -> Language:
    """What is in all of them."""
    with building:
        parts = _flattened("and", languages) - {ANYTHING}
        if NOTHING in parts:
            return NOTHING
        if len(parts) < 2:
            return parts.pop() if parts else ANYTHING
        return _enter("and", tuple(sorted(parts)), all(matches_empty[part] for part in parts))


def neither(language: Language) -> Language:
    """What is not in it."""
    with building:
        if language in (NOTHING, ANYTHING):
            return ANYTHING if language == NOTHING else NOTHING
        return _enter("not", (language,), not matches_empty[language])


def beginning(language: Language) -> Language:
    """What begins with a string of it."""
    with building:
        return _then(language, ANYTHING)


def after(language: Language, digit: int) -> Language:
    """The rests of its strings that begin with this digit (Brzozowski's derivative)."""
    key = (language, digit)
    if key not in _derived:
        kind, parts = _book[language]
        if kind == "digit":
            rest = EMPTY if digit in parts else NOTHING
        elif kind == "then":
            rest = _then(after(parts[0], digit), parts[1])
            if matches_empty[parts[0]]:
                rest = either(rest, after(parts[1], digit))
        elif kind == "or":
            rest = either(*[after(part, digit) for part in parts])
        elif kind == "and":
            rest = both(*[after(part, digit) for part in parts])
        elif kind == "not":
            rest = neither(after(parts[0], digit))
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
    with building:
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
