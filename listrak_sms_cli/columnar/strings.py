"""Columns of text (`pa.StringArray`), masks and numbers, from Arrow to numpy and back; and what is done to text cells.

Everything here goes through Arrow buffers. `pa.array`, `pa.scalar`, `to_numpy` and `np.asarray` of an Arrow value
would import pandas (0.3 s) at their first call, as would `pq.read_table`, so they are not used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.columnar.compute import pc

if TYPE_CHECKING:
    from collections.abc import Sequence

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


class Raw(Struct, frozen=True):
    """The bytes of a column as numpy arrays: cell i is `data[starts[i]:starts[i + 1]]`. `starts` is int32, one longer
    than the column, and begins at 0, also for a slice."""

    starts: npt.NDArray[np.int32]
    data: Bytes

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Bytes of each cell, int32."""
        return self.starts[1:] - self.starts[:-1]  # np.diff takes ten times as long for a small column

    def rows_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The rows that hold the bytes at these ascending positions of `data`: ascending, each once."""
        rows = np.searchsorted(self.starts, positions, side="right") - 1
        return rows[np.concatenate(([True], rows[1:] != rows[:-1]))] if len(rows) else rows

    def rows_of(self, flags: Mask) -> Mask:
        """True for each row of which at least one byte is flagged; `flags` has one flag a byte."""
        rows = np.zeros(len(self.starts) - 1, dtype=np.bool_)
        rows[self.rows_at(np.flatnonzero(flags))] = True
        return rows


def raw(column: pa.StringArray) -> Raw:
    """The bytes of the column, not copied. A null has whatever bytes lie under it: fill nulls before."""
    count = len(column)
    _, offsets, data = column.buffers()
    if count == 0 or offsets is None:
        return Raw(np.zeros(count + 1, dtype=np.int32), np.zeros(0, dtype=np.uint8))
    starts = np.frombuffer(offsets, np.int32, count + 1, 4 * column.offset)
    first, end = int(starts[0]), int(starts[-1])
    octets = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8, end - first, first)
    return Raw(starts - starts[0] if first else starts, octets)


def column_of(lengths: npt.NDArray[np.integer], data: Bytes) -> pa.StringArray:
    """A column of cells of these lengths (bytes), one after the other in `data`, which is UTF-8."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=starts[1:])
    return column_at(starts, data)


def column_at(starts: npt.NDArray[np.int32], data: Bytes) -> pa.StringArray:
    """A column of cells that start at these bytes of `data` (UTF-8), and end where the next cell starts."""
    return pa.StringArray.from_buffers(len(starts) - 1, pa.py_buffer(starts), pa.py_buffer(data))


@lru_cache(maxsize=64)
def fixed_column(*texts: str) -> pa.StringArray:
    """As `string_column`, for texts of the program itself: made once."""
    return string_column(texts)


def string_column(texts: Sequence[str]) -> pa.StringArray:
    """A small column of these texts."""
    encoded = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, encoded), dtype=np.int32, count=len(encoded))
    return column_of(lengths, np.frombuffer(b"".join(encoded), dtype=np.uint8))


def booleans(mask: Mask) -> pa.BooleanArray:
    """A numpy mask as an Arrow one."""
    bits = pa.py_buffer(np.packbits(mask, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, bits])


def mask_of(flags: pa.BooleanArray) -> Mask:
    """An Arrow mask without nulls as a numpy one."""
    bits = np.frombuffer(flags.buffers()[1] or b"", dtype=np.uint8)
    ends = flags.offset + len(flags)
    return np.unpackbits(bits, count=ends, bitorder="little")[flags.offset :].view(np.bool_)


def indices(rows: npt.NDArray[np.integer]) -> pa.Int64Array:
    """Row numbers as an Arrow int64 column, for `take`."""
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows.astype(np.int64))])


