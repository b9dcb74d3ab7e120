"""Warnings: what a person should know of a run that goes on all the same. `--no-warn` switches each off by its code."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from listrak_sms_cli.audience import CleaningRules, ColumnPlan, Verdict, dropped_by_reason
from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.audience.values import has_short_years
from listrak_sms_cli.runs.account import Account
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts
from listrak_sms_cli.runs.prepare.part import ForeignPhones
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.value_pass import Checked
from listrak_sms_cli.runs.record import RunState
from listrak_sms_cli.runs.report import RunWarning

MANY_DROPPED = 5.0  # percent of the members read
A_FEW = 5  # phones of other countries that nobody has to be told of
_SHAPES = 8  # of words, named in one warning
SHORT_ZIPS = 1.0  # percent of the members that are sent


def offline_warning(region: str) -> RunWarning:
    """Without an account less is checked. `region`: ISO 3166-1 alpha-2."""
    message = (
        f"Checked without the account: phones are read for region {region.upper()}; names, types and lengths of "
        "profile fields were not checked."
    )
    return RunWarning("offline", message)


def guess_notes(plan: ColumnPlan) -> list[RunWarning]:
    """Return a note about the columns whose names are no field's, and what they were taken for."""
    guesses = [f"{plan.header[plan.phone]} → the phone"] if plan.phone_guessed else []
    guesses += [f"{column.name} → {column.field.name}" for column in plan.columns if column.guessed]
    if not guesses:
        return []
    message = (
        f"Ordinary names were taken for what they mean: {', '.join(guesses)}. --map COLUMN=FIELD says otherwise, "
        "--exact-names switches this off."
    )
    return [RunWarning("guessed_columns", message)]


def email_warnings(plan: ColumnPlan, account: Account) -> list[RunWarning]:
    """Return a warning where e-mail addresses are sent to a sender code that is tied to an e-mail list."""
    emails = [column.name for column in plan.columns if column.field.name.casefold() == "email address"]
    if not emails or not account.email_list:
        return []
    message = (
        f"Email Address is updated, and sender code {account.sender_code} is tied to the e-mail list "
        f"{account.email_list}; whether an import touches that list is not published. To leave it as it is: "
        f"{shlex.join(['--skip-column', *emails])}"
    )
    return [RunWarning("email_address", message, tuple(emails))]


def value_warnings(columns: ColumnCounts, planned: PlannedAudience, sent: int) -> list[RunWarning]:
    """Return warnings about the values of the `sent` members: counts by column, never values."""
    rules = planned.rules
    warnings: list[RunWarning] = []
    if (empty := _by_column(columns.empty)) and not rules.keep_empty:
        message = (
            f"Empty cells are sent as empty values; whether Listrak then clears the field is unknown: {empty}. "
            "--empty-cells keep sends none."
        )
        warnings.append(RunWarning("empty_cells", message, _columns(columns.empty)))
    if cleaned := _by_column(columns.cleaned):
        message = (
            f"Values were cleaned (line breaks, control characters, decimals, times of day): {cleaned}. If that is not "
            "right, correct them where the audience is made."
        )
        warnings.append(RunWarning("values_cleaned", message, _columns(columns.cleaned)))
    if blanked := _by_column(columns.blanked):
        how = "not sent, the stored values stay" if rules.keep_empty else "sent empty"
        message = (
            f"Values that their field cannot hold are {how}: {blanked}. `lsms fields` lists what fields hold; correct "
            "the values, or --on-bad-value drop."
        )
        warnings.append(RunWarning("values_blanked", message, _columns(columns.blanked)))
    few = SHORT_ZIPS * sent / 100
    zips = Counter({name: count for name, count in columns.short_zips.items() if count > few})
    if (short := _by_column(zips)) and rules.region == "US":
        message = (
            f"ZIPs have fewer than five digits: a spreadsheet has removed their leading zeros: {short}. Format the "
            "column as text and export again."
        )
        warnings.append(RunWarning("zip_zeros_lost", message, _columns(zips)))
    return warnings


