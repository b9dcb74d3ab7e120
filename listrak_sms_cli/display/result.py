"""The summary of a run on standard output: the counts of members, and in the last line how the run ended."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.tables import columns, show
from listrak_sms_cli.display.words import by_count, duration, many, members, percent, printable, rate, size
from listrak_sms_cli.runs import CanaryResult, Report, Verification

_IMPORTS_SHOWN, _COLUMNS_SHOWN = 12, 24
_BAR = 20  # cells of the bar of the commonest drop reason
_ROOM_FOR_BARS = 72  # cells of a terminal


def summary(report: Report, console: Console, *, paced: bool = True) -> None:
    """Write the summary of a run; `paced`: with its speed, for a run that has just ended. On a terminal it fits 80
    columns; elsewhere no line is wrapped and nothing is coloured. Raises BrokenPipeError when nobody reads."""
    things: list[RenderableType] = [_counts(report, bars=console.is_terminal and console.width >= _ROOM_FOR_BARS)]
    # A column without an id was not looked up, unless it was sent: contact by contact the system fields need none.
    known = [column for column in report.columns if column.field_id or report.rows_sent]
    named = {
        "columns": [
            f"{printable(column.column, 30)} → {printable(column.field, 30)}{' (guessed)' if column.guessed else ''}"
            for column in known
        ],
        "left out": [printable(name, 30) for name in report.skipped_columns],
    }
    if any(named.values()) and report.profile is None:
        things.append(_hanging([(f"{name} ", _listed(items)) for name, items in named.items() if items]))
    if report.imports and not report.dry_run:
        things.append(_imports(report, console))
    if report.warnings:
        warnings = [("!", Text(f"{printable(each.message)} [{each.code}]")) for each in report.warnings]
        things.append(_hanging(warnings, "yellow"))
    things.append(_words(report, paced))
    if not console.is_terminal:
        show(console, *things)
        return
    spaced: list[RenderableType] = []
    for thing in things:
        spaced += [Text(), thing]
    show(console, *spaced)


def _counts(report: Report, *, bars: bool) -> Table:
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left"):
        grid.add_column(justify="right" if justify == "right" else "left", no_wrap=True)
    most = max(report.dropped.values(), default=0)

    def add(name: str, count: int, style: str = "", note: str = "") -> None:
        share = percent(count, report.rows_read) if count and name != "read" else ""
        grid.add_row(Text(name), Text(f"{count:,}", style), Text(share, "dim"), Text(note, "yellow"))

    add("read", report.rows_read, "bold")
    add("sendable", report.rows_sendable, "bold")
    if not report.dry_run:
        failed = report.rows_import_failed
        add("  sent", report.rows_sent, "bold green", f"{failed:,} in imports that ended badly" if failed else "")
    # Nobody is pending of a run that never began, or cannot be resumed.
    pending = "  pending" if report.resumable or report.running else "  not sent"
    optional = (
        ("  different", report.rows_different or 0, "bold"),
        ("  as they are", report.rows_same or 0, ""),
        ("  not in Listrak", report.not_in_listrak or 0, "bold yellow"),
        ("  refused", report.rows_refused, "bold red"),
        (pending, 0 if report.dry_run else report.rows_pending, "bold yellow"),
        ("unchanged", report.rows_unchanged, ""),
        ("beyond limit", report.rows_beyond_limit, ""),
    )
    for name, count, style in optional:
        if count:
            add(name, count, style)
    add("dropped", report.rows_dropped, "bold yellow" if report.rows_dropped else "bold")
    for reason, count in report.dropped.items():
        if count:
            add(f"  {reason}", count, "", "█" * max(1, round(_BAR * count / most)) if bars else "")
    return grid


def _listed(items: list[str]) -> Text:
    more = f", and {len(items) - _COLUMNS_SHOWN} more" if len(items) > _COLUMNS_SHOWN else ""
    return Text(", ".join(items[:_COLUMNS_SHOWN]) + more, "dim")


def _hanging(rows: Sequence[tuple[str, Text]], style: str = "") -> Table:
    """Words, and beside each a text that stays beside it when it is wrapped."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style=style)
    grid.add_column()
    for name, text in rows:
        grid.add_row(name, text)
    return grid


def _imports(report: Report, console: Console) -> RenderableType:
    heads = ("part", "file", "members", "size", "import id", "state")
    shown = report.imports if len(report.imports) <= _IMPORTS_SHOWN + 1 else report.imports[:_IMPORTS_SHOWN]
    rows = [
        [
            f"{line.part}",
            printable(line.file_name),
            f"{line.rows:,}",
            size(line.bytes),
            printable(line.import_file_id or "-"),
            printable(line.status) + (" (perhaps twice)" if line.maybe_repeated else ""),
        ]
        for line in shown
    ]
    things = Table.grid()
    things.add_row(columns(heads, rows, console))
    if rest := report.imports[len(shown) :]:
        words = {line.status for line in rest}
        states = f"all {printable(words.pop(), 24)}" if len(words) == 1 else by_count(line.status for line in rest)
        things.add_row(Text(f"… and {len(rest):,} more, {states}", "dim"))
    if (groups := len({line.columns for line in report.imports})) > 1:
        things.add_row(Text(f"in {groups} groups, by the columns that members fill (--empty-cells keep)", "dim"))
    return things


