"""`lsms status`: how a run stands; Listrak is asked about its open imports."""

from __future__ import annotations

from pathlib import Path

from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import Listener, silent
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.options import NO_WAIT, Waiting
from listrak_sms_cli.runs.prepare import delivery_notices
from listrak_sms_cli.runs.readback import members_differ
from listrak_sms_cli.runs.record import RunStore, StoredRun, rules_of, write_members
from listrak_sms_cli.runs.remember import Memory
from listrak_sms_cli.runs.report import Report, RunWarning
from listrak_sms_cli.runs.resume import refuse_other_account
from listrak_sms_cli.runs.run import Run, findings_of, import_problems, unsent_problems, worst
from listrak_sms_cli.runs.send import await_imports, interruptible
from listrak_sms_cli.settings import Settings


def status_of(
    settings: Settings,
    run_id: str | None,
    tell: Listener = silent,
    *,
    waiting: Waiting = NO_WAIT,
    members: Path | None = None,
) -> Report:
    """Asks Listrak about the open imports of a run (once, or until they have ended) and writes that down, unless the
    run is at work: then its own process does. `run_id` None: the newest run. `members`: a file for the members that did
    not (all) arrive. A run of which something is pending, refused or failed is an error, as it was for the push."""
    store = RunStore(settings.state_dir)
    stored = store.find(run_id)
    findings = findings_of(stored, tell)
    findings.running = stored.is_running

    def work() -> None:
        try:
            ask()
        finally:
            if members is not None:
                _write_members(stored, members, findings)

    def ask() -> None:
        if not stored.state.open_imports:
            left = [] if findings.running else unsent_problems(stored.state)
            _raise_worst(left + import_problems(stored.state, waited=waiting.wait))
            return
        refuse_other_account(stored, settings)
        memory = Memory.open(settings.state_dir, stored.state.started.target)
        with connected(settings, tell) as context, Run.reopen(store, stored, findings, memory) as run:
            timeout = waiting.timeout if waiting.wait else 0.0
            problems = interruptible(lambda: await_imports(run, context, timeout), context)
            if run.in_use:
                findings.running = True
                _raise_worst(problems)
            else:
                run.conclude(problems + unsent_problems(run.state), waited=waiting.wait)

    return findings.reported(work)


def report_of(settings: Settings, run_id: str | None) -> Report:
    """A run as its record has it, whether it ended well or not; Listrak is not asked. `run_id` None: the newest run."""
    stored = RunStore(settings.state_dir).find(run_id)
    state, findings = stored.state, findings_of(stored, silent)
    findings.running = stored.is_running
    findings.verify = state.read_back
    for warning in [*state.prepared.shown_warnings, *delivery_notices(state)]:
        findings.warn(warning)
    problems = [] if findings.running else unsent_problems(state) + import_problems(state, waited=False)
    if state.read_back and (different := members_differ(state.read_back, rules_of(state.started.recipe))):
        problems.append(different)
    try:
        report = findings.reported(lambda: _raise_worst(problems))
    except LsmsError as error:
        report = error.report
    return report.with_(seconds=stored.seconds)


def _write_members(stored: StoredRun, path: Path, findings: Findings) -> None:
    """A file that cannot be written there changes nothing about how the run stands: that is a warning."""
    try:
        write_members(StoredRun(stored.folder, findings.state or stored.state), path)
    except UsageError as error:
        findings.warn(RunWarning(error.code, f"{error.message} {error.hint}".rstrip()))
    else:
        findings.members = str(path)


def _raise_worst(problems: list[LsmsError]) -> None:
    if error := worst(problems):
        raise error
