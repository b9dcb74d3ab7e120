"""`--date-format`: strptime codes become one RE2 pattern, so that a whole column is read at once.

Month names are English in every locale; two-digit years are 1969 to 2068, as in POSIX.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from listrak_sms_cli.columnar import Bytes, Mask, fixed_column, integers, matches, pc, raw, select
from listrak_sms_cli.errors import UsageError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "mon|tue|wed|thu|fri|sat|sun"
_LONG_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_DATE_CODES = {
    "Y": "(?P<year>[0-9]{4})",
    "y": "(?P<year>[0-9]{2})",
    "m": "(?P<month>[0-9]{1,2})",
    "b": f"(?P<month>(?i:{'|'.join(_MONTHS)}))",
    "h": f"(?P<month>(?i:{'|'.join(_MONTHS)}))",
    "B": f"(?P<month>(?i:{_LONG_MONTHS}))",
    "d": "(?P<day>[0-9]{1,2})",
}
_OTHER_CODES = {
    "H": "(?:[01]?[0-9]|2[0-3])",
    "I": "(?:0?[1-9]|1[0-2])",
    "M": "[0-5]?[0-9]",
    "S": "(?:[0-5]?[0-9]|60)",
    "f": "[0-9]{1,9}",
    "p": "(?i:am|pm)",
    "z": "(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)",
    "Z": "[A-Za-z]{1,5}",
    "a": f"(?i:{_DAYS})",
    "A": f"(?i:{_LONG_DAYS})",
    "%": "%",
}
_LAST_SHORT_YEAR = 681231  # of 20YY
_SHORT_FOR = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_NUMERIC = frozenset("YymdHIMSf")
_EXAMPLE = "Write for example --date-format %d/%m/%Y."


def check_date_format(date_format: str) -> None:
    """Raise UsageError unless the format gives day, month and year once each, in known codes."""
    _pattern(date_format)


def has_short_years(date_format: str) -> bool:
    """Return whether the format writes years with two digits."""
    return "(?P<year>[0-9]{2})" in _pattern(date_format)


def starts_with_year(date_format: str) -> bool:
    """Return whether cells of this format could be mistaken for ISO dates."""
    return date_format.lstrip().startswith(("%Y", "%F"))


@lru_cache(maxsize=16)
def _pattern(date_format: str) -> str:
    spelled = re.sub("%.", lambda code: _SHORT_FOR.get(code[0], code[0]), date_format.strip(), flags=re.DOTALL)
    parts = re.findall(r"%.|\s+|[^%\s]+|%", spelled, flags=re.DOTALL)
    pattern, given = "", ""
    for part, following in pairwise([*parts, ""]):
        if part.isspace():
            pattern += r"\s+"
        elif not part.startswith("%"):
            pattern += re.escape(part)
        else:
            pattern += _code(part[1:], abutting=following[1:] in _NUMERIC and following.startswith("%"))
            given += part[1:]
    kinds = ["year" if code in "Yy" else "month" if code in "mbhB" else "day" for code in given if code in _DATE_CODES]
    if sorted(kinds) != ["day", "month", "year"]:
        raise UsageError("--date-format must give day, month and year once each.", hint=_EXAMPLE, code="date_format")
    return f"^{pattern}$"


def _code(code: str, *, abutting: bool) -> str:
    known = _DATE_CODES.get(code) or _OTHER_CODES.get(code)
    if known is None:
        what = f"%{code}" if code.isalpha() and code.isascii() else "a % with no code after it"
        raise UsageError(f"--date-format has {what}, which is unknown.", hint=_EXAMPLE, code="date_format")
    # Only the width tells numbers without a separator apart.
    return known.replace("{1,2}", "{2}").replace("?[", "[") if abutting and code in _NUMERIC else known


def read_dates(column: pa.StringArray, date_format: str, latest: int = 0) -> tuple[Mask, Bytes]:
    """Return which rows are written in the format, and for these rows, in order, the ASCII digits YYYYMMDD (uint8,
    shape (rows, 8)). Whether the day exists is not checked. `column` has no nulls, and no blanks around its cells.
    `latest`: years of two digits are so that no date is after this one (YYYYMMDD, 0 = 1969 to 2068)."""
    pattern = _pattern(date_format)
    hits = matches(column, pattern)
    parts = pc.extract_regex(select(column, hits), pattern)
    digits = np.empty((len(parts), 8), dtype=np.uint8)
    year = pc.struct_field(parts, "year")
    short = has_short_years(date_format)
    if not short:
        digits[:, :4] = raw(year).data.reshape(-1, 4)
    else:
        digits[:, 2:4] = raw(year).data.reshape(-1, 2)
    digits[:, 4:6] = _two_digits(pc.struct_field(parts, "month"))
    digits[:, 6:8] = _two_digits(pc.struct_field(parts, "day"))
    if short:
        in_century = (digits[:, 2:] - np.uint8(ord("0"))) @ np.array([100_000, 10_000, 1_000, 100, 10, 1])
        last = latest % 1_000_000 if latest else _LAST_SHORT_YEAR
        digits[:, :2] = np.where((in_century > last)[:, None], *np.frombuffer(b"1920", dtype=np.uint8).reshape(2, 1, 2))
    return hits, digits


def _two_digits(numbers: pa.StringArray) -> Bytes:
    """Months or days, given as one or two digits or as English names, in two ASCII digits."""
    named = pc.index_in(pc.utf8_lower(pc.utf8_slice_codeunits(numbers, 0, 3)), value_set=fixed_column(*_MONTHS))
    if named.null_count < len(named):
        month = (integers(named) + 1).astype(np.uint8)
        return np.stack((month // 10, month % 10), axis=1) + np.uint8(ord("0"))
    return raw(pc.utf8_lpad(numbers, width=2, padding="0")).data.reshape(-1, 2)
