"""`lsms runs`, `lsms status`, `lsms resume`: what was pushed, how it stands, and going on with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output

if TYPE_CHECKING:
    from listrak_sms_cli.runs.record import StoredRun


def runs(given: Given) -> None:
    """List the runs of this state folder, the newest first.

    Example: lsms runs --prune 90
    """
    from listrak_sms_cli.runs.record import RunStore

    store = RunStore(given.settings().state_dir)
    pruned = store.prune(given["prune"]) if given["prune"] is not None else None
    rows = [_damaged(run) if isinstance(run, str) else _row(run) for run in store.listed()]
    keys = ("run_id", "started", "audience", "sender_code", "sendable", "sent", "state")
    more = {"pruned": pruned.removed if pruned else [], "kept": pruned.kept if pruned else []}
    output.listing("runs", "Runs", keys, rows, frozenset({"started"}), **more)
    if pruned and pruned.kept and not output.json:
        typer.echo(f"Not forgotten, as members or imports of them are pending: {', '.join(pruned.kept)}.", err=True)


def _row(run: StoredRun) -> tuple[Any, ...]:
    from listrak_sms_cli.runs.record import PartStatus

    started, state = run.state.started, run.state
    word = "running" if run.is_running else state.summary
    sent = state.rows[PartStatus.ACCEPTED]
    return (run.run_id, started.at, started.audience, started.target.sender_code, state.sendable, sent, word)


def _damaged(run_id: str) -> tuple[Any, ...]:
    return (run_id, None, None, None, None, None, "damaged journal")


def status(given: Given) -> None:
    """How a run stands: asks Listrak about its imports.

    Example: lsms status --wait
    """
    from listrak_sms_cli.runs import status_of, waiting

    settings = given.settings()
    members = Path(given["members"]) if given["members"] else None
    with given.display() as tell:
        report = status_of(settings, given["run"], tell, waiting=waiting(given.values), members=members)
    output.report(report)


def resume(given: Given) -> None:
    """Go on with an interrupted run: the same audience, the same options. What Listrak accepted is not sent again.

    Example: lsms resume
    """
    from listrak_sms_cli.runs import ResumeOptions, resume_run, waiting

    settings = given.settings()
    options = ResumeOptions(
        given["audience"], given["anyway"], given["skip_canary"], given["concurrency"], waiting(given.values)
    )
    with given.display() as tell:
        report = resume_run(settings, given["run"], options, tell)
    output.report(report)
