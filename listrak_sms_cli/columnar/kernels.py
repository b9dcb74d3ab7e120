"""Compiled loops over columns: each function allocates what it returns and checks the lengths of what it is given.

The loops themselves are in `_kernels.pyx`; they check nothing, and nobody but this module calls them. Every function
raises ValueError for an array of the wrong type or length, and lets other threads run meanwhile; only a NumberSet does
not: what it does is over before they would have begun.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct

import listrak_sms_cli.columnar._kernels as compiled
from listrak_sms_cli.columnar.dictionaries import Column, Places, decoded, words_and_places
from listrak_sms_cli.columnar.strings import Bytes, Integers, Mask, Raw, column_at, raw

_DIGITS_OF_INT64 = 18  # every number of so many digits fits
_BYTES_OF_A_NUMBER = 20  # a plus and 19 digits
_MOST_TEXT = 1 << 31  # bytes that int32 offsets can count
_SMALL_TEXT = 1 << 23  # bytes that may be allocated and not used
_GROUP_OF_INDEX = 2  # numbers, about
_BITS = 32  # a bit for each length of a word
_FIRST_TABLE = 64  # places of a set of numbers: a power of two
_GROUP_SIZE = 1 << 15  # numbers of a group, about: their table fits into the cache


class CellDigits(Struct, frozen=True):
    """The ASCII digits of each cell of a column: how many there are (`counts`, int32), the integer that the first of
    them make (`values`, int64), and the cell's shape (`shapes`, uint8): twice the count, one more behind a plus; 0 for
    a cell that is not plain."""

    counts: npt.NDArray[np.int32]
    values: Integers
    shapes: Bytes


class DigitTrie(Struct, frozen=True):
    """Entries (int16) for numbers of `digits` digits by their first digits, and the `shifts` (int64) that entries refer
    to. `TrieLayout` says where an entry stands and what it means."""

    entries: npt.NDArray[np.int16]
    shifts: Integers
    digits: int


class TrieLayout(Struct, frozen=True):
    """How tries are read.

    The first `root_digits` digits of a number choose one of the first 10 ** root_digits entries, the root. An entry of
    -1 - n means that more digits decide: the next `block_digits` choose one of the 10 ** block_digits entries of block
    n behind the root. An entry e from 0 on is final. The result is `results[e]` (0 is the entry for numbers of which
    the trie knows nothing), and behind the end of `results` the number itself + `shifts[e - len(results)]`. The result
    for the shape 0 is `without_shape`.
    """

    root_digits: int
    block_digits: int
    results: tuple[int, ...]
    without_shape: int


def read_digits(cells: Raw, most: int, longest: int) -> CellDigits:
    """The digits of each cell; `values` is made of the first `most` digits (18 or fewer).

    Plain is a cell of one to `most` digits, `( ) - . /` and spaces, behind at most one plus, in no more than `longest`
    bytes, that does not end as a float does (`.0`, `.00`).
    """
    _check_cells(cells)
    _check(0 < most <= _DIGITS_OF_INT64, "so many digits do not fit into int64")
    count = len(cells.starts) - 1
    digits = CellDigits(np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.uint8))
    compiled.read_digits(cells.starts, cells.data, digits.counts, digits.values, digits.shapes, most, longest)
    return digits


def look_up(
    values: Integers, shapes: Bytes, tries: Sequence[DigitTrie | None], layout: TrieLayout
) -> tuple[Integers, int]:
    """What the trie of its shape knows of each value, int64, and how many values have the entry 0. `values` and
    `shapes` come from `read_digits`; a shape without a trie has the entry 0."""
    _check(len(values) == len(shapes), "values and shapes differ in length")
    _check(len(tries) <= 256, "a shape is one byte")
    for trie in tries:
        if trie is not None:
            _check(0 < trie.digits <= _DIGITS_OF_INT64, "a trie has no such digits")
            _check(len(trie.entries) >= 10 ** min(trie.digits, layout.root_digits), "a trie is shorter than its root")
    numbers = np.empty(len(values), np.int64)
    parts = [trie and (trie.entries, trie.shifts, trie.digits) for trie in tries]
    results = np.array(layout.results, np.int64)
    missed: int = compiled.look_up(
        values, shapes, parts, layout.root_digits, layout.block_digits, results, layout.without_shape, numbers
    )
    return numbers, missed


def write_numbers(numbers: Integers, left_out: Bytes, *, plus: bool) -> pa.StringArray:
    """Numbers above 0 in decimal, without the first `left_out` (uint8 a number) of their digits and, if `plus`, behind
    one; "" for other numbers."""
    _check(len(numbers) == len(left_out), "numbers and left_out differ in length")
    starts, text = np.empty(len(numbers) + 1, np.int32), _text(_BYTES_OF_A_NUMBER * len(numbers))
    size = compiled.write_numbers(numbers, left_out, plus, starts, text)
    return column_at(starts, text[:size])


def write_csv_lines(first: Column, others: Sequence[Column]) -> pa.StringArray:
    """A CSV line for each row, with a line feed at its end; "" where the cell of the first column is empty. Cells are
    quoted where they need it (RFC 4180); a null is an empty cell. Raises OverflowError for more text than a column
    holds."""
    return _csv_lines(first, others, 0, None, None)


def write_new_csv_lines(
    first: Column, others: Sequence[Column], seed: int, known: npt.NDArray[np.uint64]
) -> tuple[pa.StringArray, npt.NDArray[np.uint64]]:
    """As `write_csv_lines`, and the digest of each line as `digest_cells` makes it (0 = no line). "" also where that is
    the one `known` of the row: a line that is not new is written over, so it costs no memory."""
    _check(len(known) == len(first), "a digest is known of each row, or 0")
    digests = np.empty(len(first), np.uint64)
    return _csv_lines(first, others, seed, known, digests), digests


def _csv_lines(
    first: Column,
    others: Sequence[Column],
    seed: int,
    known: npt.NDArray[np.uint64] | None,
    digests: npt.NDArray[np.uint64] | None,
) -> pa.StringArray:
    rows = len(first)
    _check(all(len(column) == rows for column in others), "columns differ in length")
    pairs = [words_and_places(column) for column in (decoded(first), *others)]
    cells = [(raw(words), places) for words, places in pairs]
    # Names, dates, addresses and digits are all above the comma: the smallest byte settles most columns.
    special = [bool(len(words.data)) and int(words.data.min()) <= ord(",") for words, _ in cells]
    room = compiled.OVERHANG + rows * (len(cells) + 2 * sum(special))
    for (words, places), quotes in zip(cells, special, strict=True):
        room += (1 + quotes) * (len(words.data) if places is None else _decoded_size(words, places))
    starts, text = np.empty(rows + 1, np.int32), _text(room)
    parts = [(words.starts, words.data, places) for words, places in cells]
    size = compiled.write_lines(parts, special, starts, text, seed, known, digests)
    return column_at(starts, text[:size])


def _decoded_size(words: Raw, places: Places) -> int:
    """Bytes of a dictionary-encoded column's cells, or somewhat more: memory that is not written to costs nothing."""
    _check(not len(places) or int(places.view(np.uint32).max()) < len(words.starts) - 1, "a row has no word")
    most = len(places) * int(words.lengths.max(initial=0))
    return most if most < _SMALL_TEXT else int(words.lengths.take(places).sum(dtype=np.int64))


