"""What a spelling means, one cell at a time and as plainly as possible: the documented tidying, then libphonenumber."""

from __future__ import annotations

import re

import phonenumbers

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BLANK = re.compile("[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_DASH = re.compile("[\u2010-\u2015\u2212\u30fc\uff0d]")
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_ZEROS = (0xFF10, 0x0660, 0x06F0)  # full-width, Arabic-Indic, Persian
_ASCII = {zero + digit: str(digit) for zero in _ZEROS for digit in range(10)} | {0xFF0B: "+"}


def tidied(cell: str) -> str:
    """The cell without what only surrounds a phone."""
    text = _DASH.sub("-", _BLANK.sub(" ", _INVISIBLE.sub("", cell.translate(_ASCII))))
    text = text.lstrip(" '\"`\u2018\u2019\u201c\u201d")
    text = re.sub("(?s)(?<=[^ '\"`\u2019\u201d;:,!?*_.()-])[ '\"`\u2019\u201d;:,!?*_.()-]+$", "", text)
    if ";phone-context=" not in text and (start := re.search(r"[+\d]", text)):
        text = text[start.start() :]
    if re.fullmatch(r"\+?[0-9]{1,3}(,[0-9]{3}){2,}(\.00?)?", text):
        text = text.replace(",", "")
    return re.sub(r"^(\+?[0-9]+)\.00?$", r"\1", text)


def _another_phone(text: str) -> bool:
    """True where a phone's digits stand behind what the library cuts off."""
    cut = re.search(r"[\\/] *x|;isub=", text)
    return cut is not None and len(re.findall(r"\d", text[cut.end() :])) >= 7


def meaning(cell: str | None, region: str) -> int:
    """E.164 digits; 0 = nothing there; -1 = no valid phone."""
    text = tidied(cell or "")
    if not text:
        return 0
    if _EXPONENT.fullmatch(text) or _another_phone(text):
        return -1
    number = _valid(text, region)
    if number < 0 and (double_zero := re.match(r"0[ ().\-/]*0", text)):
        number = _valid("+" + text[double_zero.end() :], region)
    return number


def _valid(text: str, region: str) -> int:
    try:
        phone = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return -1
    digits = f"{phone.country_code}{phonenumbers.national_significant_number(phone)}"
    one = len(phone.extension or "") < 7
    return int(digits) if phonenumbers.is_valid_number(phone) and one and len(digits) <= 18 else -1
