"""From an audience to a job: the profile field of each column, proposed, and asked about where it is not clear."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.audience import column_key
from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.questions import agree, ask
from listrak_sms_cli.cli.save_job import save_as_job
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.settings import Settings

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Report

_LEAVE_OUT = "-"


def propose(given: Given, settings: Settings, asks: bool, without: Collection[str]) -> dict[str, Any]:
    """Find the fields of the columns, and write the job that --save-job (or an answer) names, without some options.
    Return what --json shows. Raises LsmsError, for columns without a field with the options that settle them."""
    report = _validated(given, settings, asks)
    if not given["json"]:
        _show(report)
    name = given["save_job"]
    if name is None and asks:
        stem = Path(given["audience"]).name.partition(".")[0]
        name = ask(f"Name of the job ({_LEAVE_OUT}: none)", stem or None)
        given.answer("save_job", name)
    shown: dict[str, Any] = {
        "columns": [{"column": c.column, "field": c.field, "field_id": c.field_id} for c in report.columns],
        "skipped_columns": list(report.skipped_columns),
        "rows_read": report.rows_read,
        "rows_sendable": report.rows_sendable,
        "job": None,
    }
    if name is not None and name != _LEAVE_OUT:
        shown["command"] = f"{save_as_job(given, report, without)} --dry-run"
        shown["job"] = name
        if not given["json"]:
            output.checks([(True, "job", f"{name} in {given['job_file'] or 'lsms.toml'}", "")])
    return shown


def _validated(given: Given, settings: Settings, asks: bool) -> Report:
    from listrak_sms_cli.display import choose
    from listrak_sms_cli.runs import connect, reading_options, validate_audience

    fields: dict[str, str] = {}
    while True:
        try:
            with choose(json=given["json"], quiet=not asks, stream=sys.stderr) as tell:
                return validate_audience(given["audience"], settings, reading_options(given.values), tell)
        except LsmsError as error:
            if not asks or not error.settled_by:
                raise
            settled_by = error.settled_by
            output.hint(error.message)
        if not fields:
            with connect(settings) as client:
                listed = client.profile_fields(settings.require_sender_code())
            fields = {key: f.name for f in listed if f.active for key in (column_key(f.name), str(f.id))}
        _ask_about(given, settled_by, fields)


def _ask_about(given: Given, settled_by: Collection[tuple[str, str]], fields: dict[str, str]) -> None:
    """The field of each column that has none; a proposal is an Enter away."""
    mapping, skipped = dict(given["map"]), list(given["skip_column"])
    for option, value in settled_by:
        if option == "consent_column" and agree(f"Send only members who say yes in {value}?", default=True):
            given.answer("consent_column", value)
            continue
        column, _, proposed = value.rpartition("=") if option == "map" else (value, "", _LEAVE_OUT)
        while True:
            answer = ask(f"Field of {column} ({_LEAVE_OUT}: leave it out)", proposed)
            if answer == _LEAVE_OUT or column_key(answer) in fields:
                break
            output.hint(f"The account has: {', '.join(dict.fromkeys(fields.values()))}.")
        mapping.pop(column, None)
        if answer == _LEAVE_OUT:
            skipped.append(column)
        else:
            mapping[column] = fields[column_key(answer)]
    given.answer("map", mapping)
    given.answer("skip_column", tuple(skipped))


def _show(report: Report) -> None:
    """Each column with its field."""
    guessed = {True: "an ordinary name for it", False: ""}
    lines: list[tuple[bool | None, str, str, str]] = [
        (True, "" if n else "columns", f"{column.column} → {column.field}", guessed[column.guessed])
        for n, column in enumerate(report.columns)
    ]
    lines += [(None, "", f"{name} is left out", "") for name in report.skipped_columns]
    members = f"{report.rows_sendable:,} of {report.rows_read:,} could be sent"
    output.checks([*lines, (True, "members", members, "")])
