"""Update the profile fields of Listrak SMS contacts from an audience, and account for every member.

    from listrak_sms_cli import push, validate

    report = push("audience.csv", sender_code=1026)      # or a pandas/polars frame, a DuckDB result, an Arrow table
    report.rows_sent, report.dropped

Whatever is not exit 0 on the command line is an exception here (`LsmsError` and its family), which carries the
same summary as `error.report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import (
    AccountError,
    AudienceError,
    CredentialsRefused,
    GuardStopped,
    ImportEndedBadly,
    ImportsNotEnded,
    Interrupted,
    ListrakRefused,
    ListrakUnavailable,
    LsmsError,
    MembersDiffer,
    NothingSent,
    SettingsError,
    UsageError,
)
from listrak_sms_cli.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from listrak_sms_cli.runs import Event, Report
    from listrak_sms_cli.settings import Settings

__version__ = VERSION

__all__ = [
    "AccountError",
    "AudienceError",
    "CredentialsRefused",
    "GuardStopped",
    "ImportEndedBadly",
    "ImportsNotEnded",
    "Interrupted",
    "ListrakRefused",
    "ListrakUnavailable",
    "LsmsError",
    "MembersDiffer",
    "NothingSent",
    "Report",
    "SettingsError",
    "UsageError",
    "push",
    "validate",
]

_SETTINGS = ("sender_code", "api_url", "token_url", "profile", "config", "state_dir", "give_up_after")
_READING = (
    "format delimiter encoding sheet null_value date_format phone_column map skip_column skip_unmatched "
    "consent_column region phone_format keep on_bad_value empty_cells limit allow_empty rejects no_warn"
).split()
_PUSH = (
    _READING
    + (
        "per_contact yes batch_rows concurrency max_drop_rate max_shrink audience_name only_existing exclude_opted_out "
        "changed_only full refresh_after wait wait_timeout verify verify_sample dry_run"
    ).split()
)
_VALIDATE = [*_READING, "max_drop_rate", "offline"]


def push(audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Any) -> Report:
    """The job of `lsms push`. `audience`: a path, a URL, or anything that speaks the Arrow PyCapsule stream interface.

    `options` are those of the command line by the same names, underscores for dashes (`sender_code=1026`,
    `map={"tier": "Loyalty Tier"}`, `skip_column=["notes"]`, `wait=False`); client id and secret come from the
    environment or a profile. `on_event` is told what happens. Raises LsmsError for whatever is not exit 0.
    """
    from listrak_sms_cli.runs import push_audience, push_options, silent

    settings = _settings(options, _PUSH)
    return push_audience(audience, settings, push_options(options), on_event or silent)


def validate(audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Any) -> Report:
    """The job of `lsms validate`: the same reading and cleaning with the same options, nothing sent."""
    from listrak_sms_cli.runs import reading_options, silent, validate_audience

    settings = _settings(options, _VALIDATE)
    return validate_audience(
        audience,
        settings,
        reading_options(options),
        on_event or silent,
        offline=bool(options.get("offline")),
        max_drop_rate=options.get("max_drop_rate"),
    )


def _settings(options: dict[str, Any], known: list[str]) -> Settings:
    from listrak_sms_cli.settings import load_settings

    for name in options:
        if name not in known and name not in _SETTINGS:
            raise UsageError(f"There is no option {name}.", hint=f"Known: {', '.join([*_SETTINGS, *known])}.")
    return load_settings({name: options.get(name) for name in _SETTINGS})


def __getattr__(name: str) -> Any:
    if name == "Report":
        from listrak_sms_cli.runs import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
