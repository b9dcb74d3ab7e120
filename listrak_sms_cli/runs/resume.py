"""Runs that are over or interrupted: going on with one, asking Listrak how its imports stand, waiting for others."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import LsmsError, SettingsError, UsageError
from listrak_sms_cli.listrak import ColumnMapping
from listrak_sms_cli.runs.account import connect
from listrak_sms_cli.runs.events import Listener, SendablePrepared, silent
from listrak_sms_cli.runs.options import NO_WAIT, WAIT, Waiting
from listrak_sms_cli.runs.outcome import Outcome, raise_worst
from listrak_sms_cli.runs.pack import ImportSpool
from listrak_sms_cli.runs.prepare import nothing_left_notice
from listrak_sms_cli.runs.rebuild import plan_of, rebuild
from listrak_sms_cli.runs.record import Journal, Store, StoredRun, fingerprint, read_journal
from listrak_sms_cli.runs.remember import Memory
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.send import (
    ContactDelivery,
    Delivery,
    Target,
    clear_the_way,
    conclude,
    deliver,
    delivery_of,
    settle,
    steered,
)
from listrak_sms_cli.settings import Settings


def resume_run(
    settings: Settings,
    run_id: str | None,
    tell: Listener = silent,
    *,
    audience: str | None = None,
    anyway: bool = False,
    concurrency: int = 2,
    waiting: Waiting = WAIT,
) -> Report:
    """Goes on with a run: sends what Listrak has not accepted or whose import ended badly, waits for the rest.

    `run_id` None: the newest that can be resumed. Returns the Report of the whole run; raises LsmsError with it.
    """
    store = Store(settings.state_dir)
    run = store.find(run_id) if run_id else store.newest_resumable()
    outcome = outcome_of(run, tell)
    stop = threading.Event()

    def work() -> None:
        if not run.state.can_be_resumed:
            outcome.warn(nothing_left_notice(run.run_id))
            return
        _refuse_other_account(run, settings)
        _refuse_superseded(store, run, anyway)
        started = run.state.started
        assert started is not None
        if run.state.unsent and started.recipe.path == "-" and not audience:
            raise UsageError(
                f"Run {run.run_id} read its audience from standard input, which is gone.",
                hint="Name a file with the same content: --audience FILE",
                code="audience_gone",
            )
        with ExitStack() as closing:
            closing.enter_context(store.lock(started.target.sender_code, run.run_id))
            if read_journal(run.folder).parts != run.state.parts:
                raise UsageError(f"Run {run.run_id} was under way until now.", hint=f"Again: lsms resume {run.run_id}")
            client = closing.enter_context(connect(settings, stop=stop))
            client.check_token()
            spool = ImportSpool()
            closing.callback(spool.close)
            parts = rebuild(run, audience, spool, tell) if run.state.unsent else []
            if parts:
                imports = 0 if started.per_contact else len(parts)
                tell(SendablePrepared(outcome.verdicts[Verdict.SENDABLE], imports))
            journal = _journal(run)
            closing.callback(journal.close)
            mapping = tuple(ColumnMapping(column.field_id) for column in started.recipe.columns)
            make = ContactDelivery if started.per_contact else Delivery
            delivery = make(Target(client, started.target.sender_code, mapping), journal, stop, tell)

            memory = Memory.open(settings.state_dir, started.target)

            def clear() -> list[LsmsError]:
                return clear_the_way(store, delivery, outcome, waiting, memory)

            try:
                steered(lambda: deliver(delivery, parts, outcome, concurrency, waiting, clear), stop, client)
            finally:
                settle(memory, run)

    return outcome.reported(work)


def status_of(settings: Settings, run_id: str | None, tell: Listener = silent, *, waiting: Waiting = NO_WAIT) -> Report:
    """Asks Listrak about the open imports of a run (once, or until they have ended) and writes that down. A run of
    which something is pending, refused or failed is an error, as it was for the push."""
    store = Store(settings.state_dir)
    run = find_run(settings, run_id)
    outcome = outcome_of(run, tell)
    held = store.held(run.run_id)
    left = [] if held else outcome.problems_left()

    def work() -> None:
        if not run.state.open_imports:
            raise_worst(left + outcome.problems_of_imports(waited=False))
            return
        _refuse_other_account(run, settings)
        stop = threading.Event()
        with connect(settings, stop=stop) as client, ExitStack() as closing:
            journal = _journal(run)
            closing.callback(journal.close)

            def look() -> None:
                delivery = delivery_of(client, journal, stop, tell)
                problems = delivery.await_imports(waiting.timeout if waiting.wait else 0.0)
                if held:  # its own process says how it ends
                    raise_worst(problems)
                else:
                    conclude(journal, problems + left, outcome, waited=waiting.wait)

            try:
                steered(look, stop, client)
            finally:
                settle(Memory.of(settings.state_dir, run.state), run)

    return outcome.reported(work)


def find_run(settings: Settings, run_id: str | None) -> StoredRun:
    """The run of that id, else the newest. Raises UsageError when there is none."""
    store = Store(settings.state_dir)
    return store.find(run_id) if run_id else store.newest()


def outcome_of(run: StoredRun, tell: Listener) -> Outcome:
    """The facts of a run as its journal has them."""
    started, prepared = run.state.started, run.state.prepared
    assert started is not None and prepared is not None
    outcome = Outcome(run.run_id, started.audience, tell)
    outcome.sender_code = started.target.sender_code
    outcome.plan = plan_of(started.recipe)
    outcome.verdicts = Counter({verdict: prepared.verdicts.get(verdict.reason, 0) for verdict in Verdict})
    outcome.state = run.state
    outcome.kept = True
    return outcome


def _journal(run: StoredRun) -> Journal:
    """To be gone on with. Where the state folder cannot be written (any more), that is said at the end."""
    try:
        return Journal(run.folder, run.state)
    except OSError:
        journal = Journal(None, run.state)
        journal.lost = True
        return journal


def _refuse_other_account(run: StoredRun, settings: Settings) -> None:
    started = run.state.started
    assert started is not None
    client_id, _ = settings.credentials()
    if started.target.api_url != settings.api_url:
        raise SettingsError(
            f"Run {run.run_id} was sent to another API base ({started.target.api_url}).",
            hint=f"Add --api-url {started.target.api_url}",
            code="other_api",
        )
    if started.target.client != fingerprint(client_id):
        raise SettingsError(
            f"Run {run.run_id} was started with another client id.",
            hint="Use the credentials (or --profile) it was started with.",
            code="other_client",
        )


def _refuse_superseded(store: Store, run: StoredRun, anyway: bool) -> None:
    later = None if anyway or not run.state.unsent else store.later_accepted(run)
    if later is not None:
        raise UsageError(
            f"Run {run.run_id} is superseded: Listrak has accepted members of the later run {later.run_id}.",
            hint="Its data may be older than what is stored. To send it all the same, add --anyway.",
            code="superseded",
        )
