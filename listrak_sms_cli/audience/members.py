"""A batch of members and the ColumnPlan -> the values as they will travel, and a verdict for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import force_setattr, replace

from listrak_sms_cli.audience.columns import ColumnPlan, FieldKind, PlannedColumn
from listrak_sms_cli.audience.phones import INVALID, MISSING, PhoneFormat, has_other_calling_code, read_phones
from listrak_sms_cli.audience.values import CleanValues, ValueRules, blank_blanks, blank_nulls, clean_values
from listrak_sms_cli.columnar import (
    Column,
    count_each_byte,
    decoded,
    empty_cells,
    fixed_column,
    mask_of,
    words_and_places,
)


class Verdict(IntEnum):
    """What becomes of a member; the order is the order of the checks, and the first that applies stands."""

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
        """The word of the interface: `missing_phone`, …"""
        return self.name.lower()

    @property
    def drops(self) -> bool:
        return Verdict.MISSING_PHONE <= self <= Verdict.NOT_IN_LISTRAK


def counted(verdicts: np.ndarray) -> Counter[Verdict]:
    """Members by verdict."""
    counts = count_each_byte(verdicts).tolist()
    return Counter({verdict: counts[verdict] for verdict in Verdict})


def dropped_by_reason(counts: Mapping[Verdict, int]) -> dict[str, int]:
    return {verdict.reason: counts.get(verdict, 0) for verdict in Verdict if verdict.drops}


class CleaningRules(Struct, frozen=True):
    """How members are cleaned. `region` is an ISO country code; `date_format` strptime codes or None."""

    region: str
    phone_format: PhoneFormat = PhoneFormat.DIGITS
    date_format: str | None = None
    null_values: tuple[str, ...] = ()
    blank_bad_values: bool = False
    keep_empty: bool = False  # an empty cell, or one of blanks, leaves what is stored as it is; else it travels

    def __post_init__(self) -> None:
        force_setattr(self, "region", self.region.upper())

    def for_column(self, column: PlannedColumn) -> ValueRules:
        return ValueRules(column.field.kind, column.field.max_length, self.region, self.date_format)


class CleanedColumn(Struct, frozen=True):
    """One planned column of a batch: its values as they may travel, "" where the field cannot hold them."""

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
    """A batch as it will travel: `columns` in the order of the plan, `verdicts` uint8 a row. `fills`: uint64 a row, bit
    i is set where column i has a value; None unless empty cells are to be kept from travelling."""

    columns: tuple[CleanedColumn, ...]
    verdicts: np.ndarray
    fills: np.ndarray | None = None


def clean_phones(column: pa.StringArray, rules: CleaningRules) -> tuple[np.ndarray, np.ndarray]:
    """Phones of a batch: (int64 E.164 digits, <= 0 where there is none; uint8 verdicts)."""
    cells = blank_nulls(column, rules.null_values) if rules.null_values else column
    numbers = read_phones(cells, rules.region)
    if rules.phone_format is PhoneFormat.NATIONAL:
        numbers[(numbers > 0) & has_other_calling_code(numbers, rules.region)] = INVALID
    verdicts = np.zeros(len(numbers), np.uint8)
    verdicts[numbers == MISSING] = Verdict.MISSING_PHONE
    verdicts[numbers == INVALID] = Verdict.INVALID_PHONE
    return numbers, verdicts


def clean_members(
    cells: Mapping[int, Column],
    plan: ColumnPlan,
    rules: CleaningRules,
    verdicts: np.ndarray,
    opted_out: np.ndarray | None = None,
    not_in_listrak: np.ndarray | None = None,
) -> Cleaned:
    """Judges and cleans the members of a batch that are still sendable.

    `cells`: the columns of the batch by their index in the audience (pa.string(); some may be folded, and then travel
    folded, unless empty cells are kept from travelling); `verdicts`: uint8 a row, from the phones and the duplicates,
    not changed. `opted_out`, `not_in_listrak`: bool a row from the look-ups, None = not asked.
    """
    verdicts = verdicts.copy()
    if plan.consent is not None:
        _judge(verdicts, ~_consents(decoded(cells[plan.consent]), rules), Verdict.NO_CONSENT)
    if opted_out is not None:
        _judge(verdicts, opted_out, Verdict.OPTED_OUT)
    columns = tuple(_clean_column(cells[column.index], column, rules) for column in plan.columns)
    if not rules.blank_bad_values:
        for column in columns:
            _judge(verdicts, column.values.bad, Verdict.BAD_VALUE)
        for column in columns:
            _judge(verdicts, column.values.too_long, Verdict.VALUE_TOO_LONG)
    _judge(verdicts, not_in_listrak, Verdict.NOT_IN_LISTRAK)
    fills = _fills(columns, len(verdicts)) if rules.keep_empty else None
    _judge(verdicts, fills == 0 if fills is not None else None, Verdict.UNCHANGED)
    return Cleaned(columns, verdicts, fills)


def _fills(columns: tuple[CleanedColumn, ...], rows: int) -> np.ndarray:
    fills = np.zeros(rows, np.uint64)
    for place, column in enumerate(columns):
        empty = empty_cells(column.values.text)
        filled = ~empty if empty is not None else np.ones(rows, np.bool_)
        fills |= filled.astype(np.uint64) << np.uint64(place)
    return fills


def _clean_column(cells: Column, plan: PlannedColumn, rules: CleaningRules) -> CleanedColumn:
    texts, places = words_and_places(cells)
    if rules.null_values:
        texts = blank_nulls(texts, rules.null_values)
    values = clean_values(texts, rules.for_column(plan))
    if rules.keep_empty:
        values = replace(values, text=blank_blanks(values.text))
    return CleanedColumn(plan, values if places is None else values.spread(places))


def _consents(cells: pa.StringArray, rules: CleaningRules) -> np.ndarray:
    spoken = clean_values(
        blank_nulls(cells, rules.null_values), ValueRules(FieldKind.CHECKBOX, None, rules.region, None)
    )
    said_yes = mask_of(pc.equal(spoken.text, fixed_column("true")[0]))
    return said_yes if spoken.bad is None else said_yes & ~spoken.bad


def _judge(verdicts: np.ndarray, applies: np.ndarray | None, verdict: Verdict) -> None:
    if applies is not None:
        verdicts[applies & (verdicts == Verdict.SENDABLE)] = verdict
