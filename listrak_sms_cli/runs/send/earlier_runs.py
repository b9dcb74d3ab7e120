"""Earlier runs to the same sender code: their imports end before a new one is sent, and their members that have arrived
are remembered."""

from __future__ import annotations

from msgspec.structs import replace

from listrak_sms_cli.errors import ListrakUnavailable, LsmsError
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.events import silent
from listrak_sms_cli.runs.options import Waiting
from listrak_sms_cli.runs.prepare import earlier_notice
from listrak_sms_cli.runs.record import Destination, RunStore, StoredRun
from listrak_sms_cli.runs.remember import Memory
from listrak_sms_cli.runs.run import Run, findings_of
from listrak_sms_cli.runs.send.import_states import await_imports


def wait_for_earlier(run: Run, context: Context, waiting: Waiting) -> list[LsmsError]:
    """Older data must never land after newer: imports of earlier runs to this sender code end first. Returns what
    keeps this run from being sent: they did not end in time, Listrak could not be asked, Ctrl-C."""
    earlier = [
        other
        for other in run.store.unfinished(besides=run.id)
        if other.state.started.target == run.target and other.state.open_imports
    ]
    if earlier and not waiting.wait:
        run.findings.warn(earlier_notice([other.run_id for other in earlier]))
        return []
    for stored in earlier:
        problems, still_open = _look(run.store, stored, run.memory, context, waiting.timeout)
        if problems:
            return problems
        if still_open:
            late = ListrakUnavailable(
                f"Imports of the earlier run {stored.run_id} have not ended; nothing of this run was sent.",
                hint=f"Later: lsms resume {run.id}. Or send all the same: push again with --no-wait.",
                code="earlier_imports",
            )
            return [late]
    return []


def look_at_earlier(store: RunStore, target: Destination, memory: Memory, context: Context) -> None:
    """Finds out what has become of earlier runs of this account (its sender codes share contacts), and remembers who
    has arrived. What cannot be asked now stays as it is: its members are sent again."""
    for stored in store.unfinished():
        earlier = stored.state.started.target
        if (earlier.api_url, earlier.client) == (target.api_url, target.client):
            _look(store, stored, memory, context, 0.0)


def _look(
    store: RunStore, stored: StoredRun, memory: Memory | None, context: Context, timeout: float
) -> tuple[list[LsmsError], bool]:
    """What went wrong, and whether imports are still open."""
    quiet = replace(context, tell=silent)
    try:
        other = Run.reopen(store, stored, findings_of(stored, silent), memory)
    except (OSError, ValueError):  # forgotten a moment ago
        return [], False
    with other:
        problems = await_imports(other, quiet, timeout) if other.state.open_imports else []
        return problems, bool(other.state.open_imports)
