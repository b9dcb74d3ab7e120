"""Columns of every type as the text a person would write."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.columnar import booleans
from listrak_sms_cli.errors import AudienceError

# Floats below it are int64 when they are whole.
_INTEGERS = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([2.0**63]))])[0]


def why_unreadable(kind: pa.DataType) -> str | None:
    """Why a column of this type has no text, None when it has."""
    t = pa.types
    if t.is_dictionary(kind):
        return why_unreadable(kind.value_type)
    if t.is_run_end_encoded(kind):
        return why_unreadable(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return why_unreadable(kind.storage_type)
    if t.is_nested(kind):
        return "it holds lists or structures"
    if t.is_duration(kind) or t.is_interval(kind):
        return "it holds durations"
    return None


def as_text(column: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    """Any column as pa.string(); nulls stay null.

    Whole numbers have no `.0` and nothing is in exponent form; other floats are the shortest digits that read back as
    the same value; decimals keep their zeros; dates and times are ISO with a blank between (`YYYY-MM-DD HH:MM:SS`,
    a fraction only where there is one); a timestamp with a zone is the clock of that zone; NaN is null. Raises
    AudienceError for nested columns, durations, and binary that is not UTF-8.
    """
    if isinstance(column, pa.ChunkedArray):
        chunks = [as_text(chunk) for chunk in column.chunks]
        return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks or [pa.nulls(0, pa.string())])
    kind = column.type
    t = pa.types
    if t.is_string(kind):
        return column
    reason = why_unreadable(kind)
    if reason:
        raise AudienceError(f"A column cannot be read as text: {reason}.", code="unreadable_column")
    if isinstance(column, pa.ExtensionArray):
        return as_text(column.storage)
    if t.is_dictionary(kind):
        return as_text(column.dictionary).take(column.indices)
    if t.is_run_end_encoded(kind):
        return as_text(pc.run_end_decode(column))
    if t.is_floating(kind):
        return _floats(column)
    if t.is_timestamp(kind):
        return _timestamps(column)
    if t.is_time(kind):
        return _without_empty_fraction(column.cast(pa.string()))
    if t.is_date64(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if t.is_decimal(kind):
        return _positional(column.cast(pa.string()))
    if t.is_fixed_size_binary(kind):
        return as_text(column.cast(pa.binary()))
    if t.is_null(kind):
        return pa.nulls(len(column), pa.string())
    return _cast(column)


def _cast(column: pa.Array) -> pa.StringArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        raise AudienceError("A column holds bytes that are not UTF-8 text.", code="not_utf8") from None


def _floats(column: pa.Array) -> pa.StringArray:
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    null = pa.nulls(1, column.type)[0]  # `None`, as any Python value here, would import pandas
    column = pc.if_else(pc.is_nan(column), null, column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _INTEGERS))
    whole = pc.coalesce(whole, booleans(np.zeros(1, np.bool_))[0])
    text = pc.if_else(whole, null, column).cast(pa.string())
    text = pc.coalesce(pc.if_else(whole, column, null).cast(pa.int64()).cast(pa.string()), text)
    return _positional(text)


def _positional(text: pa.StringArray) -> pa.StringArray:
    exponents = pc.match_substring(text, "e", ignore_case=True)
    if not pc.any(exponents).as_py():
        return text
    return pc.replace_with_mask(text, pc.fill_null(exponents, False), _without_exponent(text.filter(exponents)))


def _without_exponent(text: pa.StringArray) -> pa.StringArray:
    """`1.25e-07` as `0.000000125`; one step for each exponent that occurs."""
    parts = pc.extract_regex(text, r"^(?P<sign>-?)(?P<whole>\d)\.?(?P<fraction>\d*)[eE](?P<exponent>[+-]?\d+)$")
    sign, first, fraction, exponent = parts.flatten()
    powers = exponent.cast(pa.string())
    for power in pc.unique(exponent).to_pylist():
        here = pc.equal(exponent, power)
        places = int(power)
        if places < 0:
            moved = pc.binary_join_element_wise(sign, "0." + "0" * (-places - 1), first, fraction, "")
        else:
            padded = pc.utf8_rpad(fraction, places, "0")
            left = pc.binary_join_element_wise(sign, first, pc.utf8_slice_codeunits(padded, 0, places), "")
            right = pc.utf8_slice_codeunits(padded, places)
            moved = pc.if_else(pc.equal(right, ""), left, pc.binary_join_element_wise(left, right, "."))
        powers = pc.if_else(here, moved, powers)
    return powers


def _timestamps(column: pa.Array) -> pa.StringArray:
    if column.type.tz:
        column = pc.local_timestamp(column)
    return _without_empty_fraction(column.cast(pa.string()))


def _without_empty_fraction(text: pa.StringArray) -> pa.StringArray:
    if not pc.any(pc.match_substring(text, ".")).as_py():
        return text
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    return pc.replace_substring_regex(text, r"(\.\d*[1-9])0+$", r"\1")
