"""A report in a notebook: its verdict, counts and warnings as a few lines of HTML."""

from __future__ import annotations

from html import escape

from listrak_sms_cli.display.verdict import sentences_of
from listrak_sms_cli.display.words import percent, printable
from listrak_sms_cli.runs import NOTES, Report

_COUNTS = ("read", "sendable", "sent", "refused", "pending", "dropped", "unchanged", "beyond_limit", "import_failed")
_COMPARED = ("checked", "matching", "different", "not_in_listrak", "opted_out")


def snippet_of(report: Report) -> str:
    """The short HTML view of a report. No member data, and nothing that is not escaped."""
    first, *rest = (escape(printable(sentence)) for sentence in sentences_of(report))
    counts = {name: getattr(report, f"rows_{name}") for name in _COUNTS}
    if report.verify is not None and not report.run_id:  # nothing was to be sent
        counts = {"read": report.rows_read, **{name: getattr(report.verify, name) for name in _COMPARED}}
    rows = "".join(
        f'<tr><th style="text-align:left">{name}</th><td>{count:,}</td><td>{percent(count, report.rows_read)}</td></tr>'
        for name, count in ((name.replace("_", " "), count) for name, count in counts.items())
        if count
    )
    warnings = "".join(
        f"<li>{escape(printable(each.message))} <code>{escape(each.code)}</code></li>"
        for each in report.warnings
        if each.code not in NOTES
    )
    table, listed = (f"<table>{rows}</table>" if rows else ""), (f"<ul>{warnings}</ul>" if warnings else "")
    return f"<p><b>{first}</b> {' '.join(rest)}</p>{table}{listed}"
