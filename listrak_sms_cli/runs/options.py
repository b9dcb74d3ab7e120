"""The options of a run as the code below works with them; what each may be is declared in `listrak_sms_cli.options`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

from msgspec import Struct

from listrak_sms_cli import options as declared
from listrak_sms_cli.audience import CleaningRules, ColumnChoices, column_key
from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.audience.source import ReadOptions
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.options import Choice, Duration, Options
from listrak_sms_cli.settings import Settings, without_secrets
from listrak_sms_cli.version import VERSION

if TYPE_CHECKING:
    from listrak_sms_cli.jobs import Expectation
    from listrak_sms_cli.runs.events import FirstPush

IMPORT_FILE_LIMIT = 195_000_000  # bytes before base64: Listrak's description of Start a Contact Update Import
ASK_FIRST = 10_000  # members: more than so many one by one take hours, and nobody should begin that unawares


class Waiting(Struct, frozen=True):
    """Whether to wait for imports to end, and for how many seconds at most."""

    wait: bool = True
    timeout: float = 3600.0


NO_WAIT = Waiting(wait=False)


class ReadingOptions(declared.Reading, declared.Columns, declared.Cleaning, declared.Silencing):
    """How the audience is read and cleaned: the options that `push`, `validate`, `verify` and `pull` share. `expect`:
    what a job expects of the audience, for the commands that have guards; `config`: the config file that was named."""

    expect: Expectation | None = None
    config: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class, and what is expected."""
        options = super().of(given)
        options.expect = cast("Expectation | None", given.get("expect"))
        options.config = cast("str | None", given.get("config"))
        return options

    @cached_property
    def read(self) -> ReadOptions:
        """How the files are to be read."""
        return ReadOptions(
            format=self.format,
            delimiter=self.delimiter,
            encoding=self.encoding,
            sheet=self.sheet,
            quote=self.quote,
            escape=self.escape,
            phone_column=self.phone_column,
            storage=self.storage_option or None,
            source=self.source,
            config=self.config,
            skip=self._unread_columns,
        )

    @property
    def _unread_columns(self) -> tuple[str, ...]:
        """Those that are left out and that nothing else looks at."""
        read = {column_key(name) for name in (self.consent_column or "", *(self.expect.columns if self.expect else ()))}
        return tuple(name for name in self.skip_column if column_key(name) not in read)

    @cached_property
    def columns(self) -> ColumnChoices:
        """What was chosen about columns."""
        return ColumnChoices(
            phone_column=self.phone_column,
            mapping=self.map,
            skip=self.skip_column,
            skip_unmatched=self.skip_unmatched,
            consent_column=self.consent_column,
            exact_names=self.exact_names,
        )

    @cached_property
    def silenced(self) -> frozenset[str]:
        """Codes of warnings that are left out."""
        return frozenset(self.no_warn)

    def rules(self, region: str, country: str = "") -> CleaningRules:
        """The rules of cleaning, as of today. `region`: for phones without a country code, where the options name none;
        `country`: the sender code's, "" = the region. Both ISO 3166-1 alpha-2."""
        today = date.today()
        return CleaningRules(
            region=self.region or region,
            phone_format=PhoneFormat(self.phone_format),
            date_format=self.date_format,
            null_values=self.null_value,
            blank_bad_values=self.on_bad_value == "blank",
            keep_empty=self.empty_cells == "keep",
            country=country,
            today=today.year * 10_000 + today.month * 100 + today.day,
        )


