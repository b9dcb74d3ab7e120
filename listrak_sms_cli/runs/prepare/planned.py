"""An audience whose columns are planned: what the passes over it need to know."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import AudienceProfile, CleaningRules, ColumnPlan
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.runs.options import ReadingOptions


class PlannedAudience(Struct, frozen=True):
    """The audience, the profile fields its columns go to, how its members are cleaned, and the options."""

    audience: Audience
    plan: ColumnPlan
    rules: CleaningRules
    options: ReadingOptions

    def with_mixed_columns(self, names: frozenset[str]) -> PlannedAudience:
        """The same, where these columns are known to spell numbers in two ways too."""
        known = self.rules.mixed_columns
        return replace(self, rules=replace(self.rules, mixed_columns=known | names))

    @property
    def readable(self) -> list[int]:
        """The columns that can be read as text. A nested one cannot: it may be skipped, but not shown."""
        return [index for index in range(len(self.audience.columns)) if index not in self.audience.unreadable]

    def attributes(self, profile: AudienceProfile | None) -> list[int]:
        """The columns to read besides the phone, ascending: those that are sent or profiled, and the consent."""
        wanted = {column.index for column in self.plan.columns}
        wanted |= {self.plan.consent} if self.plan.consent is not None else set()
        return sorted(wanted | profile.columns.keys() - {self.plan.phone} if profile is not None else wanted)
