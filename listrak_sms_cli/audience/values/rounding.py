"""Decimals of three places and more -> two, on the digits themselves: the many, without decimal arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from listrak_sms_cli.columnar import Bytes, Mask, Raw, column_of, raw

_ZERO, _FIVE, _NINE, _POINT = (np.uint8(ord(character)) for character in "059.")


def round_digits(numbers: pa.StringArray) -> tuple[pa.StringArray, Mask, Mask]:
    """Numbers rounded half-even to at most two decimals, without zeros at the end; True where that is so (the
    text of the other rows means nothing); True where the rounded number is another one.

    Every cell is digits, perhaps a minus in front, a point and at least three digits. Left to others are numbers
    that carry (`0.996`), become zero, or end in zeros that hide whether they are a tie.
    """
    seen = raw(numbers)
    starts, ends = seen.starts[:-1], seen.starts[1:]
    point = np.flatnonzero(seen.data == _POINT)
    first, second, third = (seen.data.take(point + place) for place in (1, 2, 3))
    is_last = ends - point == 4
    zero_at_end = seen.data.take(ends - 1) == _ZERO
    tie = (third == _FIVE) & is_last
    up = (third > _FIVE) | ((third == _FIVE) & ~is_last) | (tie & (second & 1 == 1))
    unclear = zero_at_end & ~is_last & ((third == _FIVE) | (third == _ZERO))
    rounded = second + up
    no_decimals = (first == _ZERO) & (rounded == _ZERO)
    whole_is_zero = (seen.data.take(point - 1) == _ZERO) & _one_digit(seen, point)
    settled: Mask = ~unclear & ~(up & (second == _NINE)) & ~(no_decimals & whole_is_zero)
    cut: npt.NDArray[np.intp] = np.where(no_decimals, point, np.where(rounded == _ZERO, point + 2, point + 3))
    differs: Mask = settled & ~((third == _ZERO) & zero_at_end)
    return _cut(seen, point + 2, rounded, cut - starts), settled, differs


def _one_digit(seen: Raw, point: npt.NDArray[np.intp]) -> Mask:
    """True where one digit alone, signed or not, stands before the point."""
    starts = seen.starts[:-1]
    minus = seen.data.take(starts) == ord("-")
    single: Mask = point - starts - minus == 1
    return single


def _cut(
    seen: Raw,
    places: npt.NDArray[np.intp],
    digits: Bytes,
    lengths: npt.NDArray[np.intp],
) -> pa.StringArray:
    """The cells with a digit put in one place of each, and cut to these lengths."""
    data = seen.data.copy()
    # A nine that carries is of a row that is left to others, but has to stay a character.
    data[places] = np.minimum(digits, _NINE)
    new_starts = np.cumsum(lengths) - lengths
    source = np.repeat(seen.starts[:-1] - new_starts, lengths)
    source += np.arange(len(source))
    return column_of(lengths, data.take(source))
