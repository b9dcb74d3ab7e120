"""How a workbook shows a number: as it is, with the leading zeros of its format, or as elapsed time."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import timedelta

import numpy as np

_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "=": operator.eq
}  # fmt: skip
_LITERAL = re.compile(r'\\(.)|"([^"]*)"')
_NOT_SHOWN = re.compile(r"\[[^\]]*\]|[_*].")  # colours, places, blanks of a width
_NATIONAL = 10  # digits: in no country a phone of so many begins with a zero, but for fixed lines of Italy
_ZEROS = re.compile(r"[ ()/-]*(0[ ()/-]*){2,}")

_ELAPSED = re.compile(r"\[(h+|m+|s+)\](?::(mm?))?(?::(ss?))?(?:\.(0{1,6}))?", re.IGNORECASE)
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def show_plain(value: float) -> str:
    """A number without `.0` and without an exponent."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() else str(np.format_float_positional(value, trim="-"))


def show_zeros(code: str) -> Callable[[float], str] | None:
    """The function for a number format of zeros (`00000`, `00000-0000`; with `[<=99999]` and a second section); None
    for every other one."""
    sections = [(_CONDITION.search(section), _shown(section)) for section in code.split(";")[:2]]
    if not any(_ZEROS.fullmatch(zeros) for _, zeros in sections):
        return None

    def show(value: float) -> str:
        fitting = (zeros for found, zeros in sections if not found or _COMPARE[found[1]](value, float(found[2])))
        zeros = next(fitting, "")
        return _with_zeros(int(value), zeros) if value == value // 1 and _ZEROS.fullmatch(zeros) else show_plain(value)

    return show


def show_elapsed(code: str = "[h]:mm:ss") -> Callable[[timedelta], str]:
    """The function for a format of elapsed time: 36 hours are `36:00` by `[h]:mm`, and `36:00:00` by a format that is
    not known here."""
    known = _ELAPSED.fullmatch(re.sub(r"\[\$[^\]]*\]", "", code.split(";")[0]))
    first, minutes, seconds, fraction = known.groups("") if known else ("h", "mm", "ss", "")

    def show(value: timedelta) -> str:
        ticks = round(abs(value) / timedelta(seconds=1) * 10 ** len(fraction))
        whole, part = divmod(ticks, 10 ** len(fraction))
        units, rest = divmod(whole, _SECONDS[first[0].lower()])
        text = f"{units:0{len(first)}}"
        if minutes:
            text += f":{rest // 60:0{len(minutes)}}"
        if seconds:
            text += f":{rest % 60:0{len(seconds)}}"
        return ("-" if value < timedelta() else "") + text + (f".{part:0{len(fraction)}}" if fraction else "")

    return show


def without_filling(shown: str, value: float) -> str:
    """A phone that a format of zeros shows, without the zeros that only fill the format: `2125550100` by `0` * 14.

    Two zeros stay, for they are a plus; so does one before fewer than ten digits, which may belong to the phone.
    """
    plain = show_plain(value)
    digits = _digits(plain)
    filling = _digits(shown) - digits
    return plain if filling > 2 or (filling == 1 and digits >= _NATIONAL) else shown


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _shown(section: str) -> str:
    return _LITERAL.sub(r"\1\2", _NOT_SHOWN.sub("", section)).strip()


def _with_zeros(value: int, zeros: str) -> str:
    """`501` as `00501` by `00000`; digits that are too many stay in front of the first zero."""
    digits = list(str(abs(value)).zfill(zeros.count("0")))
    shown = "".join(reversed([digits.pop() if sign == "0" else sign for sign in reversed(zeros)]))
    return ("-" if value < 0 else "") + "".join(digits) + shown
