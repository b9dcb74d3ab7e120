"""What a push would change, column by column, as `plan` has found it."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from listrak_sms_cli.display.tables import INDENT, columns
from listrak_sms_cli.display.words import many, printable
from listrak_sms_cli.runs import ColumnChanges, Report

_HEADS = ("column", "set", "changed", "emptied", "as they are", "commonest changes")
_WIDEST = 24  # cells of one side of a change
_KINDS = 3  # of changes that are shown


def changes_shown(report: Report, console: Console) -> Group | None:
    """What a plan would change, a line for each column, and what would be emptied, in words."""
    if report.changes is None:
        return None
    room = console.width - INDENT if console.is_terminal else 0
    rows = [
        [printable(c.column), *(f"{count:,}" for count in (c.set, c.changed, c.emptied, c.same)), _commonest(c, room)]
        for c in report.changes
    ]
    whole = (_HEADS[0], _HEADS[-1])
    return Group(columns(_HEADS, rows, console, whole=whole, styles={"emptied": "bold red"}), *_emptied(report))


def _commonest(changes: ColumnChanges, room: int) -> str:
    """The commonest changes, as many as fit whole in `room` cells; 0 = all that are shown."""
    line = ""
    for kind in changes.commonest[:_KINDS]:
        stored, new = (printable(value, _WIDEST) or "nothing" for value in (kind.stored, kind.new))
        longer = f"{line}{', ' if line else ''}{stored} → {new} {kind.members:,}"
        if room and cell_len(longer) > room:
            break
        line = longer
    return line


def _emptied(report: Report) -> list[Text]:
    """The number that people fear, in words."""
    emptied = {change.column: change.emptied for change in report.changes or () if change.emptied}
    if not emptied:
        return [Text("Nothing that is stored would be emptied.", "green")]
    by_column = ", ".join(f"{printable(name)} {count:,}" for name, count in emptied.items())
    total = many(sum(emptied.values()), "stored value")
    advice = "--empty-cells keep leaves them as they are"
    return [Text(f"{total} would be emptied: {by_column}. {advice}.", "bold red")]
