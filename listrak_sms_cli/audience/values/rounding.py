"""Rounding to two decimals on the digits of the text: faster than decimal arithmetic, for most numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from listrak_sms_cli.columnar import Bytes, Mask, Raw, column_of, raw

_ZERO, _FIVE, _NINE, _POINT = (np.uint8(ord(character)) for character in "059.")


def round_digits(numbers: pa.StringArray) -> tuple[pa.StringArray, Mask, Mask]:
    """Return the numbers rounded half-even to at most two decimals, without zeros at the end; which rows are settled
    (the text of the others is meaningless); and which rounded numbers differ from the given ones.

    Every cell is digits, perhaps with a minus before them, a point and at least three digits. Not settled are numbers
    that carry (`0.996`), become zero, or end in zeros that hide whether they are a tie.
    """
    cells = raw(numbers)
    starts, ends = cells.starts[:-1], cells.starts[1:]
    point = np.flatnonzero(cells.data == _POINT)
    first, second, third = (cells.data.take(point + place) for place in (1, 2, 3))
    is_last = ends - point == 4
    zero_at_end = cells.data.take(ends - 1) == _ZERO
    tie = (third == _FIVE) & is_last
    up = (third > _FIVE) | ((third == _FIVE) & ~is_last) | (tie & (second & 1 == 1))
    unclear = zero_at_end & ~is_last & ((third == _FIVE) | (third == _ZERO))
    rounded = second + up
    no_decimals = (first == _ZERO) & (rounded == _ZERO)
    whole_is_zero = (cells.data.take(point - 1) == _ZERO) & _one_digit(cells, point)
    settled: Mask = ~unclear & ~(up & (second == _NINE)) & ~(no_decimals & whole_is_zero)
    cut: npt.NDArray[np.intp] = np.where(no_decimals, point, np.where(rounded == _ZERO, point + 2, point + 3))
    differs: Mask = settled & ~((third == _ZERO) & zero_at_end)
    return _cut(cells, point + 2, rounded, cut - starts), settled, differs


def _one_digit(cells: Raw, point: npt.NDArray[np.intp]) -> Mask:
    """True where a single digit, signed or not, stands before the point."""
    starts = cells.starts[:-1]
    minus = cells.data.take(starts) == ord("-")
    single: Mask = point - starts - minus == 1
    return single


def _cut(cells: Raw, places: npt.NDArray[np.intp], digits: Bytes, lengths: npt.NDArray[np.intp]) -> pa.StringArray:
    """The cells cut to these lengths, each with a digit replaced at one place."""
    data = cells.data.copy()
    # A nine that carries belongs to a row that is not settled; it has to stay a character.
    data[places] = np.minimum(digits, _NINE)
    new_starts = np.cumsum(lengths) - lengths
    source = np.repeat(cells.starts[:-1] - new_starts, lengths)
    source += np.arange(len(source))
    return column_of(lengths, data.take(source))
