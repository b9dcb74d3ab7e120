"""Phones are what libphonenumber takes them for, whether the tables or the library itself read them."""

from __future__ import annotations

import random
import re

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from listrak_sms_cli.audience.phones.numbering_plans import plan_of_code, valid_numbers
from listrak_sms_cli.audience.phones.parse import SHORTEST
from listrak_sms_cli.audience.phones.patterns import UnknownPattern, complement, intersection, pattern, union
from listrak_sms_cli.audience.phones.read import read_by_library, read_by_tables
from listrak_sms_cli.audience.phones.tables import UNSURE, compile_language, prefix_lengths
from tests.support.examples import examples
from tests.support.phone_reference import meaning

TEN = ("US", "CA", "GB", "DE", "FR", "MX", "AU", "IN", "BR", "JP")
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
PREFIXES = (
    "",
    "",
    "+",
    "0",
    "1",
    "00",
    "011",
    "+1",
    "+44",
    "0044",
    "49",
    "+33 (0)",
    "+52 1",
    "0011",
    "91",
    "0",
    "810",
    "90",
)


def assert_agree(cells: list[str], region: str) -> None:
    wanted = {cell: meaning(cell, region) for cell in cells}
    for read in (read_by_tables, read_by_library):
        got = read(pa.array(cells, pa.string()), region).tolist()
        assert dict(zip(cells, got, strict=True)) == wanted


def _example_digits(region: str) -> list[str]:
    kinds = phonenumbers.PhoneNumberType.values()
    phones = [phonenumbers.example_number_for_type(region, kind) for kind in kinds]
    return [phonenumbers.national_significant_number(phone) for phone in phones if phone is not None]


DIGITS = st.text("0123456789", min_size=1, max_size=20)
PUNCTUATED = st.text("0123456789 -().+/", max_size=24)
ODD = [*"0123456789+-() ./x#,;~*eEtX@'\"\t\n_:&[]", "ext", ".0", "\u00a0", "\u200b", "\u2013", "\uff10", "\u0663"]
ANYTHING = st.lists(st.sampled_from(ODD), max_size=24).map("".join)
KNOWN = st.sampled_from([number for region in TEN for number in _example_digits(region)])


@st.composite
def near_a_number(draw: st.DrawFn) -> str:
    """A valid number with some of its last digits changed, spelled in some way."""
    digits = draw(KNOWN)
    tail = draw(st.text("0123456789", max_size=5))
    digits = digits[: max(0, len(digits) - draw(st.integers(0, 6)))] + tail
    sign = draw(st.sampled_from(["", "", "-", " ", ".", ") ", "/", " - "]))
    step = draw(st.integers(1, 4))
    spelled = sign.join(digits[at : at + step] for at in range(0, len(digits), step))
    spelled = draw(st.sampled_from([spelled] * 5 + [f"{int(digits or 0):,}"]))
    return (
        draw(st.sampled_from(PREFIXES))
        + spelled
        + draw(st.sampled_from(["", "", "", ".0", " x12", " ext. 9", ",5", "#"]))
    )


@pytest.mark.parametrize("region", TEN)
@examples(60)
@given(cells=st.lists(st.one_of(DIGITS, PUNCTUATED, ANYTHING, near_a_number()), min_size=1, max_size=40, unique=True))
def test_columns_and_library_agree(region: str, cells: list[str]) -> None:
    """Random digits, punctuation and awkward text are the same phones for the tables and for the library."""
    assert_agree(cells, region)


