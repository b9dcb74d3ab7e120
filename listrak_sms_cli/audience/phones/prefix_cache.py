"""What the parser has found of numbers so far, kept by their first digits. Looking a number up takes a tenth of the
time that parsing takes.

This is exact, in whatever order numbers come, as ONLY RECORDED DIGITS DECIDE (see `parse`): what became of one number
becomes of every number that begins with the same recorded digits.

Each shape (how many digits, with or without a plus) has a trie. Of 11 digits without a plus, read in the United States:

    17175559636
    ~~~~~                root      entry 17175 is -1: more digits decide, go on in block 0
         ~~              block 0   entry 55 is -2: more digits decide, go on in block 1
           ~~            block 1   entry 59 is 3: valid, add shift 0
             ~~          decide nothing

    entries   [ root: 10 ** 5 | block 0: 10 ** 2 | block 1: 10 ** 2 | ... ]        shifts   [ 0 | ... ]

What an entry means stands in `constants`.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from listrak_sms_cli.audience.phones.constants import MOST_DIGITS, PREFIX_TRIE, UNDECIDED, UNREAD
from listrak_sms_cli.audience.phones.numbering_plans import Plan
from listrak_sms_cli.audience.phones.parse import Digits, read_international, read_national
from listrak_sms_cli.audience.phones.patterns import UnknownPattern
from listrak_sms_cli.audience.phones.tables import Counts
from listrak_sms_cli.columnar import DigitTrie, Integers, count_each_byte, distinct, look_up

_Entries = npt.NDArray[np.int16]
_NOTHING_KNOWN = 0  # the entry of the result UNREAD
_BLOCK = 10**PREFIX_TRIE.block_digits  # entries
_MOST_ENTRIES = 1 << 20  # of a trie: numbers for which there is no room are parsed every time
_MOST_SHIFTS = 1 << 10


class PrefixCache:
    """The tries for numbers that are read in one plan (None: in no region). Any thread may read."""

    def __init__(self, plan: Plan | None) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        # By shape. A trie is replaced and never changed, so that nobody has to wait for reading it.
        self._tries: list[DigitTrie | None] = [None] * (2 * MOST_DIGITS + 2)

    def read(self, values: Integers, shapes: Counts) -> Integers:
        """E.164 digits, INVALID or UNDECIDED, int64, one a cell. `values` and `shapes` are from `read_digits`; a cell
        with shape 0 is UNDECIDED."""
        numbers, missed = look_up(values, shapes, self._tries, PREFIX_TRIE)
        if missed:
            unread = np.flatnonzero(numbers == UNREAD)
            for shape in np.flatnonzero(count_each_byte(shapes[unread])).tolist():
                rows = unread[shapes[unread] == shape]
                numbers[rows] = self._parse(values[rows], shape)
        return numbers

    def _parse(self, values: Integers, shape: int) -> Integers:
        digits = Digits.written(values, shape // 2)
        try:
            numbers = (read_international if shape % 2 else read_national)(self._plan, digits)
        except UnknownPattern:  # a later libphonenumber may have new ones: it still reads them itself
            return digits.all(UNDECIDED)
        with self._lock:
            trie = self._tries[shape] or _empty_trie(digits.length)
            finals, shifts = _final_entries(values, numbers, trie.shifts)
            entries = _inserted(trie, values, finals, digits.digits_read)
            self._tries[shape] = DigitTrie(entries, shifts, digits.length)
        return numbers


@lru_cache(maxsize=512)
def prefix_cache_of(plan: Plan | None) -> PrefixCache:
    """The one cache of a plan."""
    return PrefixCache(plan)


def _empty_trie(digits: int) -> DigitTrie:
    return DigitTrie(np.zeros(10 ** min(digits, PREFIX_TRIE.root_digits), np.int16), np.zeros(0, np.int64), digits)


def _final_entries(values: Integers, numbers: Integers, shifts: Integers) -> tuple[_Entries, Integers]:
    """The entry for what became of each value, and the shifts with those that are new. _NOTHING_KNOWN where there are
    too many shifts."""
    finals = np.full(len(numbers), _NOTHING_KNOWN, np.int16)
    for entry, result in enumerate(PREFIX_TRIE.results):
        finals[numbers == result] = entry
    valid = numbers > 0
    needed = (numbers - values)[valid]
    new = distinct(needed[~np.isin(needed, shifts)])
    shifts = np.concatenate([shifts, new[: _MOST_SHIFTS - len(shifts)]])
    if len(needed):
        order = np.argsort(shifts)
        nearest = order[np.searchsorted(shifts, needed, sorter=order).clip(max=len(order) - 1)]
        finals[valid] = np.where(shifts[nearest] == needed, nearest + len(PREFIX_TRIE.results), _NOTHING_KNOWN)
    return finals, shifts


def _inserted(trie: DigitTrie, values: Integers, finals: _Entries, digits_read: Counts) -> _Entries:
    """The entries of the trie with the final one of each value at the place that its recorded digits choose."""
    entries = trie.entries.copy()
    root = 10 ** min(trie.digits, PREFIX_TRIE.root_digits)
    left = max(trie.digits - PREFIX_TRIE.root_digits, 0)
    places = values // 10**left
    while len(values):
        # No other number that comes to this place can have another entry: only recorded digits decide.
        decided = digits_read <= trie.digits - left
        entries[places[decided]] = finals[decided]
        entries = _with_new_blocks(entries, root, places[~decided])
        go_on = np.flatnonzero(entries[places] < 0)
        values, finals, digits_read = values[go_on], finals[go_on], digits_read[go_on]
        blocks = -1 - entries[places[go_on]].astype(np.int64)
        chosen_by = min(left, PREFIX_TRIE.block_digits)
        left -= chosen_by
        places = root + blocks * _BLOCK + values // 10**left % 10**chosen_by
    return entries


def _with_new_blocks(entries: _Entries, root: int, places: Integers) -> _Entries:
    """The entries with a new block for each of these places of which nothing is known, as far as there is room."""
    room = max(_MOST_ENTRIES - len(entries), 0) // _BLOCK
    new = distinct(places[entries[places] == _NOTHING_KNOWN])[:room]
    entries[new] = -1 - (len(entries) - root) // _BLOCK - np.arange(len(new))
    return np.concatenate([entries, np.zeros(len(new) * _BLOCK, np.int16)])
