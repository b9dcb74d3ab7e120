"""What the digits of a phone mean in a region: the steps of `phonenumbers.parse` and `is_valid_number`, by columns.

Every function takes numbers as int64 that all have the same count of digits (zeros in front count), so that
each step is arithmetic with one power of ten. What comes out is int64, one a number: E.164 digits,
INVALID, or UNDECIDED where only libphonenumber itself can say. All raise UnknownPattern when a plan's
patterns cannot be made into tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from listrak_sms_cli.audience.cells import counts_of
from listrak_sms_cli.audience.phone_judges import UNSURE, Integers
from listrak_sms_cli.audience.phone_plans import Plan, calling_codes, plan_of_code, valid

INVALID = -1
UNDECIDED = -2
SHORTEST = 3  # no numbering plan of libphonenumber has a valid number with fewer digits
MOST_DIGITS = 18  # that fit into int64; E.164 allows 15


def read_national(plan: Plan | None, numbers: Integers, length: int) -> Integers:
    """Digits written without a plus. Without a plan only those dialled with 00 can be read."""
    if length < SHORTEST:
        return np.full(len(numbers), INVALID)
    if plan is None:
        read = np.full(len(numbers), INVALID)
    else:
        read = np.empty(len(numbers), np.int64)
        for taken, rows in _classes(plan.dialled_abroad[first_three(numbers, length)]):
            if taken == UNSURE:
                read[rows] = UNDECIDED
            elif taken == 0:
                read[rows] = _read_at_home(plan, numbers[rows], length)
            else:
                read[rows] = _read_dialled(plan, numbers[rows], length, taken)
    # People write 00 for the plus wherever they live.
    again = np.flatnonzero((read == INVALID) & (numbers < 10 ** (length - 2)))
    if len(again):
        read[again] = _read_dialled(plan, numbers[again], length, 2)
    return read


def _read_dialled(plan: Plan | None, numbers: Integers, length: int, taken: int) -> Integers:
    left = length - taken
    if left < SHORTEST:
        return np.full(len(numbers), INVALID)
    rest = _without(numbers, left)
    read = read_international(plan, rest, left)
    read[rest < 10 ** (left - 1)] = UNDECIDED  # a zero after it, and it is no international prefix
    return read


def read_international(plan: Plan | None, numbers: Integers, length: int) -> Integers:
    """Digits that stood behind a plus or an international prefix, calling code first."""
    if length < SHORTEST:
        return np.full(len(numbers), INVALID)
    read = np.empty(len(numbers), np.int64)
    first = first_three(numbers, length)
    codes = calling_codes()[first]
    for code, rows in _classes(codes):
        if code:
            left = length - len(str(code))
            read[rows] = _settle(plan_of_code(code), numbers[rows] - code * 10**left, left)
        elif plan is None:
            read[rows] = INVALID
        else:
            # libphonenumber reads `+011 44 …` in the United States as if there were no plus.
            read[rows] = np.where(plan.dialled_abroad[first[rows]] > 0, UNDECIDED, INVALID)
    return read


def _read_at_home(plan: Plan, numbers: Integers, length: int) -> Integers:
    """Digits as written in the region: a national number, or one that begins with the region's calling code."""
    left = length - len(str(plan.code))
    if left < 0:
        return _settle(plan, numbers, length)
    read = np.empty(len(numbers), np.int64)
    for with_code, rows in _classes(_quotient(numbers, left) == plan.code):
        if with_code:
            read[rows] = _read_with_code(plan, numbers[rows], length, left)
        else:
            read[rows] = _settle(plan, numbers[rows], length)
    return read


def _read_with_code(plan: Plan, numbers: Integers, length: int, left: int) -> Integers:
    """Is the calling code in front meant as one? As `phonenumbers` decides: if the number makes sense only so."""
    read = np.full(len(numbers), UNDECIDED)
    if left < SHORTEST:
        return read
    for rows, rest, rest_length in _strip(plan, _without(numbers, left), left):
        meant = plan.is_general(rest, rest_length)
        if not plan.is_too_long(length):
            meant &= ~plan.is_general(numbers[rows], length)
        else:
            meant[:] = True
        for with_code, some in _classes(meant):
            if with_code:
                read[rows[some]] = _settle(plan_of_code(plan.code), rest[some], rest_length)
            else:
                read[rows[some]] = _settle(plan, numbers[rows[some]], length)
    return read


def _settle(plan: Plan, numbers: Integers, length: int) -> Integers:
    """National numbers, perhaps with a national prefix: the E.164 digits of the valid ones."""
    if length < SHORTEST or plan.national_prefixes(length) is None:
        return _judged(plan, numbers, length)
    read = np.full(len(numbers), UNDECIDED)
    for rows, rest, rest_length in _strip(plan, numbers, length):
        if plan.may_have(rest_length):
            read[rows] = _judged(plan, rest, rest_length)
        else:
            read[rows] = _judged(plan, numbers[rows], length)
    return read


def _strip(plan: Plan, numbers: Integers, length: int) -> Iterator[tuple[npt.NDArray[np.intp], Integers, int]]:
    """(rows, their numbers without the national prefix, how many digits these have); rows that come in no part are
    UNDECIDED."""
    every = np.arange(len(numbers))
    prefixes = plan.national_prefixes(length)
    if prefixes is None:
        yield every, numbers, length
        return
    for taken, some in _classes(prefixes[first_three(numbers, length)]):
        rows = every[some]
        if taken == 0:
            yield rows, numbers[rows], length
        elif taken != UNSURE:
            left = length - taken
            rest = _without(numbers[rows], left)
            stays = plan.is_general(numbers[rows], length) & ~plan.is_general(rest, left)
            if stays.any():
                yield rows[stays], numbers[rows[stays]], length
            if not stays.all():
                yield rows[~stays], rest[~stays], left


def _judged(plan: Plan, numbers: Integers, length: int) -> Integers:
    judge = valid(plan.code, length)
    if len(str(plan.code)) + length > MOST_DIGITS or not (judge.decisive or judge.otherwise):
        return np.full(len(numbers), INVALID)
    return np.where(judge(numbers), numbers + plan.code * 10**length, INVALID)


def first_three(numbers: Integers, length: int) -> Integers:
    """The first three of so many digits."""
    return _quotient(numbers, length - 3)


def _quotient(numbers: Integers, digits: int) -> Integers:
    # Unsigned: numpy divides it by a constant two times faster.
    return (numbers.view(np.uint64) // np.uint64(10**digits)).view(np.int64) if digits else numbers


def _without(numbers: Integers, digits: int) -> Integers:
    """The last so many digits."""
    rest: Integers = numbers - _quotient(numbers, digits) * 10**digits
    return rest


def _classes(of: npt.NDArray[np.generic]) -> Iterator[tuple[int, slice | npt.NDArray[np.intp]]]:
    """Each value that occurs and its rows."""
    counts = counts_of(of.view(np.uint8)) if of.itemsize == 1 else np.bincount(of)
    values = np.flatnonzero(counts).tolist()
    for value in values:
        yield value, slice(None) if len(values) == 1 else np.flatnonzero(of == value)
