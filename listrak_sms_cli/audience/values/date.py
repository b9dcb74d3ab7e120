"""Date cells become `MM/DD/YYYY`, as Listrak's help page on lists for import asks for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from listrak_sms_cli.audience.values.date_format import read_dates, starts_with_year
from listrak_sms_cli.columnar import (
    Bytes,
    Mask,
    Raw,
    booleans,
    column_of,
    fixed_column,
    indices,
    matches,
    pc,
    raw,
    select,
    trimmed,
)

_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:[.,][0-9]{1,9})?)?(?: ?[AaPp][Mm])?"
_MIDNIGHT = r"(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00(?:[.,]0+)?)? ?[Aa][Mm])"
_ZONE = r"(?: ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_TIME = rf"(?:(?:T| |, ){_CLOCK}{_ZONE})?$"
_AT_MIDNIGHT = rf"(?:T| |, ){_MIDNIGHT}{_ZONE}$"
_DASHED = "^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _TIME
_SLASHED = "^[0-9]{4}/[0-9]{2}/[0-9]{2}" + _TIME
_COMPACT = "^[0-9]{8}$"
_AMERICAN = "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}" + _TIME

# Where YYYYMMDD stands in a cell.
_AT_YEAR_FIRST = np.array([0, 1, 2, 3, 5, 6, 8, 9])
_AT_COMPACT = np.arange(8)
_AT_YEAR_LAST = np.array([6, 7, 8, 9, 0, 1, 3, 4])
# The digit of YYYYMMDD at each place of MM/DD/YYYY; any digit where a slash will be.
_TO_IMPORT = np.array([4, 5, 0, 6, 7, 0, 0, 1, 2, 3])
# Days of each month; 0 and 13 stand for numbers that are no month.
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0], dtype=np.uint8)
_DASH, _SLASH, _ZERO = (np.uint8(ord(character)) for character in "-/0")


def clean_dates(
    column: pa.StringArray, region: str, date_format: str | None, latest: int = 0
) -> tuple[pa.StringArray, Mask | None, Mask | None]:
    """Return `MM/DD/YYYY` or "" (empty, or unreadable), which rows are unreadable, and which lost a time of day.

    `YYYY-MM-DD` and `YYYY/MM/DD` are read, with or without a time and zone (the date counts as written), `YYYYMMDD`,
    and in the region "US" `M/D/YYYY`. With a `date_format` only that format is read, and ISO dates unless the format
    begins with the year too. Years of two digits are so that no date is after `latest` (YYYYMMDD; 0: 1969 to 2068).
    Masks are None when they hold no row. `column` has no nulls.
    """
    cells = raw(column)
    american = region == "US" and date_format is None
    if date_format is None:
        readable, digits = _read_ten_bytes(cells, american=american)
    else:
        readable, digits = np.zeros(len(column), np.bool_), np.zeros((len(column), 8), np.uint8)
    rest = (cells.lengths > 0) & ~readable
    timed = None
    if rest.any():
        others = trimmed(select(column, rest))
        rows = np.flatnonzero(rest)
        hits, read, timed_hits = _read_by_pattern(others, american=american, date_format=date_format, latest=latest)
        readable[rows[hits]] = True
        digits[rows[hits]] = read
        rest[rows] = ~hits & (raw(others).lengths > 0)
        if timed_hits.any():
            timed = np.zeros(len(readable), dtype=np.bool_)
            timed[rows[timed_hits]] = True
    bad = rest if rest.any() else None
    return _import_text(readable, digits), bad, timed


def _import_text(readable: Mask, digits: Bytes) -> pa.StringArray:
    text = (digits if readable.all() else digits[readable]).take(_TO_IMPORT, axis=1)
    text[:, (2, 5)] = _SLASH
    return column_of(readable * 10, text.reshape(-1))


def _read_ten_bytes(column: Raw, *, american: bool) -> tuple[Mask, Bytes]:
    """Read cells of exactly ten bytes, as most dates have, without a pattern. The rows read, and the digits YYYYMMDD of
    every row (ASCII, shape (rows, 8))."""
    readable = column.lengths == 10
    digits = np.zeros((len(readable), 8), dtype=np.uint8)
    if not readable.any():
        return readable, digits
    if readable.all():
        cells = column.data.reshape(-1, 10)
    else:
        cells = column.data.take(column.starts[:-1][readable][:, None] + np.arange(10))
    year_last = (cells[:, 2] == _SLASH) & (cells[:, 5] == _SLASH) & american
    separator = cells[:, 4]
    year_first = ((separator == _DASH) | (separator == _SLASH)) & (cells[:, 7] == separator)
    read = cells.take(_AT_YEAR_FIRST, axis=1)
    if year_last.any():
        read[year_last] = cells[year_last].take(_AT_YEAR_LAST, axis=1)
    real = _real_days(read) & (year_first | year_last)
    if real.all() and readable.all():
        return readable, read
    readable[readable] = real
    digits[readable] = read[real]
    return readable, digits


def _read_by_pattern(
    column: pa.StringArray, *, american: bool, date_format: str | None, latest: int
) -> tuple[Mask, Bytes, Mask]:
    """Read the other cells, by patterns. The rows read, the digits YYYYMMDD of these rows in order, and the rows that
    lose a time of day."""
    cells = raw(column)
    readable = np.zeros(len(column), dtype=np.bool_)
    digits = np.zeros((len(column), 8), dtype=np.uint8)

    def keep(hits: Mask, read: Bytes) -> None:
        real = _real_days(read)
        rows = np.flatnonzero(hits)[real]
        readable[rows], digits[rows] = True, read[real]

    if date_format is not None:
        keep(*read_dates(column, date_format, latest))
    by_format = readable.copy()
    for pattern, places in _shapes(date_format):
        if readable.all():
            break
        hits = matches(column, pattern) & ~readable
        keep(hits, cells.data.take(cells.starts[:-1][hits][:, None] + places))
    if american and not readable.all():
        hits = matches(column, _AMERICAN) & ~readable
        keep(hits, _american_digits(cells, cells.starts[:-1][hits]))
    timed = readable & ~by_format & (cells.lengths > 10)
    timed[timed] = ~matches(select(column, timed), _AT_MIDNIGHT)
    return readable, digits[readable], timed


def _shapes(date_format: str | None) -> tuple[tuple[str, npt.NDArray[np.intp]], ...]:
    """Patterns that are read in every region, and the places of YYYYMMDD in them."""
    if date_format is None:
        return (_DASHED, _AT_YEAR_FIRST), (_SLASHED, _AT_YEAR_FIRST), (_COMPACT, _AT_COMPACT)
    # YYYY-DD-MM must not be read as ISO where it happens to fit.
    return () if starts_with_year(date_format) else ((_DASHED, _AT_YEAR_FIRST),)


def _american_digits(cells: Raw, starts: npt.NDArray[np.int32]) -> Bytes:
    """YYYYMMDD of the cells `M/D/YYYY…` that start at these bytes: shape (cells, 8)."""
    digits = np.full((len(starts), 8), _ZERO, dtype=np.uint8)
    place = starts
    for tens in (4, 6):
        double = cells.data.take(place + 1) != _SLASH
        digits[:, tens] = np.where(double, cells.data.take(place), _ZERO)
        digits[:, tens + 1] = cells.data.take(place + double)
        place = place + double + 2
    digits[:, :4] = cells.data.take(place[:, None] + np.arange(4))
    return digits


def _real_days(digits: Bytes) -> Mask:
    """True where the ASCII digits YYYYMMDD (shape (rows, 8)) are a day of the years 1 to 9999."""
    # Transposed, so that every step below runs over contiguous bytes.
    number = np.ascontiguousarray(digits.T) - _ZERO
    real: Mask = number.max(axis=0) <= 9 if len(digits) else np.zeros(0, dtype=np.bool_)
    century, year, month, day = (number[i] * np.uint8(10) + number[i + 1] for i in (0, 2, 4, 6))
    leap = np.where(year == 0, century, year) & 3 == 0
    last = _DAYS.take(np.minimum(month, 13)) + (leap & (month == 2))
    real &= (day >= 1) & (day <= last)
    real &= (century | year) != 0
    return real


def in_future(text: pa.StringArray, today: int) -> Mask | None:
    """Return which rows of import text (`MM/DD/YYYY` or "") are later than `today` (YYYYMMDD); None = no row, or today
    is not known."""
    content = raw(text)
    if not today or not len(content.data):
        return None
    cells = content.data.reshape(-1, 10)
    late = _big_endian(cells[:, 6:]) >= _big_endian_of(today // 10_000, 4)
    rows = np.flatnonzero(late)
    rows = rows[_big_endian(cells[rows].take(_AT_YEAR_LAST, axis=1)) > _big_endian_of(today, 8)]
    if not len(rows):
        return None
    future = np.zeros(len(text), np.bool_)
    future[np.flatnonzero(content.lengths)[rows]] = True
    return future


def _big_endian(digits: Bytes) -> npt.NDArray[np.unsignedinteger]:
    """Rows of four or eight ASCII digits as unsigned integers, in the order of the numbers they spell."""
    width = digits.shape[1]
    return np.ascontiguousarray(digits).view(f">u{width}")[:, 0].astype(f"=u{width}")


def _big_endian_of(number: int, width: int) -> int:
    return int.from_bytes(str(number).zfill(width).encode(), "big")


_ANY_YEAR_LAST = "^[0-9]{1,2}([/.-])[0-9]{1,2}[/.-][0-9]{4}([T, ]|$)"
_DAY_FIRST = "^(1[3-9]|2[0-9]|3[01])[/.-](0?[1-9]|1[0-2])[/.-]"
_SHORT_YEAR = "^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}([T, ]|$)"


def explain_dates(column: pa.StringArray, region: str, date_format: str | None, latest: int = 0) -> pa.StringArray:
    """Return why each of these unreadable cells is unreadable, in words that quote nothing of it. `latest`: no date is
    after this one (YYYYMMDD, 0 = any may be)."""
    reasons = _explained(column, region, date_format)
    future = in_future(clean_dates(column, region, date_format, latest)[0], latest)
    if future is None:
        return reasons
    return pc.if_else(booleans(future), fixed_column("in the future")[0], reasons)


def _explained(column: pa.StringArray, region: str, date_format: str | None) -> pa.StringArray:
    cells = trimmed(column)
    reasons = ["not a date", "no such day"]
    reason = np.zeros(len(cells), dtype=np.int64)
    if date_format is not None:
        reasons[0] = "not a date as --date-format writes it"
        reason[read_dates(cells, date_format)[0]] = 1
        return fixed_column(*reasons).take(indices(reason))
    shaped = matches(cells, _DASHED) | matches(cells, _SLASHED) | matches(cells, _COMPACT)
    reason[shaped | (matches(cells, _AMERICAN) & (region == "US"))] = 1
    short, year_last, day_first = (matches(cells, p) for p in (_SHORT_YEAR, _ANY_YEAR_LAST, _DAY_FIRST))
    for separator in "/.-":
        written = f"%d{separator}%m{separator}%Y"
        american = f"%m{separator}%d{separator}%Y"
        parted = matches(cells, rf"^[0-9]{{1,2}}[{separator}][0-9]{{1,2}}[{separator}]")
        reasons += [
            f"day first? use --date-format {written}",
            f"day or month first? use --date-format {written} or {american}",
            f"a year of two digits: write four, or use --date-format {written[:-1]}y or {american[:-1]}y",
        ]
        reason[parted & year_last & (reason == 0)] = len(reasons) - 2
        reason[parted & year_last & day_first] = len(reasons) - 3
        reason[parted & short] = len(reasons) - 1
    return fixed_column(*reasons).take(indices(reason))
