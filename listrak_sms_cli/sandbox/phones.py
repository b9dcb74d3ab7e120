"""A phone as it is written -> the contact it may be. A phone is kept as a whole number: 17185550100."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

CALLING_CODES = {
    "US": "1", "CA": "1", "GB": "44", "DE": "49", "AU": "61", "FR": "33", "IE": "353", "MX": "52",
    "NZ": "64", "ES": "34", "IT": "39", "NL": "31", "BE": "32", "AT": "43", "CH": "41", "SE": "46",
    "DK": "45", "NO": "47", "FI": "358", "PL": "48", "PT": "351", "BR": "55", "IN": "91", "JP": "81",
    "SG": "65", "ZA": "27", "PR": "1",
}  # fmt: skip

_SPELLED = r"^[+]?[0-9().\-/ ]+$"
Phones = npt.NDArray[np.int64]


def candidates(cells: Any, country: str, spellings: Collection[str]) -> tuple[Phones, Phones]:
    """Cells (string array) -> the phone read as international, and as national; 0 where it is neither."""
    cells = pc.utf8_trim_whitespace(cells)
    spelled = pc.match_substring_regex(cells, _SPELLED)
    plus = pc.starts_with(cells, "+")
    digits = pc.replace_substring_regex(cells, r"[^0-9]+", "")
    accepted = pc.or_(pc.and_(plus, "e164" in spellings), pc.and_(pc.invert(plus), "digits" in spellings))
    international = _whole_numbers(digits, pc.and_(spelled, accepted))
    code = CALLING_CODES.get(country, "1")
    significant = pc.replace_substring_regex(digits, "^0", "")
    national = pc.binary_join_element_wise(code, significant, "")
    fits = pc.equal(pc.utf8_length(digits), 10) if code == "1" else pc.greater(pc.utf8_length(digits), 5)
    fits = pc.and_(pc.and_(fits, pc.invert(plus)), "national" in spellings)
    return international, _whole_numbers(national, pc.and_(spelled, fits))


def canonical(cells: Any, country: str) -> Phones:
    """Cells of a seed file -> phones; 0 where a cell is no phone. Ten digits are national in the US and Canada."""
    international, national = candidates(cells, country, ("e164", "digits", "national"))
    code = CALLING_CODES.get(country, "1")
    as_national = national > 0
    if code != "1":
        begins = pc.match_substring_regex(pc.utf8_trim_whitespace(cells), rf"^[(]?[+]?{code}")
        as_national &= ~np.asarray(begins.fill_null(False).to_numpy(zero_copy_only=False))
    return np.where(as_national, national, international)


def phone_column(phone: str) -> Any:
    """One phone as a column of one cell, or None when it is spelled as no phone is."""
    if not re.fullmatch(_SPELLED, phone, re.ASCII) or not 7 <= sum(c.isdigit() for c in phone) <= 15:
        return None
    return pa.array([phone], pa.string())


def _whole_numbers(digits: Any, accepted: Any) -> Phones:
    lengths = pc.utf8_length(digits)
    fits = pc.and_(pc.greater_equal(lengths, 7), pc.less_equal(lengths, 15))
    digits = pc.if_else(pc.fill_null(pc.and_(accepted, fits), False), digits, "0")
    numbers: Phones = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
    return numbers
