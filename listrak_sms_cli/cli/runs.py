"""`lsms runs`, `lsms status`, `lsms resume`: what was pushed, how it stands, and going on with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output

if TYPE_CHECKING:
    from listrak_sms_cli.runs.record import StoredRun

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
    from listrak_sms_cli.runs.record import RunStore

    output.use(json=json, verbose=verbose)
    store = RunStore(given.settings(context.params).state_dir)
    pruned = store.prune(prune) if prune is not None else None
    rows = sorted([_row(run) for run in store.runs()] + [_damaged(run_id) for run_id in store.damaged()], reverse=True)
    keys = ("run_id", "started", "audience", "sender_code", "sendable", "sent", "state")
    more = {"pruned": pruned.removed if pruned else [], "kept": pruned.kept if pruned else []}
    output.listing("runs", "Runs", keys, rows, frozenset({"started"}), **more)
    if pruned and pruned.kept and not json:
        typer.echo(f"Not forgotten, as members or imports of them are pending: {', '.join(pruned.kept)}.", err=True)


def _row(run: StoredRun) -> tuple[Any, ...]:
    from listrak_sms_cli.runs.record import PartStatus

    started, state = run.state.started, run.state
    word = "running" if run.is_running else state.summary
    sent = state.rows[PartStatus.ACCEPTED]
    return (run.run_id, started.at, started.audience, started.target.sender_code, state.sendable, sent, word)


def _damaged(run_id: str) -> tuple[Any, ...]:
    return (run_id, None, None, None, None, None, "damaged journal")


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
    from listrak_sms_cli.runs import status_of, waiting
    from listrak_sms_cli.runs.record import RunStore, write_members

    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)
    chosen = waiting({"wait": wait, "wait_timeout": wait_timeout})
    try:
        with given.display({"log_file": None, **context.params}) as tell:
            report = status_of(settings, run, tell, waiting=chosen)
    finally:
        if members is not None:
            write_members(RunStore(settings.state_dir).find(run), members)
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
    from listrak_sms_cli.runs import ResumeOptions, resume_run, waiting

    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)
    options = ResumeOptions(audience, anyway, concurrency, waiting({"wait": wait, "wait_timeout": wait_timeout}))
    with given.display(context.params) as tell:
        report = resume_run(settings, run, options, tell)
    output.report(report)
