"""The closing panel of a command: the verdict, then the numbers, warnings, notes, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from listrak_sms_cli.display.changes import changes_shown
from listrak_sms_cli.display.profile import columns_shown
from listrak_sms_cli.display.tables import columns, show
from listrak_sms_cli.display.verdict import next_step, sentences_of, tone_of
from listrak_sms_cli.display.words import by_count, duration, many, members, percent, printable, rate, size
from listrak_sms_cli.runs import NOTES, CanaryResult, Report

_IMPORTS_SHOWN, _COLUMNS_SHOWN, _NEEDED_SHOWN = 12, 24, 24
_ROOM_FOR_COUNTS = 44  # cells beside the bars
_SHORTEST_BAR, _LONGEST_BAR = 8, 40
_EIGHTHS = 8  # a bar is drawn in eighths of a cell
_TONES = {"good": "bold green", "doubtful": "bold yellow", "bad": "bold red"}


def summary(report: Report, console: Console, *, paced: bool = True) -> None:
    """Write the result of a command; `paced`: with its speed, for one that has just read members. On a terminal it
    fits 60 columns; elsewhere no line is wrapped and nothing is coloured. Raises BrokenPipeError when nobody reads."""
    warnings = [("!", each) for each in report.warnings if each.code not in NOTES]
    notes = [("note", each) for each in report.warnings if each.code in NOTES]
    things = [
        _verdict(report),
        changes_shown(report, console),
        columns_shown(report, console),
        _counts(report, console),
        _fields(report, console),
        _imports(report, console),
        _facts(report, paced),
        *(
            _hanging([(label, Text(f"{printable(each.message)} [{each.code}]")) for label, each in listed], style)
            for listed, style in ((warnings, "yellow"), (notes, "dim"))
            if listed
        ),
    ]
    for thing in (thing for thing in things if thing is not None):
        if console.is_terminal:
            show(console, Text())
        show(console, thing)
    _show_next(report, console)


def _verdict(report: Report) -> Text:
    first, *rest = sentences_of(report)
    return Text.assemble((first, _TONES[tone_of(report)]), *(f" {sentence}" for sentence in rest))


def _counts(report: Report, console: Console) -> Table | None:
    if not report.rows_read:
        return None
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left"):
        grid.add_column(justify="right" if justify == "right" else "left", no_wrap=True)
    room = min(_LONGEST_BAR, console.width - _ROOM_FOR_COUNTS)
    bars = console.is_terminal and room >= _SHORTEST_BAR

    def add(name: str, count: int, style: str = "") -> None:
        share = percent(count, report.rows_read) if count and name != "read" else ""
        cells: list[RenderableType] = [Text(name), Text(f"{count:,}", style), Text(share, "dim")]
        if bars:
            seen = max(count, report.rows_read / room / _EIGHTHS) if count else 0
            cells.append(Bar(report.rows_read, 0, seen, width=room, color=style.partition(" ")[2] or "default"))
        grid.add_row(*cells)

    for name, count, style in _figures(report):
        add(name, count, style)
    for reason, count in report.dropped.items():
        if count:
            add(f"  {reason}", count)
    return grid


def _figures(report: Report) -> Iterable[tuple[str, int, str]]:
    """The counts of members that are shown: name, count, style."""
    # Nobody is pending of a run that never began, or cannot be resumed.
    pending = "  pending" if report.resumable or report.running else "  not sent"
    always = ("read", "sendable", "dropped", *(() if report.dry_run else ("  sent",)))
    figures = (
        ("read", report.rows_read, "bold"),
        ("sendable", report.rows_sendable, "bold"),
        ("  sent", report.rows_sent, "bold green"),
        ("    badly imported", report.rows_import_failed, "bold red"),
        ("  different", report.rows_different or 0, "bold"),
        ("  as they are", report.rows_same or 0, ""),
        ("  not in Listrak", report.not_in_listrak or 0, "bold yellow"),
        ("  refused", report.rows_refused, "bold red"),
        (pending, 0 if report.dry_run else report.rows_pending, "bold yellow"),
        ("unchanged", report.rows_unchanged, ""),
        ("beyond limit", report.rows_beyond_limit, ""),
        ("dropped", report.rows_dropped, "bold yellow" if report.rows_dropped else "bold"),
    )
    return [figure for figure in figures if figure[1] or figure[0] in always]


def _fields(report: Report, console: Console) -> Table | None:
    """Which column goes to which profile field, where no profile of the columns says it."""
    # A column without an id was not looked up, unless it was sent: contact by contact the system fields need none.
    known = [column for column in report.columns if column.field_id or report.rows_sent]
    named = {
        "columns": [
            f"{printable(column.column, 30)} → {printable(column.field, 30)}{' (guessed)' if column.guessed else ''}"
            for column in known
        ],
        "left out": [printable(name, 30) for name in report.skipped_columns],
    }
    if not any(named.values()) or report.profile is not None:
        return None
    room = console.width - cell_len("left out  ") if console.is_terminal else 0
    return _hanging([(f"{name} ", _listed(items, room)) for name, items in named.items() if items])


def _listed(items: list[str], room: int) -> Text:
    """The items, as many in a line of `room` cells as fit whole; 0 = all in one."""
    if more := items[_COLUMNS_SHOWN:]:
        items = [*items[:_COLUMNS_SHOWN], f"and {len(more)} more"]
    lines = [""]
    for place, item in enumerate(items):
        word = f"{item}," if place < len(items) - 1 else item
        if lines[-1] and room and cell_len(f"{lines[-1]} {word}") > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return Text("\n".join(lines), "dim")


def _hanging(rows: Sequence[tuple[str, Text]], style: str = "") -> Table:
    """Words, and beside each a text that stays beside it when it is wrapped."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style=style)
    grid.add_column()
    for name, text in rows:
        grid.add_row(name, text)
    return grid


