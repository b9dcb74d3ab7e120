"""Warnings: what a person should know of a run that goes on all the same. `--no-warn` switches each off by its code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from listrak_sms_cli.audience import Verdict, dropped_by_reason
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.value_pass import Checked
from listrak_sms_cli.runs.record import RunState
from listrak_sms_cli.runs.report import RunWarning

MANY_DROPPED = 5.0  # percent of the members read
SHORT_ZIPS = 1.0  # percent of the members that are sent


def offline_warning(region: str) -> RunWarning:
    """Without an account less is checked. `region`: ISO 3166-1 alpha-2."""
    message = (
        f"Checked without the account: phones are read for region {region.upper()}; names, types and lengths of "
        "profile fields were not checked."
    )
    return RunWarning("offline", message)


def value_warnings(columns: ColumnCounts, planned: PlannedAudience, sent: int) -> list[RunWarning]:
    """Return warnings about the values of the `sent` members: counts by column, never values."""
    rules = planned.rules
    warnings: list[RunWarning] = []
    if (empty := _by_column(columns.empty)) and not rules.keep_empty:
        message = f"Empty cells are sent as empty values; whether Listrak then clears the field is unknown: {empty}."
        warnings.append(RunWarning("empty_cells", message))
    if cleaned := _by_column(columns.cleaned):
        message = f"Values were cleaned (line breaks, control characters, decimals, times of day): {cleaned}."
        warnings.append(RunWarning("values_cleaned", message))
    if blanked := _by_column(columns.blanked):
        how = "not sent, the stored values stay" if rules.keep_empty else "sent empty"
        warnings.append(RunWarning("values_blanked", f"Values that their field cannot hold are {how}: {blanked}."))
    few = SHORT_ZIPS * sent / 100
    short = _by_column(Counter({name: count for name, count in columns.short_zips.items() if count > few}))
    if short and rules.region == "US":
        message = f"ZIPs have fewer than five digits: a spreadsheet has removed their leading zeros: {short}."
        warnings.append(RunWarning("zip_zeros_lost", message))
    if any(column.field.name.casefold() == "email address" and column.field.id for column in planned.plan.columns):
        message = (
            "Email Address is updated. A sender code can be tied to an e-mail list; whether an import touches that "
            "list is not published."
        )
        warnings.append(RunWarning("email_address", message))
    return warnings


def drop_warnings(checked: Checked, rejects: str | None) -> list[RunWarning]:
    """Return warnings when a spreadsheet has damaged phones, when members are dropped for their values, and when many
    are dropped. `rejects`: the file that names them."""
    warnings: list[RunWarning] = []
    if damaged := checked.phones.exponents:
        phones = checked.read - checked.counts[Verdict.MISSING_PHONE]
        message = (
            f"{damaged:,} of {phones:,} phones {'was' if damaged == 1 else 'were'} damaged by a spreadsheet (as "
            "7.18E+10). Format the column as text and export again."
        )
        warnings.append(RunWarning("phones_in_exponent_form", message))
    if unfit := _by_column(checked.columns.unfit):
        who = f"{rejects or '--rejects FILE'} names them"
        message = f"Members are dropped for values that their field cannot hold: {unfit}; {who}."
        warnings.append(RunWarning("bad_values", message))
    if checked.dropped * 100 > MANY_DROPPED * checked.read:
        message = (
            f"{100 * checked.dropped / checked.read:.1f} % of the members are dropped "
            f"({_by_column(Counter(dropped_by_reason(checked.counts)))}); {rejects or '--rejects FILE'} names them."
        )
        warnings.append(RunWarning("many_dropped", message))
    return warnings


def single_member_warnings(files: list[ImportFile]) -> list[RunWarning]:
    """Return a warning about import files of one member, where there are others."""
    single = sum(file.rows == 1 for file in files)
    if not single or len(files) == 1:
        return []
    message = (
        f"{single} import file{'s hold' if single > 1 else ' holds'} a single member, because no other fills the same "
        "columns; Listrak may refuse a file of one member (--per-contact needs no files)."
    )
    return [RunWarning("lone_members", message)]


def state_notice(state_dir: Path) -> RunWarning:
    """The state folder cannot be written, so the run cannot be resumed."""
    message = (
        f"The state folder {state_dir} cannot be written: this run goes on, but it is not remembered and cannot be "
        "resumed. Name another folder with --state-dir."
    )
    return RunWarning("no_state", message)


def nothing_left_notice(run_id: str) -> RunWarning:
    """The run to resume has ended well."""
    return RunWarning("nothing_to_resume", f"Run {run_id} ended well: there is nothing to resume.")


def lost_notice() -> RunWarning:
    """The state folder could not be written any more."""
    message = "The state folder could no longer be written during the run; `lsms resume` may send a file twice."
    return RunWarning("state_lost", message)


def earlier_notice(runs: list[str]) -> RunWarning:
    """These runs had open imports when this one began to send."""
    message = f"Imports of earlier runs had not ended when this one began to send: {', '.join(runs)}."
    return RunWarning("earlier_imports", message)


def delivery_notices(state: RunState) -> list[RunWarning]:
    """Return warnings about the import files that were sent."""
    warnings: list[RunWarning] = []
    if repeated := [str(part.line.part) for part in state.leaves if part.maybe_repeated]:
        message = (
            f"Import file {', '.join(repeated)} may have arrived twice, because a reply was lost. That does no harm: "
            "the same values are written twice."
        )
        warnings.append(RunWarning("maybe_repeated", message))
    if untraceable := [str(part.line.part) for part in state.leaves if part.is_untraceable]:
        message = (
            f"Listrak accepted import file {', '.join(untraceable)}, but gave its import an id that it cannot be asked "
            "about: how it ends is not known."
        )
        warnings.append(RunWarning("import_untraceable", message))
    if words := sorted({part.word for part in state.leaves if part.new_word}):
        message = f"Listrak ended imports with a status that lsms does not know: {', '.join(words)}."
        warnings.append(RunWarning("new_import_word", message))
    return warnings


def _by_column(counts: Counter[str]) -> str:
    return ", ".join(f"{column} {count:,}" for column, count in counts.most_common() if count)
