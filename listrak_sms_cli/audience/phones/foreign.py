"""Phones of other countries than the sender code's: how many, and which would be somebody else without their plus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import phonenumbers

from listrak_sms_cli.audience.phones.numbering_plans import calling_codes_of, has_other_calling_code, plan_of_region
from listrak_sms_cli.audience.phones.read import read_phones
from listrak_sms_cli.columnar import Integers, Mask, write_numbers


def foreign_phones(numbers: Integers, wanted: Mask, country: str) -> Integers:
    """Return those of the wanted phones (E.164 digits; bool a row) that have another calling code than the country;
    none where libphonenumber does not know the country."""
    rows = _foreign_rows(numbers, country)
    return numbers[rows[wanted[rows]]]


def rows_read_at_home(numbers: Integers, country: str) -> npt.NDArray[np.intp]:
    """Return the rows of foreign phones whose digits, without a plus, are a phone of the country: 6592345678 is in
    Singapore, but +1 659 234 5678 to whoever reads it in the United States."""
    rows = _foreign_rows(numbers, country)
    if not len(rows):
        return rows
    foreign = numbers[rows]
    read = read_phones(write_numbers(foreign, np.zeros(len(foreign), np.uint8), plus=False), country)
    return rows[(read > 0) & ~has_other_calling_code(read, country)]


def count_by_country(numbers: Integers) -> dict[str, int]:
    """Return how many phones (E.164 digits) each country has, the commonest first: its ISO 3166-1 code, that of the
    largest country where several share a calling code, `+CODE` where there is none."""
    codes, counts = np.unique(calling_codes_of(numbers), return_counts=True)
    regions = ((code, phonenumbers.region_code_for_country_code(code)) for code in codes.tolist())
    names = [f"+{code}" if region in ("001", "ZZ") else region for code, region in regions]
    by_country = dict(zip(names, counts.tolist(), strict=True))
    return dict(sorted(by_country.items(), key=lambda country: -country[1]))


def _foreign_rows(numbers: Integers, country: str) -> npt.NDArray[np.intp]:
    if plan_of_region(country) is None:
        return np.zeros(0, np.intp)
    return np.flatnonzero(has_other_calling_code(numbers, country) & (numbers > 0))
