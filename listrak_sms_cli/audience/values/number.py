"""Number cells become plain decimals with at most two places, as Listrak's help page on lists for import asks for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from listrak_sms_cli.audience.values.rounding import round_digits
from listrak_sms_cli.columnar import (
    Mask,
    blanked,
    column_of,
    count_byte,
    fixed_column,
    indices,
    integers,
    keep_bytes,
    mask_of,
    matches,
    pc,
    raw,
    replace_cells,
    replace_matches,
    select,
    trimmed,
)

# Digits before the point; no more because with 30 and 38 after it `pc.round` of pyarrow 26 drops the carry
# (9….995 is rounded down).
MAX_DIGITS = 28
_DECIMALS = 38
_EXACT = pa.decimal256(76, _DECIMALS)
_PLAIN = (
    rf"^(?:-?[1-9][0-9]{{0,{MAX_DIGITS - 1}}}(?:\.[0-9]{{1,2}})?"
    r"|0(?:\.[0-9]{1,2})?|-0\.(?:0[1-9]|[1-9][0-9]?))?$"
)
# What a decimal256 holds for certain, in a spelling that it reads.
_SMALL = rf"^-?(?:0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})(?:\.[0-9]{{1,{_DECIMALS}}})?$"
_LONG = rf"^-?(?:0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})\.[0-9]{{3,{_DECIMALS}}}$"
_SIGN = "[-+\u2212]?"
_CURRENCY = "[$€£¥]"
_NUMBER = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?)"
_BLANKS = r"[\s\p{Zs}]*"
_READ = "|".join(
    rf"^{spelling}$"
    for spelling in (
        f"{_SIGN}{_BLANKS}(?:{_CURRENCY}{_BLANKS})?{_NUMBER}",
        f"{_CURRENCY}{_BLANKS}{_SIGN}{_NUMBER}",
        f"{_SIGN}{_NUMBER}{_BLANKS}{_CURRENCY}",
    )
)
# A comma that is no thousands separator for certain; and numbers that mean something else where commas are decimal.
_DECIMAL_COMMA = (
    r"^[^0-9,]{0,6}(?:[0-9]+|[0-9]{1,3}(?:[. '\x{A0}\x{202F}][0-9]{3})+)?,(?:[0-9]{1,2}|[0-9]{4,})[^0-9,.]{0,6}$"
    r"|^[^0-9,]{0,6}[0-9]{1,3}(?:[. '\x{A0}\x{202F}][0-9]{3})+,[0-9]+[^0-9,.]{0,6}$"
)
_AMBIGUOUS = r"^[^0-9,.]*[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|\.[0-9]{3})[^0-9,.]*$"
_PARTS = r"^-?(?P<whole>[0-9]+)(?:\.(?P<decimals>[0-9]*))?(?:[eE](?P<exponent>-?[0-9]+))?$"


def clean_numbers(
    column: pa.StringArray, *, decimal_comma: bool = False
) -> tuple[pa.StringArray, Mask | None, Mask | None]:
    """Return plain numbers or "" (empty, or unreadable), which rows are unreadable, and which were rounded.

    Signs, thousands separators (1,234,567.89), one of $ € £ ¥ before or after, and 1.5e3 are read. A plain number with
    at most two decimals is sent as written (`3.0` stays `3.0`); every other one is rounded half-even, exactly, and
    loses zeros at its end. More than 28 digits before the point, or 38 after it, are unreadable. Masks are None when
    they hold no row. `column` has no nulls.

    A number whose first group is 0 has no thousands: `0,125` is unreadable. `decimal_comma`: somewhere in its column a
    comma is a decimal one, so `1,500` and `1.500` are unreadable too.
    """
    odd = ~matches(column, _PLAIN)
    if not odd.any():
        return column, None, None
    cells = trimmed(select(column, odd))
    ambiguous = matches(cells, _AMBIGUOUS) if decimal_comma else None
    text, bad, rounded = _read_odd(cells)
    if ambiguous is not None:
        text, bad, rounded = blanked(text, ambiguous), bad | ambiguous, rounded & ~ambiguous
    return replace_cells(column, odd, text), _spread(bad, odd), _spread(rounded, odd)


def has_decimal_comma(column: pa.StringArray) -> Mask | None:
    """Return which cells certainly have a decimal comma (`12,50`); None = no cell. `column` has no nulls."""
    content = raw(column)
    if not count_byte(content.data, ord(",")):
        return None
    commas = content.rows_of(content.data == ord(","))
    commas[commas] = matches(trimmed(select(column, commas)), _DECIMAL_COMMA)
    return commas if commas.any() else None


def _read_odd(cells: pa.StringArray) -> tuple[pa.StringArray, Mask, Mask]:
    """As `clean_numbers`, for cells without blanks around them that do not match _PLAIN."""
    bad = np.zeros(len(cells), dtype=np.bool_)
    rounded = bad.copy()
    rest = ~bad
    long = matches(cells, _LONG)
    if long.any():
        short, settled, differs = round_digits(select(cells, long))
        rounded[long] = differs
        rest[long] = ~settled
        cells = replace_cells(cells, ~rest, select(short, settled))
    others = select(cells, rest)
    readable = matches(others, _READ)
    bad[rest] = ~readable & (raw(others).lengths > 0)
    text, unreadable, differs = _rounded(_spelled_plainly(select(others, readable)))
    rest[rest] = readable
    bad[rest] = unreadable
    rounded[rest] = differs
    return blanked(replace_cells(cells, rest, text), bad), bad, rounded


def _spread(part: Mask, rows: Mask) -> Mask | None:
    """The mask `part` over the rows of `rows`, as one over all rows; None when nothing is set."""
    if not part.any():
        return None
    whole = np.zeros(len(rows), dtype=np.bool_)
    whole[rows] = part
    return whole


def _spelled_plainly(cells: pa.StringArray) -> pa.StringArray:
    """The same numbers in digits, `-`, `.` and `e` only, without needless zeros in front."""
    odd = ~matches(cells, _SMALL)
    if not odd.any():
        return cells
    spelled = replace_matches(select(cells, odd), "\u2212", "-")
    spelled = keep_bytes(spelled, b"-0123456789.eE")
    spelled = replace_matches(spelled, r"^(-?)0+([0-9])", r"\1\2")
    spelled = replace_matches(spelled, r"^(-?)\.", r"\10.")
    return replace_cells(cells, odd, replace_matches(spelled, r"\.($|[eE])", r"\1"))


def _rounded(cells: pa.StringArray) -> tuple[pa.StringArray, Mask, Mask]:
    """Plainly spelled numbers without exponent, rounded to at most two decimals, "" where they have too many digits;
    which have too many; which rounded numbers differ from the given ones."""
    unreadable = np.zeros(len(cells), dtype=np.bool_)
    differs = unreadable.copy()
    inexact = ~matches(cells, _PLAIN)
    if not inexact.any():
        return cells, unreadable, differs
    numbers = select(cells, inexact)
    fits, tiny = _size(numbers)
    exact = pc.cast(select(numbers, fits), _EXACT)
    short = pc.round(exact, ndigits=2, round_mode="half_to_even")
    text = replace_matches(pc.cast(pc.cast(short, pa.decimal256(76, 2)), pa.string()), r"\.?0+$", "")
    changed = np.zeros(len(numbers), dtype=np.bool_)
    changed[fits] = mask_of(pc.not_equal(exact, short))
    changed[tiny] = matches(select(numbers, tiny), "^-?[0.]*[1-9]")
    zeros = column_of(tiny.astype(np.int32), np.full(int(tiny.sum()), ord("0"), dtype=np.uint8))
    unreadable[inexact] = ~fits & ~tiny
    differs[inexact] = changed
    return replace_cells(cells, inexact, replace_cells(zeros, fits, text)), unreadable, differs


def _size(numbers: pa.StringArray) -> tuple[Mask, Mask]:
    """Which numbers a decimal256 holds exactly; which of the others are below 0.005 for certain."""
    fits = matches(numbers, _SMALL)
    tiny = np.zeros(len(fits), dtype=np.bool_)
    if fits.all():
        return fits, tiny
    others = ~fits
    parts = pc.extract_regex(select(numbers, others), _PARTS)
    whole, decimals = (raw(pc.struct_field(parts, name)).lengths for name in ("whole", "decimals"))
    exponents = pc.struct_field(parts, "exponent")
    exponent: npt.NDArray[np.int32] = np.zeros(len(parts), dtype=np.int32)
    given = raw(exponents).lengths > 0
    exponent[given] = integers(pc.cast(select(exponents, given), pa.int32()))
    held = (whole + exponent <= MAX_DIGITS) & (decimals - exponent <= _DECIMALS)
    fits[others] = held
    tiny[others] = ~held & (whole + exponent < -2)
    return fits, tiny


def explain_numbers(column: pa.StringArray, *, decimal_comma: bool = False) -> pa.StringArray:
    """Return why each of these unreadable cells is unreadable, in words that quote nothing of it. `decimal_comma`: as
    for `clean_numbers`."""
    cells = trimmed(column)
    reasons = {
        _READ: f"a number of more than {MAX_DIGITS} digits before the point or {_DECIMALS} after it",
        rf"{_DECIMAL_COMMA}|\.[0-9]{{3}},|^[^0-9,.]*0[0-9]*,": "a decimal comma? write it as 1234.56",
        r"^\(.*\)$": "a negative number in parentheses? write it with a minus sign",
        "%$": "a percentage: the field holds a plain number",
    }
    if decimal_comma:
        reasons[_AMBIGUOUS] = "thousands? other cells of the column have a decimal comma; write it as 1234.56"
    reason = np.zeros(len(cells), dtype=np.int64)
    for place, pattern in enumerate(reasons, start=1):
        reason[matches(cells, pattern)] = place
    return fixed_column("not a number", *reasons.values()).take(indices(reason))
