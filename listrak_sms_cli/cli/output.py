"""How the running command wants its result shown: one place, because errors need to know it too."""

from __future__ import annotations

import json as json_module
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import LsmsError

if TYPE_CHECKING:
    from rich.console import Console

    from listrak_sms_cli.runs import Report

_REPORTING = ("push", "validate", "resume", "status")  # commands whose `--json` is a Report, whatever happens


@dataclass
class Output:
    """Set by the command that runs."""

    command: str = ""
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    running: bool = False  # the command has begun: no help page is being shown
    lost: bool = False  # the result could not be written

    @property
    def paced(self) -> bool:
        """Whether the command reads members itself; the others tell of an earlier run."""
        return self.command in ("push", "validate")

    def use(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.running = True
        self.json, self.quiet, self.verbose = json, quiet, verbose

    def console(self) -> Console:
        from rich.console import Console

        return Console(file=sys.stdout, highlight=False, soft_wrap=False)

    def document(self, document: Any) -> None:
        with self.writing():
            sys.stdout.write(json_module.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write a result inside. One that cannot be written (a full disk) is reported on standard error, one whose
        reader has gone (`lsms … | head`) is not; neither changes what the command did, nor its exit code."""
        try:
            yield
        except BrokenPipeError:
            silence_stdout()
        except OSError:
            self.lost = True
            silence_stdout()
            sys.stderr.write("lsms: the result could not be written to standard output; is the disk full?\n")

    def listing(
        self,
        name: str,
        title: str,
        keys: tuple[str, ...],
        rows: list[tuple[Any, ...]],
        json_only: frozenset[str] = frozenset(),
        **more: Any,
    ) -> None:
        """A list of things: a table with `title`, or in JSON an array of objects under `name`. `json_only`: keys the
        table has no room for."""
        if self.json:
            listed = [dict(zip(keys, row, strict=True)) for row in rows]
            self.document({name: listed, **more, "exit_code": 0, "error": None})
            return
        from listrak_sms_cli import display

        shown = [place for place, key in enumerate(keys) if key not in json_only]
        heads = tuple(keys[place].replace("_", " ") for place in shown)
        cells = [tuple("" if row[place] is None else str(row[place]) for place in shown) for row in rows]
        with self.writing():
            display.table(title, heads, cells, self.console())
            sys.stdout.flush()

    def report(self, report: Report) -> None:
        if self.json:
            self.document(report.as_json())
        else:
            from listrak_sms_cli import display

            with self.writing():
                if report.profile is None:
                    display.summary(report, self.console(), paced=self.paced)
                else:
                    display.validated(report, self.console())
                sys.stdout.flush()

    def columns(self, report: Report | None) -> None:
        """What is known of the columns of an audience that cannot be pushed; in JSON the error document has it."""
        if report is not None and report.profile and not self.json:
            from listrak_sms_cli import display

            with self.writing():
                display.columns_of(report, self.console())
                sys.stdout.flush()

    def error_document(self, error: LsmsError) -> dict[str, Any]:
        from listrak_sms_cli.runs import Report, ReportError

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


def silence_stdout() -> None:
    """What Python still flushes at exit goes nowhere: the reader has gone, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


output = Output()
