"""A report as one HTML page that needs nothing else: no script, no network, no member data."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.display.verdict import REMEDIES, drop_reasons, in_words, sentences_of, tone_of
from listrak_sms_cli.display.words import duration, members, percent, printable, size
from listrak_sms_cli.errors import LsmsError, SettingsError
from listrak_sms_cli.runs import Report, ReportError, RunWarning, output_at
from listrak_sms_cli.stores import StoreUrl
from listrak_sms_cli.version import VERSION

if TYPE_CHECKING:
    from markupsafe import Markup


def page_of(report: Report) -> str:
    """The page of a report. What the report holds beyond the published keys of a push (`filled` of a column, `changes`
    and `canary` of a plan) is shown where it is there."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters |= {"count": "{:,}".format, "size": size, "duration": duration, "moment": _moment}
    environment.filters |= {"members": members, "took": _took, "percent": "{:.1f}".format, "typed": _typed}
    template = environment.get_template("page.html.jinja")
    return template.render(
        report=report,
        kind=_kind(report),
        verdict=sentences_of(report),
        tone=tone_of(report),
        parts=_parts(report),
        reasons=[(reason, count, REMEDIES.get(reason, "")) for reason, count in drop_reasons(report)],
        in_words=in_words,
        share=_share,
        percent=percent,
        filled=_filled(report),
        version=VERSION,
    )


class PageFile:
    """The file that the page of a result goes to, whatever the result is."""

    def __init__(self, path: Path | StoreUrl, option: str = "--report", audience: object = None) -> None:
        """Raises UsageError when no file can be put there, or it would replace the audience."""
        self._audience = str(audience) if isinstance(audience, str | Path) else ""
        self._name = f"{option} {path}"
        self._target = output_at(path, option, [self._audience] if self._audience else [], "report_place")

    def write(self, report: Report) -> None:
        """Put the page in its place, whole. Raises SettingsError when the disk is full or gone."""
        text = page_of(report).encode("utf-8", "replace")
        try:
            with self._target.replacing(0o644) as file:
                file.write(text)
        except OSError:
            raise SettingsError(
                f"{self._name} cannot be written: the disk is full or gone.",
                hint="lsms report RUN -o FILE writes it later, where a run was recorded.",
                code="disk_full",
            ) from None

    def take(self, report: Report) -> Report:
        """Write the page of a result. What was sent is sent: a full disk is a warning in the report returned."""
        try:
            self.write(report)
        except SettingsError as error:
            lost = RunWarning("report_lost", f"{error.message} {error.hint}")
            return report.with_(warnings=(*report.warnings, lost))
        return report

    def take_error(self, error: LsmsError) -> None:
        """Write the page of what a command ended with."""
        shown = ReportError(error.code, error.message, error.hint)
        known = error.report or Report(run_id="", audience=self._audience, sender_code=None)
        report = self.take(known.with_(error=shown, exit_code=error.exit_code))
        error.report = error.report and report


def _kind(report: Report) -> str:
    if getattr(report, "changes", None) is not None and report.dry_run:
        return "Plan"
    if report.profile is not None:
        return "Validation"
    if report.verify is not None and not report.run_id:
        return "Verification"
    rehearsal = "Rehearsal in the sandbox" if report.sandbox is not None else "Push"
    return "Dry run" if report.dry_run else rehearsal


def _parts(report: Report) -> list[tuple[str, int, str]]:
    """What became of the members: words, count, colour. They add up to the members read."""
    nothing_sent = report.dry_run or not report.run_id
    sent_well = report.rows_sent - report.rows_import_failed
    left = "pending" if report.resumable or report.running else "not sent"
    parts = [
        ("would be sent", report.rows_sendable, "good") if nothing_sent else ("sent", sent_well, "good"),
        ("in imports that ended badly", report.rows_import_failed, "bad"),
        ("refused by Listrak", report.rows_refused, "bad"),
        (left, 0 if nothing_sent else report.rows_pending, "waiting"),
        ("dropped", report.rows_dropped, "dropped"),
        ("unchanged", report.rows_unchanged, "quiet"),
        ("beyond the limit", report.rows_beyond_limit, "quiet"),
    ]
    if report.verify is not None and not report.run_id:
        parts[0] = ("to be compared", report.rows_sendable, "good")
    return [part for part in parts if part[1]]


def _filled(report: Report) -> dict[str, tuple[float, float | None]]:
    """By column the share that is filled, from 0 to 1, and before; of the columns of which it is known."""
    shares: dict[str, tuple[float, float | None]] = {
        p.column: (p.filled / p.rows, None) for p in report.profile or () if p.rows and p.readable
    }
    for column in report.columns:
        if (share := getattr(column, "filled", None)) is not None:
            shares[column.column] = (share, getattr(column, "filled_before", None))
    return shares


def _share(part: float, whole: float) -> str:
    """A share in percent for a bar, which is seen however small it is."""
    return f"{max(0.4, 100 * part / whole) if whole and part else 0:.2f}"


def _typed(text: str) -> Markup:
    """A text with the options in it as code, so that none is broken into two lines."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"(--[a-z][a-z-]*)", r"<code>\1</code>", str(escape(printable(text)))))


def _moment(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S} UTC"


def _took(line: Any) -> str:
    if not line.sent_at or not line.ended_at:
        return ""
    return duration((datetime.fromisoformat(line.ended_at) - datetime.fromisoformat(line.sent_at)).total_seconds())
