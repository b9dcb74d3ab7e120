"""What digits mean in a region: the steps of `phonenumbers.parse` and `is_valid_number`, for whole columns of numbers.

Every function takes `Digits`, numbers of one length, so that each step is arithmetic with one power of ten. The result
is int64, one a number: E.164 digits, INVALID, or UNDECIDED where only libphonenumber itself can say. All raise
UnknownPattern when a plan's patterns cannot be made into tables.

ONLY RECORDED DIGITS DECIDE. The prefix cache stands on this: what becomes of a number depends on its length and on
those of its first digits that `Digits.digits_read` records, and on nothing else. All numbers that begin with the same
recorded digits are INVALID, or UNDECIDED, or valid with the same number added. It holds because the values of Digits
are private, and each method through which they can decide anything records the digits it uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from listrak_sms_cli.audience.phones.constants import INVALID, MOST_DIGITS, UNDECIDED
from listrak_sms_cli.audience.phones.numbering_plans import Plan, calling_codes, plan_of_code, valid_numbers
from listrak_sms_cli.audience.phones.tables import UNSURE, Counts, DigitTables
from listrak_sms_cli.columnar import Integers, Mask, count_each_byte

SHORTEST = 3  # no numbering plan of libphonenumber has a valid number with fewer digits
_Rows: TypeAlias = slice | npt.NDArray[np.intp] | Mask


class Digits(Struct, frozen=True):
    """Numbers of `length` digits (zeros in front count), the last ones of numbers that were written.

    `digits_read`: uint8, one for each number as written: how many of its first digits have decided something so far.
    The other fields are for the methods: `_rows` are the places in `digits_read`, and `_before` is how many digits were
    written before these.
    """

    length: int
    digits_read: Counts
    _values: Integers
    _rows: npt.NDArray[np.intp]
    _before: int = 0

    @classmethod
    def written(cls, values: Integers, length: int) -> Digits:
        """Numbers (int64) as written, with this many digits, none of which has decided anything."""
        return cls(length, np.zeros(len(values), np.uint8), values, np.arange(len(values)))

    def __len__(self) -> int:
        return len(self._values)

    def select(self, rows: _Rows) -> Digits:
        """The numbers of these rows. What chooses the rows may depend on recorded digits only."""
        return Digits(self.length, self.digits_read, self._values[rows], self._rows[rows], self._before)

    def first(self, count: int) -> Integers:
        """Their first `count` digits, as a number; recorded."""
        self._record(count)
        # Unsigned: numpy divides it by a constant two times faster.
        return (self._values.view(np.uint64) // np.uint64(10 ** (self.length - count))).view(np.int64)

    def without_first(self, count: int) -> Digits:
        """The numbers without their first `count` digits, which are recorded."""
        left = self.length - count
        rest = self._values - self.first(count) * 10**left
        return Digits(left, self.digits_read, rest, self._rows, self._before + count)

    def match(self, tables: DigitTables) -> Mask:
        """True for each number that the tables accept; the digits that decided are recorded."""
        accepted, deciding = tables.match(self._values)
        self._record(deciding)
        return accepted

    def with_calling_code(self, code: int) -> Integers:
        """The numbers with a calling code in front: to each the same is added, so no digit decides."""
        numbers: Integers = self._values + code * 10**self.length
        return numbers

    def all(self, result: int) -> Integers:
        """The same result for every number."""
        return np.full(len(self), result, np.int64)

    def _record(self, count: int | Counts) -> None:
        self.digits_read[self._rows] = np.maximum(self.digits_read[self._rows], self._before + count)


def read_national(plan: Plan | None, digits: Digits) -> Integers:
    """Reads digits that were written without a plus. Without a plan only those that begin with 00 can be read."""
    numbers = digits.all(INVALID)
    if digits.length < SHORTEST:
        return numbers
    start = digits.first(3)
    if plan is not None:
        for taken, rows in _rows_by_value(plan.dialled_abroad[start]):
            if taken == UNSURE:
                numbers[rows] = UNDECIDED
            elif taken == 0:
                numbers[rows] = _read_in_region(plan, digits.select(rows))
            else:
                numbers[rows] = _read_dialled(plan, digits.select(rows), taken)
    # People write 00 for the plus wherever they live.
    double_zero = np.flatnonzero((numbers == INVALID) & (start < 10))
    if len(double_zero):
        numbers[double_zero] = _read_dialled(plan, digits.select(double_zero), 2)
    return numbers


def _read_dialled(plan: Plan | None, digits: Digits, prefix: int) -> Integers:
    """Reads digits of which the first `prefix` are an international prefix."""
    if digits.length - prefix < SHORTEST:
        return digits.all(INVALID)
    rest = digits.without_first(prefix)
    numbers = read_international(plan, rest)
    numbers[rest.first(1) == 0] = UNDECIDED  # with a zero behind them they are no international prefix
    return numbers


def read_international(plan: Plan | None, digits: Digits) -> Integers:
    """Reads digits that stood behind a plus or an international prefix, calling code first."""
    numbers = digits.all(INVALID)
    if digits.length < SHORTEST:
        return numbers
    start = digits.first(3)
    for code, rows in _rows_by_value(calling_codes()[start]):
        if code:
            numbers[rows] = _read_behind_code(plan_of_code(code), digits.select(rows).without_first(len(str(code))))
        elif plan is not None:
            # libphonenumber reads `+011 44 …` in the United States as if there were no plus.
            numbers[rows] = np.where(plan.dialled_abroad[start[rows]] > 0, UNDECIDED, INVALID)
    return numbers


def _read_in_region(plan: Plan, digits: Digits) -> Integers:
    """Reads a national number, or one that begins with the region's calling code."""
    numbers = digits.all(INVALID)
    for begins_with_code, rows in _rows_by_value(digits.first(len(str(plan.code))) == plan.code):
        numbers[rows] = (_read_with_code if begins_with_code else _read_behind_code)(plan, digits.select(rows))
    return numbers


