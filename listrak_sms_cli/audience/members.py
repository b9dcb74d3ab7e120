"""A batch of members is cleaned by a ColumnPlan: the values as they will be sent, and a verdict for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from listrak_sms_cli.audience.columns import ColumnPlan, FieldKind, PlannedColumn
from listrak_sms_cli.audience.phones import INVALID, MISSING, PhoneFormat, has_other_calling_code, read_phones
from listrak_sms_cli.audience.shapes import shapes_of
from listrak_sms_cli.audience.values import CleanValues, ValueRules, blank_blanks, blank_nulls, clean_values
from listrak_sms_cli.columnar import (
    Column,
    Mask,
    count_each_byte,
    decoded,
    empty_cells,
    fixed_column,
    mask_of,
    pc,
    select,
    words_and_places,
)


class Verdict(IntEnum):
    """What becomes of a member. The order is that of the checks; the first that applies is the member's verdict."""

    SENDABLE = 0
    MISSING_PHONE = 1
    INVALID_PHONE = 2
    DUPLICATE_PHONE = 3
    NO_CONSENT = 4
    OPTED_OUT = 5
    BAD_VALUE = 6
    VALUE_TOO_LONG = 7
    NOT_IN_LISTRAK = 8
    UNCHANGED = 9
    BEYOND_LIMIT = 10

    @property
    def reason(self) -> str:
        """Its name in reports and reject files: `missing_phone`, …"""
        return self.name.lower()

    def of(self, verdicts: np.ndarray) -> Mask:
        """True for each member that has it. `verdicts`: uint8 a row. Held against an enum, numpy would first make int64
        of all of them, which takes ten times as long."""
        has_it: Mask = verdicts == self.value
        return has_it

    @property
    def drops(self) -> bool:
        """Whether the member is counted as dropped."""
        return Verdict.MISSING_PHONE <= self <= Verdict.NOT_IN_LISTRAK


def counted(verdicts: np.ndarray) -> Counter[Verdict]:
    """Return the number of members by verdict. `verdicts`: uint8 a row."""
    counts = count_each_byte(verdicts).tolist()
    return Counter({verdict: counts[verdict] for verdict in Verdict})


def dropped_by_reason(counts: Mapping[Verdict, int]) -> dict[str, int]:
    """Return the number of dropped members for every drop reason, 0 included."""
    return {verdict.reason: counts.get(verdict, 0) for verdict in Verdict if verdict.drops}


class CleaningRules(Struct, frozen=True):
    """How members are cleaned. `region`: ISO 3166-1 alpha-2; `date_format`: strptime codes or None. `keep_empty`: an
    empty cell, or one of blanks, is not sent, so that the stored value stays. `country`: the sender code's, "" = the
    region; `today`: YYYYMMDD, no birthday is later, 0 = any may be; `mixed_columns`: names of columns whose numbers are
    spelled in two ways (see ValueRules), which only the whole audience shows."""

    region: str
    phone_format: PhoneFormat = PhoneFormat.DIGITS
    date_format: str | None = None
    null_values: tuple[str, ...] = ()
    blank_bad_values: bool = False
    keep_empty: bool = False
    country: str = ""
    today: int = 0
    mixed_columns: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        force_setattr(self, "region", self.region.upper())
        force_setattr(self, "country", self.country.upper() or self.region)

    def for_column(self, column: PlannedColumn) -> ValueRules:
        """The rules for the values of one column."""
        return ValueRules(
            column.field.kind,
            column.field.max_length,
            self.region,
            self.date_format,
            mixed=column.name in self.mixed_columns,
            trims=column.holds_emails or column.holds_zips,
            birthday=column.holds_birthdays,
            today=self.today,
        )


class CleanedColumn(Struct, frozen=True):
    """One planned column of a batch: its values as they may be sent, "" where the field cannot hold them."""

    plan: PlannedColumn
    values: CleanValues

    @property
    def unfit(self) -> np.ndarray | None:
        """Bool a row, None = none: values the profile field cannot hold."""
        bad, too_long = self.values.bad, self.values.too_long
        if bad is None or too_long is None:
            return too_long if bad is None else bad
        return bad | too_long


class Cleaned(Struct, frozen=True):
    """A batch as it will be sent: `columns` in the order of the plan; `verdicts`: uint8 a row. `column_sets`: uint64 a
    row, bit i is set where column i has a value; None unless the rules keep empty cells. `unknown_consents`: shapes of
    words in the consent column that are neither yes nor no, and how often each occurs."""

    columns: tuple[CleanedColumn, ...]
    verdicts: np.ndarray
    column_sets: np.ndarray | None = None
    unknown_consents: Mapping[str, int] = field(default_factory=dict)


