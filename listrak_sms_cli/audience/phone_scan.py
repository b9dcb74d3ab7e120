"""The bytes of a column of phones: which cells are digits and plain punctuation, and what integers they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from listrak_sms_cli.audience.cells import Mask, Raw
from listrak_sms_cli.audience.phone_judges import Integers
from listrak_sms_cli.audience.phone_steps import MOST_DIGITS

_SCANNED = 1 << 16  # cells whose bytes are looked at together: with fewer, threads wait for each other
_LONGEST = 250  # bytes of a cell that is read here; libphonenumber reads no more characters


def scan(cells: Raw) -> tuple[npt.NDArray[np.uint8], Integers]:
    """The shape of each cell, twice its count of digits and one more behind a plus, 0 where it is not plain; and its
    digits as an integer."""
    count = len(cells.starts) - 1
    shapes, values = np.empty(count, np.uint8), np.empty(count, np.int64)
    room = np.empty(0, np.int32)
    for at in range(0, count, _SCANNED):
        block = _part(cells, at, min(at + _SCANNED, count))
        if len(room) <= len(block.data):
            room = np.empty(len(block.data) * 5 // 4 + 1, np.int32)
        digits, values[at : at + _SCANNED] = digits_of(block, room)
        plus, awkward = _signs(block)
        awkward |= digits > MOST_DIGITS
        awkward |= digits == 0
        shape = (np.minimum(digits, MOST_DIGITS) * 2 + plus).astype(np.uint8)
        shape[awkward] = 0
        shapes[at : at + _SCANNED] = shape
    return shapes, values


def _part(cells: Raw, first: int, end: int) -> Raw:
    starts = cells.starts[first : end + 1]
    return Raw(starts - starts[0], cells.data[starts[0] : starts[-1]])


def _signs(cells: Raw) -> tuple[Mask, Mask]:
    """Which cells begin with a plus, and which hold anything that is not plain: other characters, a plus elsewhere, an
    end that a float may have left (`.0`), more text than libphonenumber reads."""
    data, starts = cells.data, cells.starts
    if not len(data):
        nothing = np.zeros(len(starts) - 1, np.bool_)
        return nothing, nothing.copy()
    plain = (data - np.uint8(40)) < np.uint8(18)  # ( ) * + , - . / 0…9
    plain |= data == 32
    plain &= data != 42
    plain &= data != 44
    lengths = cells.lengths
    last = np.maximum(starts[1:] - 1, 0)
    plus = (data.take(starts[:-1], mode="clip") == 43) & (lengths > 0)
    if np.count_nonzero(data == 43) != np.count_nonzero(plus):
        inner = data == 43
        inner[starts[:-1][plus]] = False
        plain &= ~inner
    awkward = np.zeros(len(lengths), np.bool_) if plain.all() else cells.rows_of(~plain)
    signs = np.flatnonzero(((data.take(last) - np.uint8(48)) > 9) & (lengths <= _LONGEST) & (lengths > 0))
    while len(signs):  # signs behind the last digit, a blank mostly
        last[signs] -= 1
        signs = signs[last[signs] >= starts[signs]]
        signs = signs[(data[last[signs]] - np.uint8(48)) > 9]
    ends = np.flatnonzero((data.take(last, mode="clip") == 48) & (last - starts[:-1] >= 2))
    if len(ends):
        before, third = data[last[ends] - 1], data[last[ends] - 2]
        awkward[ends[(before == 46) | ((before == 48) & (third == 46))]] = True
    awkward |= lengths > _LONGEST
    return plus, awkward


def digits_of(cells: Raw, room: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], Integers]:
    """How many digits each cell has, and (for no more than 18) what they are as an integer. `room`: memory to
    work in, longer than the data."""
    data = cells.data
    is_digit = (data - np.uint8(48)) < np.uint8(10)
    before = room[: len(data) + 1]
    before[0] = 0
    np.cumsum(is_digit, dtype=np.int32, out=before[1:])
    ends = before.take(cells.starts)
    counts = np.diff(ends)
    digits = np.empty(int(before[-1]) + 24, np.uint8)  # room in front, for words that begin before the first digit
    np.compress(is_digit, data, out=digits[24:])
    words: npt.NDArray[np.uint64] = np.ndarray((len(digits) - 7,), "<u8", digits, 0, (1,))
    at = ends[1:].astype(np.int64) + 16
    values = _eight_digits(words.take(at), counts)
    values += _eight_digits(words.take(at - 8), counts - 8) * np.uint64(10**8)
    long = np.flatnonzero(counts > 16)
    if len(long):
        values[long] += _eight_digits(words[at[long] - 16], np.minimum(counts[long] - 16, 2)) * np.uint64(10**16)
    return counts, values.view(np.int64)


def _eight_digits(words: npt.NDArray[np.uint64], counts: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    """The integer that the last `counts` (at most 8) of eight ASCII digits make; the first is the lowest byte."""
    strange = ((8 - np.clip(counts, 0, 8)) * 8).astype(np.uint64)
    words &= np.uint64(0x0F0F0F0F0F0F0F0F)
    words >>= strange
    words <<= strange
    words *= np.uint64(2561)  # 10 * 2**8 + 1: pairs
    words >>= np.uint64(8)
    words &= np.uint64(0x00FF00FF00FF00FF)
    words *= np.uint64(6553601)  # 100 * 2**16 + 1: fours
    words >>= np.uint64(16)
    words &= np.uint64(0x0000FFFF0000FFFF)
    words *= np.uint64(42949672960001)  # 10000 * 2**32 + 1: eight
    words >>= np.uint64(32)
    return words
