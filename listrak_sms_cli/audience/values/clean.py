"""A column of cells for a Text, Number, Date or Checkbox field -> import text, and the rows it cannot hold.

What Listrak wants in an import file is on its help page on formatting a list for import: Date `MM/DD/YYYY`,
Number with at most two decimals and no thousands separators, Checkbox `true` or `false`, plain Text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.checkbox import clean_checkboxes
from listrak_sms_cli.audience.values.date import clean_dates, explain_dates
from listrak_sms_cli.audience.values.date_format import check_date_format
from listrak_sms_cli.audience.values.number import clean_numbers, explain_numbers
from listrak_sms_cli.audience.values.text import clean_text
from listrak_sms_cli.columnar import (
    Column,
    Mask,
    Places,
    blanked,
    dictionary_encoded,
    fixed_column,
    indices,
    integers,
    mask_of,
    nulls_as_empty,
    raw,
    replace_cells,
    select,
    string_column,
    trimmed,
)


class ValueRules(Struct, frozen=True):
    """What a column's field can hold, and how the column is read.

    `max_length` counts characters of the import text (None = no limit). `region` is an ISO 3166 country:
    only "US" reads `MM/DD/YYYY`. `date_format` is in strptime codes.

    Raises UsageError for a `date_format` that cannot be used.
    """

    kind: FieldKind
    max_length: int | None
    region: str
    date_format: str | None

    def __post_init__(self) -> None:
        if self.date_format is not None:
            check_date_format(self.date_format)


class CleanValues(Struct, frozen=True):
    """A column as it may travel.

    `text`: import text, no nulls, perhaps folded; "" = empty cell, and in every row that is `bad` or `too_long`.
    `bad`: True where the field cannot hold the value by kind; `too_long`: True where its import text has more
    characters than the field holds (never both). None = no such row.
    `changed`: True, among those that are neither, where something was lost: control characters or line breaks,
    how accents were composed, decimals, a time of day. Mere spelling (a date turned round) does not count.
    """

    text: Column
    bad: Mask | None
    too_long: Mask | None
    changed: Mask | None

    def spread(self, places: Places) -> CleanValues:
        """These values, of words, as those of a folded column: `places` has the word of each row."""
        masks = [mask.take(places) if mask is not None else None for mask in (self.bad, self.too_long, self.changed)]
        return CleanValues(
            dictionary_encoded(places, self.text),
            *(mask if mask is not None and mask.any() else None for mask in masks),
        )

    @property
    def cleaned(self) -> int:
        """Rows that `changed`."""
        return 0 if self.changed is None else int(self.changed.sum())


def clean_values(column: pa.StringArray, rules: ValueRules) -> CleanValues:
    """The column (may be a slice, null = empty) as import text for a field of `rules.kind`."""
    cells = nulls_as_empty(column)
    bad: Mask | None = None
    changed: Mask | None = None
    match rules.kind:
        case FieldKind.TEXT:
            text, changed = clean_text(cells)
        case FieldKind.NUMBER:
            text, bad, changed = clean_numbers(cells)
        case FieldKind.DATE:
            text, bad, changed = clean_dates(cells, rules.region, rules.date_format)
        case FieldKind.CHECKBOX:
            text, bad = clean_checkboxes(cells)
    too_long = _too_long(text, rules.max_length)
    if too_long is not None:
        text = blanked(text, too_long)
        changed = changed & ~too_long if changed is not None else None
    return CleanValues(text, bad, too_long, changed)


def _too_long(text: pa.StringArray, limit: int | None) -> Mask | None:
    """True where a cell has more characters than the limit; None when no cell has."""
    if limit is None or len(text) == 0:
        return None
    # No cell has more characters than bytes.
    if int(raw(text).lengths.max()) <= limit:
        return None
    over: Mask = integers(pc.utf8_length(text)) > limit
    return over if over.any() else None


def explain_values(column: pa.StringArray, rules: ValueRules) -> pa.StringArray:
    """For each cell that `clean_values` finds bad or too long, why, in words that quote nothing of it; else ""."""
    cells = nulls_as_empty(column)
    clean = clean_values(cells, replace(rules, max_length=None))
    reasons = fixed_column("").take(indices(np.zeros(len(cells), dtype=np.int64)))
    if clean.bad is not None:
        reasons = replace_cells(reasons, clean.bad, _explain_bad(select(cells, clean.bad), rules))
    too_long = _too_long(clean.text, rules.max_length)
    if too_long is not None:
        lengths, which = np.unique(integers(pc.utf8_length(select(clean.text, too_long))), return_inverse=True)
        told = string_column([f"{length:,} characters, the field holds {rules.max_length}" for length in lengths])
        reasons = replace_cells(reasons, too_long, told.take(indices(which)))
    return reasons


def _explain_bad(cells: pa.StringArray, rules: ValueRules) -> pa.StringArray:
    match rules.kind:
        case FieldKind.NUMBER:
            return explain_numbers(cells)
        case FieldKind.DATE:
            return explain_dates(cells, rules.region, rules.date_format)
        case _:
            told = fixed_column("not one of true/false, yes/no, y/n, on/off, 1/0, t/f")
            return told.take(indices(np.zeros(len(cells), dtype=np.int64)))


def blank_nulls(column: pa.StringArray, null_words: tuple[str, ...]) -> pa.StringArray:
    """The column (may be a slice) with "" for nulls and for cells that are, blanks around them aside, exactly one
    of these words (`--null-value`)."""
    cells = nulls_as_empty(column)
    if not null_words:
        return cells
    empty = mask_of(pc.is_in(trimmed(cells), value_set=fixed_column(*null_words)))
    return blanked(cells, empty) if empty.any() else cells


def blank_blanks(column: pa.StringArray) -> pa.StringArray:
    """The column (no nulls) with "" for cells of nothing but blanks."""
    seen = raw(column)
    firsts = np.zeros(len(column), np.uint8)
    filled_rows = np.flatnonzero(seen.lengths)
    firsts[filled_rows] = seen.data[seen.starts[:-1][filled_rows]]
    may_be = (firsts > 0) & ((firsts <= ord(" ")) | (firsts >= 0x80))  # there are blanks beyond ASCII
    if not may_be.any():
        return column
    may_be[may_be] = raw(trimmed(select(column, may_be))).lengths == 0
    return blanked(column, may_be) if may_be.any() else column
