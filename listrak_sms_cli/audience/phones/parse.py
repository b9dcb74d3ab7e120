"""What the digits of a phone mean in a region: the steps of `phonenumbers.parse` and `is_valid_number`, by columns.

Every function takes Digits, numbers that all have the same count of them, so that each step is arithmetic with one
power of ten. What comes out is int64, one a number: E.164 digits, INVALID, or UNDECIDED where only libphonenumber
itself can say. All raise UnknownPattern when a plan's patterns cannot be made into tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from listrak_sms_cli.audience.phones.numbering_plans import Plan, calling_codes, plan_of_code, valid
from listrak_sms_cli.audience.phones.tables import UNSURE, Counts, Integers, Judge, Mask
from listrak_sms_cli.columnar import counts_of

INVALID = -1
UNDECIDED = -2
SHORTEST = 3  # no numbering plan of libphonenumber has a valid number with fewer digits
MOST_DIGITS = 18  # that fit into int64; E.164 allows 15
_Rows = slice | npt.NDArray[np.intp] | Mask


class Digits(Struct, frozen=True):
    """Numbers of `length` digits (zeros in front count), which stood behind `before` others.

    `looked`: uint8, how many of its first digits were looked at so far, of each number as it was written; what begins
    alike so far has been treated alike. `rows`: which of those these are.
    """

    values: Integers
    length: int
    looked: Counts
    rows: npt.NDArray[np.intp]
    before: int = 0

    @classmethod
    def written(cls, values: Integers, length: int) -> Digits:
        """Numbers of which nothing has been looked at: int64, of so many digits."""
        return cls(values, length, np.zeros(len(values), np.uint8), np.arange(len(values)))

    def __len__(self) -> int:
        return len(self.values)

    def some(self, rows: _Rows) -> Digits:
        return Digits(self.values[rows], self.length, self.looked, self.rows[rows], self.before)

    def without(self, taken: int) -> Digits:
        """Less their first so many digits."""
        left = self.length - taken
        rest = self.values - self._first(taken) * 10**left
        return Digits(rest, left, self.looked, self.rows, self.before + taken)

    def first(self, digits: int) -> Integers:
        """Their first so many digits."""
        self._look(digits)
        return self._first(digits)

    def are(self, judge: Judge) -> Mask:
        """Which of them the judge accepts."""
        accepted, settled = judge(self.values)
        self._look(settled)
        return accepted

    def all(self, meaning: int) -> Integers:
        return np.full(len(self), meaning, np.int64)

    def _first(self, digits: int) -> Integers:
        # Unsigned: numpy divides it by a constant two times faster.
        return (self.values.view(np.uint64) // np.uint64(10 ** (self.length - digits))).view(np.int64)

    def _look(self, digits: int | Counts) -> None:
        self.looked[self.rows] = np.maximum(self.looked[self.rows], self.before + digits)


def read_national(plan: Plan | None, digits: Digits) -> Integers:
    """Digits written without a plus. Without a plan only those dialled with 00 can be read."""
    read = digits.all(INVALID)
    if digits.length < SHORTEST:
        return read
    first = digits.first(3)
    if plan is not None:
        for taken, rows in _classes(plan.dialled_abroad[first]):
            if taken == UNSURE:
                read[rows] = UNDECIDED
            elif taken == 0:
                read[rows] = _read_at_home(plan, digits.some(rows))
            else:
                read[rows] = _read_dialled(plan, digits.some(rows), taken)
    # People write 00 for the plus wherever they live.
    again = np.flatnonzero((read == INVALID) & (first < 10))
    if len(again):
        read[again] = _read_dialled(plan, digits.some(again), 2)
    return read


def _read_dialled(plan: Plan | None, digits: Digits, taken: int) -> Integers:
    if digits.length - taken < SHORTEST:
        return digits.all(INVALID)
    rest = digits.without(taken)
    read = read_international(plan, rest)
    read[rest.first(1) == 0] = UNDECIDED  # a zero after it, and it is no international prefix
    return read


def read_international(plan: Plan | None, digits: Digits) -> Integers:
    """Digits that stood behind a plus or an international prefix, calling code first."""
    read = digits.all(INVALID)
    if digits.length < SHORTEST:
        return read
    first = digits.first(3)
    for code, rows in _classes(calling_codes()[first]):
        if code:
            read[rows] = _settle(plan_of_code(code), digits.some(rows).without(len(str(code))))
        elif plan is not None:
            # libphonenumber reads `+011 44 …` in the United States as if there were no plus.
            read[rows] = np.where(plan.dialled_abroad[first[rows]] > 0, UNDECIDED, INVALID)
    return read


def _read_at_home(plan: Plan, digits: Digits) -> Integers:
    """Digits as written in the region: a national number, or one that begins with the region's calling code."""
    read = digits.all(INVALID)
    for with_code, rows in _classes(digits.first(len(str(plan.code))) == plan.code):
        read[rows] = (_read_with_code if with_code else _settle)(plan, digits.some(rows))
    return read