def clean_phones(column: pa.StringArray, rules: CleaningRules) -> tuple[np.ndarray, np.ndarray]:
    """Return the phones of a batch (int64 E.164 digits, <= 0 where there is none) and verdicts (uint8)."""
    cells = blank_nulls(column, rules.null_values) if rules.null_values else column
    numbers = read_phones(cells, rules.region)
    if rules.phone_format is PhoneFormat.NATIONAL:
        numbers[(numbers > 0) & has_other_calling_code(numbers, rules.country)] = INVALID
    return numbers, phone_verdicts(numbers)


def phone_verdicts(numbers: np.ndarray) -> np.ndarray:
    """Return the verdicts (uint8) on the numbers that `clean_phones` gives."""
    verdicts = np.zeros(len(numbers), np.uint8)
    verdicts[numbers == MISSING] = Verdict.MISSING_PHONE
    verdicts[numbers == INVALID] = Verdict.INVALID_PHONE
    return verdicts


def clean_members(
    cells: Mapping[int, Column],
    plan: ColumnPlan,
    rules: CleaningRules,
    verdicts: np.ndarray,
    opted_out: np.ndarray | None = None,
    not_in_listrak: np.ndarray | None = None,
) -> Cleaned:
    """Clean the values of a batch, and give a verdict to the members that are still sendable.

    `cells`: the columns of the batch by their index in the audience (pa.string(), or dictionary-encoded: then the
    cleaned column is too, unless the rules keep empty cells). `verdicts`: uint8 a row, from the phones and the
    duplicates; not changed. `opted_out`, `not_in_listrak`: bool a row, None = Listrak was not queried.
    """
    verdicts = verdicts.copy()
    unknown_consents: Mapping[str, int] = {}
    if plan.consent is not None:
        consents, unknown_consents = _consents(decoded(cells[plan.consent]), rules)
        _mark(verdicts, ~consents, Verdict.NO_CONSENT)
    _mark(verdicts, opted_out, Verdict.OPTED_OUT)
    columns = tuple(_clean_column(cells[column.index], column, rules) for column in plan.columns)
    if not rules.blank_bad_values:
        for column in columns:
            _mark(verdicts, column.values.bad, Verdict.BAD_VALUE)
        for column in columns:
            _mark(verdicts, column.values.too_long, Verdict.VALUE_TOO_LONG)
    _mark(verdicts, not_in_listrak, Verdict.NOT_IN_LISTRAK)
    column_sets = _column_sets(columns, len(verdicts)) if rules.keep_empty else None
    _mark(verdicts, None if column_sets is None else column_sets == 0, Verdict.UNCHANGED)
    return Cleaned(columns, verdicts, column_sets, unknown_consents)


def _column_sets(columns: tuple[CleanedColumn, ...], rows: int) -> np.ndarray:
    column_sets = np.zeros(rows, np.uint64)
    for place, column in enumerate(columns):
        empty = empty_cells(column.values.text)
        filled = ~empty if empty is not None else np.ones(rows, np.bool_)
        column_sets |= filled.astype(np.uint64) << np.uint64(place)
    return column_sets


def _clean_column(cells: Column, plan: PlannedColumn, rules: CleaningRules) -> CleanedColumn:
    texts, places = words_and_places(cells)
    if rules.null_values:
        texts = blank_nulls(texts, rules.null_values)
    values = clean_values(texts, rules.for_column(plan))
    if rules.keep_empty:
        values = replace(values, text=blank_blanks(values.text))
    return CleanedColumn(plan, values if places is None else values.spread(places))


def _consents(cells: pa.StringArray, rules: CleaningRules) -> tuple[np.ndarray, Mapping[str, int]]:
    """Who says yes (bool a row), and the shapes of words that are neither yes nor no."""
    checkbox = ValueRules(FieldKind.CHECKBOX, None, rules.region, None)
    words = blank_nulls(cells, rules.null_values)
    answers = clean_values(words, checkbox)
    unknown = shapes_of(select(words, answers.bad)) if answers.bad is not None else {}
    return mask_of(pc.equal(answers.text, fixed_column("true")[0])), unknown


def _mark(verdicts: np.ndarray, applies: np.ndarray | None, verdict: Verdict) -> None:
    """Give the verdict, in place, to the sendable members it applies to (None = to none)."""
    if applies is not None:
        verdicts[applies & Verdict.SENDABLE.of(verdicts)] = verdict