def column_warnings(columns: ColumnCounts, planned: PlannedAudience) -> list[RunWarning]:
    """Return warnings about columns that hold something else than they seem to: counts, shapes and fixed words only."""
    warnings: list[RunWarning] = []
    if words := ", ".join(f"{name} {word} {count:,}" for (name, word), count in columns.null_words.most_common()):
        word = columns.null_words.most_common(1)[0][0][1]
        message = (
            f"Words that programs write for an empty cell or an error are sent as they stand: {words}. To leave them "
            f"empty: --null-value {shlex.quote(word)}"
        )
        warnings.append(RunWarning("null_words", message, tuple(dict.fromkeys(name for name, _ in columns.null_words))))
    padded = [name for name, every in columns.padded.items() if every]
    if padded:
        message = (
            f"Every value of {', '.join(padded)} begins or ends with a blank and is sent so. Take the blanks off "
            "where the audience is made (an export of fixed width?)."
        )
        warnings.append(RunWarning("padded_values", message, tuple(padded)))
    if any((future := _unlikely_future(columns, planned)).values()):
        message = (
            f"Dates are in the future: {_by_column(future)}. If years of two digits are not read as they are meant: "
            "--date-format FMT"
        )
        warnings.append(RunWarning("dates_in_future", message, _columns(future)))
    if columns.unknown_consents and planned.plan.consent is not None:
        name, total = planned.plan.header[planned.plan.consent], columns.unknown_consents.total()
        shapes = ", ".join(f"{shape} {count:,}" for shape, count in columns.unknown_consents.most_common(_SHAPES))
        message = (
            f"{total:,} values of the consent column {name} are neither yes nor no, and count as no: {shapes} (X and x "
            "for letters, 9 for digits). Words for yes: true, yes, y, on, 1, t."
        )
        warnings.append(RunWarning("unknown_consent", message, (name,)))
    return warnings


def _unlikely_future(columns: ColumnCounts, planned: PlannedAudience) -> Counter[str]:
    """The dates in the future by column; not of a column that is about the future, as most of its dates show."""
    date_format = planned.rules.date_format
    if date_format is not None and has_short_years(date_format):
        return columns.future
    return Counter({name: count for name, count in columns.future.items() if 2 * count <= columns.dates[name]})


def foreign_warnings(foreign: ForeignPhones, rules: CleaningRules) -> list[RunWarning]:
    """Return warnings about phones that are sent and are not of the sender code's country."""
    warnings: list[RunWarning] = []
    if foreign.count > A_FEW:
        by_country = ", ".join(f"{country} {count:,}" for country, count in foreign.by_country.most_common())
        message = (
            f"{foreign.count:,} phones are of another country than the sender code ({rules.country}): {by_country}. A "
            "plus before national digits makes such phones: if nobody lives there, correct them where the audience is "
            "made."
        )
        warnings.append(RunWarning("foreign_phones", message))
    if rules.phone_format is PhoneFormat.DIGITS and (alike := foreign.read_at_home):
        message = (
            f"{alike:,} phones of other countries would be phones of {rules.country} without their plus: "
            f"{'it is' if alike == 1 else 'they are'} sent with it (+…). If they are phones of {rules.country}, take "
            "the plus off."
        )
        warnings.append(RunWarning("plus_kept", message))
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
        warnings.append(RunWarning("bad_values", message, _columns(checked.columns.unfit)))
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


def nothing_to_prove() -> RunWarning:
    """Of a push with a canary, where it has nothing to show."""
    message = "No canary: of the members that exist, none would change."
    return RunWarning("nothing_to_prove", message)


def nothing_left_notice(run_id: str) -> RunWarning:
    """The run to resume has ended well."""
    return RunWarning("nothing_to_resume", f"Run {run_id} ended well: there is nothing to resume.")


def unknown_run_notice(run_id: str) -> RunWarning:
    """The run that a rejects file is of is not in the state folder."""
    message = (
        f"Run {run_id}, of which these are the rejects, is not known here (another machine, a dry run or validate, or "
        "forgotten): whether a newer push of its audience has ended well cannot be told."
    )
    return RunWarning("unknown_run", message)


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
            "about: how it ends, Listrak alone shows."
        )
        warnings.append(RunWarning("import_untraceable", message))
    if words := sorted({part.word for part in state.leaves if part.new_word}):
        message = (
            f"Listrak ended imports with a status that lsms does not know: {', '.join(words)}. Look in Listrak whether "
            "they ended well."
        )
        warnings.append(RunWarning("new_import_word", message))
    return warnings


def _columns(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(column for column, count in counts.items() if count)


def _by_column(counts: Counter[str]) -> str:
    return ", ".join(f"{column} {count:,}" for column, count in counts.most_common() if count)