def _read_with_code(plan: Plan, digits: Digits) -> Integers:
    """Is the calling code in front meant as one? As `phonenumbers` decides: if the number makes sense only so."""
    read = digits.all(UNDECIDED)
    behind = digits.without(len(str(plan.code)))
    if behind.length < SHORTEST:
        return read
    for rows, rest in _strip(plan, behind):
        whole = digits.some(rows)
        meant = rest.are(plan.general_judge(rest.length))
        if not plan.is_too_long(digits.length):
            meant &= ~whole.are(plan.general_judge(whole.length))
        else:
            meant[:] = True
        for with_code, some in _classes(meant):
            if with_code:
                read[rows[some]] = _settle(plan_of_code(plan.code), rest.some(some))
            else:
                read[rows[some]] = _settle(plan, whole.some(some))
    return read


def _settle(plan: Plan, digits: Digits) -> Integers:
    """National numbers, perhaps with a national prefix: the E.164 digits of the valid ones."""
    if digits.length < SHORTEST:
        return _judged(plan, digits)
    read = digits.all(UNDECIDED)
    for rows, rest in _strip(plan, digits):
        read[rows] = _judged(plan, rest if plan.may_have(rest.length) else digits.some(rows))
    return read


def _strip(plan: Plan, digits: Digits) -> Iterator[tuple[npt.NDArray[np.intp], Digits]]:
    """(rows, their numbers without the national prefix); rows that come in no part are UNDECIDED."""
    every = np.arange(len(digits))
    prefixes = plan.national_prefixes(digits.length)
    if prefixes is None:
        yield every, digits
        return
    for taken, some in _classes(prefixes[digits.first(3)]):
        rows, whole = every[some], digits.some(some)
        if taken == 0:
            yield rows, whole
        elif taken != UNSURE:
            rest = whole.without(taken)
            stays = whole.are(plan.general_judge(whole.length)) & ~rest.are(plan.general_judge(rest.length))
            if stays.any():
                yield rows[stays], whole.some(stays)
            if not stays.all():
                yield rows[~stays], rest.some(~stays)


def _judged(plan: Plan, digits: Digits) -> Integers:
    if len(str(plan.code)) + digits.length > MOST_DIGITS:
        return digits.all(INVALID)
    is_valid = digits.are(valid(plan.code, digits.length))
    return np.where(is_valid, digits.values + plan.code * 10**digits.length, INVALID)


def _classes(of: npt.NDArray[np.generic]) -> Iterator[tuple[int, slice | npt.NDArray[np.intp]]]:
    """Each value that occurs and its rows."""
    counts = counts_of(of.view(np.uint8)) if of.itemsize == 1 else np.bincount(of)
    values = np.flatnonzero(counts).tolist()
    for value in values:
        yield value, slice(None) if len(values) == 1 else np.flatnonzero(of == value)
