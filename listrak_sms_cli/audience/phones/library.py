"""Tidied spellings read by libphonenumber itself, and those that it certainly refuses."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import pyarrow as pa

from listrak_sms_cli.audience.phones.constants import INVALID, MOST_DIGITS
from listrak_sms_cli.audience.phones.tidy import CONTEXT, DIGITS_OF_A_PHONE, EXPONENT, is_ascii
from listrak_sms_cli.columnar import Mask, matches, raw, select

# Without three digits in front that no letter interrupts, nothing is a phone for libphonenumber; nor with a sign
# inside that neither phones nor extensions have, unless it cuts the text there.
_VIABLE = r"^\+*(?:(?:[^\p{L}\p{Nd}]|[xX])*\p{Nd}){3}"
_VIABLE_ASCII = r"^\+*(?:(?:[^A-Za-z0-9]|[xX])*[0-9]){3}"
_STRANGE = r"""[@$%&!?<>|{}^"'].*[0-9A-Za-z]"""
_CUT = r"[\\/] *x|;isub="
_CUT_BEFORE_A_PHONE = re.compile(rf"(?:{_CUT})\D*(?:\d\D*){{{DIGITS_OF_A_PHONE}}}")
_MOST_BYTES = 60  # of a cell whose digits need not be counted
_TOO_MANY_DIGITS = r"^(?:[^\p{Nd}]*\p{Nd}){61}"  # for a number with an extension


def certainly_refused(tidied: pa.StringArray) -> Mask:
    """True for tidied spellings that libphonenumber refuses in every region, and for numbers that a spreadsheet
    rounded (`7.18E+10`). Many others are refused, too."""
    refused = ~matches(tidied, _VIABLE_ASCII if is_ascii(tidied) else _VIABLE)
    strange = matches(tidied, _STRANGE)
    if strange.any():
        refused |= strange & ~matches(tidied, _CUT)
    long = raw(tidied).lengths > _MOST_BYTES
    if long.any():
        refused[long] |= matches(select(tidied, long), _TOO_MANY_DIGITS)
    return refused & ~matches(tidied, CONTEXT) | matches(tidied, EXPONENT)


@lru_cache(maxsize=20_000)
def ask_library(tidied: str, region: str) -> int:
    """E.164 digits of one tidied spelling as libphonenumber reads it, or INVALID. `00` is a plus where it has no other
    meaning; two phones are INVALID. `region`: "ZZ" reads international spellings only."""
    if _CUT_BEFORE_A_PHONE.search(tidied):
        return INVALID
    number = _parsed(tidied, region)
    if number == INVALID and (double_zero := re.match(r"0[ ().\-/]*0", tidied)):
        number = _parsed("+" + tidied[double_zero.end() :], region)
    return number


def _parsed(text: str, region: str) -> int:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return INVALID
    if not phonenumbers.is_valid_number(number) or len(number.extension or "") >= DIGITS_OF_A_PHONE:
        return INVALID
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return int(digits) if len(digits) <= MOST_DIGITS else INVALID