def integers(column: pa.Array) -> npt.NDArray[np.int32]:
    """An int32 column as numpy, read-only; a null has whatever number lies under it."""
    return np.frombuffer(column.buffers()[1] or b"", dtype=np.int32)[column.offset : column.offset + len(column)]


def numbers_of(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column of numbers without nulls as numpy, read-only."""
    return np.from_dlpack(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)


def column_of_numbers(numbers: npt.NDArray[Any]) -> pa.Array:
    """Numbers of any width as an Arrow column of the same type."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def distinct(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each number once, ascending. `np.unique` takes ten times as long where most of them are different, and loads
    numpy's masked arrays, which takes 0.015 s."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def nulls_as_empty(column: pa.StringArray) -> pa.StringArray:
    """The column with "" for null."""
    return pc.coalesce(column, fixed_column("")[0]) if column.null_count else column


def matches(column: pa.StringArray, pattern: str) -> Mask:
    """True for each row in whose cell RE2 finds the pattern. The column has no nulls."""
    return mask_of(pc.match_substring_regex(column, pattern))


def select(column: pa.StringArray, mask: Mask) -> pa.StringArray:
    """The cells of the rows for which the mask is True."""
    return pc.filter(column, booleans(mask))


def replace_cells(column: pa.StringArray, mask: Mask, cells: pa.StringArray) -> pa.StringArray:
    """The column with `cells`, in order, in the rows for which the mask is True."""
    if len(cells) == len(column):
        return cells
    if len(cells) * _FEW < len(column) and not column.null_count and not cells.null_count:
        return _spliced(column, np.flatnonzero(mask), cells)
    return pc.replace_with_mask(column, booleans(mask), cells)


_FEW = 64  # few are replaced when it is less than one cell in so many


def _spliced(column: pa.StringArray, rows: npt.NDArray[np.intp], cells: pa.StringArray) -> pa.StringArray:
    """As `replace_cells`: the bytes between the rows are copied at once, in a fifth of the time of cell by cell."""
    old, new = raw(column), raw(cells)
    lengths = old.lengths
    lengths[rows] = new.lengths
    old_bytes, new_bytes = old.data.data, new.data.data
    pieces, copied = [], 0
    bounds = (old.starts[rows], old.starts[rows + 1], new.starts[:-1], new.starts[1:])
    for start, end, new_start, new_end in zip(*(bound.tolist() for bound in bounds), strict=True):
        pieces += [old_bytes[copied:start], new_bytes[new_start:new_end]]
        copied = end
    return column_of(lengths, np.frombuffer(b"".join([*pieces, old_bytes[copied:]]), np.uint8))


def blanked(column: pa.StringArray, mask: Mask) -> pa.StringArray:
    """The column with "" in the rows for which the mask is True."""
    return pc.if_else(booleans(mask), fixed_column("")[0], column)


def trimmed(column: pa.StringArray) -> pa.StringArray:
    """The column without Unicode white space at both ends of its cells."""
    return pc.utf8_trim_whitespace(column)


def replace_matches(column: pa.StringArray, pattern: str, replacement: str) -> pa.StringArray:
    """The column with all that RE2 finds replaced. Only cells that match are written anew, which is what costs."""
    hits = matches(column, pattern)
    if not hits.any():
        return column
    return replace_cells(column, hits, pc.replace_substring_regex(select(column, hits), pattern, replacement))


def keep_bytes(column: pa.StringArray, allowed: bytes) -> pa.StringArray:
    """The column without all bytes but these, which are ASCII."""
    cells = raw(column)
    is_allowed = np.zeros(256, dtype=np.bool_)
    is_allowed[np.frombuffer(allowed, dtype=np.uint8)] = True
    kept = is_allowed.take(cells.data)
    kept_before = np.zeros(len(kept) + 1, dtype=np.int32)
    np.cumsum(kept, out=kept_before[1:])
    return column_at(kept_before.take(cells.starts), cells.data[kept])
