"""From what was typed, and what was found of the columns, to a job in the job file."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.audience import column_key
from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.jobs import job_file, save_job
from listrak_sms_cli.options import Duration, Setting, job_options

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Report


def save_as_job(given: Given, report: Report, without: Collection[str] = ()) -> str:
    """Write the job that --save-job names: audience and options as typed or from --job, and the profile field of every
    column that is not called like it; `without`: options that are not. Return the push that does it. Raises
    SettingsError."""
    name, file = given["save_job"], job_file(given["job_file"])
    values: dict[str, Any] = {}
    for option in job_options().values():
        if option.name in without:
            continue
        is_duration = isinstance(option.kind, Duration)  # kept as it is written, with its unit
        if option.name in given.values and given.was_typed(option.name):
            value = given.context.params[option.name] if is_duration else given[option.name]
            values[option.name] = int(value) if isinstance(option.kind, Setting) and str(value).isdigit() else value
        elif given.job is not None and option.name in given.job.values:
            values[option.name] = (given.job.written if is_duration else given.job.values)[option.name]
    if mapping := _mapping(given["map"], report):
        values["map"] = mapping
    if given.job is not None and "expect" in given.job.written:
        values["expect"] = given.job.written["expect"]
    save_job(file, name, values)
    words = ["lsms", "push", "--job", name, *(["--job-file", str(file)] if given.was_typed("job_file") else [])]
    return shlex.join(words)


def _mapping(typed: dict[str, str], report: Report) -> dict[str, str]:
    keys = {column_key(column) for column in typed}
    found = {
        column.column: column.field
        for column in report.columns
        if column.field_id and column_key(column.column) not in keys | {column_key(column.field)}
    }
    return {**typed, **found}
