"""One push from end to end; a dry run is one without its second half.

The order of checks is the interface's: settings, the file and its phone column, token, sender code and profile
fields and columns, the rows, guards, nothing sendable, sending.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.listrak import ColumnMapping, ListrakClient, Retry
from listrak_sms_cli.runs.account import connect, read_account
from listrak_sms_cli.runs.events import Listener, RequestRetried, silent
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.pack import GroupPacker, ImportFile, ImportSpool
from listrak_sms_cli.runs.prepare import (
    NOT_QUERIED,
    PlannedAudience,
    Preparation,
    PreparedAudience,
    Receivers,
    state_notice,
)
from listrak_sms_cli.runs.readback import Contacts
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

if TYPE_CHECKING:
    from listrak_sms_cli.runs.verify import AfterPush


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
        self._after: AfterPush | None = None

    def run(self) -> None:
        settings, outcome, preparation = self._settings, self._outcome, self._preparation
        outcome.sender_code = settings.require_sender_code()
        store = Store(settings.state_dir)
        with ExitStack() as closing:
            client = closing.enter_context(connect(settings, on_retry=self._retried, stop=self._stop))
            audience = closing.enter_context(preparation.open())
            account = read_account(client, outcome.sender_code)
            planned = preparation.plan(audience, account)
            if self._options.verify and not self._options.dry_run:
                from listrak_sms_cli.runs.verify import AfterPush

                self._after = closing.enter_context(AfterPush(planned, self._options.verify_sample, self._tell))
            spool = ImportSpool()
            closing.callback(spool.close)
            packer = self._packer(spool, planned)
            lock = nullcontext() if self._leaves_no_trace else store.lock(account.sender_code, outcome.run_id)
            closing.enter_context(lock)
            contacts = Contacts(client, account.sender_code, account.country or planned.rules.region)
            self._remember(store, client)
            prepared = self._prepare(store, planned, packer, contacts)
            parts = prepared.import_files
            journal = self._begin_journal(store, prepared)
            closing.callback(journal.close)
            del prepared
            self._recall = None  # 80 MB of ten million members
            if parts and not self._options.dry_run:
                mapping = tuple(ColumnMapping(column.field.id) for column in planned.plan.columns)
                make = ContactDelivery if self._options.per_contact else Delivery
                delivery = make(Target(client, account.sender_code, mapping), journal, self._stop, self._tell)
                steered(lambda: self._deliver(store, delivery, parts), self._stop, client)
                if (after := self._after) is not None:
                    steered(lambda: after.check(contacts, outcome), self._stop, client)
            elif not parts and outcome.verdicts[Verdict.UNCHANGED]:
                conclude(journal, [], outcome, waited=True)

    def _packer(self, spool: ImportSpool, planned: PlannedAudience) -> GroupPacker:
        """One by one a member's empty cells are left out when its turn comes: no groups are needed."""
        options, names = self._options, [column.name for column in planned.plan.columns]
        if options.per_contact:
            return GroupPacker(spool, names, BATCH, options.batch_bytes)
        keep = planned.rules.keep_empty
        return GroupPacker(spool, names, options.batch_rows, options.batch_bytes, by_filled_columns=keep)

    def _prepare(
        self, store: Store, planned: PlannedAudience, packer: GroupPacker, contacts: Contacts
    ) -> PreparedAudience:
        phones = self._preparation.read_phones(planned)
        looked_up = NOT_QUERIED

        def look() -> None:
            nonlocal looked_up
            looked_up = self._preparation.look_up(planned, phones, contacts)

        steered(look, self._stop, contacts.client)
        if self._memory is not None:
            remembered = self._memory.recalled(self._target().sender_code, self._options)
            one_by_one = self._options.per_contact
            self._recall = self._memory.recall(
                planned.plan, planned.rules, len(phones.numbers), remembered, one_by_one=one_by_one
            )
        keep = self._after.keeper(phones) if self._after else None
        checked = self._preparation.check(planned, phones, Receivers(packer, self._recall, keep), looked_up)
        return self._preparation.pack(planned, checked, packer, store.last_good(self._audience_name, self._target()))

    def _remember(self, store: Store, client: ListrakClient) -> None:
        """Opens what is remembered of the account's members, brought up to date for `--changed-only`."""
        if self._options.sandbox or (self._options.dry_run and not self._options.changed_only):
            return
        target = self._target()
        self._memory = Memory.open(self._settings.state_dir, target)
        if self._memory is not None and self._options.changed_only and not self._options.dry_run:
            look_at_earlier(store, client, target, self._memory, self._stop)

    def _deliver(self, store: Store, delivery: Delivery, parts: list[ImportFile]) -> None:
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

    def _begin_journal(self, store: Store, prepared: PreparedAudience) -> Journal:
        planned, phones = prepared.planned, prepared.checked.phones
        parts, ranks = prepared.import_files, prepared.group_ranks
        settings, outcome, reading = self._settings, self._outcome, self._options.reading
        folder = None
        if not self._leaves_no_trace:
            try:
                folder = store.create(outcome.run_id)
                with ThreadPoolExecutor(1) as beside:
                    written = beside.submit(write_assignment, folder, planned.audience, phones.verdicts, parts, ranks)
                    if self._memory is not None and (recall := self._recall) is not None:
                        self._memory.keep(folder, phones.numbers, phones.verdicts, recall.rows, ranks)
                    written.result()
            except OSError:
                folder = None
                store.discard(outcome.run_id)
                outcome.warn(state_notice(settings.state_dir))
        journal = Journal(folder)
        outcome.state = journal.state
        recipe = recipe_of(planned.audience, planned.plan, planned.rules, reading.read, path_of(self._source))
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

    def _retried(self, retry: Retry) -> None:
        self._tell(RequestRetried(retry.what, retry.reason, retry.wait))
