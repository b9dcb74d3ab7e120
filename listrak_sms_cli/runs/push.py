"""One push from end to end; a dry run is one without its second half.

The order of checks is the interface's: settings, the file and its phone column, token, sender code and profile
fields and columns, the rows, guards, nothing sendable, sending.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.runs.account import read_account
from listrak_sms_cli.runs.context import Context, connected
from listrak_sms_cli.runs.events import Listener, SendablePrepared, silent
from listrak_sms_cli.runs.findings import Findings, audience_name
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.pack import Packing, Part, Spool
from listrak_sms_cli.runs.prepare import Job, Members, Preparation, lone_notices
from listrak_sms_cli.runs.readback import Contacts
from listrak_sms_cli.runs.record import (
    Destination,
    RunStore,
    Started,
    fingerprint,
    new_run_id,
    recipe_of,
    write_row_map,
)
from listrak_sms_cli.runs.remember import Memory, Recall
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.run import Run
from listrak_sms_cli.runs.send import BATCH, How, deliver, interruptible, look_at_earlier
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.version import VERSION

if TYPE_CHECKING:
    from listrak_sms_cli.runs.verify import AfterPush


def push_audience(source: object, settings: Settings, options: PushOptions, tell: Listener = silent) -> Report:
    """Pushes an audience. Returns the Report of a run that ended well; everything else is an LsmsError that
    carries the Report (`error.report`)."""
    findings = Findings(new_run_id(), audience_name(source), tell, options.reading.silenced)
    findings.dry_run = options.dry_run
    return findings.reported(lambda: _Push(source, settings, options, findings).run(tell))


def _path_of(source: object) -> str:
    """Where `resume` finds the audience again: an absolute path or a URL; "-" for what can be read only once."""
    if isinstance(source, str | Path) and source != "-":
        return str(source) if "://" in str(source) else str(Path(source).absolute())
    return "-"


class _Ready(Struct, frozen=True):
    """An audience that is read, checked and packed. `ranks` of a Packing; `recall`: digests of its members, None:
    nobody is remembered."""

    job: Job
    members: Members
    parts: list[Part]
    ranks: np.ndarray | None
    recall: Recall | None


class _Push:
    """The steps of a push. What they find goes to `findings`."""

    def __init__(self, source: object, settings: Settings, options: PushOptions, findings: Findings) -> None:
        self._source = source
        self._settings = settings
        self._options = options
        self._findings = findings
        self._store = RunStore(settings.state_dir)
        self._leaves_no_trace = options.dry_run or options.sandbox
        self._memory: Memory | None = None

    def run(self, tell: Listener) -> None:
        self._findings.sender_code = self._settings.require_sender_code()
        preparation = Preparation(self._source, self._options, self._findings, tell)
        with ExitStack() as closing:
            context = closing.enter_context(connected(self._settings, tell))
            audience = closing.enter_context(preparation.open())
            account = read_account(context.client, self._findings.sender_code)
            job = preparation.plan(audience, account)
            verification = self._verification(job, tell)
            closing.enter_context(verification or nullcontext())
            spool = Spool()
            closing.callback(spool.close)
            if not self._leaves_no_trace:
                closing.enter_context(self._store.lock(account.sender_code, self._findings.run_id))
            contacts = Contacts(context.client, account.sender_code, account.country or job.rules.region)
            self._open_memory(context)
            ready = self._prepare(preparation, job, self._packing(job, spool), contacts, verification, context)
            run = closing.enter_context(self._begin(ready))
            parts = ready.parts
            del ready
            if parts and not self._options.dry_run:
                self._send(run, parts, context)
                if verification is not None:
                    interruptible(lambda: verification.check(contacts, self._findings), context)
            elif not parts and self._findings.verdicts[Verdict.UNCHANGED]:
                run.conclude([], waited=True)

    def _verification(self, job: Job, tell: Listener) -> AfterPush | None:
        if not self._options.verify or self._options.dry_run:
            return None
        from listrak_sms_cli.runs.verify import AfterPush

        return AfterPush(job, self._options.verify_sample, tell)

    def _packing(self, job: Job, spool: Spool) -> Packing:
        """One by one a member's empty cells are left out when its turn comes: no groups are needed."""
        options, names = self._options, [column.name for column in job.plan.columns]
        if options.per_contact:
            return Packing(spool, names, BATCH, options.batch_bytes)
        return Packing(spool, names, options.batch_rows, options.batch_bytes, by_fill=job.rules.keep_empty)

    def _open_memory(self, context: Context) -> None:
        """Opens what is remembered of the account's members, brought up to date for `--changed-only`."""
        options = self._options
        if options.sandbox or (options.dry_run and not options.changed_only):
            return
        self._memory = Memory.open(self._settings.state_dir, self._target)
        if self._memory is not None and options.changed_only and not options.dry_run:
            look_at_earlier(self._store, self._target, self._memory, context)

    def _prepare(
        self,
        preparation: Preparation,
        job: Job,
        packing: Packing,
        contacts: Contacts,
        verification: AfterPush | None,
        context: Context,
    ) -> _Ready:
        """Reads and checks everything. Nothing is sent, and nothing of it is on disk yet."""
        members = preparation.read(job)
        looked_up = interruptible(lambda: preparation.look_up(job, members, contacts), context)
        recall = self._recall(job, members)
        keep = verification.keeper(members) if verification else None
        preparation.check(job, members, packing, looked_up, recall=recall, keep=keep)
        before = None
        if self._options.max_shrink is not None:
            before = self._store.last_good(self._audience_name, self._target)
        preparation.guard(job, before)
        parts, ranks = packing.parts()
        for notice in lone_notices(parts) if packing.by_fill else ():
            self._findings.warn(notice)
        imports = 0 if self._options.per_contact else len(parts)
        context.tell(SendablePrepared(self._findings.verdicts[Verdict.SENDABLE], imports))
        return _Ready(job, members, parts, ranks, recall)

    def _recall(self, job: Job, members: Members) -> Recall | None:
        if self._memory is None:
            return None
        remembered = self._memory.recalled(self._target.sender_code, self._options)
        one_by_one = self._options.per_contact
        return self._memory.recall(job.plan, job.rules, len(members.numbers), remembered, one_by_one=one_by_one)

    def _begin(self, ready: _Ready) -> Run:
        job, options = ready.job, self._options
        started = Started(
            run_id=self._findings.run_id,
            version=VERSION,
            audience=self._findings.audience,
            name=self._audience_name,
            target=self._target,
            baseline=options.reading.limit is None,
            recipe=recipe_of(job.audience, job.plan, job.rules, options.reading.read, _path_of(self._source)),
            per_contact=options.per_contact,
        )

        def write_files(folder: Path) -> str:
            verdicts = ready.members.verdicts
            with ThreadPoolExecutor(1) as beside:
                digest = beside.submit(write_row_map, folder, job.audience, verdicts, ready.parts, ready.ranks)
                if self._memory is not None and ready.recall is not None:
                    self._memory.keep(folder, ready.members.numbers, verdicts, ready.recall.rows, ready.ranks)
                return digest.result()

        write = None if self._leaves_no_trace else write_files
        return Run.begin(self._store, self._findings, started, ready.parts, write, self._memory)

    def _send(self, run: Run, parts: list[Part], context: Context) -> None:
        options = self._options
        how = How(options.concurrency, options.waiting, alone=self._leaves_no_trace, known=options.only_existing)
        interruptible(lambda: deliver(run, parts, context, how), context)

    @property
    def _audience_name(self) -> str:
        return self._options.audience_name or self._findings.audience

    @property
    def _target(self) -> Destination:
        settings = self._settings
        return Destination(settings.api_url, fingerprint(settings.client_id or ""), settings.require_sender_code())
