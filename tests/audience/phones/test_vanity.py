"""Spellings with letters and rare signs: the read as libphonenumber reads them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.phones.constants import INVALID
from listrak_sms_cli.audience.phones.library import ask_library
from listrak_sms_cli.audience.phones.numbering_plans import plan_of_region
from listrak_sms_cli.audience.phones.read import read_by_tables
from listrak_sms_cli.audience.phones.vanity import as_dialled, has_too_many_digits, not_viable
from tests.support.examples import examples
from tests.support.phone_reference import meaning, tidied

REGIONS = ["US", "CA", "GB", "DE", "FR", "MX", "AU", "IN", "BR", "JP", "AR", "NZ", "PL", "RU", "ZZ"]
FRONTS = ["", "717-555-9636 / ", "+", "1", "+1 ", "00", "0-0+", "0~0", "011 ", "+44 20", "(717) ", "800-", "0", "12 "]
ENDS = [
    "",
    " x12",
    "x12345678901",
    " ext. 7",
    "xtn4",
    " int 5",
    " anexo 6",
    "~7",
    " #8",
    ";ext=9",
    ",,1#",
    " / x1",
    "]",
]
MIDDLES = st.text("0123456789" * 4 + "ABCDEFGXYZabcdex" * 2 + " -.()[]/~*,;:#+@_=\\'\t", max_size=18)
CELLS = st.builds("".join, st.tuples(st.sampled_from(FRONTS), MIDDLES, st.sampled_from(ENDS)))


@given(st.sampled_from(REGIONS), st.lists(CELLS))
@examples(300)
def test_letters_and_signs_are_read_as_the_library_reads_them(region: str, cells: list[str]) -> None:
    """A column of random letters, signs and digits holds the phones that the library finds, cell by cell."""
    assert read_by_tables(pa.array(cells, pa.string()), region).tolist() == [meaning(cell, region) for cell in cells]


@given(st.lists(CELLS, min_size=1))
@examples(200)
def test_what_is_not_viable_is_refused_in_every_region(cells: list[str]) -> None:
    """A text that does not look like a phone is refused by the library wherever it is read."""
    texts = [tidied(cell) for cell in cells]
    for text, refused in zip(texts, not_viable(pa.array(texts)).tolist(), strict=True):
        if refused:
            assert {ask_library(text, region) for region in REGIONS} == {INVALID}


@pytest.mark.parametrize(
    ("text", "as_digits"),
    [
        ("1-800-FLOWERS", "1-800-3569377"),
        ("+1800 six-flag", "+1800-749-3524"),
        ("717 555 9636p", "717-555-9636-"),
        ("717*555[96]36", "717-555-96-36"),
        ("++1 717 555 9636", "+-1-717-555-9636"),
    ],
)
def test_words_are_dialled_and_typing_errors_dropped(text: str, as_digits: str) -> None:
    """Three letters or more are keys of a telephone, fewer are dropped; every sign but the first plus is a hyphen."""
    simple, cells = as_dialled(pa.array([text]))
    assert simple.tolist() == [True]
    assert cells.to_pylist() == [as_digits]


@pytest.mark.parametrize(
    "text",
    [
        "717 555 9636 x12",
        "717 555 9636 EXTENSION 7",
        "717-555-9636~7",
        "0~0 1800 7493",
        "(212)123-1234 x508/ x1234",
        "717 555 9636 / x",
        "\u0667\u0661\u0667 555 9636",
        "7175559636;phone-context=+1",
    ],
)
def test_extensions_cuts_and_double_zeros_are_left_to_the_library(text: str) -> None:
    """What libphonenumber cuts before it looks at the digits, and what may stand for a plus, is not settled here."""
    assert as_dialled(pa.array([text]))[0].tolist() == [False]
    assert not_viable(pa.array([text])).tolist() == [False]


@given(st.sampled_from(REGIONS), st.text("0123456789", min_size=16, max_size=30))
@examples(300)
def test_too_many_digits_are_no_phone(region: str, digits: str) -> None:
    """Digits that are refused for their number alone are refused by the library too."""
    if has_too_many_digits(pa.array([digits]), plan_of_region(region)).tolist() == [True]:
        assert ask_library(digits, region) == INVALID


def test_two_phones_in_one_cell_have_too_many_digits() -> None:
    """Two numbers of ten digits are too many in the United States, unless they could begin with a prefix."""
    cells = pa.array(["717-555-9636---212-555-1234", "1-717-555-9636---717-555-9636", "+17175559636--7175559636"])
    assert has_too_many_digits(cells, plan_of_region("US")).tolist() == [True, False, False]
