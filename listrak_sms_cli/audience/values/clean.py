"""The cells of a column become import text of a Text, Number, Date or Checkbox field; those it cannot hold are named.

Listrak's help page on formatting a list for import asks for: Date `MM/DD/YYYY`, Number with at most two decimals and no
thousands separators, Checkbox `true` or `false`, plain Text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.cell_errors import MARK, explain_errors
from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.values.checkbox import clean_checkboxes
from listrak_sms_cli.audience.values.date import clean_dates, explain_dates, in_future
from listrak_sms_cli.audience.values.date_format import check_date_format
from listrak_sms_cli.audience.values.number import clean_numbers, explain_numbers, has_decimal_comma
from listrak_sms_cli.audience.values.spreadsheet import (
    Ends,
    decimals_in_text,
    null_words,
    without_blanks,
    without_float_end,
    without_prefixes,
)
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
    pc,
    raw,
    replace_cells,
    select,
    string_column,
    trimmed,
)


class ValueRules(Struct, frozen=True):
    """What the field of a column can hold, and how the column is read.

    `max_length`: characters of the import text, None = no limit; `region`: ISO 3166-1 alpha-2, only "US" reads
    `MM/DD/YYYY`; `date_format`: strptime codes or None. `mixed`: the column is known to spell numbers in two ways: a
    Number field does not read `1,500` beside `12,50`, text keeps `5.0` beside `4.5`. `trims`: blanks around a text are
    no part of it. `birthday`: no date is later than `today` (YYYYMMDD, 0 = not known). Raises UsageError for a
    `date_format` that cannot be used.
    """

    kind: FieldKind
    max_length: int | None
    region: str
    date_format: str | None
    mixed: bool = False
    trims: bool = False
    birthday: bool = False
    today: int = 0

    def __post_init__(self) -> None:
        if self.date_format is not None:
            check_date_format(self.date_format)


class CleanValues(Struct, frozen=True):
    """A column as it may be sent.

    `text`: import text, perhaps dictionary-encoded, no nulls; "" = an empty cell, and in every `bad` or `too_long` row.
    `bad`: rows whose value the field's type cannot hold; `too_long`: other rows whose import text has more characters
    than the field holds; `changed`: rows, of the rest, that lost something: control characters or line breaks, how
    accents were composed, decimals, a time of day. A mere change of spelling (another order of year, month and day)
    does not count. Masks are None when they hold no row.

    `future`: dates later than today, which are no birthdays; `null_words`: texts that mean an empty cell elsewhere.
    `doubtful`: rows that would have been read otherwise if the rules knew the column to be mixed; `contradicting`: rows
    that show that it is (at least one of a batch). `blank_ends`: whether a text may begin or end with a blank.
    """

    text: Column
    bad: Mask | None
    too_long: Mask | None
    changed: Mask | None
    future: Mask | None = None
    null_words: Mask | None = None
    doubtful: Mask | None = None
    contradicting: Mask | None = None
    blank_ends: bool = False

    def spread(self, places: Places) -> CleanValues:
        """These values, of the words of a dictionary, for all rows of its column: `places` has the word of each row."""

        def of_rows(mask: Mask | None) -> Mask | None:
            rows = mask.take(places) if mask is not None else None
            return rows if rows is not None and rows.any() else None

        return replace(
            self,
            text=dictionary_encoded(places, self.text),
            bad=of_rows(self.bad),
            too_long=of_rows(self.too_long),
            changed=of_rows(self.changed),
            future=of_rows(self.future),
            null_words=of_rows(self.null_words),
            doubtful=of_rows(self.doubtful),
            contradicting=of_rows(self.contradicting),
        )


def clean_values(column: pa.StringArray, rules: ValueRules) -> CleanValues:
    """Return the column (perhaps a slice, null = empty) as import text for a field of `rules.kind`."""
    cells = nulls_as_empty(column)
    ends = Ends.of(cells)
    if Ends.MARK in ends:
        cells = without_prefixes(cells, text=rules.kind is FieldKind.TEXT)
        ends = Ends.of(cells)
    values = _OF_A_KIND[rules.kind](cells, rules, ends)
    too_long = _too_long(values.text, rules.max_length)
    if too_long is None:
        return values
    changed = values.changed & ~too_long if values.changed is not None else None
    return replace(values, text=blanked(values.text, too_long), too_long=too_long, changed=changed)


def _clean_text(cells: pa.StringArray, rules: ValueRules, ends: Ends) -> CleanValues:
    words = null_words(cells)
    text, bad, changed = clean_text(without_blanks(cells) if rules.trims and Ends.BLANK in ends else cells)
    floats = contradicting = None
    if not rules.mixed and Ends.DIGIT in ends:
        floats, contradicting = decimals_in_text(text)
        text = without_float_end(text, floats) if floats is not None else text
    return CleanValues(
        text,
        bad,
        None,
        changed,
        null_words=words,
        doubtful=floats,
        contradicting=contradicting,
        blank_ends=Ends.BLANK in ends,
    )


def _clean_numbers(cells: pa.StringArray, rules: ValueRules, _ends: Ends) -> CleanValues:
    text, bad, rounded = clean_numbers(cells, decimal_comma=rules.mixed)
    decimal_commas = None if rules.mixed else has_decimal_comma(cells)
    return CleanValues(text, bad, None, rounded, doubtful=decimal_commas, contradicting=decimal_commas)


def _clean_dates(cells: pa.StringArray, rules: ValueRules, _ends: Ends) -> CleanValues:
    text, bad, timed = clean_dates(cells, rules.region, rules.date_format, rules.today if rules.birthday else 0)
    future = in_future(text, rules.today)
    if future is None or not rules.birthday:
        return CleanValues(text, bad, None, timed, future=future)
    timed = timed & ~future if timed is not None else None
    return CleanValues(blanked(text, future), future if bad is None else bad | future, None, timed)


def _clean_checkboxes(cells: pa.StringArray, _rules: ValueRules, _ends: Ends) -> CleanValues:
    text, bad = clean_checkboxes(cells)
    return CleanValues(text, bad, None, None)


_OF_A_KIND = {
    FieldKind.TEXT: _clean_text,
    FieldKind.NUMBER: _clean_numbers,
    FieldKind.DATE: _clean_dates,
    FieldKind.CHECKBOX: _clean_checkboxes,
}


def _too_long(text: pa.StringArray, limit: int | None) -> Mask | None:
    """Rows with more characters than the limit; None when there is none."""
    if limit is None or len(text) == 0 or int(raw(text).lengths.max()) <= limit:  # bytes, never fewer than characters
        return None
    over: Mask = integers(pc.utf8_length(text)) > limit
    return over if over.any() else None


def explain_values(column: pa.StringArray, rules: ValueRules) -> pa.StringArray:
    """Return for each cell that `clean_values` finds bad or too long the reason, in words that quote nothing of it;
    for all others ""."""
    cells = nulls_as_empty(column)
    cleaned = clean_values(cells, replace(rules, max_length=None))
    reasons = _repeated("", len(cells))
    if cleaned.bad is not None:
        bad = without_prefixes(select(cells, cleaned.bad), text=False)
        reasons = replace_cells(reasons, cleaned.bad, explain_errors(bad, _explain_bad(bad, rules)))
    too_long = _too_long(cleaned.text, rules.max_length)
    if too_long is not None:
        lengths, which = np.unique(integers(pc.utf8_length(select(cleaned.text, too_long))), return_inverse=True)
        sentences = [f"{length:,} characters, the field holds {rules.max_length}" for length in lengths]
        reasons = replace_cells(reasons, too_long, string_column(sentences).take(indices(which)))
    return reasons


def _explain_bad(cells: pa.StringArray, rules: ValueRules) -> pa.StringArray:
    match rules.kind:
        case FieldKind.NUMBER:
            return explain_numbers(cells, decimal_comma=rules.mixed)
        case FieldKind.DATE:
            return explain_dates(cells, rules.region, rules.date_format, rules.today if rules.birthday else 0)
        case _:
            return _repeated("not one of true/false, yes/no, y/n, on/off, 1/0, t/f", len(cells))


def _repeated(text: str, rows: int) -> pa.StringArray:
    return pc.take(fixed_column(text), indices(np.zeros(rows, dtype=np.int64)))


def blank_nulls(column: pa.StringArray, null_words: tuple[str, ...]) -> pa.StringArray:
    """Return the column (perhaps a slice) with "" for nulls and for cells that are one of these words
    (`--null-value`), blanks around them aside; also the errors of a spreadsheet that have such a name."""
    cells = nulls_as_empty(column)
    if not null_words:
        return cells
    words = [*null_words, *(MARK + word for word in null_words)]
    empty = mask_of(pc.is_in(trimmed(cells), value_set=fixed_column(*words)))
    return blanked(cells, empty) if empty.any() else cells


def blank_blanks(column: pa.StringArray) -> pa.StringArray:
    """Return the column (no nulls) with "" for cells that hold only blanks."""
    content = raw(column)
    first_bytes = np.zeros(len(column), np.uint8)
    filled_rows = np.flatnonzero(content.lengths)
    first_bytes[filled_rows] = content.data[content.starts[:-1][filled_rows]]
    blank = (first_bytes > 0) & ((first_bytes <= ord(" ")) | (first_bytes >= 0x80))  # some blanks are beyond ASCII
    if not blank.any():
        return column
    blank[blank] = raw(trimmed(select(column, blank))).lengths == 0
    return blanked(column, blank) if blank.any() else column
