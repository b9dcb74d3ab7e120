"""Results on standard output: the summary of a run, tables; and the one short message of an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.words import duration, many, members, plain, rate, size
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.runs.report import ImportLine, Report

_IMPORTS_SHOWN = 12


def error(problem: LsmsError, stream: TextIO) -> None:
    """What is wrong and where; on the next line what to type next."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("Error: ", "bold red"), plain(problem.message)))
    if problem.hint:
        console.print(Text(plain(problem.hint)))


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Rows of text under their heads; without a terminal plain columns that `grep` and `awk` can take."""
    grid = Table(title=Text(plain(title)), title_justify="left", box=box.SIMPLE_HEAD if console.is_terminal else None)
    for number, head in enumerate(heads):
        numbers = bool(rows) and all(row[number].replace(",", "").isdigit() for row in rows if row[number])
        grid.add_column(head, justify="right" if numbers else "left", no_wrap=not console.is_terminal)
    for row in rows:
        grid.add_row(*(Text(plain(cell)) for cell in row))
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, 400), highlight=False)
    console.print(grid)


def summary(report: Report, console: Console) -> None:
    """The whole account of a run, and in its last line how it ended."""
    console.print(_counts(report))
    if report.columns and not all(column.field_id == 0 for column in report.columns):
        console.print(_columns(report))
    if report.imports and not report.dry_run:
        console.print(_imports(report.imports, console))
    for warning in report.warnings:
        console.print(Text.assemble(("! ", "yellow"), plain(warning.message), (f" [{warning.code}]", "dim")))
    if report.sandbox is not None:
        box_ = report.sandbox
        console.print(
            Text(
                f"The sandbox updated {many(box_.contacts_updated, 'contact')} and silently dropped "
                f"{members(box_.dropped_silently)} it does not know, as Listrak does. Nothing left this machine."
            )
        )
    console.print(_verdict(report))


def _counts(report: Report) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column(style="dim")

    def add(name: str, count: int, style: str = "", note: str = "") -> None:
        grid.add_row(Text(name), Text(f"{count:,}", style), Text(note))

    add("read", report.rows_read, "bold")
    add("sendable", report.rows_sendable)
    if not report.dry_run:
        note = f"{report.rows_import_failed:,} in imports that ended badly" if report.rows_import_failed else ""
        add("  sent", report.rows_sent, "bold green", note)
    for name, count, style in (
        ("  refused", report.rows_refused, "bold red"),
        ("  pending", 0 if report.dry_run else report.rows_pending, "bold yellow"),
        ("unchanged", report.rows_unchanged, ""),
        ("beyond limit", report.rows_beyond_limit, ""),
    ):
        if count:
            add(name, count, style)
    add("dropped", report.rows_dropped, "bold yellow" if report.rows_dropped else "")
    for reason, count in report.dropped.items():
        if count:
            add(f"  {reason}", count)
    return grid


def _columns(report: Report) -> Text:
    pairs = ", ".join(f"{plain(c.column, 40)} → {plain(c.field, 40)}" for c in report.columns[:12])
    more = f" and {len(report.columns) - 12} more" if len(report.columns) > 12 else ""
    line = Text.assemble(("columns  ", ""), (pairs + more, "dim"))
    if report.skipped_columns:
        line.append(f"; left out: {', '.join(plain(name, 40) for name in report.skipped_columns[:12])}", "dim")
    return line


def _imports(imports: Sequence[ImportLine], console: Console) -> Table:
    grid = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, padding=(0, 1), show_edge=False)
    for head, right in (("part", True), ("file", False), ("members", True), ("size", True), ("import", True)):
        grid.add_column(head, justify="right" if right else "left", no_wrap=True)
    grid.add_column("state", no_wrap=True, overflow="ellipsis")
    for one in imports[:_IMPORTS_SHOWN]:
        state = plain(one.status) + (" (may have arrived twice)" if one.maybe_repeated else "")
        grid.add_row(
            str(one.part), plain(one.file_name, 36), f"{one.rows:,}", size(one.bytes), one.import_file_id or "–", state
        )
    if rest := imports[_IMPORTS_SHOWN:]:
        states = ", ".join(f"{count} {plain(word)}" for word, count in Counter(one.status for one in rest).items())
        grid.add_row("…", f"and {len(rest)} more: {states}", "", "", "", "")
    return grid


def _verdict(report: Report) -> Text:
    seconds = f" ({duration(report.seconds)}, {rate(report.rows_read, report.seconds)})" if report.rows_read else ""
    if report.exit_code:
        return Text(f"Run {report.run_id} ended with exit code {report.exit_code}{seconds}.", "red")
    if report.dry_run:
        return Text(f"Nothing was sent; {members(report.rows_sendable)} would be{seconds}.", "green")
    if not report.rows_sendable:
        return Text(f"There was nothing to send{seconds}.", "green")
    open_ = [one for one in report.imports if one.status in ("accepted", "sending")]
    imports = many(len(report.imports), "import")
    how = f"{imports} accepted by Listrak; see `lsms status`" if open_ else f"{imports} ended well"
    return Text(f"All {members(report.rows_sent)} that could be sent were sent; {how}{seconds}.", "green")
