"""What a person asked of a run, beyond the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from listrak_sms_cli.audience import CleaningRules, ColumnChoices, Keep
from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.audience.source import ReadOptions
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.settings import parse_duration

IMPORT_FILE_LIMIT = 195_000_000  # bytes before base64: Listrak's description of Start a Contact Update Import
ASK_FIRST = 10_000  # members: more than so many one by one take hours, and nobody should begin that unawares


class ReadingOptions(Struct, frozen=True):
    """How the audience is read and cleaned: the options `push` and `validate` share."""

    read: ReadOptions = field(default_factory=ReadOptions)
    columns: ColumnChoices = field(default_factory=ColumnChoices)
    region: str | None = None  # None: the sender code's country
    phone_format: PhoneFormat = PhoneFormat.DIGITS
    keep: Keep = "last"
    on_bad_value: Literal["drop", "blank"] = "drop"
    empty_cells: Literal["send", "keep"] = "send"
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
            keep_empty=self.empty_cells == "keep",
        )


class Waiting(Struct, frozen=True):
    """Whether to wait for imports to end, and for how many seconds at most."""

    wait: bool = True
    timeout: float = 3600.0


WAIT, NO_WAIT = Waiting(), Waiting(wait=False)


class PushOptions(Struct, frozen=True):
    """How members are sent and waited for. `max_drop_rate` in percent of the members read,
    `max_shrink` in percent of those read by the last push of that `audience_name` that ended well."""

    reading: ReadingOptions = field(default_factory=ReadingOptions)
    batch_rows: int = 250_000
    batch_bytes: int = IMPORT_FILE_LIMIT
    per_contact: bool = False
    yes: bool = False  # what is asked first is meant so
    concurrency: int = 2
    max_drop_rate: float | None = None
    max_shrink: float | None = None
    audience_name: str | None = None
    waiting: Waiting = field(default_factory=Waiting)
    only_existing: bool = False
    exclude_opted_out: bool = False
    changed_only: bool = False
    full: bool = False  # changed_only, but nothing is remembered
    refresh_after: float = 604_800.0  # seconds
    dry_run: bool = False
    verify: bool = False
    verify_sample: int | None = None  # members to verify, picked at random; None: all
    sandbox: bool = False  # never the baseline of a later run, never resumed

    @property
    def asks_who_exists(self) -> bool:
        """Contact by contact Listrak says who exists when a member's turn comes; the rejects file and the guard want
        to know it before."""
        early = self.reading.rejects is not None or self.max_drop_rate is not None
        return self.only_existing or (self.per_contact and early)


def reading_options(given: Mapping[str, Any]) -> ReadingOptions:
    """From plain values by option name (`phone_column`, `map`, `skip_column`, …), as the command line and the Python
    API have them; what is not given keeps its default."""
    mapping = given.get("map") or {}
    if not isinstance(mapping, Mapping):
        raise UsageError(
            "map is not a mapping of columns to profile fields.", hint='Such as map={"tier": "Loyalty Tier"}.'
        )
    limit = given.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise UsageError("limit is not a number of members.", hint="Such as limit=10.")
    read = ReadOptions(**{name: given.get(name) for name in ("format", "delimiter", "encoding", "sheet")})
    columns = ColumnChoices(
        phone_column=given.get("phone_column"),
        mapping={str(column): str(target) for column, target in mapping.items()},
        skip=_words(given.get("skip_column")),
        skip_unmatched=bool(given.get("skip_unmatched")),
        consent_column=given.get("consent_column"),
    )
    rejects = given.get("rejects")
    return ReadingOptions(
        read=read,
        columns=columns,
        region=given.get("region"),
        phone_format=PhoneFormat(_one_of(given, "phone_format", "digits", "e164", "national")),
        keep=_one_of(given, "keep", "last", "first"),
        on_bad_value=_one_of(given, "on_bad_value", "drop", "blank"),
        empty_cells=_one_of(given, "empty_cells", "send", "keep"),
        null_values=_words(given.get("null_value")),
        date_format=given.get("date_format"),
        rejects=Path(rejects) if rejects is not None else None,
        limit=limit,
        allow_empty=bool(given.get("allow_empty")),
        silenced=frozenset(_words(given.get("no_warn"))),
    )


def _one_of(given: Mapping[str, Any], name: str, *words: str) -> Any:
    """The word given, else the first of those there are. Raises UsageError for any other."""
    word = given.get(name) or words[0]
    if word not in words:
        raise UsageError(f"{name} is not one of {', '.join(words)}.")
    return word


def _words(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def push_options(given: Mapping[str, Any]) -> PushOptions:
    """As `reading_options`, for a push; `wait_timeout` is a duration such as `1h`."""
    named = (
        "per_contact",
        "yes",
        "batch_rows",
        "concurrency",
        "max_drop_rate",
        "max_shrink",
        "audience_name",
        "dry_run",
        "sandbox",
        "only_existing",
        "exclude_opted_out",
        "verify",
        "verify_sample",
        "changed_only",
        "full",
    )
    if given.get("verify_sample") is not None:
        given = {**given, "verify": True}
    if given.get("verify") and given.get("wait") is False:
        raise UsageError("--verify needs the imports to have ended: leave --no-wait out, or type lsms verify later.")
    if (given.get("batch_rows") or 2) < 2:
        raise UsageError("--batch-rows is at least 2: Listrak may refuse an import file of one member.")
    chosen = {name: given[name] for name in named if given.get(name) is not None}
    refresh_after = parse_duration(str(given.get("refresh_after") or "7d"), "--refresh-after")
    return PushOptions(reading=reading_options(given), waiting=waiting(given), refresh_after=refresh_after, **chosen)


def waiting(given: Mapping[str, Any]) -> Waiting:
    timeout = parse_duration(str(given.get("wait_timeout") or "1h"), "--wait-timeout")
    return Waiting(given.get("wait") is not False, timeout)