def _read_with_code(plan: Plan, digits: Digits) -> Integers:
    """Reads digits that begin with the calling code, if that is what it is: `phonenumbers` takes it for one where the
    number looks right only without it, or is too long with it."""
    numbers = digits.all(UNDECIDED)
    behind = digits.without_first(len(str(plan.code)))
    if behind.length < SHORTEST:
        return numbers
    for rows, rest in _without_national_prefix(plan, behind):
        whole = digits.select(rows)
        is_code = rest.match(plan.general_numbers(rest.length))
        if plan.is_too_long(digits.length):
            is_code[:] = True
        else:
            is_code &= ~whole.match(plan.general_numbers(whole.length))
        for with_code, those in _rows_by_value(is_code):
            if with_code:
                numbers[rows[those]] = _read_behind_code(plan_of_code(plan.code), rest.select(those))
            else:
                numbers[rows[those]] = _read_behind_code(plan, whole.select(those))
    return numbers


def _read_behind_code(plan: Plan, digits: Digits) -> Integers:
    """Reads national numbers, perhaps with a national prefix."""
    if digits.length < SHORTEST:
        return _valid_or_invalid(plan, digits)
    numbers = digits.all(UNDECIDED)
    for rows, rest in _without_national_prefix(plan, digits):
        numbers[rows] = _valid_or_invalid(plan, rest if plan.may_have(rest.length) else digits.select(rows))
    return numbers


def _without_national_prefix(plan: Plan, digits: Digits) -> Iterator[tuple[npt.NDArray[np.intp], Digits]]:
    """Yields rows, and their numbers without the national prefix. A row that is never yielded is UNDECIDED."""
    all_rows = np.arange(len(digits))
    prefixes = plan.national_prefixes(digits.length)
    if prefixes is None:
        yield all_rows, digits
        return
    for taken, those in _rows_by_value(prefixes[digits.first(3)]):
        rows, whole = all_rows[those], digits.select(those)
        if taken == 0:
            yield rows, whole
        elif taken != UNSURE:
            rest = whole.without_first(taken)
            stays = whole.match(plan.general_numbers(whole.length)) & ~rest.match(plan.general_numbers(rest.length))
            if stays.any():
                yield rows[stays], whole.select(stays)
            if not stays.all():
                yield rows[~stays], rest.select(~stays)


def _valid_or_invalid(plan: Plan, digits: Digits) -> Integers:
    if len(str(plan.code)) + digits.length > MOST_DIGITS:
        return digits.all(INVALID)
    return np.where(digits.match(valid_numbers(plan.code, digits.length)), digits.with_calling_code(plan.code), INVALID)


def _rows_by_value(column: npt.NDArray[np.generic]) -> Iterator[tuple[int, slice | npt.NDArray[np.intp]]]:
    """Yields each value that occurs in the column, and its rows."""
    counts = count_each_byte(column.view(np.uint8)) if column.itemsize == 1 else np.bincount(column)
    values = np.flatnonzero(counts).tolist()
    for value in values:
        yield value, slice(None) if len(values) == 1 else np.flatnonzero(column == value)
