"""Phones: from a column of spellings to E.164 digits, and back into the spelling an import file wants.

Python's `phonenumbers` (libphonenumber) is the authority: what its `parse` and `is_valid_number` say of a
spelling is what is said here. Most spellings are digits and plain punctuation; they are read as columns of integers by
tables made from its patterns. The rest is tidied and read again, and only what then is still open goes
through the library, each distinct spelling once.

Decisions: a spelling begins at its first plus or digit; `00` stands for `+` in every region; letters are vanity
letters where the library takes them for that; extensions are dropped; of two numbers in a cell the library's choice
counts; `7175559636.0` is 7175559636 and `7.18E+10` is lost. Numbers of more than 18 digits are invalid.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.audience.phones.explain import reasons
from listrak_sms_cli.audience.phones.library import ask_library, hopeless, tidy
from listrak_sms_cli.audience.phones.numbering_plans import Plan, calling_codes, plan_of_region, region_known
from listrak_sms_cli.audience.phones.parse import INVALID, MOST_DIGITS, UNDECIDED
from listrak_sms_cli.audience.phones.prefix_cache import outcomes_of
from listrak_sms_cli.audience.phones.tables import Integers
from listrak_sms_cli.audience.phones.vanity import digits_alone, endless, shapeless
from listrak_sms_cli.columnar import (
    Mask,
    booleans,
    column_at,
    fixed_column,
    indices,
    integers,
    kernels,
    mask_of,
    nulls_as_empty,
    raw,
    select,
)

__all__ = [
    "INVALID",
    "MISSING",
    "PhoneFormat",
    "are_few",
    "explain_phones",
    "foreign",
    "read_few",
    "read_listed",
    "read_phones",
    "region_known",
    "write_phones",
]

MISSING = 0
_ROWS = 1 << 16  # read at a time
_LONGEST = 250  # bytes of a cell that is read here; libphonenumber reads no more characters
_FEW = 200  # phones: to ask the library about each is cheaper than the tables of a numbering plan (0.05 s)
_NORTH_AMERICA = 1  # its calling code, which no national number there begins with


class PhoneFormat(Enum):
    """How phones are written in an import file."""

    DIGITS = "digits"  # 17175559636
    E164 = "e164"  # +17175559636
    NATIONAL = "national"  # 7175559636


def read_phones(column: pa.StringArray, region: str) -> Integers:
    """What each spelling of the column means: int64, one a row.

    E.164 digits as an integer (17175559636); MISSING for null and for cells in which nothing is visible; INVALID for
    what is no valid phone. `region` (ISO 3166-1, two letters) is where phones without a country code are; with "ZZ", ""
    or any other that libphonenumber does not know, only international spellings are valid.
    """
    home = region.upper() if region_known(region) else "ZZ"
    parts = [_read(column.slice(at, _ROWS), home) for at in range(0, len(column), _ROWS)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def are_few(count: int) -> bool:
    """Is `read_few` the cheaper one for so many more phones? For the first few of a process it is."""
    return ask_library.cache_info().misses + count <= _FEW


def read_few(column: pa.StringArray, region: str) -> Integers:
    """As `read_phones`, without tables: libphonenumber reads each spelling itself."""
    home = region.upper() if region_known(region) else "ZZ"
    tidied = tidy(nulls_as_empty(column))
    numbers = np.where(raw(tidied).lengths == 0, MISSING, INVALID).astype(np.int64)
    rows = np.flatnonzero((numbers == INVALID) & ~hopeless(tidied))
    numbers[rows] = [ask_library(text, home) for text in tidied.take(indices(rows)).to_pylist()]
    return numbers


def read_listed(column: pa.StringArray, region: str) -> Integers:
    """As `read_phones`, of phones as a system lists them: the calling code first, with or without a plus.

    To a person in Germany 17175559636 is a German mobile, in a list it is a phone of the United States. But ten digits
    in North America are a phone of there, whatever the country they could begin with.
    """
    cells = nulls_as_empty(column)
    plain = pc.utf8_ltrim(cells, "+")
    listed = read_phones(pc.binary_join_element_wise(fixed_column("+")[0], plain, fixed_column("")[0]), region)
    read = read_phones(cells, region)
    plan = plan_of_region(region)
    home = plan is not None and plan.code == _NORTH_AMERICA
    written = mask_of(pc.equal(plain, cells)) & (read > 0)
    chosen = np.where(written & foreign(listed, region), read, listed) if home else listed
    return np.where(chosen > 0, chosen, read)


def explain_phones(column: pa.StringArray, region: str) -> pa.StringArray:
    """Why spellings are invalid, in words for people that never hold the value: pa.string(), one a row; "" for rows
    that are valid or MISSING. Meant for rejected rows: dearer than `read_phones`."""
    home = region.upper() if region_known(region) else "ZZ"
    tidied = tidy(nulls_as_empty(column))
    counts, values, _ = _digits_of(tidied)
    return reasons(tidied, read_phones(column, home) == INVALID, counts, values, home)


def foreign(numbers: Integers, region: str) -> Mask:
    """Bool a row: the country calling code of these E.164 digits is not the region's. With a region that
    libphonenumber does not know, every phone is foreign."""
    plan = plan_of_region(region)
    elsewhere: Mask = _codes(numbers) != (plan.code if plan else -1)
    return elsewhere


def write_phones(numbers: Integers, style: PhoneFormat, region: str) -> pa.StringArray:  # noqa: ARG001
    """E.164 digits (int64) as an import file has them: pa.string(), one a row, null where the number is not above 0.

    NATIONAL is the national significant number, the digits behind the calling code, with the zeros that belong to it
    (Italy). `region` is the one they were read for; who writes NATIONAL drops `foreign` phones first.
    """
    left_out = np.zeros(len(numbers), np.uint8)
    if style is PhoneFormat.NATIONAL:
        left_out += np.searchsorted((1, 10, 100), _codes(numbers), side="right").astype(np.uint8)
    starts = np.empty(len(numbers) + 1, np.int32)
    text = np.empty(20 * len(numbers), np.uint8)
    size = kernels.write_numbers(numbers, left_out, style is PhoneFormat.E164, starts, text)
    texts = column_at(starts, text[:size])
    present = numbers > 0
    return texts if present.all() else pc.if_else(booleans(present), texts, pa.nulls(1, pa.string())[0])


def _codes(numbers: Integers) -> Integers:
    """The calling code of each phone, 0 where there is none."""
    tops = np.maximum(numbers, 0)
    while len(wide := np.flatnonzero(tops > 999_999)):
        tops[wide] //= 1000
    while len(wide := np.flatnonzero(tops > 999)):
        tops[wide] //= 10
    return calling_codes()[tops]


def _read(column: pa.StringArray, region: str) -> Integers:
    column = nulls_as_empty(column)
    plan = plan_of_region(region)
    numbers = _read_plain(column, plan)
    open_rows = np.flatnonzero(numbers == UNDECIDED)
    if len(open_rows):
        tidied = tidy(select(column, numbers == UNDECIDED))
        again = _read_plain(tidied, plan)
        still = again == UNDECIDED
        if still.any():
            again[still] = _read_awkward(select(tidied, still), region)
        numbers[open_rows] = again
    return numbers


def _read_awkward(tidied: pa.StringArray, region: str) -> Integers:
    numbers = np.full(len(tidied), INVALID)
    left = np.flatnonzero(~hopeless(tidied))
    if len(left):
        left = left[~shapeless(tidied.take(indices(left)))]
    if len(left):
        plan = plan_of_region(region)
        simple, cells = digits_alone(tidied.take(indices(left)))
        numbers[left[simple]] = np.where(endless(cells, plan), INVALID, _read_plain(cells, plan))
        left = left[~simple | (numbers[left] == UNDECIDED)]
    if len(left):
        distinct = tidied.take(indices(left)).dictionary_encode()
        answers = [ask_library(text, region) for text in distinct.dictionary.to_pylist()]
        numbers[left] = np.array(answers, np.int64)[integers(distinct.indices)]
    return numbers


def _read_plain(cells: pa.StringArray, plan: Plan | None) -> Integers:
    """The cells of digits and plain punctuation, perhaps behind a plus; MISSING for empty, UNDECIDED for other ones."""
    _, values, shapes = _digits_of(cells)
    numbers = outcomes_of(plan).read(values, shapes)
    numbers[raw(cells).lengths == 0] = MISSING
    return numbers


def _digits_of(cells: pa.StringArray) -> tuple[np.ndarray, Integers, np.ndarray]:
    """How many digits each cell has, what integer they make (of no more than MOST_DIGITS), and the cell's shape."""
    seen, count = raw(cells), len(cells)
    counts, values, shapes = np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.uint8)
    kernels.read_digits(seen.starts, seen.data, counts, values, shapes, MOST_DIGITS, _LONGEST)
    return counts, values, shapes
