"""Update the profile fields of Listrak SMS contacts from an audience, and account for every member.

    from listrak_sms_cli import apply, plan, pull, push, resume, validate, verify

    report = push("audience.csv", sender_code=1026)      # or a pandas/polars frame, a DuckDB result, an Arrow table
    report.rows_sent, report.dropped

Whatever is not exit 0 on the command line is an exception here (`LsmsError` and its family), which carries the
same summary as `error.report`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from listrak_sms_cli.arguments import arguments_checked
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
    from collections.abc import Callable, Collection, Mapping
    from os import PathLike
    from typing import Unpack

    from listrak_sms_cli.keywords import (
        ApplyKeywords,
        PlanKeywords,
        PullKeywords,
        PushKeywords,
        ResumeKeywords,
        ValidateKeywords,
        VerifyKeywords,
    )
    from listrak_sms_cli.options import Option
    from listrak_sms_cli.runs import Event, Listener, Pulled, Report
    from listrak_sms_cli.settings import Settings

_Result = TypeVar("_Result", bound="Report | Pulled")

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
    "Pulled",
    "Report",
    "SettingsError",
    "UsageError",
    "apply",
    "plan",
    "pull",
    "push",
    "resume",
    "validate",
    "verify",
]


@arguments_checked
def push(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[PushKeywords]
) -> Report:
    """Do what `lsms push` does. Return the Report; raise LsmsError for whatever is not exit 0 on the command line.

    `audience`: a path, a URL, or anything that speaks the Arrow PyCapsule stream interface. `options` are those of the
    command line by the same names, underscores for dashes (`sender_code=1026`, `map={"tier": "Loyalty Tier"}`,
    `skip_column=["notes"]`, `wait=False`); None is the default. Client id and secret come from the environment or a
    profile; `sandbox=True` needs none, and reaches nobody. `on_event` is called with each event of the run; without it
    a notebook shows a progress bar.
    """
    from listrak_sms_cli.runs import Phase, PhaseStarted, push_audience, push_options

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        options = push_options(given)
        if not options.sandbox:
            return push_audience(audience, settings, options, tell)
        from listrak_sms_cli.rehearsal import push_to_sandbox

        tell(PhaseStarted(Phase.FILLING, 0, "contacts"))
        return push_to_sandbox(audience, settings, options, tell)

    return _checked("push", audience, options, on_event, work)


@arguments_checked
def validate(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[ValidateKeywords]
) -> Report:
    """Do what `lsms validate` does: the same reading and cleaning as `push` with the same options; nothing is sent."""
    from listrak_sms_cli.runs import reading_options, validate_audience

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        reading, guard = reading_options(given), given["max_drop_rate"]
        return validate_audience(audience, settings, reading, tell, offline=given["offline"], max_drop_rate=guard)

    return _checked("validate", audience, options, on_event, work)


@arguments_checked
def plan(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[PlanKeywords]
) -> Report:
    """Do what `lsms plan` does: what a `push` with the same options would change, by reading what is stored. Nothing is
    sent. The report has `rows_different`, `rows_same`, `not_in_listrak`, and `changes` by column."""
    from listrak_sms_cli.runs import PlanOptions, plan_changes

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        return plan_changes(audience, settings, PlanOptions.of(given), tell)

    return _checked("plan", audience, options, on_event, work)


@arguments_checked
def apply(
    plan: str | PathLike[str],
    *,
    audience: object = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Unpack[ApplyKeywords],
) -> Report:
    """Do what `lsms apply` does: carry out a plan that `plan(…, save=…)` wrote. Return the Report of the push; raise
    GuardStopped (`plan_stale`) when what it stands on has changed.

    `audience`: where it is now, or the frame; None = where it was.
    """
    from listrak_sms_cli.runs import ApplyOptions, apply_plan

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        named = with_storage({"plan": Subject.plan.given(plan), "storage_option": given["storage_option"]})
        return apply_plan(named["plan"], settings, ApplyOptions.of(given), tell, audience)

    from listrak_sms_cli.options import Subject, with_storage

    return _checked("apply", audience, options, on_event, work)


@arguments_checked
def resume(
    run: str | None = None,
    *,
    audience: object = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Unpack[ResumeKeywords],
) -> Report:
    """Do what `lsms resume` does: go on with an interrupted run, and return the Report of the whole run. What Listrak
    accepted is not sent again.

    `run`: its id, or the beginning of it; None = the newest that can be resumed. `audience`: where it is now, or the
    frame; None = where it was.
    """
    from listrak_sms_cli.runs import ResumeOptions, resume_run

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        return resume_run(settings, Subject.run.given(run), ResumeOptions.of(given), tell, audience)

    from listrak_sms_cli.options import Subject

    return _checked("resume", audience, options, on_event, work)


@arguments_checked
def verify(
    audience: object, *, on_event: Callable[[Event], None] | None = None, **options: Unpack[VerifyKeywords]
) -> Report:
    """Do what `lsms verify` does: read the contacts back, and compare them with the members that a `push` with the same
    options would send. Return a Report with the counts in `report.verify`; raise MembersDiffer that carries it when
    fewer than `min_match` percent of them match. `out=` lists each difference.
    """
    from listrak_sms_cli.runs import VerifyOptions, verify_audience

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Report:
        return verify_audience(audience, settings, VerifyOptions.of(given), tell).or_raise()

    return _checked("verify", audience, options, on_event, work)


@arguments_checked
def pull(
    output: str | PathLike[str],
    *,
    audience: object = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Unpack[PullKeywords],
) -> Pulled:
    """Do what `lsms pull` does: write the contacts of a sender code, with their field values and whether they opted
    out, to a file that only you may read, and return its counts.

    `output`: a path or a URL, CSV or Parquet by its suffix; a file that is there is replaced only with `force=True`.
    `audience`: only its contacts; None = all.
    """
    from listrak_sms_cli.runs import PullOptions, pull_contacts

    def work(given: dict[str, Any], settings: Settings, tell: Listener) -> Pulled:
        return pull_contacts(settings, PullOptions.of(given), tell, audience)

    return _checked("pull", audience, {**options, "output": output}, on_event, work)


def _checked(
    command: str,
    audience: object,
    options: Mapping[str, object],
    on_event: Listener | None,
    work: Callable[[dict[str, Any], Settings, Listener], _Result],
) -> _Result:
    """Check the arguments and do the work. Messages of errors speak of keywords instead of options."""
    from listrak_sms_cli.options import Subject, as_keywords, in_keywords, keywords_of, values_by_name
    from listrak_sms_cli.settings import load_settings

    _report_class()
    known, page = keywords_of(command), None
    try:
        if isinstance(audience, str | Path):
            Subject.audience.given(audience)
        if on_event is not None and not callable(on_event):
            raise UsageError("on_event is not a function.")
        given = values_by_name(known, options)
        if given.get("report") is not None:
            from listrak_sms_cli.display import PageFile

            page = PageFile(given["report"], audience=audience)

        def run() -> Any:
            from listrak_sms_cli.display import choose_in_python

            with choose_in_python(on_event) as tell:
                return work(given, load_settings(given), tell)

        if command == "push":
            from listrak_sms_cli.monitoring import watched
            from listrak_sms_cli.runs import audience_name

            result: Any = watched(given, audience_name(audience, given["source"]), run)
        else:
            result = run()
        result = _in_keywords(result, known)
        return cast("_Result", page.take(result) if page else result)
    except LsmsError as error:
        if error.settled_by:
            error.hint = f"Add: {as_keywords(error.settled_by)}\n{error.hint.partition(chr(10))[2]}"
        error.message, error.hint = in_keywords(error.message, known), in_keywords(error.hint, known)
        error.args = (error.message,)
        if error.report is not None:
            from listrak_sms_cli.runs import ReportError

            shown = ReportError(error.code, error.message, error.hint)
            error.report = _in_keywords(error.report, known).with_(error=shown)
        if page is not None:
            page.take_error(error)
        raise


def _in_keywords(result: Any, known: Collection[Option[Any]]) -> Any:
    """The same, with warnings that speak of keywords."""
    from msgspec.structs import replace

    from listrak_sms_cli.options import in_keywords

    warnings = tuple(replace(each, message=in_keywords(each.message, known)) for each in result.warnings)
    return replace(result, warnings=warnings)


def _report_class() -> type[Report]:
    """Reports of the public functions are drawn in notebooks."""
    from listrak_sms_cli.display import snippet_of
    from listrak_sms_cli.runs import Report

    Report.html_view = staticmethod(snippet_of)
    return Report


def __getattr__(name: str) -> Any:
    if name == "Report":
        return _report_class()
    if name == "Pulled":
        from listrak_sms_cli.runs import Pulled

        return Pulled
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
