"""What a push would change, column by column, as `plan` has found it."""

from __future__ import annotations

from rich.console import Console, Group
from rich.text import Text

from listrak_sms_cli.display.tables import columns
from listrak_sms_cli.display.words import many, printable
from listrak_sms_cli.runs import ColumnChanges, Report

_HEADS = ("column", "set", "changed", "emptied", "as they are", "commonest changes")
_WIDEST = 24  # cells of one side of a change
_KINDS = 3  # of changes that are shown


def changes_shown(report: Report, console: Console) -> Group | None:
    """What a plan would change, a line for each column, and what would be emptied, in words."""
    if report.changes is None:
        return None
    rows = [
        [printable(c.column), *(f"{count:,}" for count in (c.set, c.changed, c.emptied, c.same)), _commonest(c)]
        for c in report.changes
    ]
    return Group(columns(_HEADS, rows, console, whole=_HEADS[:1], styles={"emptied": "bold red"}), *_emptied(report))


def _commonest(changes: ColumnChanges) -> str:
    return ", ".join(
        f"{printable(kind.stored, _WIDEST) or 'nothing'} → {printable(kind.new, _WIDEST) or 'nothing'} {kind.members:,}"
        for kind in changes.commonest[:_KINDS]
    )


def _emptied(report: Report) -> list[Text]:
    """The number that people fear, in words."""
    emptied = {change.column: change.emptied for change in report.changes or () if change.emptied}
    if not emptied:
        return [Text("Nothing that is stored would be emptied.", "green")]
    by_column = ", ".join(f"{printable(name)} {count:,}" for name, count in emptied.items())
    total = many(sum(emptied.values()), "stored value")
    advice = "--empty-cells keep leaves them as they are"
    return [Text(f"{total} would be emptied: {by_column}. {advice}.", "bold red")]
