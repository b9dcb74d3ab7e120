"""The profile that `validate` shows: a line for each column, and warnings about suspicious columns."""

from __future__ import annotations

from listrak_sms_cli.audience import SYSTEM_FIELDS, AudienceProfile, FieldKind, PlannedColumn, Verdict
from listrak_sms_cli.runs.prepare.drift import FEW, rows_looked_at
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.value_pass import Checked
from listrak_sms_cli.runs.record import ColumnFigures
from listrak_sms_cli.runs.report import ProfiledColumn, RunWarning

NEARLY_EMPTY = 5.0  # percent of cells that are filled
_NAMED = 12  # columns named in one warning


def profile_of(planned: PlannedAudience) -> AudienceProfile:
    """Return an empty profile of every column that can be read as text."""
    rules = planned.rules
    profile = AudienceProfile(planned.readable, rules.null_values, rules.region, rules.date_format)
    profile.leave_distinct_out(planned.plan.phone)  # duplicates are found anyway
    return profile


def profiled_columns(
    planned: PlannedAudience, checked: Checked, profile: AudienceProfile
) -> tuple[ProfiledColumn, ...]:
    """Return the lines, in the order of the columns."""
    sent = {column.index: column for column in planned.plan.columns}
    return tuple(
        _phone_line(planned, checked, profile)
        if index == planned.plan.phone
        else _line(planned, index, sent.get(index), profile, checked.read)
        for index in range(len(planned.plan.header))
    )


def profiled_figures(lines: tuple[ProfiledColumn, ...]) -> tuple[ColumnFigures, ...]:
    """Return what the columns that are sent hold, all of their cells looked at."""
    attributes = (line for line in lines if line.role == "attribute")
    return tuple(ColumnFigures(line.column, line.filled, line.filled, line.distinct) for line in attributes)


def suspicious_columns(figures: tuple[ColumnFigures, ...], rows: int) -> list[RunWarning]:
    """Return warnings about columns that look as if something had gone wrong when the audience was made."""
    warnings: list[RunWarning] = []
    columns = figures if rows >= FEW else ()
    # The cells of no column are looked at but these, when its field can hold all.
    whole = (rows, rows_looked_at(rows, len(columns)))
    same = (column for column in columns if column.filled == rows and column.distinct == 1)
    constant = {column.column: column.sampled for column in same if column.sampled in whole}
    if constant:
        looked_at = min(constant.values())
        which = f"all {rows:,}" if looked_at == rows else f"{looked_at:,} evenly spaced"
        message = (
            f"One value in {which} rows of {_named(list(constant))}: is it meant for every member? If not, look at how "
            "the audience is made."
        )
        warnings.append(RunWarning("one_value", message, tuple(constant)))
    empty = [column.column for column in columns if 100 * column.filled < NEARLY_EMPTY * rows]
    if empty:
        message = (
            f"Nearly empty, less than {NEARLY_EMPTY:.0f} % of the cells are filled: {_named(empty)}. --skip-column "
            "leaves one out."
        )
        warnings.append(RunWarning("nearly_empty", message, tuple(empty)))
    return warnings


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    return ", ".join(columns[:_NAMED]) + more


def _phone_line(planned: PlannedAudience, checked: Checked, profile: AudienceProfile) -> ProfiledColumn:
    counts, column = checked.counts, profile.columns[planned.plan.phone]
    problems = {
        "missing": counts[Verdict.MISSING_PHONE],
        "invalid": counts[Verdict.INVALID_PHONE],
        "exponent_form": checked.phones.exponents,
        "duplicate": counts[Verdict.DUPLICATE_PHONE],
    }
    return ProfiledColumn(
        column=planned.plan.header[planned.plan.phone],
        role="phone",
        rows=checked.read,
        filled=column.filled,
        distinct=checked.read - problems["missing"] - problems["invalid"] - problems["duplicate"],
        longest=column.longest,
        looks_like="phone",
        sample=column.sample,
        problems=problems,
        guessed=planned.plan.phone_guessed,
    )


def _line(
    planned: PlannedAudience, index: int, sent: PlannedColumn | None, profile: AudienceProfile, rows: int
) -> ProfiledColumn:
    name = planned.plan.header[index]
    role = "attribute" if sent else "consent" if index == planned.plan.consent else "skipped"
    column = profile.columns.get(index)
    if column is None:
        return ProfiledColumn(column=name, role=role, problems={}, rows=rows, readable=False)
    known = sent is not None and sent.field.id != 0
    looks_like = column.looks_like
    problems = {"bad": column.bad, "too_long": column.too_long, "cleaned": column.cleaned} if sent else {}
    # A ZIP is digits, but no number.
    if sent is not None and sent.holds_zips and looks_like is FieldKind.NUMBER:
        looks_like = FieldKind.TEXT
    elif not known:
        problems["unlike"] = column.unlike
    return ProfiledColumn(
        column=name,
        role=role,
        field=sent.field.name if sent else None,
        field_id=sent.field.id if sent else None,
        type=sent.field.kind.value if sent and known else None,
        max_length=sent.field.max_length if sent else None,
        rows=rows,
        filled=column.filled,
        distinct=column.distinct,
        distinct_is_exact=not column.capped,
        longest=column.longest,
        looks_like=looks_like.value.lower() if looks_like else None,
        sample=column.sample,
        problems=problems,
        guessed=sent is not None and sent.guessed,
        needs_field=sent is not None and not known and _is_own(sent.field.name),
    )


def _is_own(field: str) -> bool:
    """Whether a field that was not looked up is one of the account's own, by name."""
    return field not in SYSTEM_FIELDS.values() and not field.isdecimal()
