"""What spreadsheets and exports leave around a value: taken off where it certainly is not part of it; and the words
they write for an empty cell, which are only found.

A clean column is told by what its cells begin and end with.
"""

from __future__ import annotations

from enum import Flag, auto
from functools import cache

import numpy as np
import pyarrow as pa

from listrak_sms_cli.columnar import (
    Bytes,
    Column,
    Mask,
    Raw,
    Words,
    cells_among,
    classes_at_ends,
    count_byte,
    fixed_column,
    matches,
    pc,
    raw,
    replace_cells,
    replace_matches,
    select,
    trimmed,
    used_words,
    words_and_places,
)

_FORMULA = r'^=[ ]*"((?:[^"]|"")*)"$'  # ="07030"
_APOSTROPHE = r"^'+([-+=@0-9][^']*)$"  # before what a spreadsheet would take for a number or a formula
_DECADE = "^'[0-9]{2}(?:s|[^0-9].*)?$"  # '90s: an apostrophe that belongs there
_ANY_APOSTROPHE = r"^'+(.*)$"
NULL_WORDS = (
    "\\N", "\\\\N", "#N/A", "#NA", "(null)", "(NULL)", "<null>", "<NULL>", "[null]", "[NULL]", "{null}", "null", "NULL",
    "nil", "undefined", "nan", "NaN", "NAN", "-nan", "NaT", "<NA>",
    "#NULL!", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!",  # a sheet saved as CSV
)  # fmt: skip
_ROUNDS = 2  # '="07030"
_IS_MARK = np.zeros(256, np.bool_)
_IS_MARK[[ord(mark) for mark in "'=\t"]] = True
_IS_DIGIT = np.zeros(256, np.bool_)
_IS_DIGIT[ord("0") : ord("9") + 1] = True
_FLOAT = r"^-?[0-9]+\.0$"
_DECIMAL = r"^-?[0-9]+\.[0-9]+$"
_FIRST = 64  # cells that are looked at before all of them: one is enough


class Ends(Flag):
    """What cells of a column begin or end with."""

    MARK = auto()
    BLANK = auto()
    DIGIT = auto()

    @classmethod
    def of(cls, column: pa.StringArray) -> Ends:
        """What some cell begins or ends with; of digits, ends with. `column` has no nulls."""
        return cls(classes_at_ends(raw(column), _OF_FIRST, _OF_LAST))


_OF_LAST = np.zeros(256, np.uint8)
_OF_LAST[: ord(" ") + 1] = Ends.BLANK.value
_OF_LAST[0x80:] = Ends.BLANK.value  # some blanks are beyond ASCII
_OF_FIRST = _OF_LAST.copy()
_OF_FIRST[_IS_MARK] |= Ends.MARK.value
_OF_LAST[ord("\t")] |= Ends.MARK.value
_OF_LAST[_IS_DIGIT] = Ends.DIGIT.value


def without_prefixes(column: pa.StringArray, *, text: bool) -> pa.StringArray:
    """Return the column (no nulls) without the apostrophe, the `="…"` and the tab that keep a spreadsheet from taking a
    cell for a number, of cells some of which begin or end with a mark. In a `text` an apostrophe is taken off only
    before a number or a formula: it may belong there."""
    cells = raw(column)
    marked = _IS_MARK.take(_firsts(cells)) | (_lasts(cells) == ord("\t"))
    found = select(column, marked)
    for _ in range(_ROUNDS):
        found = _unmarked(found, text=text)
    return replace_cells(column, marked, found)


def null_words(column: pa.StringArray) -> Mask | None:
    """Return which cells hold a word that programs write for an empty cell or an error, spelled as they do; None = no
    row. `column` has no nulls."""
    return cells_among(raw(column), _null_words())


@cache
def _null_words() -> Words:
    return Words(raw(fixed_column(*NULL_WORDS)))


