"""The bytes below a column of cells: how a `pa.StringArray` is seen as numpy arrays, and built from them.

Everything here goes through Arrow buffers. `pa.array`, `pa.scalar`, `to_numpy` and `np.asarray` of an Arrow value
would import pandas (0.3 s) at their first call, as would `pq.read_table`, so they are not used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from listrak_sms_cli.columnar import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


class Raw(Struct, frozen=True):
    """A column as numpy: cell i is `data[starts[i]:starts[i + 1]]`; `starts` is int32, one longer than the
    column, and begins at 0 also for a slice."""

    starts: npt.NDArray[np.int32]
    data: Bytes

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Bytes of each cell."""
        return np.diff(self.starts)

    def rows_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The rows, ascending and each once, that hold the bytes at these ascending positions of `data`."""
        rows = np.searchsorted(self.starts, positions, side="right") - 1
        return rows[np.concatenate(([True], rows[1:] != rows[:-1]))] if len(rows) else rows

    def rows_of(self, flags: Mask) -> Mask:
        """True for each row of which at least one byte is flagged; `flags` is as long as `data`."""
        held = np.zeros(len(self.starts) - 1, dtype=np.bool_)
        held[self.rows_at(np.flatnonzero(flags))] = True
        return held


def raw(column: pa.StringArray) -> Raw:
    """The column's own bytes (no copy of the data). What lies under a null is seen too: fill nulls before."""
    count = len(column)
    _, offsets, data = column.buffers()
    if count == 0 or offsets is None:
        return Raw(np.zeros(count + 1, dtype=np.int32), np.zeros(0, dtype=np.uint8))
    starts = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + count + 1]
    seen = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
    seen = seen[starts[0] : starts[-1]]
    return Raw(starts - starts[0] if starts[0] else starts, seen)


def column_of(lengths: npt.NDArray[np.integer], data: Bytes) -> pa.StringArray:
    """Cells of these lengths (bytes), cut one after the other from `data`, which is UTF-8."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=starts[1:])
    return column_at(starts, data)


def column_at(starts: npt.NDArray[np.int32], data: Bytes) -> pa.StringArray:
    """Cells that start (and, each, end where the next starts) at these bytes of `data`, which is UTF-8."""
    return pa.StringArray.from_buffers(len(starts) - 1, pa.py_buffer(starts), pa.py_buffer(data))


@lru_cache(maxsize=64)
def fixed_column(*texts: str) -> pa.StringArray:
    """A small column of fixed words, kept."""
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
    """Row numbers as `take` wants them."""
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows.astype(np.int64))])


def integers(column: pa.Array) -> npt.NDArray[np.int32]:
    """An int32 column without nulls as numpy."""
    return np.frombuffer(column.buffers()[1] or b"", dtype=np.int32)[column.offset : column.offset + len(column)]


def numbers_of(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column of numbers without nulls as numpy, read-only."""
    return np.from_dlpack(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)


def column_of_numbers(numbers: npt.NDArray[Any]) -> pa.Array:
    """Numbers of any width as an Arrow column."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def counts_of(octets: Bytes) -> npt.NDArray[np.int64]:
    """256: how many of these bytes there are of each."""
    counts = np.zeros(256, np.int64)
    kernels.count_each(octets, counts)
    return counts


def nulls_as_empty(column: pa.StringArray) -> pa.StringArray:
    """The column with "" for null."""
    return pc.coalesce(column, fixed_column("")[0]) if column.null_count else column


def matches(column: pa.StringArray, pattern: str) -> Mask:
    """True where RE2 finds the pattern in the cell; the column has no nulls."""
    return mask_of(pc.match_substring_regex(column, pattern))


def select(column: pa.StringArray, mask: Mask) -> pa.StringArray:
    """The cells of the rows that the mask names."""
    return column.filter(booleans(mask))


def replace_cells(column: pa.StringArray, mask: Mask, cells: pa.StringArray) -> pa.StringArray:
    """The column with `cells`, in order, in the rows that the mask names."""
    if len(cells) == len(column):
        return cells
    if len(cells) * _FEW < len(column) and not column.null_count and not cells.null_count:
        return _spliced(column, np.flatnonzero(mask), cells)
    return pc.replace_with_mask(column, booleans(mask), cells)


_FEW = 64  # of so many cells one is replaced


def _spliced(column: pa.StringArray, rows: npt.NDArray[np.intp], cells: pa.StringArray) -> pa.StringArray:
    """As `put`: what lies between the rows is copied whole, a fifth of the time that cell by cell takes."""
    old, new = raw(column), raw(cells)
    lengths = old.lengths
    lengths[rows] = new.lengths
    before, instead = old.data.data, new.data.data
    pieces, at = [], 0
    bounds = (old.starts[rows], old.starts[rows + 1], new.starts[:-1], new.starts[1:])
    for start, end, first, last in zip(*(some.tolist() for some in bounds), strict=True):
        pieces += [before[at:start], instead[first:last]]
        at = end
    return column_of(lengths, np.frombuffer(b"".join([*pieces, before[at:]]), np.uint8))


def blanked(column: pa.StringArray, mask: Mask) -> pa.StringArray:
    """The column with "" in the rows that the mask names."""
    return pc.if_else(booleans(mask), fixed_column("")[0], column)


def trimmed(column: pa.StringArray) -> pa.StringArray:
    """The column without Unicode blanks at the ends of its cells."""
    return pc.utf8_trim_whitespace(column)


def replace_matches(column: pa.StringArray, pattern: str, replacement: str) -> pa.StringArray:
    """The column with what RE2 finds replaced: only cells that match are rewritten, the dear part."""
    hits = matches(column, pattern)
    if not hits.any():
        return column
    return replace_cells(column, hits, pc.replace_substring_regex(select(column, hits), pattern, replacement))


def keep_bytes(column: pa.StringArray, allowed: bytes) -> pa.StringArray:
    """The column without any byte but these, which are ASCII."""
    seen = raw(column)
    keep = np.zeros(256, dtype=np.bool_)
    keep[np.frombuffer(allowed, dtype=np.uint8)] = True
    kept = keep.take(seen.data)
    before = np.zeros(len(kept) + 1, dtype=np.int32)
    np.cumsum(kept, out=before[1:])
    return column_at(before.take(seen.starts), seen.data[kept])
