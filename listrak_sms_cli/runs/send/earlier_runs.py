"""Earlier runs: their imports end before a new one is sent, and their members that have arrived are remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from listrak_sms_cli.errors import ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak import ListrakClient
from listrak_sms_cli.runs.events import Listener, silent
from listrak_sms_cli.runs.options import Waiting
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.prepare import earlier_notice
from listrak_sms_cli.runs.record import FILE_NAME, Destination, Journal, PartStatus, Store, StoredRun
from listrak_sms_cli.runs.remember import FILE_NAME as DIGESTS
from listrak_sms_cli.runs.remember import Members, Memory, members_of
from listrak_sms_cli.runs.send.imports import Delivery, Target

_LOST_FOR = 3600.0  # seconds: an import whose answer was lost has ended by then


def clear_the_way(
    store: Store,
    delivery: Delivery,
    outcome: Outcome,
    waiting: Waiting,
    memory: Memory | None,
    *,
    known: bool = False,
) -> list[LsmsError]:
    """The last things before the first request: earlier imports have ended, and nobody remembers the members that
    are about to be sent. Returns what keeps this run from being sent. `known`: Listrak has them all."""
    problems = wait_for_earlier(store, delivery, outcome, waiting, memory)
    journal = delivery.journal
    if not problems and memory is not None and journal.state.started is not None:
        in_doubt = _in_doubt(store, journal.state.started.target, outcome.run_id)
        memory.strike(journal.folder, journal.state, known=known, in_doubt=in_doubt)
    return problems


def wait_for_earlier(
    store: Store, delivery: Delivery, outcome: Outcome, waiting: Waiting, memory: Memory | None
) -> list[LsmsError]:
    """Older data must never land after newer: imports of earlier runs to this sender code end first. Returns what
    keeps this run from being sent: they did not end in time, Listrak could not be asked, Ctrl-C."""
    earlier = store.open_before(delivery.journal.state, outcome.run_id)
    if earlier and not waiting.wait:
        outcome.warn(earlier_notice([run.run_id for run in earlier]))
        return []
    for run in earlier:
        with _looking(delivery.client, run, delivery.stop) as other:
            problems = other.await_imports(waiting.timeout, unknown_for=0.0)
        settle(memory, run)
        if problems:
            return problems
        if run.state.open_imports:
            late = ListrakUnavailable(
                f"Imports of the earlier run {run.run_id} have not ended; nothing of this run was sent.",
                hint=f"Later: lsms resume {outcome.run_id}. Or send all the same: push again with --no-wait.",
                code="earlier_imports",
            )
            return [late]
    return []


def look_at_earlier(
    store: Store, client: ListrakClient, target: Destination, memory: Memory, stop: threading.Event
) -> None:
    """What has become of earlier runs to this sender code is found out, and who has arrived is remembered. What
    cannot be asked now stays as it is: its members are sent again."""
    for run in store.runs():
        if run.state.started is None or run.state.started.target != target:
            continue
        if run.state.open_imports:
            with _looking(client, run, stop) as delivery:
                delivery.await_imports(0.0)
        settle(memory, run)


def settle(memory: Memory | None, run: StoredRun) -> None:
    """Members whose import has ended well are remembered."""
    if memory is not None:
        memory.settle(run.folder, run.state)


def delivery_of(client: ListrakClient, journal: Journal, stop: threading.Event, tell: Listener) -> Delivery:
    """For looking at the imports of a run, not for sending."""
    started = journal.state.started
    assert started is not None
    return Delivery(Target(client, started.target.sender_code, ()), journal, stop, tell)


@contextmanager
def _looking(client: ListrakClient, run: StoredRun, stop: threading.Event) -> Iterator[Delivery]:
    try:
        journal = Journal(run.folder, run.state)
    except OSError:  # nothing can be written there (any more)
        journal = Journal(None, run.state)
    try:
        yield delivery_of(client, journal, stop, silent)
    finally:
        journal.close()


def _in_doubt(store: Store, target: Destination, run_id: str) -> dict[str, Members]:
    """Members of other runs to the same account (any sender code: they share contacts) whose imports may not have
    ended, or begun: they are open, an answer was lost not long ago, or the run is at work. By the file of the run's
    digests."""
    found = {}
    for run in store.runs():
        started = run.state.started
        if started is None or run.run_id == run_id:
            continue
        if (started.target.api_url, started.target.client) != (target.api_url, target.client):
            continue
        parts = list(run.state.open_imports)
        if store.held(run.run_id):
            parts += run.state.unsent
        elif time.time() - (run.folder / FILE_NAME).stat().st_mtime < _LOST_FOR:
            parts += [part for part in run.state.unsent if part.status is PartStatus.SENDING or part.maybe_arrived]
        if parts:
            found[str(run.folder / DIGESTS)] = members_of(run.state, parts)
    return found
