"""The compiled loops over the bytes of columns, against the same thing said in plain Python."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.columnar import kernels
from listrak_sms_cli.columnar.strings import counts_of, raw
from listrak_sms_cli.runs.pack.import_files import write_lines

PHONES = st.text(st.sampled_from("0123456789+-(). /x,*é"), max_size=24)
CELLS = st.text(st.one_of(st.sampled_from(',"\r\n '), st.characters(codec="utf-8")), max_size=40)
MASK = (1 << 64) - 1


@given(st.lists(st.one_of(PHONES, st.from_regex(r"\+?[0-9 ().\-/]{0,30}(\.0|0)?", fullmatch=True))), st.integers(0, 3))
def test_the_digits_and_the_shape_of_a_phone(phones: list[str], cut: int) -> None:
    """Digits are counted and read, and only plain cells have a shape, wherever they stand in a column."""
    seen = raw(pa.array(["+1 x"] * cut + phones, pa.string())[cut:])
    counts, numbers, shapes = (np.empty(len(phones), kind) for kind in (np.int32, np.int64, np.uint8))
    kernels.read_digits(seen.starts, seen.data, counts, numbers, shapes, 18, 20)
    for phone, count, number, shape in zip(phones, counts, numbers, shapes, strict=True):
        digits = re.sub("[^0-9]", "", phone)
        assert (count, number) == (len(digits), int(digits[:18] or "0"))
        plain = re.fullmatch(r"\+?[0-9 ().\-/]*", phone) and 0 < len(digits) <= 18 and len(phone) <= 20
        float_like = re.search(r"(.\.0|\.00)[^0-9]*$", phone)
        assert shape == (len(digits) * 2 + phone.startswith("+") if plain and not float_like else 0)


def test_what_is_known_of_numbers() -> None:
    """By the first five digits, and by two more for each block that follows; nothing without a shape."""
    entries = np.zeros(10**5 + 300, np.int16)
    entries[[12, 13, 14, 15]] = 1, 2, 3, -1  # 00012 to 00015
    entries[[10**5 + 34, 10**5 + 35, 10**5 + 234]] = 4, -3, 1  # 00015 34, 00015 35, 00015 35 34
    shifts = np.array([5, -7], np.int64)
    known: list[tuple[np.ndarray, np.ndarray, int] | None] = [None] * 38
    known[22], known[7] = (entries, shifts, 11), (entries[:1000], shifts, 3)
    told = {12_000_000: -1, 13_999_999: -2, 14_123_456: 14_123_461, 15_340_001: 15_339_994, 15_353_400: -1}
    told |= {0: 0, 15_999_999: 0, 15_350_000: 0, 99_999_999_999: 0}
    values = np.array([*told, 12, 14, 14, 14], np.int64)
    numbers = np.empty(len(values), np.int64)
    shapes = np.array([22] * len(told) + [7, 7, 0, 9], np.uint8)
    assert kernels.look_up(values, shapes, known, numbers) == 5
    assert numbers.tolist() == [*told.values(), -1, 19, -2, 0]


@given(st.lists(st.tuples(st.sampled_from(["", "12125550100"]), CELLS, CELLS), max_size=9), st.integers(0, 3))
def test_lines_of_cells_of_any_length(rows: list[tuple[str, str, str]], cut: int) -> None:
    """A line has just the cells of its row, also at the ends of columns and of slices."""
    before = [("17175550100", "a,b", "x" * 17)] * cut
    columns = [pa.array([row[place] for row in [*before, *rows]], pa.string())[cut:] for place in range(3)]
    written = [
        ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\r\n') else c for c in row) + "\n"
        for row in rows
    ]
    expected = [line if row[0] else "" for line, row in zip(written, rows, strict=True)]
    assert write_lines(columns[0], columns[1:]).to_pylist() == expected


@given(st.lists(st.text(max_size=30)), st.integers(0, MASK))
def test_digests_are_what_they_were(cells: list[str], seed: int) -> None:
    """What is remembered of members holds from version to version: the digest of a text never changes."""
    seen, digests = raw(pa.array(cells, pa.string())), np.empty(len(cells), np.uint64)
    kernels.digest_cells(seen.starts, seen.data, seed, digests)
    assert digests.tolist() == [digest(cell.encode(), seed) if cell else 0 for cell in cells]


@given(st.lists(st.integers(0, MASK)), st.lists(st.integers(0, MASK), min_size=1, max_size=4))
def test_mixing_is_what_it_was(numbers: list[int], keys: list[int]) -> None:
    """Each number is mixed with all keys but the last, which is laid over it."""
    mixed = np.array(numbers, np.uint64)
    kernels.mix(mixed, np.array(keys, np.uint64))
    for number, result in zip(numbers, mixed.tolist(), strict=True):
        for key in keys[:-1]:
            number = mix(number ^ key)
        assert result == number ^ keys[-1]


@given(st.binary(max_size=300))
def test_bytes_are_counted(text: bytes) -> None:
    assert counts_of(np.frombuffer(text, np.uint8)).tolist() == [text.count(value) for value in range(256)]


@given(st.binary(max_size=600), st.integers(0, 255))
def test_a_byte_is_found(text: bytes, value: int) -> None:
    octets = np.frombuffer(text, np.uint8)
    positions = np.empty(kernels.count_byte(octets, value), np.int64)
    kernels.find_byte(octets, value, positions)
    assert positions.tolist() == [at for at, byte in enumerate(text) if byte == value]


def digest(cell: bytes, seed: int) -> int:
    def word(at: int) -> int:
        return int.from_bytes(cell[at : at + 8], "little")

    total = seed ^ len(cell) * 0x9E3779B97F4A7C15 & MASK
    if len(cell) < 16:
        last = word(0), word(8)
    else:
        for at in range(0, len(cell) - 16, 16):
            total = folded(word(at) ^ 0xBF58476D1CE4E5B9, word(at + 8) ^ total)
        last = word(len(cell) - 16), word(len(cell) - 8)
    return mix(folded(last[0] ^ 0x94D049BB133111EB, last[1] ^ total))


def folded(first: int, second: int) -> int:
    product = first * second
    return product & MASK ^ product >> 64


def mix(number: int) -> int:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        number = (number ^ number >> shift) * factor & MASK
    return number ^ number >> 31