def _imports(report: Report, console: Console) -> Group | None:
    if not report.imports or report.dry_run:
        return None
    heads = ("file", "members", "size", "import id", "state")
    shown = report.imports if len(report.imports) <= _IMPORTS_SHOWN + 1 else report.imports[:_IMPORTS_SHOWN]
    rows = [
        [
            printable(line.file_name),
            f"{line.rows:,}",
            size(line.bytes),
            printable(line.import_file_id or "-"),
            printable(line.status) + (" (perhaps twice)" if line.maybe_repeated else ""),
        ]
        for line in shown
    ]
    things = [columns(heads, rows, console, whole=("file", "import id"))]
    if rest := report.imports[len(shown) :]:
        words = {line.status for line in rest}
        states = f"all {printable(words.pop(), 24)}" if len(words) == 1 else by_count(line.status for line in rest)
        things.append(Text(f"… and {len(rest):,} more, {states}", "dim"))
    if (groups := len({line.columns for line in report.imports})) > 1:
        things.append(Text(f"in {groups} groups, by the columns that members fill (--empty-cells keep)", "dim"))
    return Group(*things)


def _facts(report: Report, paced: bool) -> Text | None:
    """What else is to be known of a command that has ended well or not."""
    lines: list[str] = []
    if report.sandbox is not None and report.rows_sent and not report.rows_import_failed:
        updated, unknown = report.sandbox.contacts_updated, report.sandbox.dropped_silently
        others = ""
        if missing := report.dropped["not_in_listrak"]:
            others = f" and reported {members(missing)} it does not know"
        elif unknown:
            others = f" and silently dropped {members(unknown)} it does not know, as Listrak does"
        lines.append(f"The sandbox updated {many(updated, 'contact')}{others}. Nothing left this machine.")
    if report.canary is not None:
        lines.append(_canary(report.canary))
    if report.rejects is not None and not report.rows_dropped:
        lines.append(f"No member was dropped: {printable(report.rejects)} is an empty list.")
    if report.members is not None:
        lines.append(f"Members that did not arrive, by row: {printable(report.members)}")
    recorded = report.run_id and report.imports and not report.dry_run and report.sandbox is None
    run = f"Run {report.run_id}: " if recorded else ""
    if paced and report.rows_read and report.seconds > 0:
        pace = rate(report.rows_read, report.seconds)
        lines.append(f"{run}{members(report.rows_read)} in {duration(report.seconds)} ({pace}).")
    return Text("\n".join(lines), "dim") if lines else None


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


def _show_next(report: Report, console: Console) -> None:
    """A command is not wrapped, for it is there to be copied; where it does not fit beside its words it stands below
    them."""
    things: list[Text] = []
    if needed := [printable(line.field or "") for line in report.profile or () if line.needs_field]:
        more = f" and {len(needed) - _NEEDED_SHOWN:,} more" if len(needed) > _NEEDED_SHOWN else ""
        names = ", ".join(needed[:_NEEDED_SHOWN]) + more
        things.append(Text(f"It needs profile fields named {names}: `lsms fields` lists those that the account has."))
    words, command = next_step(report) or ("", "")
    if not things and not command:
        return
    show(console, *([Text()] if console.is_terminal else []), *things)
    if command:
        below = console.is_terminal and cell_len(f"{words}: {command}") > console.width
        show(console, Text.assemble((f"{words}:", "bold"), "\n  " if below else " ", printable(command)), whole=True)
