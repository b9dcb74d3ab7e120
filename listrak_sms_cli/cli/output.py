"""How the running command wants its result shown: one place, because errors need to know it too."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import LsmsError

if TYPE_CHECKING:
    from rich.console import Console

    from listrak_sms_cli.runs.report import Report

_REPORTING = ("push", "validate")  # commands whose `--json` is a Report, whatever happens


@dataclass
class Output:
    """Set by the command that runs."""

    command: str = ""
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def use(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json, self.quiet, self.verbose = json, quiet, verbose

    def console(self) -> Console:
        from rich.console import Console

        return Console(file=sys.stdout, highlight=False, soft_wrap=False)

    def document(self, document: Any) -> None:
        sys.stdout.write(json_module.dumps(document, ensure_ascii=False) + "\n")

    def report(self, report: Report) -> None:
        if self.json:
            self.document(report.as_json())
        else:
            from listrak_sms_cli import display

            display.summary(report, self.console())

    def error_document(self, error: LsmsError) -> dict[str, Any]:
        from listrak_sms_cli.runs.report import Report, ReportError

        told = ReportError(error.code, error.message, error.hint)
        report = error.report
        if report is None and self.command in _REPORTING:
            report = Report(run_id="", audience="", sender_code=None)
        if report is None:
            return {
                "error": {"code": told.code, "message": told.message, "hint": told.hint},
                "exit_code": error.exit_code,
            }
        document: dict[str, Any] = report.with_(error=told, exit_code=error.exit_code).as_json()
        return document


output = Output()