@pytest.mark.parametrize(
    "home",
    [
        pytest.param(region, marks=[pytest.mark.long] * (place % 3 > 0 and region not in TEN))
        for place, region in enumerate(sorted(phonenumbers.SUPPORTED_REGIONS))
    ],
)
def test_columns_and_library_agree_in_every_region(home: str) -> None:
    """In every region numbers near its own, behind each of its prefixes, are read as the library reads them."""
    chance = random.Random(home)
    metadata = PhoneMetadata.metadata_for_region(home, None)
    assert metadata is not None
    code, trunk = str(metadata.country_code), metadata.national_prefix or "0"
    cells = []
    for digits in _example_digits(home):
        for prefix in (
            "",
            trunk,
            code,
            f"+{code}",
            f"+{code} {trunk}",
            f"00{code}",
            f"{code}{trunk}",
            "0",
            "1",
            "9",
            "15",
        ):
            kept = chance.randrange(len(digits) + 1)
            changed = "".join(chance.choice("0123456789") for _ in digits[kept:])
            cells += [prefix + digits, prefix + digits[:kept] + changed, prefix + digits[:-1], prefix + digits + "5"]
    assert_agree(list(dict.fromkeys(cells))[:200], home)


@pytest.mark.parametrize("region", ["US", "DE", "ZZ"])
def test_calling_codes_agree(region: str) -> None:
    """Behind each of the thousand starts of an international number the library is followed."""
    cells = [f"+{start:03}{rest}" for start in range(1000) for rest in ("1234567", "212345678")]
    assert_agree(cells, region)


def test_nothing_shorter_than_three_digits_is_valid() -> None:
    """No numbering plan has a valid number of one or two digits; the column path relies on it."""
    for code in CODES:
        assert min(plan_of_code(code).general.possible_length) >= SHORTEST
    assert (read_by_tables(pa.array([f"{n:02}" for n in range(100)]), "US") == -1).all()


def test_every_pattern_of_the_library_is_understood() -> None:
    """Each calling code has tables of its valid numbers, and these agree with `is_valid_number`."""
    chance = np.random.default_rng(7)
    for code in CODES:
        for length in plan_of_code(code).general.possible_length:
            numbers = chance.integers(0, 10**length, 40)
            accepted = valid_numbers(code, length).match(numbers)[0]
            for number, verdict in zip(numbers.tolist(), accepted.tolist(), strict=True):
                national = f"{number:0{length}}"
                zeros = min(len(national) - len(national.lstrip("0")), length - 1)
                phone = phonenumbers.PhoneNumber(
                    country_code=code,
                    national_number=number,
                    italian_leading_zero=zeros > 0 or None,
                    number_of_leading_zeros=zeros if zeros > 1 else None,
                )
                assert phonenumbers.is_valid_number(phone) == verdict, (code, national)


EXPRESSIONS = (
    r"[2-9]\d{9}|3\d{6}",
    r"(?:2(?:0[1-35-9]|1[02-9])|80)\d{3,5}",
    r"0?1[124-6](?:00|[5-9]\d)?",
    r"9{2,4}",
    "",
    r"\d[\d][13-5]",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(numbers=st.lists(DIGITS, min_size=1))
@examples(50)
def test_tables_match_what_the_expression_matches(expression: str, numbers: list[str]) -> None:
    """For numbers of each length the tables match what Python's regular expressions match."""
    language = pattern(expression)
    odd = intersection(union(language, pattern(r"\d\d5\d{0,9}")), complement(pattern(r"\d{4}")))
    for number in numbers:
        column = np.array([int(number)], np.int64) if len(number) < 19 else None
        if column is None:
            continue
        plain = bool(re.fullmatch(expression, number))
        assert compile_language(language, len(number)).match(column)[0].tolist() == [plain]
        combined = (plain or bool(re.fullmatch(r"\d\d5\d{0,9}", number))) and len(number) != 4
        assert compile_language(odd, len(number)).match(column)[0].tolist() == [combined]


def test_prefixes_by_first_three_digits() -> None:
    """A table of prefixes holds how many digits are taken, or that it depends on what follows."""
    lengths = prefix_lengths(pattern("0|180020|8[13]5?"))
    assert [lengths[start] for start in (12, 99, 180, 220, 822, 832, 835)] == [1, 1, UNSURE, 0, 0, 2, UNSURE]


@pytest.mark.parametrize("expression", [r"1+", r"\w", "(1", "[a]", "1*"])
def test_unknown_expressions_are_refused(expression: str) -> None:
    """An expression with anything new in it is refused, not misread."""
    with pytest.raises(UnknownPattern):
        pattern(expression)
