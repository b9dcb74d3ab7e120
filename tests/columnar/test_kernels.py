"""The compiled loops over columns do what plain Python does, and refuse arrays of the wrong length or type."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.columnar import kernels, strings
from listrak_sms_cli.columnar.dictionaries import dictionary_encoded
from listrak_sms_cli.columnar.kernels import DigitTrie, TrieLayout
from listrak_sms_cli.columnar.strings import Raw, raw, string_column

PHONES = st.text(st.sampled_from("0123456789+-(). /x,*é"), max_size=24)
CELLS = st.text(st.one_of(st.sampled_from(',"\r\n '), st.characters(codec="utf-8")), max_size=40)
MASK = (1 << 64) - 1


@given(st.lists(st.one_of(PHONES, st.from_regex(r"\+?[0-9 ().\-/]{0,30}(\.0|0)?", fullmatch=True))), st.integers(0, 3))
def test_the_digits_and_the_shape_of_a_phone(phones: list[str], cut: int) -> None:
    """Digits are counted and read, and only plain cells have a shape, wherever they stand in a column."""
    read = kernels.read_digits(raw(pa.array(["+1 x"] * cut + phones, pa.string())[cut:]), 18, 20)
    for phone, count, number, shape in zip(phones, read.counts, read.values, read.shapes, strict=True):
        digits = re.sub("[^0-9]", "", phone)
        assert (count, number) == (len(digits), int(digits[:18] or "0"))
        plain = re.fullmatch(r"\+?[0-9 ().\-/]*", phone) and 0 < len(digits) <= 18 and len(phone) <= 20
        float_like = re.search(r"(.\.0|\.00)[^0-9]*$", phone)
        assert shape == (len(digits) * 2 + phone.startswith("+") if plain and not float_like else 0)


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
    assert kernels.write_csv_lines(columns[0], columns[1:]).to_pylist() == expected


@given(
    st.lists(st.tuples(st.sampled_from(["", "12125550100"]), CELLS, CELLS, st.booleans()), max_size=9),
    st.integers(0, MASK),
)
def test_known_lines_are_left_out(rows: list[tuple[str, str, str, bool]], seed: int) -> None:
    """A line whose digest is known is no longer there, and the others stand as if it had never been."""
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
    lines = kernels.write_csv_lines(columns[0], columns[1:])
    digests = kernels.digest_cells(raw(lines), seed)
    known = np.array([row[3] for row in rows], np.bool_)
    before = np.where(known, digests, ~digests)
    new, found = kernels.write_new_csv_lines(columns[0], columns[1:], seed, before)
    assert found.tolist() == digests.tolist()
    assert new.to_pylist() == ["" if here else line for line, here in zip(lines.to_pylist(), known, strict=True)]


CSV_CELLS = st.lists(
    st.lists(st.text(st.sampled_from('a\u00fc ,"\r\n;x'), max_size=20), min_size=3, max_size=3), max_size=9
)


@given(CSV_CELLS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_cells_are_read_as_they_were_written(rows: list[list[str]], line: str, all_quoted: bool, ends: bool) -> None:
    """Any columns in any order, quoted where they must be or all of them, with and without a last line end."""
    special = set('",\r\n')
    lines = [
        ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if all_quoted or special & {*c} else c for c in r) for r in rows
    ]
    text = line.join(lines) + line * (ends and bool(rows))
    octets = np.frombuffer(text.encode(), np.uint8)
    for columns in ([0], [2, 1], [0, 1, 2], []):
        found = kernels.read_cells(octets, ord(","), ord('"'), 3, columns, len(rows))
        assert found is not None
        texts = [strings.column_at(cells.starts, cells.data).to_pylist() for cells in found]
        assert texts == [[row[column] for row in rows] for column in columns]


@given(st.text(st.sampled_from('ab",\r\n'), max_size=40), st.integers(1, 3), st.sampled_from([None, ord('"')]))
def test_cells_are_those_that_arrow_reads(text: str, width: int, quote: int | None) -> None:
    """Whatever the text: where they are read at all, Arrow reads the same ones, and as many rows."""
    octets = np.frombuffer(text.encode(), np.uint8)
    names = [str(column) for column in range(width)]
    for rows in range(min(len(text), 8) + 1):
        found = kernels.read_cells(octets, ord(","), quote, width, range(width), rows)
        if found is None or not text:
            continue
        table = pa_csv.read_csv(
            pa.BufferReader(text.encode()),
            pa_csv.ReadOptions(column_names=names),
            pa_csv.ParseOptions(quote_char='"' if quote else False, newlines_in_values=True),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
        texts = [strings.column_at(cells.starts, cells.data).to_pylist() for cells in found]
        assert texts == [column.to_pylist() for column in table.columns]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n\nc,d\n",
        "a,b\nc\n",
        "a,b\nc,d,e\n",
        "a,b\rc,d\r",
        'a,b\n"c,d\n',
        'a,b\n"c"x,d\n',
        'a,b\n"c",d\r',
        "a,b\n",
        "a,b\nc,d\ne,f\n",
    ],
)
def test_unusual_text_is_left_alone(text: str) -> None:
    """Blank and ragged rows, lines that end in CR alone, quotes that do not close or have text behind them, and more or
    fewer rows than were announced."""
    octets = np.frombuffer(text.encode(), np.uint8)
    for columns in ([0], [1], []):
        assert kernels.read_cells(octets, ord(","), ord('"'), 2, columns, 2) is None


SEED = 7


@given(st.lists(st.text(max_size=30)), st.integers(0, MASK))
def test_digests_are_what_they_were(cells: list[str], seed: int) -> None:
    """What is remembered of members holds from version to version: the digest of a text never changes."""
    digests = kernels.digest_cells(raw(pa.array(cells, pa.string())), seed)
    assert digests.tolist() == [digest(cell.encode(), seed) if cell else 0 for cell in cells]


@given(st.lists(st.tuples(st.lists(st.text(max_size=30) | st.sampled_from("abc")), st.integers(0, 5), st.booleans())))
def test_cells_are_measured(drawn: list[tuple[list[str], int, bool]]) -> None:
    """Of each column those that are filled, the characters of the longest, and where wanted the different digests; also
    of slices."""
    columns = [raw(pa.array(texts, pa.string()).slice(start)) for texts, start, _ in drawn]
    measured = kernels.measure_cells(columns, [wanted for _, _, wanted in drawn], SEED)
    for (texts, start, wanted), cells, measures in zip(drawn, columns, measured, strict=True):
        filled = [text for text in texts[start:] if text]
        assert (measures.filled, measures.longest) == (len(filled), max(map(len, filled), default=0))
        if measures.digests is None:
            assert not wanted
        else:
            assert {*measures.digests.tolist()} == {*kernels.digest_cells(cells, SEED).tolist()} - {0}
            assert len(measures.digests) <= len(filled)


@given(st.lists(st.lists(st.integers(0, 300) | st.integers(MASK - 300, MASK), max_size=200)), st.integers(1, 400))
def test_different_numbers_are_counted(batches: list[list[int]], most: int) -> None:
    """Exactly, up to the most that a set may hold; 0 is no number."""
    numbers = kernels.NumberSet(most)
    known: set[int] = set()
    for batch in batches:
        added = numbers.add(np.array(batch, np.uint64))
        known |= {*batch} - {0}
        assert added == (len(known) <= most)
        assert numbers.count == min(len(known), most)
        if not added:
            return


@given(st.lists(st.integers(0, MASK)), st.lists(st.integers(0, MASK), min_size=1, max_size=4))
def test_mixing_is_what_it_was(numbers: list[int], keys: list[int]) -> None:
    """Each number is mixed with all keys but the last, which is laid over it."""
    mixed = kernels.mix_numbers(np.array(numbers, np.uint64), np.array(keys, np.uint64))
    for number, result in zip(numbers, mixed.tolist(), strict=True):
        for key in keys[:-1]:
            number = mix(number ^ key)
        assert result == number ^ keys[-1]


@given(st.lists(st.integers(0, 40), unique=True), st.lists(st.lists(st.integers(0, 40))), st.booleans())
def test_numbers_are_found(numbers: list[int], wanted: list[list[int]], far: bool) -> None:
    """Each at its place, near the one before or not, in one go or in several; 0 is no number."""
    between = [1 << 63 | place for place in range(600)] if far else []
    column = [*numbers[:3], *between, *numbers[3:]]
    index = kernels.NumberIndex(np.array(column, np.uint64))
    for some in wanted:
        expected = [column.index(number) if number in column else -1 for number in some]
        places = index.find(np.array(some, np.uint64)).tolist()
        assert all(place == told or number == 0 for place, told, number in zip(places, expected, some, strict=True))


@given(st.binary(max_size=300))
def test_bytes_are_counted(text: bytes) -> None:
    assert kernels.count_each_byte(np.frombuffer(text, np.uint8)).tolist() == [
        text.count(value) for value in range(256)
    ]


@given(st.binary(max_size=600), st.integers(0, 255))
def test_a_byte_is_found(text: bytes, value: int) -> None:
    octets = np.frombuffer(text, np.uint8)
    positions = [at for at, byte in enumerate(text) if byte == value]
    assert kernels.find_byte(octets, value).tolist() == positions
    assert kernels.count_byte(octets, value) == len(positions)


@pytest.mark.parametrize("keep_last", [False, True])
@given(numbers=st.lists(st.integers(-2, 9)))
def test_repeated_numbers_are_marked(keep_last: bool, numbers: list[int]) -> None:
    """Every occurrence of a number above 0 but the first or the last is marked."""
    in_turn = range(len(numbers) - 1, -1, -1) if keep_last else range(len(numbers))
    met, marked = set[int](), [False] * len(numbers)
    for row in in_turn:
        marked[row] = numbers[row] in met
        met |= {numbers[row]} if numbers[row] > 0 else set()
    assert kernels.mark_repeated(np.array(numbers, np.int64), keep_last=keep_last).tolist() == marked


DATA = np.frombuffer(b"12345", np.uint8)
BEYOND = Raw(np.array([0, 6], np.int32), DATA)
BEFORE = Raw(np.array([-1, 5], np.int32), DATA)
NO_STARTS = Raw(np.zeros(0, np.int32), DATA)
NUMBERS, SHAPES = np.zeros(3, np.int64), np.zeros(3, np.uint8)
LAYOUT = TrieLayout(5, 2, (0,), -2)
SHORT_ROOT = DigitTrie(np.zeros(999, np.int16), NUMBERS, 3)
TOO_DEEP = DigitTrie(np.zeros(10**5, np.int16), NUMBERS, 19)
TEXTS = string_column(["a", "b"])
REFUSED = {
    "cells that end behind their bytes": lambda: kernels.read_digits(BEYOND, 18, 20),
    "cells that begin before their bytes": lambda: kernels.read_digits(BEFORE, 18, 20),
    "cells without a start": lambda: kernels.read_digits(NO_STARTS, 18, 20),
    "digests of cells that end behind their bytes": lambda: kernels.digest_cells(BEYOND, 1),
    "more digits than fit": lambda: kernels.read_digits(raw(TEXTS), 19, 20),
    "fewer shapes than values": lambda: kernels.look_up(NUMBERS, SHAPES[:2], [], LAYOUT),
    "values that are no int64": lambda: kernels.look_up(NUMBERS.astype(np.int32), SHAPES, [], LAYOUT),
    "more tries than shapes": lambda: kernels.look_up(NUMBERS, SHAPES, [None] * 257, LAYOUT),
    "a trie that is shorter than its root": lambda: kernels.look_up(NUMBERS, SHAPES, [SHORT_ROOT], LAYOUT),
    "a trie of too many digits": lambda: kernels.look_up(NUMBERS, SHAPES, [TOO_DEEP], LAYOUT),
    "fewer digits to leave out than numbers": lambda: kernels.write_numbers(NUMBERS, SHAPES[:2], plus=True),
    "numbers with gaps between them": lambda: kernels.write_numbers(np.zeros(6, np.int64)[::2], SHAPES, plus=True),
    "columns of different lengths": lambda: kernels.write_csv_lines(TEXTS, [TEXTS[:1]]),
    "places without a word": lambda: kernels.write_csv_lines(TEXTS, [at_places(0, 2)]),
    "places below 0": lambda: kernels.write_csv_lines(TEXTS, [at_places(0, -1)]),
    "no keys": lambda: kernels.mix_numbers(NUMBERS, np.zeros(0, np.uint64)),
    "numbers that are no int64": lambda: kernels.mark_repeated(np.zeros(3, np.int32), keep_last=True),
    "bytes that are no uint8": lambda: kernels.count_each_byte(np.zeros(3, np.int8)),
}


def at_places(*places: int) -> pa.DictionaryArray:
    return dictionary_encoded(np.array(places, np.int32), TEXTS)


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_wrong_lengths_and_types_are_refused(call: Callable[[], object]) -> None:
    """A wrong array raises ValueError; nothing is read or written beyond its end."""
    with pytest.raises(ValueError):
        call()


def test_too_many_digits_left_out() -> None:
    """Of a number with fewer digits than are left out nothing remains."""
    texts = kernels.write_numbers(np.array([12, 345]), np.array([255, 1], np.uint8), plus=False)
    assert texts.to_pylist() == ["", "45"]


def digest(cell: bytes, seed: int) -> int:
    def word(at: int) -> int:
        return int.from_bytes(cell[at : at + 8], "little")

    total = seed ^ len(cell) * 0x9E3779B97F4A7C15 & MASK
    if len(cell) < 16:
        last = word(0), word(8)
    else:
        for at in range(0, len(cell) - 16, 16):
            total = multiplied(word(at) ^ 0xBF58476D1CE4E5B9, word(at + 8) ^ total)
        last = word(len(cell) - 16), word(len(cell) - 8)
    return mix(multiplied(last[0] ^ 0x94D049BB133111EB, last[1] ^ total))


def multiplied(first: int, second: int) -> int:
    product = first * second
    return product & MASK ^ product >> 64


def mix(number: int) -> int:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        number = (number ^ number >> shift) * factor & MASK
    return number ^ number >> 31


@given(st.lists(st.text("NULnu\\é", max_size=6), max_size=40), st.integers(0, 3))
def test_words_are_found_in_a_slice(texts: list[str], start: int) -> None:
    words = ("NULL", "nu", "\\N", "é")
    found = kernels.cells_among(raw(string_column(texts).slice(start)), kernels.Words(raw(string_column(words))))
    expected = [text in words for text in texts[start:]]
    assert (found.tolist() if found is not None else [False] * len(expected)) == expected


@given(st.lists(st.text("ab'é ", max_size=3), max_size=20))
def test_classes_at_ends_are_joined(texts: list[str]) -> None:
    of_first, of_last = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    of_first[ord("'")], of_last[ord("b")] = 1, 2
    expected = any(text.startswith("'") for text in texts) | 2 * any(text.endswith("b") for text in texts)
    assert kernels.classes_at_ends(raw(string_column(texts)), of_first, of_last) == expected