class OfAudience(Options):
    """Options of a command that reads an audience; `reading`: how it is read and cleaned."""

    def __init__(self, reading: ReadingOptions | None = None, **given: object) -> None:
        super().__init__(**given)
        self.reading = reading or ReadingOptions()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class, and the reading options among them."""
        options = super().of(given)
        options.reading = ReadingOptions.of(given)
        return options


class PushOptions(OfAudience, declared.ChoosingMembers, declared.Sending, declared.Rehearsing):
    """How members are chosen, sent and waited for.

    `confirm`, where somebody is there to be asked, is called before the first push of an account; it raises
    GuardStopped when the answer is no. `max_drop_rate` in percent of the members read, `max_shrink` in percent of
    those read by the last push of that `audience_name` that ended well, `max_fill_drop` in percentage points of its
    rows; durations in seconds.
    """

    batch_bytes = IMPORT_FILE_LIMIT
    confirm: Callable[[FirstPush], None] | None = None

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class, the reading options, and who is asked."""
        options = super().of(given)
        options.confirm = cast("Callable[[FirstPush], None] | None", given.get("confirm"))
        return options

    @property
    def waiting(self) -> Waiting:
        """Whether and how long the push waits for its imports to end."""
        return Waiting(self.wait, self.wait_timeout)

    @property
    def asks_who_exists(self) -> bool:
        """Whether the contacts are looked up before anything is sent.

        Contact by contact Listrak reports who exists when a member's turn comes; the rejects file and the guard need
        it earlier. With `--only-different` whoever is read exists.
        """
        if self.only_different:
            return False
        early = self.reading.rejects is not None or self.max_drop_rate is not None
        return self.only_existing or (self.per_contact and early)


_TELLING = frozenset(
    """format delimiter quote escape encoding sheet source null_value date_format phone_column map skip_column
    consent_column region audience_name no_warn rejects""".split()
)


def chosen(settings: Settings, *groups: Options) -> dict[str, str]:
    """What a report says of the settings: where it goes to, and the options that are not at their defaults, as they
    would be typed. Free texts only of options that are known to hold no secret."""
    shown = {"lsms": VERSION, "API base": without_secrets(settings.api_url)}
    for option, value in ((option, group.by_name[option.name]) for group in groups for option in group.options):
        telling = option.name in _TELLING or isinstance(value, bool | int | float) or isinstance(option.kind, Choice)
        if telling and value not in (None, option.given(None)):
            unit = "s" if isinstance(option.kind, Duration) else ""
            shown[option.words[0].partition("/")[0]] = f"{_as_typed(value)}{unit}"
    return shown


def _as_typed(value: Any) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case Mapping():
            return ", ".join(f"{column}={name}" for column, name in value.items())
        case tuple():
            return ", ".join(value)
        case _:
            return str(value).removesuffix(".0")


def reading_options(given: Mapping[str, Any]) -> ReadingOptions:
    """From values by option name (`phone_column`, `map`, …), as Python gives them, or as they have been read; what is
    not given keeps its default. Raises UsageError for a value that the option cannot have."""
    return ReadingOptions.of(given)


def push_options(given: Mapping[str, Any]) -> PushOptions:
    """As `reading_options`, for a push. Raises UsageError also for options that contradict each other."""
    if given.get("verify_sample") is not None:
        given = {**given, "verify": True}
    if not given.get("sandbox") and (given.get("fields") or given.get("sandbox_fields", "invent") == "account"):
        raise UsageError("--sandbox-fields and --fields are about the sandbox: add --sandbox, or leave them out.")
    if given.get("fields") and given.get("sandbox_fields") == "account":
        raise UsageError("--fields and --sandbox-fields account name two sources of one thing: leave one out.")
    options = PushOptions.of(given)
    _check_canary(options)
    if options.only_different and options.changed_only:
        raise UsageError(
            "--only-different reads what is stored, and so knows more than --changed-only remembers.",
            hint="Leave one of them out.",
        )
    if options.verify and not options.wait:
        raise UsageError("--verify needs the imports to have ended: leave --no-wait out, or type lsms verify later.")
    return options


def _check_canary(options: PushOptions) -> None:
    """Raises UsageError for options that leave a canary unproved, or that are of one where there is none."""
    if options.canary is None:
        if options.undo is not None or options.canary_seed is not None:
            raise UsageError("--undo and --canary-seed are about the canary: add --canary N, or leave them out.")
    elif not options.wait:
        raise UsageError("--canary waits for its imports to end, and reads them back: leave --no-wait out.")
    elif options.per_contact:
        raise UsageError("--canary proves an import before the rest is sent: leave --per-contact out.")


def waiting(given: Mapping[str, Any]) -> Waiting:
    """As `reading_options`, for commands that only wait."""
    return PushOptions.of({name: given.get(name) for name in ("wait", "wait_timeout")}).waiting