def _unmarked(cells: pa.StringArray, *, text: bool) -> pa.StringArray:
    cells = pc.utf8_trim(cells, "\t")
    formula = matches(cells, _FORMULA)
    if formula.any():
        content = pc.replace_substring_regex(select(cells, formula), _FORMULA, r"\1")
        cells = replace_cells(cells, formula, pc.replace_substring(content, '""', '"'))
    if not text:
        return replace_matches(cells, _ANY_APOSTROPHE, r"\1")
    marked = matches(cells, _APOSTROPHE)
    marked &= ~matches(cells, _DECADE)
    if not marked.any():
        return cells
    return replace_cells(cells, marked, pc.replace_substring_regex(select(cells, marked), _APOSTROPHE, r"\1"))


def without_blanks(column: pa.StringArray) -> pa.StringArray:
    """Return the column (no nulls) without blanks around its cells, some of which begin or end with one."""
    cells = raw(column)
    ends = np.stack((_firsts(cells), _lasts(cells)))
    blank: Mask = np.logical_or.reduce((ends <= ord(" ")) | (ends >= 0x80))  # some blanks are beyond ASCII
    return replace_cells(column, blank, trimmed(select(column, blank))) if blank.any() else column


def decimals_in_text(column: pa.StringArray) -> tuple[Mask | None, Mask | None]:
    """Return the whole numbers written as pandas leaves them (`10001.0`), and rows with true decimals (`4.5`; all of
    them, or just some): where a column has both, its numbers are decimals. None = no row. `column` has no nulls."""
    cells = raw(column)
    if not len(cells.data) or cells.data.min() > ord(".") or not count_byte(cells.data, ord(".")):
        return None, None
    numbers = _IS_DIGIT.take(_lasts(cells))
    firsts = _firsts(cells)
    numbers &= _IS_DIGIT.take(firsts) | (firsts == ord("-"))
    if not numbers.any():
        return None, None
    floats = _lasts(cells) == ord("0")
    floats &= numbers
    if floats.any():
        floats[floats] = matches(select(column, floats), _FLOAT)
    return floats if floats.any() else None, _true_decimals(column, np.flatnonzero(numbers & ~floats))


def _true_decimals(column: pa.StringArray, rows: np.ndarray) -> Mask | None:
    for some in (rows[:_FIRST], rows[_FIRST:]):
        found = np.zeros(len(column), np.bool_)
        found[some] = True
        found[some] = matches(select(column, found), _DECIMAL)
        if found.any():
            return found
    return None


def without_float_end(column: pa.StringArray, floats: Mask) -> pa.StringArray:
    """Return the column with these rows (`10001.0`) as whole numbers."""
    return replace_cells(column, floats, pc.replace_substring(select(column, floats), ".0", ""))


def all_padded(column: Column) -> bool | None:
    """Return whether a blank begins or ends every filled cell; None where none is filled."""
    words, places = words_and_places(column)
    if places is None:
        return False if False in _paddings(words.slice(0, _FIRST)) else _all(_paddings(words))
    filled = raw(words).lengths > 0
    if not any(filled.take(some).any() for some in (places[:_FIRST], places)):
        return None
    found = _paddings(words)
    return _all(found if len(found) == 1 else _paddings(used_words(column)))


def _paddings(cells: pa.StringArray) -> set[bool]:
    """Whether a blank begins or ends the cell: what is found of filled ones."""
    content = raw(cells)
    filled = content.lengths > 0
    if not filled.any():
        return set()
    padded = ((_firsts(content) == ord(" ")) | (_lasts(content) == ord(" ")))[filled]
    return {bool(padded.min()), bool(padded.max())}


def _all(found: set[bool]) -> bool | None:
    return False not in found if found else None


def _firsts(cells: Raw) -> Bytes:
    """The first byte of each cell; any byte for an empty one. Some cell is filled."""
    return cells.data.take(cells.starts[:-1], mode="clip")


def _lasts(cells: Raw) -> Bytes:
    """As `_firsts`, the last bytes."""
    return cells.data.take(cells.starts[1:] - 1, mode="clip")
