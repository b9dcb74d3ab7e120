"""`lsms runs`, `lsms status`, `lsms resume`: what was pushed, how it stands, and going on with it."""

from __future__ import annotations

from typing import Any

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def runs(given: Given) -> None:
    """List the runs of this state folder, the newest first.

    Example: lsms runs --prune 90
    """
    from listrak_sms_cli.runs.record import PartStatus, Store, StoredRun

    store = Store(given.settings().state_dir)
    pruned = store.prune(given["prune"]) if given["prune"] is not None else []

    def row(run: StoredRun) -> tuple[Any, ...]:
        started = run.state.started
        assert started is not None
        sendable, sent = run.state.sendable, run.state.rows[PartStatus.ACCEPTED]
        return (run.run_id, started.at, started.audience, started.target.sender_code, sendable, sent, run.state.summary)

    keys = ("run_id", "started", "audience", "sender_code", "sendable", "sent", "state")
    rows = [row(run) for run in store.runs()]
    output.listing("runs", "Runs", keys, rows, frozenset({"started"}), pruned=pruned)


def status(given: Given) -> None:
    """How a run stands: asks Listrak about its imports.

    Example: lsms status --wait
    """
    from listrak_sms_cli.runs import find_run, status_of, waiting
    from listrak_sms_cli.runs.record import write_members

    settings, run = given.settings(), given["run"]
    try:
        with given.display() as tell:
            report = status_of(settings, run, tell, waiting=waiting(given.values))
    finally:
        if given["members"] is not None:
            write_members(find_run(settings, run), given["members"])
    output.report(report)


def resume(given: Given) -> None:
    """Go on with an interrupted run: the same audience, the same options. What Listrak accepted is not sent again.

    Example: lsms resume
    """
    from listrak_sms_cli.runs import resume_run, waiting

    settings, run = given.settings(), given["run"]
    with given.display() as tell:
        report = resume_run(
            settings,
            run,
            tell,
            audience=given["audience"],
            anyway=given["anyway"],
            concurrency=given["concurrency"],
            waiting=waiting(given.values),
        )
    output.report(report)
