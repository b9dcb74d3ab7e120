"""`lsms runs`, `health`, `status`, `resume`: what was pushed, how it stands, and going on with it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from msgspec import to_builtins

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output

if TYPE_CHECKING:
    from listrak_sms_cli.runs.record import StoredRun


def runs(given: Given) -> None:
    """List the runs of this state folder, the newest first.

    With --audience-name those of one audience, and a chart of its members and of how much of each column was filled.

    Example: lsms runs --prune 90
    """
    from listrak_sms_cli.display import duration
    from listrak_sms_cli.runs import trend_of
    from listrak_sms_cli.runs.record import RunStore

    store = RunStore(given.settings().state_dir)
    pruned = store.prune(given["prune"]) if given["prune"] is not None else None
    name = given["audience_name"]
    listed = store.listed() if name is None else store.runs_of(name)
    rows = [_damaged(run) if isinstance(run, str) else _row(run) for run in listed]
    keys = ("run_id", "started", "seconds", "audience", "sender_code", "sendable", "sent", "state")
    written: dict[str, Any] = {
        "started": _moment,
        "seconds": duration,
        **dict.fromkeys(("sendable", "sent"), "{:,}".format),
    }
    more: dict[str, Any] = {"pruned": pruned.removed if pruned else [], "kept": pruned.kept if pruned else []}
    trends = [] if name is None else trend_of(store, name)
    if name is not None:
        more["trends"] = to_builtins(trends)
    output.listing("runs", "Runs", keys, rows, written=written, **more)
    if trends and not output.json:
        from listrak_sms_cli import display

        with output.writing():
            display.draw_trends(trends, output.console())
            sys.stdout.flush()
    if pruned and pruned.kept and not output.json:
        typer.echo(f"Not forgotten, as members or imports of them are pending: {', '.join(pruned.kept)}.", err=True)


def _row(run: StoredRun) -> tuple[Any, ...]:
    from listrak_sms_cli.runs.record import PartStatus

    started, state = run.state.started, run.state
    word = "running" if run.is_running else state.summary
    sent = state.rows[PartStatus.ACCEPTED]
    began, target = started.began or started.at, started.target
    return (run.run_id, began, run.seconds, started.audience, target.sender_code, state.sendable, sent, word)


def _damaged(run_id: str) -> tuple[Any, ...]:
    return (run_id, *[None] * 6, "damaged journal")


def _moment(iso: str) -> str:
    """Local time."""
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"


def health(given: Given) -> int:
    """Is there a push that ended well and is not too old? Exit 0 or 1, for monitoring.

    Also one whose imports were seen to end later, by status or by the next push.

    Example: lsms health --sender-code 1026 --max-age 26h
    """
    from listrak_sms_cli.display import duration
    from listrak_sms_cli.runs import health_of

    settings = given.settings()
    health = health_of(settings, given["audience_name"], given["max_age"])
    code = 0 if health.ok else 1
    if health.age_seconds is None:
        line = "No push has ended well."
    else:
        line = f"The last good push was run {health.run_id}, {duration(health.age_seconds)} ago."
        line += "" if health.ok else " That is longer ago than --max-age allows."
    if output.json:
        error = None if health.ok else {"code": "no_good_push", "message": line, "hint": "`lsms runs` lists the runs."}
        output.document({**to_builtins(health), "exit_code": code, "error": error})
    elif not (output.quiet and health.ok):
        output.line(line)
    return code


def status(given: Given) -> None:
    """How a run stands: asks Listrak about its imports.

    Example: lsms status --wait
    """
    settings = given.settings()
    members = Path(given["members"]) if given["members"] else None
    with given.display() as tell:
        from listrak_sms_cli.runs import status_of, waiting

        report = status_of(settings, given["run"], tell, waiting=waiting(given.values), members=members)
    output.report(report)


def resume(given: Given) -> None:
    """Go on with an interrupted run: the same audience, the same options. What Listrak accepted is not sent again.

    Example: lsms resume
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.runs import ResumeOptions, resume_run

        options = ResumeOptions.of(given.values)
        report = resume_run(settings, given["run"], options, tell, given["audience"])
    output.report(report)
