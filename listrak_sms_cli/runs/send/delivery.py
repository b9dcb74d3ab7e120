"""The second half of a push, and of a `resume`: what is prepared is sent, and waited for."""

from __future__ import annotations

from msgspec import Struct

from listrak_sms_cli.errors import CredentialsRefused, Interrupted, LsmsError
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.options import Waiting
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.run import Run
from listrak_sms_cli.runs.send.canary import Canary
from listrak_sms_cli.runs.send.earlier_runs import wait_for_earlier
from listrak_sms_cli.runs.send.import_states import await_imports
from listrak_sms_cli.runs.send.imports import send_import_files
from listrak_sms_cli.runs.send.one_by_one import send_one_by_one


class How(Struct, frozen=True):
    """How a run is sent. `concurrency`: requests at once; `alone`: earlier runs are nothing to wait for, and nobody and
    nothing is remembered (sandbox runs)."""

    concurrency: int
    waiting: Waiting
    alone: bool = False


def deliver(run: Run, parts: list[ImportFile], context: Context, how: How) -> None:
    """Sends the parts of a run once nothing is in the way, a canary first and the others when it is proved, waits as
    asked, and writes down how it ended. Raises the problem that decides the exit code."""
    problems: list[LsmsError] = []
    if run.state.unsent and not how.alone:
        problems = wait_for_earlier(run, context, how.waiting)
        if not problems:
            run.forget_members()
    canary = [part for part in parts if part.canary and run.state.canary_is_open]
    rest = [part for part in parts if not (part.canary and run.state.canary_is_open)]
    if canary and not problems:
        problems = Canary(run, canary, context, how.waiting.timeout).prove(how.concurrency, alone=how.alone)
    if not problems and not run.state.canary_is_open:
        if rest:
            send = send_one_by_one if run.state.started.per_contact else send_import_files
            problems = send(run, rest, context, how.concurrency)
        stopped = any(isinstance(problem, Interrupted | CredentialsRefused) for problem in problems)
        if how.waiting.wait and not stopped and not run.state.started.per_contact:
            problems += await_imports(run, context, how.waiting.timeout)
    run.conclude(problems, waited=how.waiting.wait)
