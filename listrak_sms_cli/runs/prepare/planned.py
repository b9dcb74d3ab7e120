"""An audience whose columns are planned: what the passes over it need to know."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import AudienceProfile, CleaningRules, ColumnChoices, ColumnPlan, column_key, phone_of
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.options import ReadingOptions


class PlannedAudience(Struct, frozen=True):
    """The audience, the profile fields its columns go to, how its members are cleaned, the options, and the run that
    this is part of."""

    audience: Audience
    plan: ColumnPlan
    rules: CleaningRules
    options: ReadingOptions
    run_id: str = ""

    def with_mixed_columns(self, names: frozenset[str]) -> PlannedAudience:
        """The same, where these columns are known to spell numbers in two ways too."""
        known = self.rules.mixed_columns
        return replace(self, rules=replace(self.rules, mixed_columns=known | names))

    @property
    def readable(self) -> list[int]:
        """The columns that are read where all are wanted: not those that --skip-column names, nor those that have no
        text."""
        skip = {column_key(name) for name in self.options.columns.skip}
        return [
            index
            for index, name in enumerate(self.plan.header)
            if index not in self.audience.unreadable and (column_key(name) not in skip or index == self.plan.consent)
        ]

    def attributes(self, profile: AudienceProfile | None) -> list[int]:
        """The columns to read besides the phone, ascending: those that are sent or profiled, and the consent."""
        wanted = {column.index for column in self.plan.columns}
        wanted |= {self.plan.consent} if self.plan.consent is not None else set()
        return sorted(wanted | profile.columns.keys() - {self.plan.phone} if profile is not None else wanted)


def find_phone_of(audience: Audience, choices: ColumnChoices) -> int:
    """As `phone_of`, of the audience's columns. The error names the sheet of a workbook that has a phone column where
    the one read has none."""
    try:
        return phone_of(audience.columns, choices)
    except AudienceError as error:
        if error.code == "no_phone_column" and (sheet := _sheet_with_phone(audience, choices)):
            error.hint = f"The sheet “{sheet}” has one: add --sheet '{sheet}'"
        raise


def _sheet_with_phone(audience: Audience, choices: ColumnChoices) -> str | None:
    for sheet, header in audience.other_sheets.items():
        try:
            phone_of(header, choices)
        except AudienceError:
            continue
        return sheet
    return None
