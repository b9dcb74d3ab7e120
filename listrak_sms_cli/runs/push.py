"""One push from end to end; a dry run is one without its second half.

The order of checks is the interface's: settings, the file and its phone column, token, sender code and profile
fields and columns, the rows, guards, nothing sendable, sending.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext

import numpy as np

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.listrak import ColumnMapping, ListrakClient
from listrak_sms_cli.runs.account import connect, read_account
from listrak_sms_cli.runs.events import Listener, SendablePrepared, silent
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.pack import Packing, Part, Spool
from listrak_sms_cli.runs.prepare import NOT_ASKED, Job, Members, Preparation, lone_notices, state_notice
from listrak_sms_cli.runs.readback import Contacts, SentValues, Verifier, after_push, members_differ
from listrak_sms_cli.runs.rebuild import recipe_of
from listrak_sms_cli.runs.record import (
    Destination,
    Journal,
    Prepared,
    Started,
    Store,
    fingerprint,
    new_run_id,
    write_assignment,
)
from listrak_sms_cli.runs.remember import Memory, Recall
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.send import (
    BATCH,
    ContactDelivery,
    Delivery,
    Target,
    clear_the_way,
    conclude,
    deliver,
    look_at_earlier,
    part_line,
    steered,
)
from listrak_sms_cli.runs.sources import name_of, path_of
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.version import VERSION


def push_audience(source: object, settings: Settings, options: PushOptions, tell: Listener = silent) -> Report:
    """Pushes an audience. Returns the Report of a run that ended well; everything else is an LsmsError that
    carries the Report (`error.report`)."""
    outcome = Outcome(new_run_id(), name_of(source), tell, options.reading.silenced)
    outcome.dry_run = options.dry_run
    return outcome.reported(lambda: _Push(source, settings, options, outcome, tell).run())


class _Push:
    def __init__(
        self, source: object, settings: Settings, options: PushOptions, outcome: Outcome, tell: Listener
    ) -> None:
        self._source = source
        self._settings = settings
        self._options = options
        self._outcome = outcome
        self._tell = tell
        self._preparation = Preparation(source, options, outcome, tell)
        self._stop = threading.Event()
        self._memory: Memory | None = None
        self._recall: Recall | None = None
        self._sent_values: SentValues | None = None

    def run(self) -> None:
        settings, outcome, preparation = self._settings, self._outcome, self._preparation
        outcome.sender_code = settings.require_sender_code()
        store = Store(settings.state_dir)
        with ExitStack() as closing:
            client = closing.enter_context(connect(settings, self._tell, stop=self._stop))
            audience = closing.enter_context(preparation.open())
            account = read_account(client, outcome.sender_code)
            job = preparation.plan(audience, account)
            if self._options.verify and not self._options.dry_run:
                self._sent_values = SentValues(job.plan.columns)
                closing.callback(self._sent_values.close)
            spool = Spool()
            closing.callback(spool.close)
            packing = self._packing(spool, job)
            lock = nullcontext() if self._leaves_no_trace else store.lock(account.sender_code, outcome.run_id)
            closing.enter_context(lock)
            contacts = Contacts(client, account.sender_code, account.country or job.rules.region)
            self._remember(store, client)
            members = self._prepare(job, packing, contacts)
            preparation.guard(job, store.last_good(self._audience_name, self._target()))
            parts, ranks = packing.parts()
            for notice in lone_notices(parts) if packing.by_fill else ():
                outcome.warn(notice)
            imports = 0 if self._options.per_contact else len(parts)
            self._tell(SendablePrepared(outcome.verdicts[Verdict.SENDABLE], imports))
            journal = self._begin_journal(store, job, members, parts, ranks)
            closing.callback(journal.close)
            del members, ranks
            self._recall = None  # 80 MB of ten million members
            if parts and not self._options.dry_run:
                mapping = tuple(ColumnMapping(column.field.id) for column in job.plan.columns)
                make = ContactDelivery if self._options.per_contact else Delivery
                delivery = make(Target(client, account.sender_code, mapping), journal, self._stop, self._tell)
                steered(lambda: self._deliver(store, delivery, parts), self._stop, client)
                if (sent := self._sent_values) is not None:
                    steered(lambda: self._verify(job, sent, contacts), self._stop, client)
            elif not parts and outcome.verdicts[Verdict.UNCHANGED]:
                conclude(journal, [], outcome, waited=True)

    def _packing(self, spool: Spool, job: Job) -> Packing:
        """One by one a member's empty cells are left out when its turn comes: no groups are needed."""
        options, names = self._options, [column.name for column in job.plan.columns]
        if options.per_contact:
            return Packing(spool, names, BATCH, options.batch_bytes)
        return Packing(spool, names, options.batch_rows, options.batch_bytes, by_fill=job.rules.keep_empty)

    def _prepare(self, job: Job, packing: Packing, contacts: Contacts) -> Members:
        members = self._preparation.read(job)
        looked_up = NOT_ASKED

        def look() -> None:
            nonlocal looked_up
            looked_up = self._preparation.look_up(job, members, contacts)

        steered(look, self._stop, contacts.client)
        if self._memory is not None:
            remembered = self._memory.recalled(self._target().sender_code, self._options)
            one_by_one = self._options.per_contact
            self._recall = self._memory.recall(
                job.plan, job.rules, len(members.numbers), remembered, one_by_one=one_by_one
            )
        keep = self._sent_values.keeper(members.numbers) if self._sent_values else None
        self._preparation.check(job, members, packing, looked_up, recall=self._recall, keep=keep)
        return members

    def _remember(self, store: Store, client: ListrakClient) -> None:
        """Opens what is remembered of the account's members, brought up to date for `--changed-only`."""
        if self._options.sandbox or (self._options.dry_run and not self._options.changed_only):
            return
        target = self._target()
        self._memory = Memory.open(self._settings.state_dir, target)
        if self._memory is not None and self._options.changed_only and not self._options.dry_run:
            look_at_earlier(store, client, target, self._memory, self._stop)

    def _deliver(self, store: Store, delivery: Delivery, parts: list[Part]) -> None:
        outcome, options, memory = self._outcome, self._options, self._memory

        def wait_first() -> list[LsmsError]:
            if self._leaves_no_trace:
                return []
            return clear_the_way(store, delivery, outcome, options.waiting, memory, known=options.only_existing)

        try:
            deliver(delivery, parts, outcome, options.concurrency, options.waiting, wait_first)
        finally:
            if memory is not None:
                memory.settle(delivery.journal.folder, delivery.journal.state)

    @property
    def _audience_name(self) -> str:
        return self._options.audience_name or self._outcome.audience

    def _target(self) -> Destination:
        settings = self._settings
        return Destination(settings.api_url, fingerprint(settings.client_id or ""), settings.require_sender_code())

    @property
    def _leaves_no_trace(self) -> bool:
        """Dry and sandbox runs are not remembered: nothing could be resumed, and no later run builds on them."""
        return self._options.dry_run or self._options.sandbox

    def _begin_journal(
        self, store: Store, job: Job, members: Members, parts: list[Part], ranks: np.ndarray | None
    ) -> Journal:
        settings, outcome, reading = self._settings, self._outcome, self._options.reading
        folder = None
        if not self._leaves_no_trace:
            try:
                folder = store.create(outcome.run_id)
                with ThreadPoolExecutor(1) as beside:
                    written = beside.submit(write_assignment, folder, job.audience, members.verdicts, parts, ranks)
                    if self._memory is not None and (recall := self._recall) is not None:
                        self._memory.keep(folder, members.numbers, members.verdicts, recall.rows, ranks)
                    written.result()
            except OSError:
                folder = None
                store.discard(outcome.run_id)
                outcome.warn(state_notice(settings.state_dir))
        journal = Journal(folder)
        outcome.state = journal.state
        recipe = recipe_of(job.audience, job.plan, job.rules, reading.read, path_of(self._source))
        journal.write(
            Started(
                run_id=outcome.run_id,
                version=VERSION,
                audience=outcome.audience,
                name=self._audience_name,
                target=self._target(),
                baseline=reading.limit is None,
                recipe=recipe,
                per_contact=self._options.per_contact,
            )
        )
        lines = [part_line(part, f"lsms-{outcome.run_id}") for part in parts]
        counts = {verdict.reason: count for verdict, count in outcome.verdicts.items()}
        journal.write(Prepared(verdicts=counts, parts=lines))
        outcome.kept = journal.kept
        return journal

    def _verify(self, job: Job, sent: SentValues, contacts: Contacts) -> None:
        """Compares what was sent with what Listrak has; contact by contact, of those Listrak said yes to."""
        outcome = self._outcome
        letters = "".join(part.outcomes for part in outcome.state.leaves).encode("ascii")
        updated = np.flatnonzero(np.frombuffer(letters, np.uint8) == ord("u")) if letters else None
        with after_push():
            verifier = Verifier(contacts, job.rules, self._tell)
            outcome.verify = verifier.verify(sent, updated, self._options.verify_sample)
        if problem := members_differ(outcome.verify, job.rules):
            raise problem
