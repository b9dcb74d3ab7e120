"""What a person asked of a run, beyond the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from listrak_sms_cli.audience.clean import CleaningRules
from listrak_sms_cli.audience.columns import ColumnChoices
from listrak_sms_cli.audience.dedupe import Keep
from listrak_sms_cli.audience.files import ReadOptions
from listrak_sms_cli.audience.phones import PhoneFormat

IMPORT_FILE_LIMIT = 195_000_000  # bytes before base64: Listrak's description of Start a Contact Update Import


@dataclass(frozen=True)
class ReadingOptions:
    """How the audience is read and cleaned: the options `push` and `validate` share."""

    read: ReadOptions = field(default_factory=ReadOptions)
    columns: ColumnChoices = field(default_factory=ColumnChoices)
    region: str | None = None  # None: the sender code's country
    phone_format: PhoneFormat = PhoneFormat.DIGITS
    keep: Keep = "last"
    on_bad_value: Literal["drop", "blank"] = "drop"
    null_values: tuple[str, ...] = ()
    date_format: str | None = None
    rejects: Path | None = None
    limit: int | None = None
    allow_empty: bool = False
    silenced: frozenset[str] = frozenset()  # warning codes nobody wants to hear

    def rules(self, country: str) -> CleaningRules:
        return CleaningRules(
            region=self.region or country,
            phone_format=self.phone_format,
            date_format=self.date_format,
            null_values=self.null_values,
            blank_bad_values=self.on_bad_value == "blank",
        )


@dataclass(frozen=True)
class PushOptions:
    """How members are sent and waited for. Times in seconds, `max_drop_rate` in percent of the members read."""

    reading: ReadingOptions = field(default_factory=ReadingOptions)
    batch_rows: int = 250_000
    batch_bytes: int = IMPORT_FILE_LIMIT
    concurrency: int = 2
    max_drop_rate: float | None = None
    wait: bool = True
    wait_timeout: float = 3600.0
    dry_run: bool = False
    sandbox: bool = False  # never the baseline of a later run, never resumed