def _words(report: Report, paced: bool) -> Text:
    """How it ended, in words."""
    text = Text()
    if report.sandbox is not None and report.rows_sent and not report.rows_import_failed:
        updated, unknown = report.sandbox.contacts_updated, report.sandbox.dropped_silently
        others = ""
        if missing := report.dropped["not_in_listrak"]:
            others = f" and reported {members(missing)} it does not know"
        elif unknown:
            others = f" and silently dropped {members(unknown)} it does not know, as Listrak does"
        text.append(f"The sandbox updated {many(updated, 'contact')}{others}. Nothing left this machine.\n")
    if paced and report.rows_read and report.seconds > 0:
        pace = rate(report.rows_read, report.seconds)
        text.append(f"{members(report.rows_read)} in {duration(report.seconds)} ({pace}).\n", "dim")
    if report.canary is not None:
        text.append(f"{_canary(report.canary)}\n")
    if report.verify is not None:
        text.append(f"{_verified(report.verify)}\n")
    if report.rejects is not None:
        label = "Dropped members, with reasons" if report.rows_dropped else "No member was dropped; an empty list"
        text.append(f"{label}: {printable(report.rejects)}\n")
    if report.members is not None:
        text.append(f"Members that did not arrive, by row: {printable(report.members)}\n")
    style = "bold red" if report.exit_code in (1, 2, 4) else "bold yellow" if report.exit_code else "bold green"
    text.append(_ending(report), style)
    if further := _what_next(report):
        text.append(f"\n{further}")
    return text


def _canary(canary: CanaryResult) -> str:
    line = f"Canary: {members(canary.rows)}, drawn with --canary-seed {canary.seed}"
    if canary.matching or canary.different:
        line += f"; {canary.matching:,} hold what was sent"
    if canary.different:
        fields = ", ".join(f"{printable(name, 24)} {count:,}" for name, count in canary.fields.items() if count)
        line += f"; {canary.different:,} differ{f' ({fields})' if fields else ''}"
    if canary.undo and canary.rows:
        line += f"; what was stored before: {printable(canary.undo)}"
    return f"{line}."


def _verified(result: Verification) -> str:
    line = f"Read back: {result.matching:,} of {members(result.checked)} match"
    if result.different:
        fields = ", ".join(f"{printable(name, 24)} {count:,}" for name, count in result.fields.items() if count)
        line += f"; {result.different:,} differ ({fields})"
    if result.not_in_listrak:
        line += f"; {result.not_in_listrak:,} are not in Listrak"
    if result.opted_out:
        differ = f", {result.opted_out_different:,} of those differ" if result.opted_out_different else ""
        line += f"; {result.opted_out:,} opted out{differ}"
    return f"{line}."


def _ending(report: Report) -> str:
    sendable, sent = report.rows_sendable, report.rows_sent
    if report.dry_run:
        return _ending_of_rehearsal(report)
    if not sendable:
        return "Nothing was sent: nothing is to be changed." if report.rows_unchanged else "There was nothing to send."
    if report.running:
        line = f"The run is at work: {sent:,} of {members(sendable)} sent so far"
    elif not sent:
        line = f"None of the {sendable:,} sendable members was sent" if sendable > 1 else "The member was not sent"
    elif sent == sendable:
        line = f"All {sendable:,} sendable members were sent" if sendable > 1 else "The one sendable member was sent"
    else:
        line = f"{sent:,} of {sendable:,} sendable members were sent"
    if report.rows_refused:
        line += f"; {report.rows_refused:,} refused by Listrak"
    if report.rows_pending and sent + report.rows_refused and not report.running:
        line += f"; {report.rows_pending:,} {'pending' if report.resumable else 'not sent'}"
    if report.rows_import_failed:
        line += f"; {report.rows_import_failed:,} of them in imports that ended badly"
    if words := [line.status for line in report.imports if line.import_file_id]:
        states = printable(words[0], 24) if len(set(words)) == 1 else by_count(words)
        line += f"; {many(len(words), 'import')}: {states}"
    return f"{line}."


def _ending_of_rehearsal(report: Report) -> str:
    sendable = members(report.rows_sendable)
    if report.rows_different is not None:
        return f"Nothing was sent. A push would change {report.rows_different:,} of {sendable}."
    return f"Dry run: nothing was sent{f'; {sendable} would be' if not report.exit_code else ''}."


def _what_next(report: Report) -> str:
    """The command to type next, where there is one: none after a run that was not recorded."""
    if report.sandbox is not None and report.command:
        return f"Next, with your account: {printable(report.command)}"
    if report.running:
        return f"See how it goes on: lsms status {printable(report.run_id)}"
    if not report.resumable or (report.error is not None and report.error.code.startswith("canary_")):
        return ""  # the error says what there is to choose from
    if report.rows_refused or report.rows_pending or report.rows_import_failed:
        return f"Go on with: lsms resume {printable(report.run_id)}"
    return f"See how the imports end: lsms status {printable(report.run_id)} --wait"
