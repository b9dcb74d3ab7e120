"""How the running command shows its result: in one place, because errors are shown in the same way."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import LsmsError

if TYPE_CHECKING:
    from rich.console import Console

    from listrak_sms_cli.display import PageFile
    from listrak_sms_cli.runs import Report, RunWarning

_REPORTING = (
    "push",
    "validate",
    "plan",
    "apply",
    "resume",
    "status",
)  # commands whose `--json` is a Report, whatever happens
_HEADS = {"seconds": "took"}  # heads of tables that are not just the keys of the JSON document


class Output:
    """How results are written to standard output. Set when a command begins."""

    def __init__(self) -> None:
        self.command = ""
        self.json = self.quiet = self.verbose = False
        self.running = False  # the command has begun: no help page is being shown
        self.lost = False  # the result could not be written
        self.page: PageFile | None = None  # where the result goes as an HTML page too

    @property
    def summarises(self) -> bool:
        """Whether the result of the command is the summary of a Report, which has the warnings."""
        return self.command in _REPORTING

    @property
    def paced(self) -> bool:
        """Whether members per second are shown: the command reads members itself."""
        return self.command in ("push", "validate", "apply")

    def use(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        """The command begins, with these options."""
        self.running = True
        self.json, self.quiet, self.verbose = json, quiet, verbose

    def console(self) -> Console:
        """The console of standard output."""
        from rich.console import Console

        return Console(file=sys.stdout, highlight=False, soft_wrap=False)

    def document(self, document: Any) -> None:
        """Write one JSON document; what standard output cannot hold (a path that is not UTF-8, a narrow encoding) is
        escaped."""
        import json

        text = json.dumps(document, ensure_ascii=False)
        try:
            text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
        except UnicodeError:
            text = json.dumps(document)
        with self.writing():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def line(self, text: str) -> None:
        """Write a result of a few words."""
        from rich.text import Text

        from listrak_sms_cli import display

        with self.writing():
            display.show(self.console(), Text(text))
            sys.stdout.flush()

    def hint(self, text: str) -> None:
        """Write what helps to answer a question, where the question is."""
        from rich.console import Console
        from rich.text import Text

        from listrak_sms_cli import display

        display.show(Console(file=sys.stderr, highlight=False), Text(display.printable(text), "dim"))

    def checks(self, lines: Sequence[tuple[bool | None, str, str, str]]) -> None:
        """Write lines of a mark, what was checked, what was found, and a remark."""
        from listrak_sms_cli.display import draw_checks

        with self.writing():
            draw_checks(lines, self.console())
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
        written: Mapping[str, Callable[[Any], str]] = MappingProxyType({}),
        **more: Any,
    ) -> None:
        """Write a table with `title`, or in JSON an array of objects under `name` beside `more`.

        `keys`: of the objects, the table's heads; `rows`: their values; `json_only`: keys the table has no room for;
        `written`: how values of a key are written for people.
        """
        if self.json:
            listed = [dict(zip(keys, row, strict=True)) for row in rows]
            self.document({name: listed, **more, "exit_code": 0, "error": None})
            return
        if self.quiet:
            return
        from listrak_sms_cli import display

        shown = [place for place, key in enumerate(keys) if key not in json_only]
        heads = tuple(_HEADS.get(keys[place], keys[place].replace("_", " ")) for place in shown)
        writers = [written.get(key, str) for key in keys]
        cells = [tuple("" if row[place] is None else writers[place](row[place]) for place in shown) for row in rows]
        with self.writing():
            display.table(title, heads, cells, self.console())
            sys.stdout.flush()

    def warned(self, warnings: Iterable[RunWarning]) -> None:
        """Write warnings to standard error."""
        from listrak_sms_cli.display import warning

        with suppress(OSError):  # nobody reads, or the disk is full
            sys.stderr.writelines(f"lsms: {warning(each.code, each.message)}\n" for each in warnings)

    def report(self, report: Report) -> None:
        """Write the Report of a run that ended well; with `--quiet` its new warnings alone."""
        report = self.paged(report)
        if self.json:
            self.document(report.as_json())
        if self.quiet:
            self.warned(warning for warning in report.warnings if warning.new)
        elif not self.json:
            from listrak_sms_cli import display

            with self.writing():
                display.summary(report, self.console(), paced=self.paced)
                sys.stdout.flush()

    def paged(self, report: Report) -> Report:
        """The same, once its page has been written, if one is wanted."""
        return report if self.page is None else self.page.take(report)

    def columns(self, report: Report | None) -> None:
        """Write what is known of the columns of an audience that cannot be pushed (in JSON: part of the error)."""
        if report is not None and report.profile and not self.json:
            from listrak_sms_cli import display

            with self.writing():
                display.columns_of(report, self.console())
                sys.stdout.flush()

    def error_document(self, error: LsmsError) -> dict[str, Any]:
        """The JSON document of an error: a Report where the command has one, else code, message, hint, exit code."""
        from listrak_sms_cli.runs import Report, ReportError

        shown = ReportError(error.code, error.message, error.hint)
        report = error.report
        if report is None and self.command in _REPORTING:
            report = Report(run_id="", audience="", sender_code=None)
        if report is None:
            return {
                "error": {"code": shown.code, "message": shown.message, "hint": shown.hint},
                "exit_code": error.exit_code,
            }
        document: dict[str, Any] = report.with_(error=shown, exit_code=error.exit_code).as_json()
        return document


def silence_stdout() -> None:
    """Drop what Python would flush at exit: the reader has gone, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


output = Output()
