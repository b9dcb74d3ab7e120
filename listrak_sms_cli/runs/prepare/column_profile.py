"""What `validate` tells of a file: a line for each column, and warnings for what smells."""

from __future__ import annotations

from listrak_sms_cli.audience import AudienceProfile, FieldKind, PlannedColumn, Verdict, counted
from listrak_sms_cli.runs.prepare.phone_pass import Members
from listrak_sms_cli.runs.prepare.rejects import readable
from listrak_sms_cli.runs.prepare.two_passes import Job
from listrak_sms_cli.runs.report import ProfiledColumn, RunWarning

NEARLY_EMPTY = 5.0  # percent of cells that are filled
_FEW = 20  # members below which a share says nothing
_NAMED = 12  # columns named in one warning


def profile_of(job: Job) -> AudienceProfile:
    """An empty profile of every column of the audience that has text."""
    rules = job.rules
    profile = AudienceProfile(readable(job.audience), rules.null_values, rules.region, rules.date_format)
    profile.leave_distinct_out(job.plan.phone)  # duplicates are found anyway
    return profile


def profiled_columns(job: Job, members: Members, profile: AudienceProfile) -> tuple[ProfiledColumn, ...]:
    """The lines, in the order of the columns."""
    planned = {column.index: column for column in job.plan.columns}
    return tuple(
        _phone_line(job, members, profile)
        if index == job.plan.phone
        else _line(job, index, len(members.verdicts), planned.get(index), profile)
        for index in range(len(job.plan.header))
    )


def smells(lines: tuple[ProfiledColumn, ...], rows: int) -> list[RunWarning]:
    """Warnings about columns that look as if something had gone wrong on the way."""
    notices: list[RunWarning] = []
    attributes = [line for line in lines if line.role == "attribute"] if rows >= _FEW else []
    same = [line.column for line in attributes if line.filled == rows and line.distinct == 1]
    if same:
        message = f"One value in all {rows:,} rows of {_named(same)}: is that meant for every member?"
        notices.append(RunWarning("one_value", message))
    empty = [line.column for line in attributes if 100 * line.filled < NEARLY_EMPTY * rows]
    if empty:
        message = f"Nearly empty, less than {NEARLY_EMPTY:.0f} % of the cells are filled: {_named(empty)}."
        notices.append(RunWarning("nearly_empty", message))
    return notices


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    return ", ".join(columns[:_NAMED]) + more


def _phone_line(job: Job, members: Members, profile: AudienceProfile) -> ProfiledColumn:
    counts, seen = counted(members.verdicts), profile.columns[job.plan.phone]
    valid = len(members.verdicts) - counts[Verdict.MISSING_PHONE] - counts[Verdict.INVALID_PHONE]
    problems = {
        "missing": counts[Verdict.MISSING_PHONE],
        "invalid": counts[Verdict.INVALID_PHONE],
        "exponent_form": members.exponents,
        "duplicate": counts[Verdict.DUPLICATE_PHONE],
    }
    return ProfiledColumn(
        column=job.plan.header[job.plan.phone],
        role="phone",
        rows=len(members.verdicts),
        filled=seen.filled,
        distinct=valid - counts[Verdict.DUPLICATE_PHONE],
        longest=seen.longest,
        looks_like="phone",
        sample=seen.sample,
        problems=problems,
    )


def _line(job: Job, index: int, rows: int, planned: PlannedColumn | None, profile: AudienceProfile) -> ProfiledColumn:
    name = job.plan.header[index]
    role = "attribute" if planned else "consent" if index == job.plan.consent else "skipped"
    seen = profile.columns.get(index)
    if seen is None:
        return ProfiledColumn(column=name, role=role, problems={}, rows=rows, readable=False)
    known = planned is not None and planned.field.id != 0
    looks_like = seen.looks_like
    problems = {"bad": seen.bad, "too_long": seen.too_long, "cleaned": seen.cleaned} if planned else {}
    # A ZIP is digits, but no number.
    if planned is not None and planned.holds_zips and looks_like is FieldKind.NUMBER:
        looks_like = FieldKind.TEXT
    elif not known:
        problems["unlike"] = seen.unlike
    return ProfiledColumn(
        column=name,
        role=role,
        field=planned.field.name if planned else None,
        field_id=planned.field.id if planned else None,
        type=planned.field.kind.value if planned and known else None,
        max_length=planned.field.max_length if planned else None,
        rows=rows,
        filled=seen.filled,
        distinct=seen.distinct,
        distinct_is_exact=not seen.over,
        longest=seen.longest,
        looks_like=looks_like.value.lower() if looks_like else None,
        sample=seen.sample,
        problems=problems,
    )
