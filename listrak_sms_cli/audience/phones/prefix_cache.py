"""What the steps have said of numbers so far, kept by their first digits: numbers that begin as others did are looked
up, which takes a tenth of the time.

The steps look at so many first digits of a number and no further (`Digits.looked`); to all numbers that begin so they
add the same, or they call them all INVALID or UNDECIDED. So what is kept is exact, in whatever order numbers come.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from listrak_sms_cli.audience.phones.numbering_plans import Plan
from listrak_sms_cli.audience.phones.parse import (
    MOST_DIGITS,
    UNDECIDED,
    Digits,
    read_international,
    read_national,
)
from listrak_sms_cli.audience.phones.patterns import UnknownPattern
from listrak_sms_cli.audience.phones.tables import Counts, Integers
from listrak_sms_cli.columnar import kernels

_UNKNOWN = 0
_FIRST = 5  # digits that choose an entry of the first block, as in `kernels.look_up`
_MORE = 2  # digits that choose one of a further block
_MOST_ENTRIES = 1 << 20  # of two bytes, in each shape: what comes on top is read by the steps every time
_MOST_SHIFTS = 1 << 10


class Outcomes:
    """Of the numbers of a plan (None: of no region). Any thread may read."""

    def __init__(self, plan: Plan | None) -> None:
        self._plan = plan
        self._shapes: list[_Shape | None] = [None] * (2 * MOST_DIGITS + 2)

    def read(self, values: Integers, shapes: Counts) -> Integers:
        """`values`, `shapes`: of cells, as `kernels.read_digits` tells them. int64 a cell: E.164 digits, INVALID or
        UNDECIDED (so are all without a shape)."""
        numbers = np.empty(len(values), np.int64)
        known = [shape.known if shape else None for shape in self._shapes]
        if kernels.look_up(values, shapes, known, numbers):
            new = np.flatnonzero(numbers == _UNKNOWN)
            for shape in np.unique(shapes[new]).tolist():
                rows = new[shapes[new] == shape]
                numbers[rows] = self._learn(values[rows], shape)
        return numbers

    def _learn(self, values: Integers, shape: int) -> Integers:
        digits = Digits.written(values, shape // 2)
        try:
            numbers = (read_international if shape % 2 else read_national)(self._plan, digits)
        except UnknownPattern:  # a later libphonenumber may have new ones: it still reads them itself
            return digits.all(UNDECIDED)
        kept = self._shapes[shape] or _Shape(digits.length)
        kept.keep(values, numbers, digits.looked)
        self._shapes[shape] = kept
        return numbers


@lru_cache(maxsize=512)
def outcomes_of(plan: Plan | None) -> Outcomes:
    """The ones that all who read for this plan share."""
    return Outcomes(plan)


class _Shape:
    """Numbers of so many digits. `known` is what `kernels.look_up` reads; it is replaced and never changed, so that
    nobody has to wait."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._first = min(length, _FIRST)
        self._lock = threading.Lock()
        self.known = (np.zeros(10**self._first, np.int16), np.zeros(0, np.int64), length)

    def keep(self, values: Integers, numbers: Integers, looked: Counts) -> None:
        with self._lock:
            entries, shifts, _ = self.known
            meanings, shifts = _meanings(values, numbers, shifts)
            self.known = (self._entered(entries.copy(), values, meanings, looked), shifts, self._length)

    def _entered(
        self, entries: npt.NDArray[np.int16], values: Integers, meanings: npt.NDArray[np.int16], looked: Counts
    ) -> npt.NDArray[np.int16]:
        first, step, left = 10**self._first, 10**_MORE, self._length - self._first
        places = values // 10**left
        while True:
            settled = looked <= self._length - left
            entries[places[settled]] = meanings[settled]
            room = max(_MOST_ENTRIES - len(entries), 0) // step
            new = np.unique(places[~settled & (entries[places] == _UNKNOWN)])[:room]
            entries[new] = -1 - (len(entries) - first) // step - np.arange(len(new))
            entries = np.concatenate([entries, np.zeros(len(new) * step, np.int16)])
            follows = np.flatnonzero(entries[places] < 0)
            if not len(follows):
                return entries
            places, values, meanings, looked = places[follows], values[follows], meanings[follows], looked[follows]
            more = min(_MORE, left)
            left -= more
            places = first + (-1 - entries[places].astype(np.int64)) * step + values // 10**left % 10**more


def _meanings(values: Integers, numbers: Integers, shifts: Integers) -> tuple[npt.NDArray[np.int16], Integers]:
    """Entries for what became of values, and the shifts with those that are new: 1 is INVALID, 2 UNDECIDED, 3 and more
    adds a shift; _UNKNOWN where there are too many."""
    valid = numbers > 0
    shifted = (numbers - values)[valid]
    new = np.setdiff1d(shifted, shifts)[: _MOST_SHIFTS - len(shifts)]
    shifts = np.concatenate([shifts, new])
    order = np.argsort(shifts)
    meanings = -numbers
    if len(shifted):
        found = order[np.searchsorted(shifts, shifted, sorter=order).clip(max=len(order) - 1)]
        meanings[valid] = np.where(shifts[found] == shifted, found + 3, _UNKNOWN)
    return meanings.astype(np.int16), shifts
