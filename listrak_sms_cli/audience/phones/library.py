"""The text around a phone's digits: what people, programs and spreadsheets put there, taken away column by column."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.audience.phones.parse import INVALID, MOST_DIGITS
from listrak_sms_cli.columnar import Mask, matches, raw, replace_cells, replace_matches, select

_OTHER_SIGNS = {  # full-width, Arabic-Indic and Persian signs, and what stands for them
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
    "\uff0b": "+",
}
_BEYOND_ASCII = (
    # invisible marks: zero width, direction, byte order, soft hyphen
    (r"[\x{AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]+", ""),
    # blanks of every kind
    (r"[\x{80}-\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+", " "),
    # dashes of every kind, and the sign that Japanese keyboards give for one
    (r"[\x{2010}-\x{2015}\x{2212}\x{30FC}\x{FF0D}]", "-"),
)
_TIDYING = (
    (r"[\x00-\x1F\x7F]+", " "),  # tabs, line breaks, control characters
    # the apostrophe with which a spreadsheet marks a text, and quotes that were escaped once too often
    (r"""^[ '"`\x{2018}\x{2019}\x{201C}\x{201D}]+""", ""),
    (r"""([^ '"`\x{2019}\x{201D};:,!?*_.()-])[ '"`\x{2019}\x{201D};:,!?*_.()-]+$""", r"\1"),
)
_WORDS_IN_FRONT = (r"^[^+\p{Nd}]+([+\p{Nd}])", r"\1")  # libphonenumber begins at the first plus or digit, too
_WORDS_IN_FRONT_ASCII = (r"^[^+0-9]+([+0-9])", r"\1")  # \p{Nd} is dear to compile
_FLOAT = (r"^(\+?[0-9]+)\.00?$", r"\1")
_CONTEXT = ";phone-context="

_PLAIN_EXTENSION = (  # libphonenumber knows more of them; these are the usual ones, behind a number in plain signs
    r"(?i)^(\+?(?:[ ().\-/]*[0-9]){7,}[).\-/]*)(?:;ext=|[ ,]*(?:e?xt(?:ensio)?n?|x|#)[:.]?[ ,-]*)[0-9]{1,9}#?$",
    r"\1",
)

EXPONENT = r"^[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$"
# Without three digits in front that no letter interrupts, nothing is a phone for libphonenumber; nor with a sign
# inside that neither phones nor extensions have, unless it cuts the text there.
_VIABLE = r"^\+*(?:(?:[^\p{L}\p{Nd}]|[xX])*\p{Nd}){3}"
_VIABLE_ASCII = r"^\+*(?:(?:[^A-Za-z0-9]|[xX])*[0-9]){3}"
_STRANGE = r"""[@$%&!?<>|{}^"'].*[0-9A-Za-z]"""
_CUT = r"[\\/] *x|;isub="
_MANY_DIGITS = 60  # too many for a number with an extension
_ENDLESS = r"^(?:[^\p{Nd}]*\p{Nd}){61}"


def tidy(cells: pa.StringArray) -> pa.StringArray:
    """Spellings (no nulls) with only what matters for reading them, from the first plus or digit on.

    Invisible characters go, every blank is a space and every dash a hyphen, full-width, Arabic-Indic and Persian
    digits are ASCII, apostrophes and words in front go, and so does the `.0` or `.00` behind a whole number.
    "" = nothing visible was there.
    """
    if not _is_ascii(cells):
        foreign = matches(cells, f"[{''.join(_OTHER_SIGNS)}]")
        if foreign.any():
            cells = replace_cells(cells, foreign, _signs_replaced(select(cells, foreign)))
        for expression, instead in _BEYOND_ASCII:
            cells = replace_matches(cells, expression, instead)
    for expression, instead in _TIDYING:
        cells = replace_matches(cells, expression, instead)
    in_front = _WORDS_IN_FRONT_ASCII if _is_ascii(cells) else _WORDS_IN_FRONT
    plain = ~matches(cells, _CONTEXT)
    cells = replace_cells(cells, plain, replace_matches(select(cells, plain), *in_front))
    return replace_matches(replace_matches(cells, *_FLOAT), *_PLAIN_EXTENSION)


def _is_ascii(cells: pa.StringArray) -> bool:
    return not len(data := raw(cells).data) or int(data.max()) < 128


def _signs_replaced(cells: pa.StringArray) -> pa.StringArray:
    for sign, instead in _OTHER_SIGNS.items():
        cells = pc.replace_substring(cells, sign, instead)
    return cells


def hopeless(tidied: pa.StringArray) -> Mask:
    """True for tidied spellings that libphonenumber refuses, without asking it; and for what a spreadsheet rounded."""
    refused = ~matches(tidied, _VIABLE_ASCII if _is_ascii(tidied) else _VIABLE)
    strange = matches(tidied, _STRANGE)
    if strange.any():
        refused |= strange & ~matches(tidied, _CUT)
    long = raw(tidied).lengths > _MANY_DIGITS
    if long.any():
        refused[long] |= matches(select(tidied, long), _ENDLESS)
    return refused & ~matches(tidied, _CONTEXT) | matches(tidied, EXPONENT)


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
