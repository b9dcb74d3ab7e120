"""How a workbook shows a number: as a date, with leading zeros, or as it is."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

Show = Callable[[str], str]  # from a number as a workbook stores it to the text that a person reads

_DATE_IDS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))  # of formats without a code
_DURATION_ID = 46
_LITERAL = re.compile(r'"[^"]*"|\\.|[_*].')
_BRACKETS = re.compile(r"\[[^\]]*\]")
_DURATION = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")
_ZEROS = re.compile(r"[0 ()/.-]*0[0 ()/.-]*0[0 ()/.-]*")  # two or more zeros, and what may stand between them
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
}
_DAY = datetime.timedelta(days=1)
_PHANTOM_DAY = 60  # 1900-02-29, which Excel counts and which never was


def show_plain(number: str) -> str:
    """A number without `.0` and without an exponent."""
    if number.isdigit() and len(number) < 16 and (number[0] != "0" or number == "0"):
        return number
    value = float(number)
    return str(int(value)) if value.is_integer() else str(np.format_float_positional(value, trim="-"))


def show_by(format_id: int, code: str | None, *, since_1904: bool) -> Show:
    """The function for a number format of a workbook: its id, and its code where the workbook gives one."""
    dates = lru_cache(1 << 14)(partial(_show_date, since_1904=since_1904))  # the same ones come again and again
    if code is None:
        if format_id == _DURATION_ID:
            return _show_duration
        return dates if format_id in _DATE_IDS else show_plain
    if _DURATION.search(code):
        return _show_duration
    letters = _BRACKETS.sub("", _LITERAL.sub("", code))
    if re.search(r"[dmyhs]", letters.split(";")[0], re.IGNORECASE) and "general" not in letters.lower():
        return dates
    sections = [_Section(text) for text in code.split(";")[:2]] if '"' not in code else [_Section(code)]
    if any(section.zeros for section in sections):
        return partial(_show_with_zeros, sections=sections)
    return show_plain


class _Section:
    """A section of a format's code: `zeros` with what stands between them, "" when it is of another kind; the number
    it is for, where it says so."""

    def __init__(self, code: str) -> None:
        condition = _CONDITION.search(code)
        self._applies = partial(_applies, condition[1], float(condition[2])) if condition else None
        text = re.sub(r"[_*].", "", _BRACKETS.sub("", code))
        text = re.sub(r'\\(.)|"([^"]*)"', r"\1\2", text).strip(" ")
        self.zeros = text if _ZEROS.fullmatch(text) and "." not in text else ""

    def is_for(self, value: float) -> bool:
        return self._applies is None or self._applies(value)


def _applies(operator: str, limit: float, value: float) -> bool:
    return _COMPARE[operator](value, limit)


def _show_with_zeros(number: str, sections: list[_Section]) -> str:
    """`501` as `00501` by the format `00000`; digits that are too many stay in front of the first zero."""
    value = float(number)
    section = next((section for section in sections if section.is_for(value)), sections[0])
    if not section.zeros or not value.is_integer():
        return show_plain(number)
    digits = str(abs(int(value))).zfill(section.zeros.count("0"))
    rest = iter(reversed(digits))
    shown = "".join(reversed([next(rest) if sign == "0" else sign for sign in reversed(section.zeros)]))
    return ("-" if value < 0 else "") + "".join(rest)[::-1] + shown


def _show_date(number: str, *, since_1904: bool) -> str:
    """The ISO date, with the time of day where there is one; a time alone for less than a day."""
    value = float(number)
    if value < 0:
        return show_plain(number)
    days, seconds = divmod(round(value * 86_400_000), 86_400_000)
    time = (datetime.datetime.min + datetime.timedelta(milliseconds=seconds)).time()
    if value < 1 and seconds and not days:
        return time.isoformat()
    epoch = datetime.date(1904, 1, 1) if since_1904 else datetime.date(1899, 12, 30)
    try:
        date = epoch + days * _DAY + (_DAY if not since_1904 and days < _PHANTOM_DAY else 0 * _DAY)
    except OverflowError:
        return show_plain(number)
    return date.isoformat() if not seconds else f"{date.isoformat()} {time.isoformat()}"


def _show_duration(number: str) -> str:
    try:
        return str(datetime.timedelta(seconds=round(float(number) * 86_400)))
    except OverflowError:
        return show_plain(number)