def _text(size: int) -> Bytes:
    if size >= _MOST_TEXT:
        raise OverflowError("more text than a column holds")
    return np.empty(size, np.uint8)


def digest_cells(cells: Raw, seed: int) -> npt.NDArray[np.uint64]:
    """A 64-bit digest of each cell's bytes, 0 for an empty cell. `seed`: uint64; with another seed all digests are
    others."""
    _check_cells(cells)
    digests = np.empty(len(cells.starts) - 1, np.uint64)
    compiled.digest_cells(cells.starts, cells.data, seed, digests)
    return digests


class Measures(NamedTuple):
    """Of some cells: how many are not empty, the characters of the longest one, and the digests of filled ones as
    `digest_cells` makes them, where they are wanted: each at least once, few of them more often."""

    filled: int
    longest: int
    digests: npt.NDArray[np.uint64] | None


def measure_cells(columns: Sequence[Raw], digested: Sequence[bool], seed: int) -> list[Measures]:
    """Measure the cells (UTF-8) of each column, in one pass over them. `digested`: of which columns digests are wanted,
    under this seed."""
    _check(len(columns) == len(digested), "each column is digested or not")
    for cells in columns:
        _check_cells(cells)
    measures = np.zeros((len(columns), 3), np.int64)
    room = sum(len(cells.starts) - 1 for cells, wanted in zip(columns, digested, strict=True) if wanted)
    digests = np.empty(room, np.uint64)
    compiled.measure_cells([(cells.starts, cells.data) for cells in columns], list(digested), seed, measures, digests)
    found, start = [], 0
    for (filled, longest, end), wanted in zip(measures.tolist(), digested, strict=True):
        found.append(Measures(filled, longest, digests[start:end] if wanted else None))
        start = end
    return found


