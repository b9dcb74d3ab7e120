"""One push from end to end, and the rehearsal of it (`validate`, `--dry-run`).

The order of checks is the interface's: settings, the file and its phone column, token, sender code and profile
fields and columns, the rows, guards, nothing sendable, sending.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, nullcontext

from listrak_sms_cli import __version__
from listrak_sms_cli.audience.clean import Verdict
from listrak_sms_cli.audience.columns import find_phone, plan_columns, rewrite_names
from listrak_sms_cli.audience.files import Audience, open_audience
from listrak_sms_cli.errors import LsmsError, NothingSent
from listrak_sms_cli.listrak.body import ColumnMapping
from listrak_sms_cli.listrak.client import ListrakClient
from listrak_sms_cli.listrak.retry import Retry
from listrak_sms_cli.runs import guards
from listrak_sms_cli.runs.account import Account, connect, read_account, region_of
from listrak_sms_cli.runs.assignment import write_assignment
from listrak_sms_cli.runs.contact_document import with_system_fields
from listrak_sms_cli.runs.contacts import Contacts
from listrak_sms_cli.runs.deliver import Delivery, Target, conclude, deliver, part_line
from listrak_sms_cli.runs.earlier import clear_the_way, look_at_earlier
from listrak_sms_cli.runs.events import Listener, RequestRetried, RunStarted, SendablePrepared, silent
from listrak_sms_cli.runs.journal import Journal, Prepared, Started, new_run_id
from listrak_sms_cli.runs.journal_lines import Destination
from listrak_sms_cli.runs.lookup import ASK_EACH, look_up
from listrak_sms_cli.runs.memory import Memory, Recall
from listrak_sms_cli.runs.notices import column_notices, drop_notices, offline_notice, state_notice
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.packing import Packer, Part, Spool, header_line
from listrak_sms_cli.runs.per_contact import ASK_FIRST, BATCH, ContactDelivery
from listrak_sms_cli.runs.prepare import NOT_ASKED, Job, Members, check_members, read_members
from listrak_sms_cli.runs.profiling import profile_of, profiled_columns, smells
from listrak_sms_cli.runs.rebuild import recipe_of
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.sources import name_of, path_of
from listrak_sms_cli.runs.steering import steered
from listrak_sms_cli.runs.store import Store, StoredRun, fingerprint
from listrak_sms_cli.runs.verify import AfterPush
from listrak_sms_cli.settings import Settings


def push_audience(source: object, settings: Settings, options: PushOptions, tell: Listener = silent) -> Report:
    """Pushes an audience. Returns the Report of a run that ended well; everything else is an LsmsError that
    carries the Report (`error.report`)."""
    outcome = Outcome(new_run_id(), name_of(source), tell, options.reading.silenced)
    outcome.dry_run = options.dry_run
    return outcome.reported(lambda: _Push(source, settings, options, outcome, tell).run())


def validate_audience(
    source: object,
    settings: Settings,
    options: ReadingOptions,
    tell: Listener = silent,
    *,
    offline: bool = False,
    max_drop_rate: float | None = None,
) -> Report:
    """Reads and cleans as `push` would; nothing is sent. Without credentials or a sender code, or `offline`, profile
    fields are not known: names, types and lengths are not checked, and a warning says so."""
    outcome = Outcome(new_run_id(), name_of(source), tell, options.silenced)
    outcome.dry_run = True
    offline = offline or not settings.has_credentials or settings.sender_code is None
    push = _Push(
        source, settings, PushOptions(reading=options, max_drop_rate=max_drop_rate, dry_run=True), outcome, tell
    )
    return outcome.reported(lambda: push.rehearse(offline))


class _Push:
    def __init__(
        self, source: object, settings: Settings, options: PushOptions, outcome: Outcome, tell: Listener
    ) -> None:
        self._source = source
        self._settings = settings
        self._options = options
        self._outcome = outcome
        self._tell = tell
        self._stop = threading.Event()
        self._memory: Memory | None = None
        self._recall: Recall | None = None
        self._after: AfterPush | None = None

    def run(self) -> None:
        settings, outcome = self._settings, self._outcome
        outcome.sender_code = settings.require_sender_code()
        store = Store(settings.state_dir)
        with ExitStack() as closing:
            client = closing.enter_context(connect(settings, on_retry=self._retried, stop=self._stop))
            audience = closing.enter_context(self._open())
            account = read_account(client, outcome.sender_code)
            job = self._plan(audience, account)
            if self._options.verify and not self._options.dry_run:
                self._after = closing.enter_context(AfterPush(job, self._options.verify_sample, self._tell))
            spool = Spool()
            closing.callback(spool.close)
            header = header_line(["phone", *(column.name for column in job.plan.columns)])
            batch_rows = BATCH if self._options.per_contact else self._options.batch_rows
            packer = Packer(spool, header, batch_rows, self._options.batch_bytes)
            lock = nullcontext() if self._leaves_no_trace else store.lock(account.sender_code, outcome.run_id)
            closing.enter_context(lock)
            contacts = Contacts(client, account.sender_code, account.country or job.rules.region)
            self._remember(store, client)
            members = self._prepare(job, packer, contacts)
            self._guard(store.last_good(self._audience_name, self._target()))
            parts = packer.parts()
            imports = 0 if self._options.per_contact else len(parts)
            self._tell(SendablePrepared(outcome.verdicts[Verdict.SENDABLE], imports))
            journal = self._begin_journal(store, job, members, parts)
            closing.callback(journal.close)
            del members
            self._recall = None  # 80 MB of ten million members
            if parts and not self._options.dry_run:
                mapping = tuple(ColumnMapping(column.field.id) for column in job.plan.columns)
                make = ContactDelivery if self._options.per_contact else Delivery
                delivery = make(Target(client, account.sender_code, mapping), journal, self._stop, self._tell)
                steered(lambda: self._deliver(store, delivery, parts), self._stop, client)
                if (after := self._after) is not None:
                    steered(lambda: after.check(contacts, outcome), self._stop, client)
            elif not parts and outcome.verdicts[Verdict.UNCHANGED]:
                conclude(journal, [], outcome, waited=True)

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

    def rehearse(self, offline: bool) -> None:
        settings, outcome = self._settings, self._outcome
        outcome.sender_code = settings.sender_code
        with self._open() as audience:
            account = None
            if not offline:
                with connect(settings, on_retry=self._retried) as client:
                    account = read_account(client, settings.require_sender_code())
            else:
                outcome.warn(offline_notice(self._options.reading.region or "US"))
            job = self._plan(audience, account)
            self._prepare(job, None, profiled=True)
            self._guard()

    def _open(self) -> Audience:
        source = self._source
        audience = source if isinstance(source, Audience) else open_audience(source, self._options.reading.read)
        try:
            find_phone(rewrite_names(audience.columns), self._options.reading.columns.phone_column)
        except LsmsError:
            audience.close()
            raise
        return audience

    def _plan(self, audience: Audience, account: Account | None) -> Job:
        reading = self._options.reading
        fields = account.fields if account else None
        if fields and self._options.per_contact:
            fields = with_system_fields(fields)
        plan = plan_columns(audience.columns, fields, reading.columns)
        self._outcome.plan = plan
        if not plan.columns:
            raise NothingSent(
                f"The audience {audience.name} has no column but the phone: there is nothing to update.",
                hint="Add the columns whose profile fields should be updated.",
                code="no_columns",
            )
        region = region_of(reading.region, account.country if account else "US")
        self._tell(
            RunStarted(
                self._outcome.run_id,
                audience.name,
                audience.described,
                f"sender code {account.label}" if account else "no account (offline)",
                self._outcome.dry_run,
            )
        )
        return Job(audience, plan, reading.rules(region), reading)

    def _prepare(
        self, job: Job, packer: Packer | None, contacts: Contacts | None = None, *, profiled: bool = False
    ) -> Members:
        outcome, options = self._outcome, self._options
        profile = profile_of(job) if profiled else None
        members = read_members(job, self._tell, profile)
        looked_up = NOT_ASKED
        if contacts and (options.asks_who_exists or options.exclude_opted_out):
            looked_up = look_up(
                contacts,
                members.numbers[members.verdicts == Verdict.SENDABLE],
                job.rules,
                self._tell,
                existing=options.asks_who_exists,
                opted_out=options.exclude_opted_out,
                ask_each=ASK_FIRST if options.per_contact else ASK_EACH,
            )
        if self._memory is not None:
            remembered = self._memory.recalled(self._target().sender_code, options)
            self._recall = self._memory.recall(job.plan, job.rules, len(members.numbers), remembered)
        keep = self._after.keeper(members) if self._after else None
        prepared = check_members(job, members, packer, self._tell, looked_up, profile, self._recall, keep)
        outcome.verdicts = prepared.counts
        notices = column_notices(prepared.columns, job.plan, job.rules.region, prepared.counts[Verdict.SENDABLE])
        if profile is not None:
            outcome.profile = profiled_columns(job, members, profile)
            notices += smells(outcome.profile, prepared.read)
        for notice in [*notices, *drop_notices(prepared.counts, members.exponents)]:
            outcome.warn(notice)
        return members

    def _guard(self, before: StoredRun | None = None) -> None:
        """Guards first, then whether anything can be sent at all."""
        verdicts, options = self._outcome.verdicts, self._options
        if options.max_drop_rate is not None:
            guards.drop_rate(verdicts, options.max_drop_rate)
        if options.max_shrink is not None and before is not None:
            guards.shrink(verdicts, before, options.max_shrink)
        guards.nothing_sendable(verdicts, self._outcome.audience, options.reading.allow_empty)
        if options.per_contact and not options.yes:
            guards.many_one_by_one(verdicts[Verdict.SENDABLE], ASK_FIRST)

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

    def _begin_journal(self, store: Store, job: Job, members: Members, parts: list[Part]) -> Journal:
        settings, outcome, reading = self._settings, self._outcome, self._options.reading
        folder = None
        if not self._leaves_no_trace:
            try:
                folder = store.create(outcome.run_id)
                write_assignment(folder, job.audience, members.verdicts, parts)
                if self._memory is not None and (recall := self._recall) is not None:
                    self._memory.keep(folder, members.numbers, members.verdicts, recall.rows)
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
                version=__version__,
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
