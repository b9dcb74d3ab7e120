"""`lsms runs`, `lsms status`, `lsms resume`: what was pushed, how it stands, and going on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output

RunArgument = Annotated[
    Optional[str], typer.Argument(metavar="[RUN]", help="The run's id, or its beginning; else the newest.")
]


def runs(
    context: typer.Context,
    prune: Annotated[
        Optional[float], typer.Option("--prune", metavar="DAYS", min=0, help="Forget runs older than this.")
    ] = None,
    profile: o.Profile = None,
    config: o.Config = None,
    state_dir: o.StateDir = None,
    json: o.Json = False,
    verbose: o.Verbose = False,
) -> None:
    """List the runs of this state folder, the newest first.

    Example: lsms runs --prune 90
    """
    from listrak_sms_cli.runs.record import PartStatus, Store, StoredRun

    output.use(json=json, verbose=verbose)
    store = Store(given.settings(context.params).state_dir)
    pruned = store.prune(prune) if prune is not None else []

    def row(run: StoredRun) -> tuple[Any, ...]:
        started = run.state.started
        assert started is not None
        sendable, sent = run.state.sendable, run.state.rows[PartStatus.ACCEPTED]
        return (run.run_id, started.at, started.audience, started.target.sender_code, sendable, sent, run.state.summary)

    keys = ("run_id", "started", "audience", "sender_code", "sendable", "sent", "state")
    rows = [row(run) for run in store.runs()]
    output.listing("runs", "Runs", keys, rows, frozenset({"started"}), pruned=pruned)


def status(
    context: typer.Context,
    run: RunArgument = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the imports to end.")] = False,
    wait_timeout: o.WaitTimeout = "1h",
    members: Annotated[
        Optional[Path],
        typer.Option("--members", metavar="FILE", help="Write the row numbers of members not (well) imported."),
    ] = None,
    api_url: o.ApiUrl = None,
    token_url: o.TokenUrl = None,
    profile: o.Profile = None,
    config: o.Config = None,
    state_dir: o.StateDir = None,
    give_up_after: o.GiveUpAfter = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """How a run stands: asks Listrak about its imports.

    Example: lsms status --wait
    """
    from listrak_sms_cli.runs import find_run, status_of, waiting
    from listrak_sms_cli.runs.record import write_members

    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)
    chosen = waiting({"wait": wait, "wait_timeout": wait_timeout})
    try:
        with given.display({"log_file": None, **context.params}) as tell:
            report = status_of(settings, run, tell, waiting=chosen)
    finally:
        if members is not None:
            write_members(find_run(settings, run), members)
    output.report(report)


def resume(
    context: typer.Context,
    run: RunArgument = None,
    audience: Annotated[
        Optional[str], typer.Option("--audience", metavar="FILE", help="Where the audience is now.")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if a later run was accepted.")] = False,
    concurrency: o.Concurrency = 2,
    wait: o.Wait = True,
    wait_timeout: o.WaitTimeout = "1h",
    api_url: o.ApiUrl = None,
    token_url: o.TokenUrl = None,
    profile: o.Profile = None,
    config: o.Config = None,
    state_dir: o.StateDir = None,
    give_up_after: o.GiveUpAfter = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    log_file: o.LogFile = None,
    log_format: o.LogFormatOption = o.LogFormat.text,
) -> None:
    """Go on with an interrupted run: the same audience, the same options. What Listrak accepted is not sent again.

    Example: lsms resume
    """
    from listrak_sms_cli.runs import resume_run, waiting

    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)
    chosen = waiting({"wait": wait, "wait_timeout": wait_timeout})
    with given.display(context.params) as tell:
        report = resume_run(
            settings, run, tell, audience=audience, anyway=anyway, concurrency=concurrency, waiting=chosen
        )
    output.report(report)
