"""Update the profile fields of Listrak SMS contacts from an audience, and account for every member.

    from listrak_sms_cli import push, validate

    report = push("audience.csv", sender_code=1026)      # or a pandas/polars frame, a DuckDB result, an Arrow table
    report.rows_sent, report.dropped

Whatever is not exit 0 on the command line is an exception here (`LsmsError` and its family), which carries the
same summary as `error.report`.
"""

from __future__ import annotations

from pathlib import Path
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
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from listrak_sms_cli.keywords import PushKeywords, ValidateKeywords
    from listrak_sms_cli.runs import Event, Listener, Report
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


def push(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[PushKeywords]
) -> Report:
    """Do what `lsms push` does. Return the Report; raise LsmsError for whatever is not exit 0 on the command line.

    `audience`: a path, a URL, or anything that speaks the Arrow PyCapsule stream interface. `options` are those of the
    command line by the same names, underscores for dashes (`sender_code=1026`, `map={"tier": "Loyalty Tier"}`,
    `skip_column=["notes"]`, `wait=False`); None is the default. Client id and secret come from the environment or a
    profile. `on_event` is called with each event of the run.
    """
    from listrak_sms_cli.runs import push_audience, push_options

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        return push_audience(audience, settings, push_options(given), tell)

    return _checked("push", audience, options, on_event, work)


def validate(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[ValidateKeywords]
) -> Report:
    """Do what `lsms validate` does: the same reading and cleaning as `push` with the same options; nothing is sent."""
    from listrak_sms_cli.runs import reading_options, validate_audience

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        reading, guard = reading_options(given), given["max_drop_rate"]
        return validate_audience(audience, settings, reading, tell, offline=given["offline"], max_drop_rate=guard)

    return _checked("validate", audience, options, on_event, work)


def _checked(
    command: str,
    audience: object,
    options: Mapping[str, object],
    on_event: Listener | None,
    work: Callable[[dict[str, Any], Settings, Listener], Report],
) -> Report:
    """Check the arguments and do the work. Messages of errors speak of keywords instead of options."""
    from listrak_sms_cli.options import Subject, in_keywords, keywords_of, values_by_name
    from listrak_sms_cli.settings import load_settings

    known = keywords_of(command)
    try:
        if isinstance(audience, str | Path):
            Subject.audience.given(audience)
        if on_event is not None and not callable(on_event):
            raise UsageError("on_event is not a function.")
        given = values_by_name(known, options)

        def run() -> Report:
            return work(given, load_settings(given), on_event or (lambda _event: None))

        if command != "push":
            return run()
        from listrak_sms_cli.monitoring import watched
        from listrak_sms_cli.runs import audience_name

        return watched(given, audience_name(audience), run)
    except LsmsError as error:
        error.message, error.hint = in_keywords(error.message, known), in_keywords(error.hint, known)
        error.args = (error.message,)
        if error.report is not None:
            from listrak_sms_cli.runs import ReportError

            error.report = error.report.with_(error=ReportError(error.code, error.message, error.hint))
        raise


def __getattr__(name: str) -> Any:
    if name == "Report":
        from listrak_sms_cli.runs import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
