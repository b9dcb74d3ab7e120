"""How a command ended, in one sentence or a few: the first words of the HTML page, and of whoever shows a result."""

from __future__ import annotations

from listrak_sms_cli.display.words import many, members, printable
from listrak_sms_cli.runs import Report

_REASONS_SHOWN = 4
_NOT = {"Date": "not a date", "Number": "not a number", "Checkbox": "neither yes nor no"}
# What to do about each drop reason.
REMEDIES = {
    "missing_phone": "Fill the phone column, or leave these rows out of the export.",
    "invalid_phone": "Export the column as text and correct the phones. Phones of another country need their plus, or "
    "--region.",
    "duplicate_phone": "Nothing: one row of each phone counts, and --keep says which.",
    "no_consent": "Nothing, if they have not said yes. Words for yes: true, yes, y, on, 1, t.",
    "opted_out": "Nothing: they have opted out, and stay so.",
    "bad_value": "Correct the values, say how dates are written (--date-format), or send these members without them: "
    "--on-bad-value blank",
    "value_too_long": "Shorten the values (lsms fields lists the lengths), or send these members without them: "
    "--on-bad-value blank",
    "not_in_listrak": "Nothing: contacts subscribe themselves. lsms creates nobody.",
}


def verdict_of(report: Report) -> str:
    """The verdict on a run, a dry run, a `validate`, a `verify` or a plan: "368 of 400 sent. 32 dropped: 27 DOB not a
    date (see rejects.csv), 5 invalid phones." Names of columns in it are printable; it holds no member data."""
    return " ".join(sentences_of(report))


def sentences_of(report: Report) -> list[str]:
    """The same as sentences; the first is the shortest answer."""
    if report.error is not None and not report.rows_read:
        return [report.error.message]
    sentences = [_compared(report)] if report.verify is not None and not report.run_id else [_sent(report)]
    sentences += [
        f"{count:,} {words}."
        for count, words in (
            (report.rows_refused, "refused by Listrak"),
            (_left(report), "pending" if report.resumable or report.running else "not sent"),
            (report.rows_import_failed, "in imports that ended badly"),
            (report.rows_unchanged, "unchanged"),
            (report.rows_beyond_limit, "beyond the limit"),
        )
        if count
    ]
    if report.rows_dropped:
        sentences.append(f"{report.rows_dropped:,} dropped: {_reasons(report)}.")
    if report.canary is not None and report.canary.rows and not report.dry_run:
        sentences.append(f"Canary: {report.canary.matching:,} of {members(report.canary.rows)} hold what was sent.")
    if report.verify is not None and report.run_id:
        sentences.append(f"Read back: {_compared(report)}")
    return sentences


def tone_of(report: Report) -> str:
    """`good`, `doubtful` (something is left to do or to look at) or `bad`."""
    if report.exit_code in (1, 2, 4):
        return "bad"
    many_dropped = any(warning.code == "many_dropped" for warning in report.warnings)
    return "doubtful" if report.exit_code or report.running or many_dropped else "good"


def drop_reasons(report: Report) -> list[tuple[str, int]]:
    """The drop reasons that occur, with their counts, the most frequent first."""
    return sorted(((reason, count) for reason, count in report.dropped.items() if count), key=lambda item: -item[1])


def in_words(reason: str, count: int, report: Report) -> str:
    """So many members dropped for a reason: "5 invalid phones", "27 DOB not a date"."""
    many_words = {
        "missing_phone": f"{count:,} without a phone",
        "invalid_phone": many(count, "invalid phone"),
        "duplicate_phone": many(count, "duplicate phone"),
        "no_consent": f"{count:,} without consent",
        "opted_out": f"{count:,} opted out",
        "bad_value": many(count, "bad value"),
        "value_too_long": f"{count:,} with a value too long",
        "not_in_listrak": f"{count:,} not in Listrak",
    }
    columns = [column for column in report.columns if column.unfit]
    if reason == "bad_value" and columns:
        if len(columns) == 1 and columns[0].type in _NOT:
            return f"{count:,} {printable(columns[0].column, 30)} {_NOT[columns[0].type]}"
        names = ", ".join(f"{printable(column.column, 30)} {column.unfit:,}" for column in columns[:_REASONS_SHOWN])
        return f"{many_words[reason]} ({names})"
    return many_words.get(reason, f"{count:,} {reason}")


def _reasons(report: Report) -> str:
    words = [in_words(reason, count, report) for reason, count in drop_reasons(report)]
    if report.rejects is not None:
        words[0] += f" (see {printable(report.rejects)})"
    return ", ".join([*words[:_REASONS_SHOWN], *(["…"] if len(words) > _REASONS_SHOWN else [])])


def _sent(report: Report) -> str:
    changes = getattr(report, "rows_different", None)
    if report.dry_run and changes is not None:
        return f"{changes:,} of {members(report.rows_sendable)} would change. Nothing was sent."
    if report.dry_run or (report.exit_code in (2, 3) and not report.rows_sent):
        would = f"{report.rows_sendable:,} of {members(report.rows_read)} would be sent"
        return f"{would}; nothing was." if report.dry_run else f"Nothing was sent; {would}."
    so_far = " so far" if report.running else ""
    if report.rows_sent == report.rows_read and report.rows_sent > 1:
        return f"All {report.rows_sent:,} sent."
    return f"{report.rows_sent:,} of {report.rows_read:,} sent{so_far}."


def _left(report: Report) -> int:
    """Members that a run has left; of a command that sends nothing all are, which says nothing."""
    stopped = report.dry_run or not report.run_id or (report.exit_code in (2, 3) and not report.rows_sent)
    return 0 if stopped else report.rows_pending


def _compared(report: Report) -> str:
    found = report.verify
    assert found is not None
    if found.matching == found.checked:
        return f"All {members(found.checked)} checked match." if found.checked != 1 else "The member checked matches."
    words = [f"{found.matching:,} of {members(found.checked)} match"]
    if found.different:
        names = ", ".join(f"{printable(name, 30)} {count:,}" for name, count in found.fields.items() if count)
        words.append(
            f"{found.different:,} differ{'s' if found.different == 1 else ''}" + (f" ({names})" if names else "")
        )
    if found.not_in_listrak:
        words.append(f"{found.not_in_listrak:,} {'is' if found.not_in_listrak == 1 else 'are'} not in Listrak")
    return f"{', '.join(words)}."
