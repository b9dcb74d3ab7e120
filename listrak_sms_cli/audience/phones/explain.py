"""What is wrong with a spelling that is no valid phone, in words that never hold the spelling."""

from __future__ import annotations

import numpy as np
import phonenumbers
import pyarrow as pa

from listrak_sms_cli.audience.cell_errors import explain_errors
from listrak_sms_cli.audience.phones.constants import INVALID, MOST_DIGITS
from listrak_sms_cli.audience.phones.numbering_plans import Plan, calling_codes, plan_of_code, plan_of_region
from listrak_sms_cli.audience.phones.read import LONGEST, read_phones
from listrak_sms_cli.audience.phones.tidy import EXPONENT, is_ascii, tidy
from listrak_sms_cli.columnar import indices, matches, nulls_as_empty, raw, read_digits, string_column

_GENERAL = (
    "",
    "a spreadsheet turned it into scientific notation; format the column as text and export again",
    "no digits in it",
    "letters in the number",
    "no country code, and no region to read it for; give --region",
    "no country has this calling code",
    "too long for any country",
    "two phones in one cell",
)
_EXPONENT, _NO_DIGITS, _LETTERS, _NO_REGION, _NO_CODE, _TOO_LONG, _TWO_PHONES = range(1, len(_GENERAL))
# Twice the digits of a phone, and more between them than people write within one.
_TWO = r"^\+?(?:[ ().\-]*[0-9]){7,}.*?(?:[^0-9 ().\-]|  | - ).*?(?:[ ().\-]*[0-9]){7,}[^0-9]*$"
_OF_A_PLAN = ("too short for {0}", "too long for {0}", "no phone in {0} has so many digits", "no such phone in {0}")


def explain_phones(column: pa.StringArray, region: str) -> pa.StringArray:
    """Why cells are INVALID, in words for people that never hold the value: pa.string(), one a row; "" for cells that
    are valid or MISSING. For rejected rows only: it takes longer than `read_phones`."""
    home = plan_of_region(region)
    tidied = tidy(nulls_as_empty(column))
    digits = read_digits(raw(tidied), MOST_DIGITS, LONGEST)
    counts, countable = digits.counts, digits.counts <= MOST_DIGITS
    invalid = read_phones(column, region) == INVALID
    abroad = matches(tidied, r"^(\+|0[ ().\-/]*0)") & (counts > 3)
    zeros = np.where(matches(tidied, r"^\+"), 0, 2)  # that stand for the plus
    codes = np.full(len(tidied), home.code if home else 0)
    codes[abroad] = 0
    rows = np.flatnonzero(invalid & abroad & countable)
    start = digits.values[rows] // 10 ** np.maximum(counts[rows] - 3 - zeros[rows], 0)
    codes[rows] = calling_codes()[np.minimum(start, 999)]
    reasons, reason = list(_GENERAL), np.zeros(len(tidied), np.int64)
    for code in np.unique(codes[invalid]).tolist():
        rows = np.flatnonzero(invalid & (codes == code))
        if code == 0:
            reason[rows] = np.where(abroad[rows], _NO_CODE, _NO_REGION)
            continue
        plan = home if home is not None and home.code == code else plan_of_code(code)
        national = counts[rows] - np.where(abroad[rows], zeros[rows] + len(str(code)), 0)
        reason[rows] = len(reasons) + _sentence_of_a_plan(plan, national)
        reasons += [sentence.format(_name(plan)) for sentence in _OF_A_PLAN]
    for applies, place in (
        (~countable, _TOO_LONG),
        (matches(tidied, "[A-Za-z]" if is_ascii(tidied) else r"\p{L}"), _LETTERS),  # which is slow to compile
        (counts == 0, _NO_DIGITS),
        (matches(tidied, EXPONENT), _EXPONENT),
        (matches(tidied, _TWO), _TWO_PHONES),
    ):
        reason[invalid & applies] = place
    return explain_errors(nulls_as_empty(column), string_column(reasons).take(indices(reason)))


def _sentence_of_a_plan(plan: Plan, digits: np.ndarray) -> np.ndarray:
    """The place in _OF_A_PLAN of what is wrong with national numbers of so many digits."""
    lengths = plan.general.possible_length
    sentence = np.where(np.isin(digits, lengths), 3, 2)
    sentence[digits < min(lengths)] = 0
    sentence[digits > max(lengths)] = 1
    return sentence


def _name(plan: Plan) -> str:
    region = phonenumbers.region_code_for_country_code(plan.code) if plan.metadata.id is None else plan.metadata.id
    return f"+{plan.code}" if region in ("001", None) else str(region)
