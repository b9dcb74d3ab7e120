"""Phones: from a column of spellings to E.164 digits.

Python's `phonenumbers` (libphonenumber) is the authority: a spelling is the phone that its `parse` and
`is_valid_number` make of it. Most spellings are digits and plain punctuation; they are read as columns of integers, by
tables made from its patterns. The others are tidied and read again, and only what is then still open goes through the
library, each distinct spelling once.

Decisions: a spelling begins at its first plus or digit; `00` stands for `+` in every region; letters are vanity
letters where the library takes them for that; extensions are dropped; two phones in a cell are invalid, whatever
stands between them; `7175559636.0` and `7,175,559,636` are 7175559636, and `7.18E+10` is lost. Numbers of more than 18
digits are invalid.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.phones.constants import INVALID, MISSING, MOST_DIGITS, UNDECIDED
from listrak_sms_cli.audience.phones.library import ask_library, certainly_refused
from listrak_sms_cli.audience.phones.numbering_plans import Plan, has_other_calling_code, known_region, plan_of_region
from listrak_sms_cli.audience.phones.prefix_cache import prefix_cache_of
from listrak_sms_cli.audience.phones.tidy import tidy
from listrak_sms_cli.audience.phones.vanity import as_dialled, has_too_many_digits, not_viable
from listrak_sms_cli.columnar import (
    Integers,
    fixed_column,
    indices,
    integers,
    mask_of,
    nulls_as_empty,
    pc,
    raw,
    read_digits,
    select,
)

LONGEST = 250  # bytes of a cell that is read as digits; libphonenumber reads no more characters
_ROWS = 1 << 16  # read at a time
_FEW = 200  # phones: to ask the library about each takes less time than to make a plan's tables (0.05 s)
_NORTH_AMERICA = 1  # its calling code, which no national number there begins with


def read_phones(column: pa.StringArray, region: str) -> Integers:
    """E.164 digits of each cell (17175559636), int64; MISSING for null and for cells in which nothing is visible;
    INVALID for what is no valid phone.

    `region` (ISO 3166-1, two letters) is where phones without a country code are; with "ZZ", "" or any other that
    libphonenumber does not know, only international spellings are valid.
    """
    few = ask_library.cache_info().misses + len(column) <= _FEW  # so far in this process
    return (read_by_library if few else read_by_tables)(column, region)


def read_by_library(column: pa.StringArray, region: str) -> Integers:
    """As `read_phones`: libphonenumber reads each cell."""
    home = known_region(region)
    tidied = tidy(nulls_as_empty(column))
    numbers = np.where(raw(tidied).lengths == 0, MISSING, INVALID).astype(np.int64)
    rows = np.flatnonzero((numbers == INVALID) & ~certainly_refused(tidied))
    numbers[rows] = [ask_library(text, home) for text in pc.take(tidied, indices(rows)).to_pylist()]
    return numbers


def read_by_tables(column: pa.StringArray, region: str) -> Integers:
    """As `read_phones`: the tables read what they can, libphonenumber the rest."""
    home = known_region(region)
    parts = [_read(column.slice(at, _ROWS), home) for at in range(0, len(column), _ROWS)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def read_listed(column: pa.StringArray, region: str) -> Integers:
    """As `read_phones`, for phones as Listrak lists them: the calling code first, with or without a plus.

    17175559636 is a German mobile as people in Germany write it, but a phone of the United States in a list. Ten digits
    in North America are a phone of North America, whatever calling code they could begin with.
    """
    cells = nulls_as_empty(column)
    without_plus = pc.utf8_ltrim(cells, "+")
    with_plus = pc.binary_join_element_wise(fixed_column("+")[0], without_plus, fixed_column("")[0])
    numbers, as_written = read_phones(with_plus, region), read_phones(cells, region)
    plan = plan_of_region(region)
    if plan is not None and plan.code == _NORTH_AMERICA:
        had_no_plus = mask_of(pc.equal(without_plus, cells))
        is_national = had_no_plus & (as_written > 0) & has_other_calling_code(numbers, region)
        numbers = np.where(is_national, as_written, numbers)
    return np.where(numbers > 0, numbers, as_written)


def _read(column: pa.StringArray, region: str) -> Integers:
    column = nulls_as_empty(column)
    plan = plan_of_region(region)
    numbers = _read_plain(column, plan)
    undecided = numbers == UNDECIDED
    if undecided.any():
        tidied = tidy(select(column, undecided))
        tidied_numbers = _read_plain(tidied, plan)
        still = tidied_numbers == UNDECIDED
        if still.any():
            tidied_numbers[still] = _read_unusual(select(tidied, still), region)
        numbers[undecided] = tidied_numbers
    return numbers


def _read_plain(cells: pa.StringArray, plan: Plan | None) -> Integers:
    """The phones of plain cells (see `read_digits`) as far as tables can read them; MISSING for empty cells, UNDECIDED
    for all others."""
    bytes_of_cells = raw(cells)
    digits = read_digits(bytes_of_cells, MOST_DIGITS, LONGEST)
    numbers = prefix_cache_of(plan).read(digits.values, digits.shapes)
    numbers[bytes_of_cells.lengths == 0] = MISSING
    return numbers


def _read_unusual(tidied: pa.StringArray, region: str) -> Integers:
    numbers = np.full(len(tidied), INVALID)
    left = np.flatnonzero(~certainly_refused(tidied))
    if len(left):
        left = left[~not_viable(pc.take(tidied, indices(left)))]
    if len(left):
        plan = plan_of_region(region)
        simple, cells = as_dialled(pc.take(tidied, indices(left)))
        numbers[left[simple]] = np.where(has_too_many_digits(cells, plan), INVALID, _read_plain(cells, plan))
        left = left[~simple | (numbers[left] == UNDECIDED)]
    if len(left):
        distinct = pc.dictionary_encode(pc.take(tidied, indices(left)))
        library_numbers = [ask_library(text, region) for text in distinct.dictionary.to_pylist()]
        numbers[left] = np.array(library_numbers, np.int64)[integers(distinct.indices)]
    return numbers
