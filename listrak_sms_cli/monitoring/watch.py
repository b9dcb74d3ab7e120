"""A push is watched: when it has ended, whoever wants to know is told, and its metrics are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import Struct

from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.runs import Report, ReportError, RunWarning
from listrak_sms_cli.runs.record import Failures
from listrak_sms_cli.settings import Settings, load_settings, notify_urls, state_dir_of

PROBLEMS = frozenset({"notify_failed", "metrics_failed"})  # codes of the warnings that arise here
_COLLECTED = ".prom"  # how files end that node_exporter reads
_EXTRAS = {"apprise": ("--notify", "notify"), "prometheus_client": ("--metrics-file", "metrics")}


def watched(
    given: Mapping[str, Any], audience: str, work: Callable[[], Report], settings: Callable[[], Settings] | None = None
) -> Report:
    """Do the work of a push and return its Report, or raise its error; then tell of it what the options say. `given`:
    values of options by name, also such as are wrong; `audience`: what the audience is called; `settings`: reads them,
    None = they are those of `given`. Dry and sandbox runs are nobody's business. Raises UsageError when a package is
    missing."""
    if given.get("dry_run") or given.get("sandbox"):
        return work()
    watch = _Watch.of(given, audience, settings or (lambda: load_settings(given)))
    try:
        watch.refuse_unready()
        report = work()
    except LsmsError as error:
        if error.code == "not_confirmed":  # whoever said no was there
            raise
        report = watch.ended(_failed(error, audience))
        if error.report is not None or report.warnings:
            error.report = report
        raise
    except Exception as error:
        watch.ended(_failed(LsmsError(f"Internal error ({type(error).__name__}).", code="internal"), audience))
        raise
    return watch.ended(report)


def _failed(error: LsmsError, audience: str) -> Report:
    report: Report = error.report or Report(run_id="", audience=audience, sender_code=None)
    return report.with_(error=ReportError(error.code, error.message, error.hint), exit_code=error.exit_code)


class _Watch(Struct, frozen=True):
    """`urls`: whom to tell, None = nobody; `name`: what earlier pushes of the audience are found by; `sender_code`: ""
    where the settings cannot be read."""

    urls: str | None
    metrics: Path | None
    name: str
    sender_code: str
    failures: Failures

    @classmethod
    def of(cls, given: Mapping[str, Any], audience: str, read: Callable[[], Settings]) -> _Watch:
        settings: Settings | None = None
        with suppress(LsmsError):  # which the work meets too
            settings = read()
        metrics = given.get("metrics_file")
        return cls(
            urls=settings.notify if settings else notify_urls(given),
            metrics=None if metrics is None else Path(metrics),
            name=str(given.get("audience_name") or audience),
            sender_code=str(settings.sender_code or "") if settings else "",
            failures=Failures(settings.state_dir if settings else state_dir_of(given)),
        )

    def refuse_unready(self) -> None:
        """Raise UsageError for a metrics file that nobody collects, and where a package is missing."""
        if self.metrics is not None and self.metrics.suffix != _COLLECTED:
            raise UsageError(
                f"--metrics-file {self.metrics} does not end in {_COLLECTED}.",
                hint="node_exporter reads *.prom files in the folder of its textfile collector.",
                code="metrics_file",
            )
        for package, wanted in (("apprise", self.urls), ("prometheus_client", self.metrics)):
            option, extra = _EXTRAS[package]
            if wanted is not None and find_spec(package) is None:
                raise UsageError(
                    f"{option} needs the package {package}.",
                    hint=f"Type: pip install 'listrak-sms-cli[{extra}]'",
                    code="extra_missing",
                )

    def ended(self, report: Report) -> Report:
        """Tell and write; return the report with a warning for what could not be."""
        problems = [*self._write_metrics(report), *self._tell(report)]
        return report.with_(warnings=(*report.warnings, *problems)) if problems else report

    def _write_metrics(self, report: Report) -> list[RunWarning]:
        if self.metrics is None or self.metrics.suffix != _COLLECTED:
            return []
        from listrak_sms_cli.monitoring.metrics import write_metrics

        try:
            write_metrics(self.metrics, self.name, report)
        except Exception:  # of a foreign package too: the push has ended as it has
            message = f"--metrics-file {self.metrics} cannot be written: is its folder there, and writable?"
            return [RunWarning("metrics_failed", message)]
        return []

    def _tell(self, report: Report) -> list[RunWarning]:
        if self.urls is None:
            return []
        recovered = False
        if report.exit_code:
            self.failures.note(self.name, self.sender_code)
        else:
            recovered = self.failures.forget(self.name, self.sender_code)
        from listrak_sms_cli.monitoring.notification import message_of, send

        message = message_of(report, self.name, recovered=recovered)
        if message is None:
            return []
        took, of = 0, 1
        with suppress(Exception):  # of a foreign package; its text may name the address
            took, of = send(self.urls, message)
        if of and took == of:
            return []
        text = f"{of - took} of {of} addresses of --notify could not be told: are they right, and do they answer?"
        return [RunWarning("notify_failed", text)]
