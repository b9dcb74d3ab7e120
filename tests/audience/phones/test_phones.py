"""Phones as people, programs and spreadsheets write them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from listrak_sms_cli.audience.phones import (
    INVALID,
    MISSING,
    PhoneFormat,
    explain_phones,
    has_other_calling_code,
    region_known,
    write_phones,
)
from listrak_sms_cli.audience.phones.read import read_by_library, read_by_tables

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
US = 17175559636


def read(*cells: str | None, region: str = "US") -> list[int]:
    return read_by_tables(pa.array(cells, pa.string()), region).tolist()


SPELLINGS = {
    "digits": "7175559636",
    "with the trunk 1": "1 717 555 9636",
    "with the country code": "17175559636",
    "E.164": "+17175559636",
    "international": "+1 717-555-9636",
    "area code in parentheses": "(717) 555-9636",
    "one parenthesis": "717) 555-9636",
    "dots": "717.555.9636",
    "slashes": "717/555/9636",
    "plus in parentheses": "(+1) 717 555 9636",
    "dialled from the United States": "011 1 717 555 9636",
    "dialled from Europe": "001 717 555 9636",
    "double zero in parentheses": "(00) 1 717 555 9636",
    "RFC 3966": "tel:+1-717-555-9636",
    "RFC 3966, local with its context": "tel:717-555-9636;phone-context=+1",
    "RFC 3966 with a subaddress": "tel:+1-717-555-9636;isub=12345",
    "words in front": "Mobile: 717-555-9636",
    "extension ext.": "717-555-9636 ext. 12",
    "extension x": "717-555-9636x12",
    "extension #": "717-555-9636 #12",
    "extension ;ext=": "tel:+1-717-555-9636;ext=12",
    "extension by dialling on": "717-555-9636,,12",
    "blanks around": "  717 555 9636 ",
    "tabs": "717\t555\t9636",
    "line break at the end": "717-555-9636\r\n",
    "no-break spaces": "717\u00a0555\u00a09636",
    "narrow no-break spaces": "717\u202f555\u202f9636",
    "zero-width spaces": "\u200b717\u200b5559636",
    "direction marks": "\u202a+17175559636\u202c",
    "byte order mark": "\ufeff7175559636",
    "soft hyphens": "717\u00ad555\u00ad9636",
    "en dashes": "717\u2013555\u20139636",
    "minus signs": "717\u2212555\u22129636",
    "full-width": "＋１（７１７）５５５－９６３６",  # noqa: RUF001
    "Arabic-Indic digits": "٧١٧٥٥٥٩٦٣٦",
    "Persian digits": "۷۱۷۵۵۵۹۶۳۶",
    "Devanagari digits": "७१७५५५९६३६",
    "a spreadsheet's apostrophe": "'7175559636",
    "quotes": '"7175559636"',
    "a float's .0": "7175559636.0",
    "a float's .00": "+17175559636.00",
    "a spreadsheet's thousands": "7,175,559,636",
    "thousands with the country code": "+17,175,559,636",
    "thousands of a float": "7,175,559,636.00",
    "vanity letters": "717-555-WOFN",
    "full stop at the end": "717-555-9636.",
}


@pytest.mark.parametrize("cell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_spelling_is_understood(cell: str) -> None:
    """A phone means the same however it is spelled."""
    assert read(cell) == [US]


NOTHING_THERE = (None, "", " ", "\t\r\n", "\u00a0", "\u200b\u202a\ufeff", "'")


@pytest.mark.parametrize("cell", NOTHING_THERE, ids=repr)
def test_cell_in_which_nothing_is_visible_has_no_phone(cell: str | None) -> None:
    """Null, empty, and cells of blanks and invisible characters are missing, not invalid."""
    assert read(cell) == [MISSING]


SPREADSHEET = "a spreadsheet turned it into scientific notation; format the column as text and export again"
NO_PHONES = {
    "7.18E+10": SPREADSHEET,
    "7,18E+10": SPREADSHEET,
    "1.71756e10": SPREADSHEET,
    "-": "no digits in it",
    "N/A": "no digits in it",
    "unknown": "no digits in it",
    "555-9636": "too short for US",
    "717-555-963": "too short for US",
    "717-555-96366": "too long for US",
    "117-555-9636": "no such phone in US",
    "717-055-9636": "no such phone in US",
    "+44 20 7946": "too short for GB",
    "+44 1 2345 6789": "no such phone in GB",
    "0044 1 2345 6789": "no such phone in GB",
    "+0000000000": "no country has this calling code",
    "+999 1234 5678": "no country has this calling code",
    "717-55a-9636": "letters in the number",
    "someone1234@example.com": "letters in the number",
    "550e8400-e29b-41d4-a716-446655440000": "letters in the number",
    "7175559636 / 7175559637": "two phones in one cell",
    "1" * 400: "too long for any country",
    "CUSTOMER01": "too short for US",
    "717,555,963": "too short for US",
    "7,175,559,637,000": "too long for US",
}


@pytest.mark.parametrize(("cell", "reason"), NO_PHONES.items(), ids=[cell[:30] for cell in NO_PHONES])
def test_what_is_no_phone_is_refused_with_its_reason(cell: str, reason: str) -> None:
    """What cannot be a valid phone is invalid, and the explanation says why without the value."""
    assert read(cell) == [INVALID]
    assert explain_phones(pa.array([cell]), "US").to_pylist() == [reason]


def test_only_invalid_phones_are_explained() -> None:
    """Valid and missing phones have nothing to explain, and no region is said to be the trouble when it is."""
    cells = pa.array(["+17175559636", None, "7175559636"])
    assert explain_phones(cells, "ZZ").to_pylist() == [
        "",
        "",
        "no country code, and no region to read it for; give --region",
    ]


@pytest.mark.parametrize("region", ["ZZ", "", "XX", "001"])
def test_without_a_region_only_international_spellings_are_read(region: str) -> None:
    """Without a known region a plus or a double zero must say which country it is."""
    cells = ("+1 717 555 9636", "001 717 555 9636", "7175559636", "17175559636")
    assert read(*cells, region=region) == [US, US, INVALID, INVALID]
    assert not region_known(region)


def test_regions_are_known_in_either_case() -> None:
    """A region may be written in small letters."""
    assert region_known("US")
    assert region_known("us")
    assert read("7175559636", region="us") == [US]


def test_slices_nulls_and_what_lies_under_a_null_do_not_matter() -> None:
    """A sliced column, and one whose nulls hide text, read like the same cells on their own."""
    data, offsets = b"7175559636+442079460958x17175559636", np.array([0, 10, 23, 24, 35], np.int32)
    validity = pa.py_buffer(bytes([0b1011]))
    column = pa.StringArray.from_buffers(4, pa.py_buffer(offsets), pa.py_buffer(data), validity)
    assert read_by_tables(column, "US").tolist() == [US, 442079460958, MISSING, US]
    assert read_by_tables(column.slice(1, 2), "US").tolist() == [442079460958, MISSING]
    assert read_by_tables(column.slice(4), "US").tolist() == []
    assert read_by_tables(pa.nulls(3, pa.string()), "US").tolist() == [MISSING] * 3


def test_a_column_longer_than_what_is_read_at_a_time() -> None:
    """Rows keep their place in a column of many pieces."""
    area = np.arange(150_000) % 10_000
    column = pa.array([f"(717) 555-{line:04}" if line % 7 else f"x{line}" for line in area.tolist()])
    expected = np.where(area % 7 > 0, 17175550000 + area, INVALID)
    assert (read_by_tables(column, "US") == expected).all()


def _examples() -> dict[str, list[phonenumbers.PhoneNumber]]:
    of_region = {}
    for region in REGIONS:
        phones = [
            phonenumbers.example_number(region),
            phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE),
        ]
        of_region[region] = [phone for phone in phones if phone is not None]
    return of_region


EXAMPLES = _examples()
STYLES = {
    "national": PhoneNumberFormat.NATIONAL,
    "international": PhoneNumberFormat.INTERNATIONAL,
    "rfc3966": PhoneNumberFormat.RFC3966,
    "e164": PhoneNumberFormat.E164,
}


def _digits(phone: phonenumbers.PhoneNumber) -> int:
    return int(phonenumbers.format_number(phone, PhoneNumberFormat.E164)[1:])


@pytest.mark.parametrize("style", STYLES)
def test_example_numbers_of_every_region(style: str) -> None:
    """libphonenumber's example numbers of each region are read in each of its spellings, the international ones also
    without a region or with another."""
    for region, phones in EXAMPLES.items():
        assert phones, region
        cells = [phonenumbers.format_number(phone, STYLES[style]) for phone in phones]
        expected = [_digits(phone) for phone in phones]
        for home in (region,) if style == "national" else (region, "ZZ", "US"):
            assert read(*cells, region=home) == expected, (region, home)


def test_example_numbers_dialled_from_abroad_with_double_zero() -> None:
    """A double zero stands for the plus wherever the audience lives."""
    for home in ("US", "GB", "FR", "ZZ"):
        for region, phones in EXAMPLES.items():
            cells = [f"00{_digits(phone)}" for phone in phones]
            assert read(*cells, region=home) == [_digits(phone) for phone in phones], (region, home)


def test_phones_are_written_as_the_import_wants_them() -> None:
    """Digits, E.164 or national number; a zero that belongs to the number stays, and what is no phone is null."""
    numbers = np.array([US, MISSING, 390236618300, INVALID, 35722345678])
    assert write_phones(numbers, PhoneFormat.DIGITS).to_pylist() == [str(US), None, "390236618300", None, "35722345678"]
    assert write_phones(numbers, PhoneFormat.E164).to_pylist() == [
        f"+{US}",
        None,
        "+390236618300",
        None,
        "+35722345678",
    ]
    assert write_phones(numbers, PhoneFormat.NATIONAL).to_pylist() == [
        "7175559636",
        None,
        "0236618300",
        None,
        "22345678",
    ]
    assert write_phones(numbers[:2], PhoneFormat.NATIONAL).to_pylist() == ["7175559636", None]
    assert write_phones(numbers[:0], PhoneFormat.NATIONAL).to_pylist() == []


def test_what_is_written_reads_back() -> None:
    """Every example number, written in each style, is read as the same phone."""
    for phones in EXAMPLES.values():
        numbers = np.array([_digits(phone) for phone in phones])
        assert read_by_tables(write_phones(numbers, PhoneFormat.E164), "ZZ").tolist() == numbers.tolist()
        national = [phonenumbers.national_significant_number(phone) for phone in phones]
        assert write_phones(numbers, PhoneFormat.NATIONAL).to_pylist() == national


def test_canada_has_the_calling_code_of_the_united_states() -> None:
    """A Canadian phone has no other calling code than the United States; a British one has."""
    numbers = np.array([US, 15062345678, 442079460958, 7_9123456789])
    assert has_other_calling_code(numbers, "US").tolist() == [False, False, True, True]
    assert has_other_calling_code(numbers, "GB").tolist() == [True, True, False, True]
    assert has_other_calling_code(numbers, "ZZ").all()


def test_reading_phones_does_not_import_pandas() -> None:
    """Start-up stays cheap: 300 ms of pandas are for those who hold frames."""
    program = (
        "import sys; from listrak_sms_cli.columnar.strings import string_column; "
        "from listrak_sms_cli.audience.phones.read import read_by_library, read_by_tables; "
        "from listrak_sms_cli.audience.phones import PhoneFormat, write_phones; "
        "n = read_by_tables(string_column(['7175559636', '717 555 9636 anexo 5', '7.0']), 'US'); "
        "write_phones(n, PhoneFormat.NATIONAL); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_tables_are_made_when_there_are_phones_enough() -> None:
    """The first few phones of a process need no tables of a numbering plan; many have them, in however small columns
    they come."""
    program = (
        "import sys; from listrak_sms_cli.columnar.strings import string_column; "
        "from listrak_sms_cli.audience.members import CleaningRules, clean_phones; "
        "from listrak_sms_cli.audience.phones.numbering_plans import valid_numbers; "
        "made = [(clean_phones(string_column([f'7175559{n}{m}' for n in range(10, 20)]), CleaningRules('US')), "
        "valid_numbers.cache_info().currsize)[1] for m in range(10, 40)]; "
        "sys.exit(not (made[0] == 0 < made[-1]))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "between", [";", "; ", ",,", ",", " , ", "/", " / ", "/x", "|", " or ", " & ", "ext", " x ", ";ext=", "\n", "  "]
)
@pytest.mark.parametrize(
    ("one", "other", "region"), [("2125550100", "2125550199", "US"), ("32123456", "32123457", "DK")]
)
@pytest.mark.parametrize("reader", [read_by_tables, read_by_library])
def test_two_phones_in_a_cell_are_invalid(reader: Any, one: str, other: str, region: str, between: str) -> None:
    """Whatever stands between them, nobody knows which of them is meant; an extension is shorter."""
    assert reader(pa.array([one + between + other]), region).tolist() == [INVALID]
    assert reader(pa.array([f"{one} ext. 123456"]), region).tolist()[0] > 0


def test_a_foreign_phone_that_could_be_one_at_home_keeps_its_plus() -> None:
    """+65 9234 5678 without its plus is +1 659 234 5678 in the United States; at home it needs none."""
    numbers = np.array([6592345678, 447911123456, 17175559636, 0])
    digits = ["+6592345678", "447911123456", "17175559636", None]
    assert write_phones(numbers, PhoneFormat.DIGITS, "US").to_pylist() == digits
    assert write_phones(numbers[:1], PhoneFormat.DIGITS, "SG").to_pylist() == ["6592345678"]
    assert write_phones(numbers[:1], PhoneFormat.DIGITS).to_pylist() == ["6592345678"]
