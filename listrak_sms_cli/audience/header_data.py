"""First rows that hold a member instead of the names of columns: no message may list their cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from listrak_sms_cli.audience.header_words import means_consent, means_mobile_phone, system_field_meant, words_of_name

_EMAIL = re.compile(r"\S@\S")
_MARKS = re.compile(r"\W*(?:[a-z]{1,10}:)?\W*", re.IGNORECASE)  # of a spreadsheet or a URL: ="…", '…, tel:…
# Signs between the digits, and the letters of extensions, exponents and times behind them.
_ONLY_DIGITS = re.compile(r"(?:\d\W*){7}(?:\W|\d|(?<![a-z])(?:extn?|extension|[xetz]|am|pm)(?![a-z]))*", re.IGNORECASE)
_EXPONENT = re.compile(r"\d+(?:[.,]\d+)?e[+-]?\d+\W*", re.IGNORECASE)
_BEGINS_LIKE_A_PHONE = re.compile(r"(?:\d\W*){7}")
_SHORT_NUMBER = re.compile(r"\d[\d\W]*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE = re.compile(r"(?:\d{4}\W\d{1,2}\W\d{1,2}|\d{1,2}\W\d{1,2}\W\d{4})(?:\W+\d{1,2}:\d\d.*|T\d.*)?", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE_IN_WORDS = re.compile(rf"\d{{1,2}}\W*{_MONTH}\W*\d{{2,4}}|{_MONTH}\W*\d{{1,2}}\W+\d{{2,4}}", re.IGNORECASE)
# Words that name a column, and that are hardly a value.
_NAMES = re.compile(r"(.+ )?name|address|age|city|code|date|gender|state|phone( .+)?|.+ phone")


def holds_data(header: Sequence[str]) -> bool:
    """Whether a cell is an e-mail address or has the digits of a phone, and nothing but signs around them. No name of a
    column does, but for a date, above the figures of a day: it is so whatever the other cells are."""
    return any(_EMAIL.search(name) or _is_long_number(_bare(name)) for name in header)


def may_hold_data(header: Sequence[str]) -> bool:
    """Whether a cell is a number, a date or a phone (`07030`, `1-800-FLOWERS`), and none is an ordinary name of a
    column: years may be names beside one."""
    if any(map(_is_a_name, header)):
        return False
    return any(map(_is_a_value, map(_bare, header))) or _reads_as_phone(header)


def _bare(name: str) -> str:
    """The name without the marks in front of it; blanks, which a rewritten name has none of, for underscores."""
    visible = "".join(sign for sign in name if unicodedata.category(sign) != "Cf").replace("_", " ")
    return _MARKS.sub("", unicodedata.normalize("NFKC", visible), count=1)


def _is_long_number(bare: str) -> bool:
    if _DATE.fullmatch(bare.strip()):
        return False
    return _ONLY_DIGITS.fullmatch(bare) is not None or _EXPONENT.fullmatch(bare) is not None


def _is_a_value(bare: str) -> bool:
    if _YEAR.fullmatch(bare.strip()):
        return False
    whole = _SHORT_NUMBER.fullmatch(bare) or _DATE_IN_WORDS.fullmatch(bare.strip())
    return whole is not None or _BEGINS_LIKE_A_PHONE.match(bare) is not None


def _is_a_name(name: str) -> bool:
    if means_mobile_phone(name) or means_consent(name) or system_field_meant(name):
        return True
    return _NAMES.fullmatch(words_of_name(name)) is not None


def _reads_as_phone(header: Sequence[str]) -> bool:
    from listrak_sms_cli.audience.phones import read_phones
    from listrak_sms_cli.columnar import string_column

    return bool((read_phones(string_column([name.replace("_", " ") for name in header]), "US") > 0).any())
