"""A part of an audience, checked wherever its rows are: what is found adds up to what is found of the whole.

A part has all members of each of its phones, so that duplicates are settled within it, and the members of each phone
stand together in the order of the audience. Nothing here is a secret, and all of it pickles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from msgspec import Struct, field

from listrak_sms_cli.audience import (
    CleaningRules,
    ColumnPlan,
    Keep,
    Verdict,
    clean_members,
    counted,
    dropped_by_reason,
    in_exponent_form,
    phone_verdicts,
)
from listrak_sms_cli.audience.phones import PhoneFormat, count_by_country, foreign_phones, rows_read_at_home
from listrak_sms_cli.columnar import Mask, distinct
from listrak_sms_cli.runs.pack import Lines, lines_of
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts

_PIECE = 1 << 17  # phones looked at together, for memory's sake


class ForeignPhones(Struct):
    """How many phones that are sent are not of the sender code's country, by country, and how many of them are phones
    of that country without their plus."""

    by_country: Counter[str] = field(default_factory=Counter)
    read_at_home: int = 0

    @classmethod
    def of(cls, numbers: np.ndarray, verdicts: np.ndarray, rules: CleaningRules) -> ForeignPhones:
        """Count them among the phones (int64 E.164 digits) of members that are sent."""
        found = cls()
        for start in range(0, len(numbers), _PIECE):
            piece = slice(start, start + _PIECE)
            foreign = foreign_phones(numbers[piece], Verdict.SENDABLE.of(verdicts[piece]), rules.country)
            found.by_country.update(count_by_country(foreign))
            if rules.phone_format is PhoneFormat.DIGITS:
                found.read_at_home += len(rows_read_at_home(foreign, rules.country))
        return found

    @property
    def count(self) -> int:
        """All of them."""
        return self.by_country.total()


class PartRules(Struct, frozen=True):
    """How a part is checked: the profile fields of its columns, how members are cleaned, which of several with one
    phone is kept."""

    plan: ColumnPlan
    rules: CleaningRules
    keep: Keep


class PartCounts(Struct):
    """What is found in a part; that of another can be added. The fields are those of Checked."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    columns: ColumnCounts = field(default_factory=ColumnCounts)
    column_sets: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    foreign: ForeignPhones = field(default_factory=ForeignPhones)
    exponents: int = 0

    @property
    def dropped(self) -> dict[str, int]:
        """Members dropped, by reason."""
        return dropped_by_reason(self.counts)

    def add(self, other: PartCounts) -> None:
        """Add what was found in another part."""
        self.counts.update(other.counts)
        self.columns.add(other.columns)
        self.column_sets = distinct(np.concatenate((self.column_sets, other.column_sets)))
        self.foreign.by_country.update(other.foreign.by_country)
        self.foreign.read_at_home += other.foreign.read_at_home
        self.exponents += other.exponents


def check_part(
    cells: Mapping[int, pa.StringArray], numbers: np.ndarray, duplicates: Mask, how: PartRules
) -> tuple[PartCounts, list[Lines]]:
    """Check some rows of a part; return what is found, and the lines of the members that are sent.

    `cells`: the columns that the plan wants, by their index in the audience; `numbers`: int64 a row, from
    `clean_phones`; `duplicates`: bool a row, another member with its phone is kept.
    """
    plan, rules = how.plan, how.rules
    verdicts = phone_verdicts(numbers)
    exponents = in_exponent_form(cells[plan.phone], Verdict.INVALID_PHONE.of(verdicts))
    verdicts[duplicates & Verdict.SENDABLE.of(verdicts)] = Verdict.DUPLICATE_PHONE
    cleaned = clean_members(cells, plan, rules, verdicts)
    column_sets = np.empty(0, np.uint64)
    if cleaned.column_sets is not None:
        column_sets = distinct(cleaned.column_sets[Verdict.SENDABLE.of(cleaned.verdicts)])
    foreign = ForeignPhones.of(numbers, cleaned.verdicts, rules)
    found = PartCounts(counted(cleaned.verdicts), ColumnCounts.of(cleaned), column_sets, foreign, exponents)
    return found, list(lines_of(cleaned, numbers, rules, by_filled_columns=rules.keep_empty))
