"""How a command ended, in one sentence or a few: the first words of the HTML page, and of whoever shows a result."""

from __future__ import annotations

from listrak_sms_cli.display.words import many, members, printable
from listrak_sms_cli.runs import MappedColumn, Report

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
            (_open(report), "in imports that have not ended"),
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
    words = many_words.get(reason, f"{count:,} {reason}")
    columns = sorted(_blamed(reason, report), key=lambda item: -item[1])
    if not columns:
        return words
    (first, _), *others = columns
    name = printable(first.column, 30)
    if reason == "bad_value" and not others and first.type in _NOT:
        return f"{count:,} {name} {_NOT[first.type]}"
    if not others:
        return f"{words} ({name})"
    named = [f"{printable(column.column, 30)} {unfit:,}" for column, unfit in columns]
    return f"{words} ({', '.join([*named[:_REASONS_SHOWN], *(['…'] if len(named) > _REASONS_SHOWN else [])])})"


def _blamed(reason: str, report: Report) -> list[tuple[MappedColumn, int]]:
    """The columns whose values members were dropped for, and how many values."""
    match reason:
        case "bad_value":
            found = [(column, column.unfit - column.too_long) for column in report.columns]
        case "value_too_long":
            found = [(column, column.too_long) for column in report.columns]
        case _:
            found = []
    return [(column, unfit) for column, unfit in found if unfit]


def _reasons(report: Report) -> str:
    reasons = drop_reasons(report)
    words = [in_words(reason, count, report) for reason, count in reasons]
    if report.rejects is not None:
        words[0] += f" (see {printable(report.rejects)})"
    others = sum(count for _, count in reasons[_REASONS_SHOWN:])
    return ", ".join([*words[:_REASONS_SHOWN], *([f"{others:,} for other reasons"] if others else [])])


def next_step(report: Report) -> tuple[str, str] | None:
    """What comes next, in words, and the command that does it; None where there is none, as after a run that was not
    recorded, or where the error of the report has named it."""
    if report.command:
        if report.changes is not None:
            return ("Do it with", report.command) if report.rows_different else None
        return ("Push it with" if report.profile is not None else "Next, with your account"), report.command
    if report.running:
        return "See how it goes on", f"lsms status {report.run_id}"
    error = report.error
    if error is not None and (report.run_id in error.hint or error.code.startswith("canary_")):
        return None  # the error says what there is to choose from
    if not report.resumable:
        return None
    if report.rows_refused or report.rows_pending or report.rows_import_failed:
        return "Go on with", f"lsms resume {report.run_id}"
    return "See how the imports end", f"lsms status {report.run_id} --wait"


def _sent(report: Report) -> str:
    changes, read = report.rows_different, members(report.rows_read)
    if report.dry_run and changes is not None:
        return f"{changes:,} of {members(report.rows_sendable)} would change. Nothing was sent."
    if not report.rows_read:
        return "There was nothing to send."
    if report.dry_run or (report.exit_code in (2, 3) and not report.rows_sent):
        would = f"{report.rows_sendable:,} of {read} would be sent"
        return f"{would}; nothing was." if report.dry_run else f"Nothing was sent; {would}."
    if report.running:
        return f"At work: {report.rows_sent:,} of {report.rows_read:,} sent so far."
    if report.rows_sent == report.rows_read > 1:
        return f"All {report.rows_sent:,} sent."
    if not report.rows_sendable and report.rows_unchanged:
        return "Nothing was sent: nothing is to be changed."
    return f"{report.rows_sent:,} of {report.rows_read:,} sent."


def _open(report: Report) -> int:
    """Members in imports that Listrak has, and that have not ended as far as is known."""
    return sum(line.rows for line in report.imports if line.import_file_id and not line.ended)


def _left(report: Report) -> int:
    """Members that a run has left; of a command that sends nothing all are, which says nothing."""
    stopped = report.dry_run or not report.run_id or (report.exit_code in (2, 3) and not report.rows_sent)
    return 0 if stopped else report.rows_pending


def _compared(report: Report) -> str:
    found = report.verify
    assert found is not None
    if found.matching == found.checked and not found.opted_out:
        return f"All {members(found.checked)} checked match." if found.checked != 1 else "The member checked matches."
    words = [f"{found.matching:,} of {members(found.checked)} match"]
    if found.different:
        names = ", ".join(f"{printable(name, 30)} {count:,}" for name, count in found.fields.items() if count)
        words.append(
            f"{found.different:,} differ{'s' if found.different == 1 else ''}" + (f" ({names})" if names else "")
        )
    if found.not_in_listrak:
        words.append(f"{found.not_in_listrak:,} {'is' if found.not_in_listrak == 1 else 'are'} not in Listrak")
    if found.opted_out:
        differ = f" ({found.opted_out_different:,} of those differ)" if found.opted_out_different else ""
        words.append(f"{found.opted_out:,} opted out{differ}")
    return f"{', '.join(words)}."
