"""The text around a phone's digits: what people, programs and spreadsheets put there, taken away column by column."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import pyarrow as pa

from listrak_sms_cli.audience.cells import Mask, matches, put, replaced, where
from listrak_sms_cli.audience.phone_plans import INVALID, MOST_DIGITS

LONGEST = 250  # characters; libphonenumber reads no more

_OTHER_SIGNS = {  # full-width, Arabic-Indic and Persian signs, and what stands for them
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
    "\uff0b": "+",
}
_TIDYING = (
    # invisible marks: zero width, direction, byte order, soft hyphen
    (r"[\x{AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]+", ""),
    # blanks and line breaks of every kind, control characters
    (r"[\x00-\x1F\x7F-\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+", " "),
    # dashes of every kind, and the sign that Japanese keyboards give for one
    (r"[\x{2010}-\x{2015}\x{2212}\x{30FC}\x{FF0D}]", "-"),
    # the apostrophe with which a spreadsheet marks a text, and quotes that were escaped once too often
    (r"""^[ '"`\x{2018}\x{2019}\x{201C}\x{201D}]+""", ""),
    (r"""[ '"`\x{2018}\x{2019}\x{201C}\x{201D};:,!?*_.()-]+$""", ""),
)
_WORDS_IN_FRONT = (r"^[^+\p{Nd}]+([+\p{Nd}])", r"\1")  # libphonenumber begins at the first plus or digit, too
_FLOAT = (r"^(\+?[0-9]+)\.00?$", r"\1")
_CONTEXT = ";phone-context="

EXPONENT = r"^[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$"
# Without three digits in front that no letter interrupts, nothing is a phone for libphonenumber; 60 digits are too
# many for a number and an extension together.
_VIABLE = r"^\+*(?:(?:[^\p{L}\p{Nd}]|[xX])*\p{Nd}){3}"
_ENDLESS = r"^(?:[^\p{Nd}]*\p{Nd}){61}"


def tidy(cells: pa.StringArray) -> pa.StringArray:
    """Spellings (no nulls) with only what matters for reading them, from the first plus or digit on.

    Invisible characters go, every blank is a space and every dash a hyphen, full-width, Arabic-Indic and Persian
    digits are ASCII, apostrophes and words in front go, and so does the `.0` or `.00` behind a whole number.
    "" = nothing visible was there.
    """
    foreign = matches(cells, f"[{''.join(_OTHER_SIGNS)}]")
    if foreign.any():
        cells = put(cells, foreign, _ascii(where(cells, foreign)))
    for expression, instead in _TIDYING:
        cells = replaced(cells, expression, instead)
    if matches(cells, _CONTEXT).any():
        plain = ~matches(cells, _CONTEXT)
        cells = put(cells, plain, replaced(where(cells, plain), *_WORDS_IN_FRONT))
    else:
        cells = replaced(cells, *_WORDS_IN_FRONT)
    return replaced(cells, *_FLOAT)


def _ascii(cells: pa.StringArray) -> pa.StringArray:
    for sign, instead in _OTHER_SIGNS.items():
        cells = replaced(cells, sign, re.escape(instead) if instead != "+" else "+")
    return cells


def hopeless(tidied: pa.StringArray) -> Mask:
    """True for tidied spellings that libphonenumber refuses, without asking it; and for what a spreadsheet rounded."""
    viable = matches(tidied, _VIABLE) & ~matches(tidied, _ENDLESS) | matches(tidied, _CONTEXT)
    return ~viable | matches(tidied, EXPONENT)


@lru_cache(maxsize=20_000)
def ask_library(tidied: str, region: str) -> int:
    """E.164 digits of one tidied spelling, or INVALID, as libphonenumber reads it; `00` is a plus where it has no other
    meaning. Region "ZZ": only international spellings."""
    number = _parsed(tidied, region)
    if number == INVALID and (double_zero := re.match(r"0[ ().\-/]*0", tidied)):
        number = _parsed("+" + tidied[double_zero.end() :], region)
    return number


def _parsed(text: str, region: str) -> int:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return INVALID
    if not phonenumbers.is_valid_number(number):
        return INVALID
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return int(digits) if len(digits) <= MOST_DIGITS else INVALID