def mix_numbers(numbers: npt.NDArray[np.integer], keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number mixed with each key in turn but the last, which is then XORed to the result: uint64, one to one."""
    _check(len(keys) > 0, "a key is needed")
    mixed = numbers.astype(np.uint64)
    compiled.mix(mixed, keys)
    return mixed


class NumberIndex:
    """Finds numbers among `numbers` (uint64): of those that occur more than once any, of zeros perhaps none.

    Numbers wanted in about the order they stand in are found by looking on from the last one. What is not there is
    looked for in an index, which is made when it is first needed, in a twentieth of a second a million numbers.
    """

    def __init__(self, numbers: npt.NDArray[np.uint64]) -> None:
        _check(len(numbers) < 1 << 32, "row numbers are uint32")
        self._numbers = numbers
        self._bits = max(1, (len(numbers) // _GROUP_OF_INDEX).bit_length())  # those that say a number's group
        self._ends = np.zeros(0, np.uint32)
        self._rows = np.empty(0, np.uint32)
        self._at = np.array([0, compiled.REACH], np.int64)

    def find(self, wanted: npt.NDArray[np.uint64]) -> Integers:
        """The place of each of the `wanted` numbers, -1 where there is none. For one thread."""
        places, done = np.empty(len(wanted), np.int64), 0
        while True:
            index = self._ends, self._rows, 64 - self._bits
            done += compiled.find_numbers(self._numbers, *index, wanted[done:], self._at, places[done:])
            if done == len(wanted):
                return places
            self._ends, self._rows = np.zeros(1 << self._bits, np.uint32), np.empty(len(self._numbers), np.uint32)
            compiled.index_numbers(self._numbers, 64 - self._bits, self._ends, self._rows)


class NumberSet:
    """Different numbers (uint64, evenly spread, as digests are; 0 is none), up to `most` of them."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._most = most
        self._table = np.zeros(_FIRST_TABLE, np.uint64)

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self._table.nbytes

    def add(self, numbers: npt.NDArray[np.uint64]) -> bool:
        """Add numbers, in any order and as often as they come. False when there are more than `most`."""
        done = 0
        while True:
            room = min(self._most, len(self._table) * 3 // 4)
            seen, self.count = compiled.add_to_set(self._table, numbers[done:], self.count, room)
            done += seen
            if done == len(numbers) or room == self._most:
                return bool(done == len(numbers))
            smaller, self._table = self._table, np.zeros(2 * len(self._table), np.uint64)
            compiled.add_to_set(self._table, smaller, 0, self.count)


def mark_repeated(numbers: Integers, *, keep_last: bool) -> Mask:
    """True for each number that occurs more than once, but for its last (else its first) occurrence. Numbers of 0 and
    below are never marked.

    Numbers are put into groups by a hash, and looked for in a table of their group, on several threads: a quarter of
    the time that sorting takes.
    """
    _check(len(numbers) < 1 << 32, "row numbers are uint32")
    groups = 1 << (len(numbers) // _GROUP_SIZE).bit_length()
    threads = min(os.cpu_count() or 1, groups)
    bounds = [len(numbers) * thread // threads for thread in range(threads + 1)]
    counts = np.zeros((threads, groups), np.int64)
    grouped, rows = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.uint32)
    flags = np.zeros(len(numbers), np.uint8)

    def count(start: int, end: int, counts: Integers) -> None:
        compiled.count_groups(numbers[start:end], counts)

    def sort(start: int, end: int, places: Integers) -> None:
        compiled.sort_into_groups(numbers[start:end], start, places, grouped, rows)

    def flag(start: int, end: int) -> None:
        table = np.zeros(1 << (2 * (end - start)).bit_length(), np.uint32)
        compiled.flag_repeated(grouped[start:end], rows[start:end], keep_last, table, flags)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(count, bounds, bounds[1:], counts))
        ends = np.cumsum(counts.T).reshape(groups, threads)  # in each group, what one thread writes stands together
        list(pool.map(sort, bounds, bounds[1:], (ends.T - counts).copy()))
        group_bounds = [0, *ends[:, -1].tolist()]
        list(pool.map(flag, group_bounds, group_bounds[1:]))
    return flags.view(np.bool_)


def count_byte(octets: Bytes, value: int) -> int:
    """How often this byte occurs."""
    count: int = compiled.count_byte(octets, value)
    return count


def read_cells(
    octets: Bytes, delimiter: int, quote: int | None, width: int, columns: Sequence[int], rows: int
) -> list[Raw] | None:
    """The cells of these columns of delimited text that has `rows` rows of `width` cells: bytes without the quotes
    around them, doubled quotes once.

    None where the text is anything but that: a blank or ragged row, another number of rows, a line that ends in CR
    alone, a quote that is never closed, or text behind a closing one. A quote opens a cell only as its first byte.
    """
    _check(len(octets) < _MOST_TEXT and rows <= len(octets), "too much text, or too few bytes")
    _check(len(set(columns)) == len(columns) and all(0 <= column < width for column in columns), "no such columns")
    places = np.full(width, -1, np.int32)
    places[list(columns)] = np.arange(len(columns))
    begins, starts = np.empty((len(columns), rows), np.int32), np.empty((len(columns), rows + 1), np.int32)
    sign = -1 if quote is None else quote
    if compiled.find_cells(octets, delimiter, sign, places, begins, starts) != rows:
        return None
    found = []
    for begin, start in zip(begins, starts, strict=True):
        text = np.empty(int(start[-1]) + compiled.OVERHANG, np.uint8)
        compiled.copy_cells(octets, sign, begin, start, text)
        found.append(Raw(start, text[: start[-1]]))
    return found


def longest_word(octets: Bytes, words: int) -> int:
    """Bytes of the longest of so many words, each of which stands behind its length (uint32, little-endian). Raises
    ValueError when the octets are not just these words."""
    longest: int = compiled.longest_word(octets, words)
    _check(longest >= 0, "words are missing or cut short")
    return longest


def find_byte(octets: Bytes, value: int) -> Integers:
    """The positions of this byte, ascending."""
    positions = np.empty(compiled.count_byte(octets, value), np.int64)
    compiled.find_byte(octets, value, positions)
    return positions


def count_each_byte(octets: Bytes) -> Integers:
    """256: how often each byte occurs."""
    counts = np.zeros(256, np.int64)
    compiled.count_each(octets, counts)
    return counts


def classes_at_ends(cells: Raw, of_first: Bytes, of_last: Bytes) -> int:
    """The classes (bits of uint8) that `of_first` (256) has for the first byte of any cell, and `of_last` (256) for the
    last one."""
    _check_cells(cells)
    _check(len(of_first) == len(of_last) == 256, "each byte has its classes")
    classes: int = compiled.join_classes(cells.starts, cells.data, of_first, of_last)
    return classes


class Words(Struct, frozen=True):
    """A few words of 1 to 30 bytes."""

    cells: Raw

    def __post_init__(self) -> None:
        _check_cells(self.cells)
        lengths = self.cells.lengths
        _check(bool(0 < lengths.min() <= lengths.max() < _BITS - 1), "a word is empty or too long")


def cells_among(cells: Raw, among: Words) -> Mask | None:
    """True for each cell that is one of these words; None = no cell."""
    _check_cells(cells)
    words = among.cells
    found = np.zeros(len(cells.starts) - 1, np.bool_)
    count = compiled.find_words(cells.starts, cells.data, words.starts, words.data, found.view(np.uint8))
    return found if count else None


def _check_cells(cells: Raw) -> None:
    starts = cells.starts
    _check(len(starts) > 0 and 0 <= starts[0] <= starts[-1] <= len(cells.data), "cells reach beyond their bytes")


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
