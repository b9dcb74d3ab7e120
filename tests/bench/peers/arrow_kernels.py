"""Column kernels of the hand-tuned peer: North American phones and CSV cells, by numpy on Arrow's buffers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

PADDING = 16
TEN_BILLION = 10_000_000_000
FOUR_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)
LINE_START = np.frombuffer(b"".join(b"\n1%02d" % number for number in range(100)), np.uint32)
LINE_START_WIDTH = 12


def offsets_and_bytes(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """int32 offsets from zero, one more than rows, and the uint8 text they cut."""
    _validity, offsets, text = column.buffers()
    cuts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if text is None or cuts[-1] == cuts[0]:
        return cuts - cuts[0], np.empty(0, np.uint8)
    return cuts - cuts[0], np.frombuffer(text, np.uint8)[cuts[0] : cuts[-1]]


def phone_numbers(column: pa.Array) -> np.ndarray:
    """Spellings -> int64, eleven digits; 0 where it is no North American number."""
    offsets, text = offsets_and_bytes(column)
    is_digit = (text - np.uint8(ord("0"))) < 10
    before = np.zeros(len(text) + 1, np.int32)
    np.cumsum(is_digit, dtype=np.int32, out=before[1:])
    starts = before[offsets]
    amount, starts = starts[1:] - starts[:-1], starts[:-1]
    digits = np.concatenate([text[is_digit], np.full(PADDING, ord("0"), np.uint8)])
    with_country = amount == 11
    valid = (amount == 10) | (with_country & (digits[starts] == ord("1")))
    national = np.minimum(starts + with_country, len(digits) - 10)
    eight = np.ndarray((len(digits) - 7,), "<u8", digits, 0, (1,))[national]
    for position in (0, 3):  # area code and exchange start with 2 to 9
        valid &= ((eight >> np.uint64(8 * position)) & np.uint64(0xFF)) >= ord("2")
    numbers = eight_digits_value(eight) * 100 + digits[national + 8] * np.int64(10) + digits[national + 9]
    numbers += TEN_BILLION - 11 * ord("0")
    numbers[~valid] = 0
    return numbers


def eight_digits_value(eight: np.ndarray) -> np.ndarray:
    """Eight ASCII digits in a little-endian word -> their number, pairs, then fours, then all."""
    pairs = ((eight & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(10 * 256 + 1)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 * 65536 + 1)) >> np.uint64(16)
    return (((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10_000 * 2**32 + 1)) >> np.uint64(32)).astype(np.int64)


def line_starts(numbers: np.ndarray) -> pa.Array:
    """A line break and the phone for each number, null for 0: joined to a null, a row gives no text at all."""
    kept = numbers != 0
    ten = np.where(kept, numbers - TEN_BILLION, 0)
    cells = np.empty((len(ten), 3), np.uint32)
    upper, cells[:, 2] = ten // 10_000, FOUR_DIGITS[ten % 10_000]
    cells[:, 0], cells[:, 1] = LINE_START[upper // 10_000], FOUR_DIGITS[upper % 10_000]
    offsets = np.arange(len(ten) + 1, dtype=np.int32) * np.int32(LINE_START_WIDTH)
    validity = pa.py_buffer(np.packbits(kept, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), len(ten), [validity, pa.py_buffer(offsets), pa.py_buffer(cells)])


def quoted(column: pa.Array) -> pa.Array:
    """Cells quoted where CSV needs it, by inserting quotes into the text; untouched when none does."""
    offsets, text = offsets_and_bytes(column)
    if not len(text) or text.min() > ord(","):
        return column
    special = np.flatnonzero((text == ord(",")) | (text == ord('"')) | (text == ord("\n")) | (text == ord("\r")))
    if not len(special):
        return column
    rows = np.unique(np.searchsorted(offsets, special, "right") - 1)
    inner = special[text[special] == ord('"')]
    places = np.concatenate([offsets[rows], offsets[rows + 1], inner])
    grown = np.zeros(len(offsets), np.int32)
    grown[rows + 1] = 2
    np.add.at(grown, np.searchsorted(offsets, inner, "right"), 1)
    whole = np.insert(text, np.sort(places), ord('"'))
    new_offsets = offsets + np.cumsum(grown, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), len(column), [None, pa.py_buffer(new_offsets), pa.py_buffer(whole)])


def binary_scalar(text: bytes) -> pa.Scalar:
    """`pa.scalar` would import pandas, 0.3 s."""
    offsets = pa.py_buffer(np.array([0, len(text)], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(text)])[0]
