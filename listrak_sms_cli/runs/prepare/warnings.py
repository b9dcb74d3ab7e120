"""What a person should know of a run that went on all the same: warnings, each with a code `--no-warn` knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from listrak_sms_cli.audience import Verdict, dropped_by_reason
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts
from listrak_sms_cli.runs.prepare.two_passes import Job
from listrak_sms_cli.runs.record import RunState
from listrak_sms_cli.runs.report import RunWarning

MANY_DROPPED = 5.0  # percent of the members read
SHORT_ZIPS = 1.0  # percent of the members that travel


def offline_notice(region: str) -> RunWarning:
    message = (
        f"Checked without the account: phones are read for region {region.upper()}; names, types and lengths of "
        "profile fields were not checked."
    )
    return RunWarning("offline", message)


def column_notices(columns: ColumnCounts, job: Job, sent: int) -> list[RunWarning]:
    """About the values of the `sent` members that travel: counts by column, never values."""
    notices: list[RunWarning] = []
    rules = job.rules
    if (empty := _by_column(columns.empty)) and not rules.keep_empty:
        message = f"Empty cells travel as empty values; whether Listrak then clears the field is unknown: {empty}."
        notices.append(RunWarning("empty_cells", message))
    if cleaned := _by_column(columns.cleaned):
        message = f"Values were tidied on the way (line breaks, control characters, decimals): {cleaned}."
        notices.append(RunWarning("values_cleaned", message))
    if blanked := _by_column(columns.blanked):
        how = "are not sent, what is stored stays" if rules.keep_empty else "are sent empty"
        notices.append(RunWarning("values_blanked", f"Values their field cannot hold {how}: {blanked}."))
    few = SHORT_ZIPS * sent / 100
    short = Counter({name: count for name, count in columns.short_zips.items() if count > few})
    if short and rules.region == "US":
        message = f"ZIPs of fewer than five digits, a spreadsheet has taken their leading zeros: {_by_column(short)}."
        notices.append(RunWarning("zip_zeros_lost", message))
    if any(column.field.name.casefold() == "email address" and column.field.id for column in job.plan.columns):
        message = (
            "Email Address is updated. A sender code can be tied to an e-mail list; whether an import touches that "
            "list is not published."
        )
        notices.append(RunWarning("email_address", message))
    return notices


def drop_notices(counts: Mapping[Verdict, int], exponents: int, rejects: str | None) -> list[RunWarning]:
    """About members that stay at home: when they are many, and when a spreadsheet has eaten their phones.
    `rejects`: the file that names them."""
    notices: list[RunWarning] = []
    if exponents:
        message = (
            f"Phones in exponent form (as 7.18E+10): {exponents:,}. A spreadsheet has destroyed them. Format the "
            "column as text and export again."
        )
        notices.append(RunWarning("phones_in_exponent_form", message))
    dropped, read = dropped_by_reason(counts), sum(counts.values())
    if (many := sum(dropped.values())) * 100 > MANY_DROPPED * read:
        message = (
            f"{100 * many / read:.1f} % of the members are dropped ({_by_column(Counter(dropped))}); "
            f"{rejects or '--rejects FILE'} names them."
        )
        notices.append(RunWarning("many_dropped", message))
    return notices


def lone_notices(parts: list[ImportFile]) -> list[RunWarning]:
    """About import files of one member, beside others."""
    alone = sum(part.rows == 1 for part in parts)
    if not alone or len(parts) == 1:
        return []
    message = (
        f"{alone} import file{'s hold' if alone > 1 else ' holds'} one member alone, as nobody else fills the same "
        "columns; Listrak may refuse a file of one member (--per-contact needs no files)."
    )
    return [RunWarning("lone_members", message)]


def state_notice(state_dir: Path) -> RunWarning:
    message = (
        f"The state folder {state_dir} cannot be written: this run goes on, but it is not remembered and cannot be "
        "resumed. Name another folder with --state-dir."
    )
    return RunWarning("no_state", message)


def nothing_left_notice(run_id: str) -> RunWarning:
    return RunWarning("nothing_to_resume", f"Run {run_id} ended well: there is nothing to resume.")


def lost_notice() -> RunWarning:
    message = "The state folder could no longer be written during the run; `lsms resume` may send a file twice."
    return RunWarning("state_lost", message)


def earlier_notice(runs: list[str]) -> RunWarning:
    message = f"Imports of earlier runs had not ended when this one began to send: {', '.join(runs)}."
    return RunWarning("earlier_imports", message)


def delivery_notices(state: RunState) -> list[RunWarning]:
    """About the import files that went."""
    notices: list[RunWarning] = []
    if repeated := [str(part.line.part) for part in state.leaves if part.maybe_repeated]:
        message = (
            f"Import file {', '.join(repeated)} may have arrived twice: an answer was lost on the way. That does no "
            "harm, the same values are written twice."
        )
        notices.append(RunWarning("maybe_repeated", message))
    if words := sorted({part.word for part in state.leaves if part.new_word}):
        message = f"Listrak ended imports with a word that is new to lsms: {', '.join(words)}."
        notices.append(RunWarning("new_import_word", message))
    return notices


def _by_column(counts: Counter[str]) -> str:
    return ", ".join(f"{column} {count:,}" for column, count in counts.most_common() if count)
