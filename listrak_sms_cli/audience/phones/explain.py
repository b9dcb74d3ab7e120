"""What is wrong with a spelling that is no valid phone, in words that never hold it."""

from __future__ import annotations

import numpy as np
import phonenumbers
import pyarrow as pa

from listrak_sms_cli.audience.phones.library import EXPONENT
from listrak_sms_cli.audience.phones.numbering_plans import Plan, calling_codes, plan_of_code, plan_of_region
from listrak_sms_cli.audience.phones.tables import Integers
from listrak_sms_cli.columnar import Mask, indices, matches, string_column

_GENERAL = (
    "",
    "a spreadsheet turned it into scientific notation; format the column as text and export again",
    "no digits in it",
    "letters in the number",
    "no country code, and no region to read it for; give --region",
    "no country has this calling code",
)
_EXPONENT, _NO_DIGITS, _LETTERS, _NO_REGION, _NO_CODE = range(1, len(_GENERAL))
_OF_A_PLAN = ("too short for {0}", "too long for {0}", "no phone in {0} has so many digits", "no such phone in {0}")


def reasons(tidied: pa.StringArray, invalid: Mask, counts: np.ndarray, values: Integers, region: str) -> pa.StringArray:
    """pa.string(), one a row: why a tidied spelling is no phone, "" where `invalid` is False.

    `counts` and `values`: how many ASCII digits each has and, up to 18, what integer they make.
    """
    said = list(_GENERAL)
    reason = np.zeros(len(tidied), np.int64)
    home = plan_of_region(region)
    abroad = matches(tidied, r"^(\+|0[ ().\-/]*0)") & (counts > 3)
    zeros = np.where(matches(tidied, r"^\+"), 0, 2)
    codes = np.zeros(len(tidied), np.int64)
    for count in np.flatnonzero(np.bincount(counts[invalid & abroad & (counts < 19)])).tolist():
        rows = np.flatnonzero(invalid & abroad & (counts == count))
        lead = values[rows] // 10 ** np.maximum(count - 3 - zeros[rows], 0)
        codes[rows] = calling_codes()[np.minimum(lead, 999)]
    if home is not None:
        codes[~abroad] = home.code
    for code in np.unique(codes[invalid]).tolist():
        rows = np.flatnonzero(invalid & (codes == code))
        if code == 0:
            reason[rows] = np.where(abroad[rows], _NO_CODE, _NO_REGION)
            continue
        plan = home if home is not None and home.code == code else plan_of_code(code)
        digits = counts[rows] - np.where(abroad[rows], zeros[rows] + len(str(code)), 0)
        reason[rows] = len(said) + _kind(plan, digits)
        said += [words.format(_name(plan)) for words in _OF_A_PLAN]
    for mask, word in (
        (counts > 18, len(said)),
        (matches(tidied, r"\p{L}"), _LETTERS),
        (counts == 0, _NO_DIGITS),
        (matches(tidied, EXPONENT), _EXPONENT),
    ):
        reason[invalid & mask] = word
    said.append("too long for any country")
    return string_column(said).take(indices(reason))


def _kind(plan: Plan, digits: np.ndarray) -> np.ndarray:
    lengths = plan.general.possible_length
    kind = np.where(np.isin(digits, lengths), 3, 2)
    kind[digits < min(lengths)] = 0
    kind[digits > max(lengths)] = 1
    return kind


def _name(plan: Plan) -> str:
    region = phonenumbers.region_code_for_country_code(plan.code) if plan.metadata.id is None else plan.metadata.id
    return f"+{plan.code}" if region in ("001", None) else str(region)
