"""Turn columns of every Arrow type into the text that a person would write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.source.reader import CELL_LIMIT
from listrak_sms_cli.columnar import booleans, pc
from listrak_sms_cli.errors import AudienceError

_UUID_DIGITS = [place for place in range(36) if place not in (8, 13, 18, 23)]
_KNOWN_EXTENSIONS = ("arrow.bool8", "google:sqlType:datetime")  # what is stored is what is meant
_TEXT_TYPES = ("uuid", "citext", "xml")  # of PostgreSQL, whose binary form is their text, or is known here
# Whole floats below it are written as int64. Built from a buffer, as a Python value would import pandas.
_INT64_LIMIT = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([2.0**63]))])[0]


def unreadable_columns(fields: Iterable[pa.Field]) -> dict[int, str]:
    """Index of each column that has no text -> the reason. `fields`: those of a schema."""
    return {index: reason for index, field in enumerate(fields) if (reason := _why_unreadable_field(field))}


def _why_unreadable_field(field: pa.Field) -> str | None:
    """An extension type that nobody has registered with Arrow is its storage, and has its name in the metadata."""
    name = (field.metadata or {}).get(b"ARROW:extension:name")
    unknown = _why_unknown(name.decode(errors="replace"), field.type) if name else None
    return unknown or _why_unreadable(field.type)


def _why_unreadable(kind: pa.DataType) -> str | None:
    t = pa.types
    if t.is_dictionary(kind) or t.is_run_end_encoded(kind):
        return _why_unreadable(kind.value_type)
    if t.is_timestamp(kind) and kind.tz and not _zone_is_known(kind.tz):
        return "its time zone is not known here"
    if isinstance(kind, pa.OpaqueType) and t.is_binary(kind.storage_type) and kind.type_name not in _TEXT_TYPES:
        return f"its type {kind.type_name} comes as bytes that are no text (in a query, cast it: column::text)"
    if isinstance(kind, pa.BaseExtensionType):
        opaque, stored = isinstance(kind, pa.OpaqueType), kind.storage_type
        known = _holds_uuids(kind) or (opaque and t.is_binary(stored))
        unknown = None if known else _why_unknown(kind.type_name if opaque else kind.extension_name, stored)
        return unknown or _why_unreadable(stored)
    if t.is_nested(kind):
        return "it holds lists or structures"
    if t.is_duration(kind) or t.is_interval(kind):
        return "it holds durations"
    return None


def _why_unknown(extension: str, stored: pa.DataType) -> str | None:
    """What is stored is what is meant for texts, dates and the like; numbers may be of anything: pandas' periods count
    months or days."""
    t = pa.types
    stored = stored.value_type if t.is_dictionary(stored) else stored
    is_number = t.is_integer(stored) or t.is_floating(stored) or t.is_decimal(stored)
    is_bytes = t.is_binary(stored) or t.is_large_binary(stored) or t.is_fixed_size_binary(stored)
    if extension in _KNOWN_EXTENSIONS or not (is_number or is_bytes or t.is_binary_view(stored)):
        return None
    return f"its type {extension} is not known here (convert it to text, a number or a date)"


@cache
def _zone_is_known(zone: str) -> bool:
    try:
        pc.local_timestamp(pa.nulls(1, pa.timestamp("s", zone)))
    except pa.ArrowInvalid:
        return False
    return True


def text_column(arrays: Sequence[pa.Array], name: str, column: str, first: int) -> pa.StringArray:
    """Return the rows of all `arrays` as one pa.string() array, each cell as in `as_text`.

    `name`, `column`: the file and the column they come from; `first`: number of their first row. Raises AudienceError
    with file, column and rows: `not_utf8`, `unreadable_column`, `cell_too_long`.
    """
    try:
        texts = [as_text(array) for array in arrays]
    except AudienceError as error:
        where = f"{name}, column “{column}”, rows {first:,} to {first + sum(map(len, arrays)) - 1:,}"
        hint = error.hint or f"Leave the column out with --skip-column '{column}', or write it as text."
        raise AudienceError(f"{where}: {error.message}", hint=hint, code=error.code) from None
    text = texts[0] if len(texts) == 1 else pa.concat_arrays(texts)
    if text.nbytes > CELL_LIMIT:
        offsets = np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1]
        long = np.flatnonzero(offsets[1:] - offsets[:-1] > CELL_LIMIT)
        if len(long):
            raise AudienceError(
                f"{name}, row {first + int(long[0]):,}, column “{column}”: a cell is longer than "
                f"{CELL_LIMIT >> 20} MiB.",
                hint="Shorten the cell or leave the column out of the export.",
                code="cell_too_long",
            )
    return text


def as_text(column: pa.Array) -> pa.StringArray:
    """Any column as pa.string(); nulls stay null.

    Whole numbers have no `.0`, and no number has an exponent. Other floats are the shortest digits that read back as
    the same value; NaN is null; decimals keep their zeros. Dates and times are ISO, with a space between them
    (`YYYY-MM-DD HH:MM:SS`) and a fraction only where there is one; a timestamp with a time zone is the local time
    there. Raises AudienceError: `unreadable_column` (lists, structures, durations), `not_utf8`.
    """
    if pa.types.is_string(column.type):
        return column
    reason = _why_unreadable(column.type)
    if reason:
        raise AudienceError(f"A column cannot be read as text: {reason}.", code="unreadable_column")
    if isinstance(column, pa.ExtensionArray):
        return _uuids(column.storage) if _holds_uuids(column.type) else as_text(column.storage)
    for is_kind, convert in _CONVERSIONS:
        if is_kind(column.type):
            return convert(column)
    return _cast(column)


def _holds_uuids(kind: pa.BaseExtensionType) -> bool:
    """Also a database's own type (`arrow.opaque`), as PostgreSQL's driver gives it."""
    name = kind.type_name if isinstance(kind, pa.OpaqueType) else kind.extension_name.rpartition(".")[2]
    stored = kind.storage_type
    is_binary = pa.types.is_fixed_size_binary(stored) or pa.types.is_binary(stored)
    return bool(is_binary and name.casefold() == "uuid")


def _uuids(column: pa.Array) -> pa.StringArray:
    """16 bytes each as 8-4-4-4-12 digits. Raises AudienceError (`not_utf8`) for other lengths."""
    try:
        column = pc.cast(column, pa.binary(16))
    except pa.ArrowInvalid:
        raise AudienceError("A column of UUIDs holds other bytes.", code="not_utf8") from None
    rows, start = len(column), 16 * column.offset
    octets = np.frombuffer(column.buffers()[1] or b"", np.uint8)[start : start + 16 * rows].reshape(-1, 16)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.full((rows, 36), ord("-"), np.uint8)
    text[:, _UUID_DIGITS[0::2]], text[:, _UUID_DIGITS[1::2]] = digits[octets >> 4], digits[octets & 15]
    offsets = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * 36)
    uuids = pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(text.tobytes()))
    return pc.if_else(pc.is_valid(column), uuids, pa.nulls(1, pa.string())[0]) if column.null_count else uuids


def _cast(column: pa.Array) -> pa.StringArray:
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowInvalid:
        raise AudienceError("A column holds bytes that are not UTF-8 text.", code="not_utf8") from None


def _floats(column: pa.Array) -> pa.StringArray:
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    null = pa.nulls(1, column.type)[0]  # `None` here would import pandas
    column = pc.if_else(pc.is_nan(column), null, column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _INT64_LIMIT))
    whole = pc.coalesce(whole, booleans(np.zeros(1, np.bool_))[0])
    text = pc.cast(pc.if_else(whole, null, column), pa.string())
    text = pc.coalesce(pc.cast(pc.cast(pc.if_else(whole, column, null), pa.int64()), pa.string()), text)
    return _positional(text)


def _positional(text: pa.StringArray) -> pa.StringArray:
    exponents = pc.match_substring(text, "e", ignore_case=True)
    if not pc.any(exponents).as_py():
        return text
    return pc.replace_with_mask(text, pc.fill_null(exponents, False), _without_exponent(text.filter(exponents)))


def _without_exponent(text: pa.StringArray) -> pa.StringArray:
    """`1.25e-07` as `0.000000125`; one step of the loop for each exponent that occurs."""
    parts = pc.extract_regex(text, r"^(?P<sign>-?)(?P<whole>\d)\.?(?P<fraction>\d*)[eE](?P<exponent>[+-]?\d+)$")
    sign, first, fraction, exponent = parts.flatten()
    texts = exponent
    for power in pc.unique(exponent).to_pylist():
        places = int(power)
        if places < 0:
            moved = pc.binary_join_element_wise(sign, "0." + "0" * (-places - 1), first, fraction, "")
        else:
            padded = pc.utf8_rpad(fraction, places, "0")
            left = pc.binary_join_element_wise(sign, first, pc.utf8_slice_codeunits(padded, 0, places), "")
            right = pc.utf8_slice_codeunits(padded, places)
            moved = pc.if_else(pc.equal(right, ""), left, pc.binary_join_element_wise(left, right, "."))
        texts = pc.if_else(pc.equal(exponent, power), moved, texts)
    return texts


def _timestamps(column: pa.Array) -> pa.StringArray:
    if column.type.tz:
        column = pc.local_timestamp(column)
    return _without_empty_fraction(pc.cast(column, pa.string()))


def _without_empty_fraction(text: pa.StringArray) -> pa.StringArray:
    if not pc.any(pc.match_substring(text, ".")).as_py():
        return text
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    return pc.replace_substring_regex(text, r"(\.\d*[1-9])0+$", r"\1")


_CONVERSIONS: tuple[tuple[Callable[..., bool], Callable[..., pa.StringArray]], ...] = (
    (pa.types.is_dictionary, lambda column: pc.take(as_text(column.dictionary), column.indices)),
    (pa.types.is_run_end_encoded, lambda column: as_text(pc.run_end_decode(column))),
    (pa.types.is_floating, _floats),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_time, lambda column: _without_empty_fraction(pc.cast(column, pa.string()))),
    (pa.types.is_date64, lambda column: pc.cast(pc.cast(column, pa.date32()), pa.string())),
    (pa.types.is_decimal, lambda column: _positional(pc.cast(column, pa.string()))),
    (pa.types.is_fixed_size_binary, lambda column: _cast(pc.cast(column, pa.binary()))),
    (pa.types.is_null, lambda column: pa.nulls(len(column), pa.string())),
)
