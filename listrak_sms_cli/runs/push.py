"""One push from end to end; a dry run is one without its second half.

The order of checks is the interface's: settings, the file and its phone column, token, sender code and profile
fields and columns, the rows, guards, nothing sendable, sending.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from listrak_sms_cli.audience import Verdict, means_consent, means_opt_out, rewrite_names, unmatched_columns
from listrak_sms_cli.audience.source import Audience, RemoteRows
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.account import Account, read_account
from listrak_sms_cli.runs.context import Context, connected
from listrak_sms_cli.runs.events import FirstPush, Listener, Phase, silent
from listrak_sms_cli.runs.findings import A_FRAME, Findings, audience_name
from listrak_sms_cli.runs.options import PushOptions, chosen
from listrak_sms_cli.runs.output_file import output_at, refuse_existing
from listrak_sms_cli.runs.pack import GroupPacker, ImportFile, ImportSpool
from listrak_sms_cli.runs.prepare import (
    CanaryDraw,
    LookedUp,
    PlannedAudience,
    Preparation,
    PreparedAudience,
    Receivers,
    RemotePreparation,
    Sampling,
    no_canary,
    nothing_to_prove,
    unknown_run_notice,
)
from listrak_sms_cli.runs.readback import (
    CONFIRM_ALL,
    Contacts,
    Reading,
    SentValues,
    Survey,
    Verifier,
    after_push,
    members_differ,
)
from listrak_sms_cli.runs.record import (
    Destination,
    Learned,
    ReadBack,
    RunStore,
    Started,
    StoredRun,
    fingerprint,
    learned_of,
    new_run_id,
    recipe_of,
    write_row_map,
)
from listrak_sms_cli.runs.remember import Memory, Recall
from listrak_sms_cli.runs.report import CanaryResult, Report
from listrak_sms_cli.runs.run import Run
from listrak_sms_cli.runs.send import BATCH, How, deliver, interruptible, look_at_earlier
from listrak_sms_cli.settings import Settings, without_secrets
from listrak_sms_cli.stores import is_url
from listrak_sms_cli.version import VERSION


def push_audience(source: object, settings: Settings, options: PushOptions, tell: Listener = silent) -> Report:
    """Pushes an audience. Returns the Report of a run that ended well; everything else is an LsmsError that
    carries the Report (`error.report`)."""
    return push_as_promised(source, settings, options, Promise(), tell)


class Promise:
    """What a push must find as it was when it was planned; this one promises nothing. Each method raises GuardStopped
    when something has moved."""

    def check_columns(self, audience: Audience, account: Account) -> None:
        """The columns of the audience, and the profile fields they go to."""

    def check_plan(self, planned: PlannedAudience) -> PlannedAudience:
        """The planned columns; returns the audience with the rules that its members are cleaned by."""
        return planned

    def check_audience(self, survey: Survey) -> None:
        """What would be sent, before the contacts are read."""

    def check_stored(self, survey: Survey) -> None:
        """What is stored, once they have been read."""


def push_as_promised(
    source: object, settings: Settings, options: PushOptions, promise: Promise, tell: Listener
) -> Report:
    """Pushes an audience as `push_audience` does, if everything is as promised."""
    _refuse_nameless(source, options)
    findings = Findings(new_run_id(), audience_name(source, options.reading.source), tell, options.reading.silenced)
    findings.dry_run = options.dry_run
    findings.settings = chosen(settings, options, options.reading)
    return findings.reported(lambda: _Push(source, settings, options, findings, promise, tell).run())


def _refuse_nameless(source: object, options: PushOptions) -> None:
    """Raises UsageError when an earlier push of the audience has to be found, and the audience has no name."""
    guards = {"--max-shrink": options.max_shrink, "--max-fill-drop": options.max_fill_drop}
    compares = [name for name, most in guards.items() if most is not None]
    if compares and not options.audience_name and audience_name(source) == A_FRAME:
        raise UsageError(
            f"{compares[0]} compares with the last push of the same audience, and a frame has no name of its own.",
            hint="Give it one: --audience-name NAME",
            code="audience_name",
        )


def path_of(source: object) -> str:
    """Where `resume` finds the audience again: an absolute path or a URL; "-" for what can be read only once."""
    if isinstance(source, str | Path) and source != "-":
        return str(source) if "://" in str(source) or is_url(str(source)) else str(Path(source).absolute())
    return "-"


def target_of(settings: Settings) -> Destination:
    """The account and sender code that these settings lead to."""
    return Destination(settings.api_url, fingerprint(settings.client_id or ""), settings.require_sender_code())


def learned_about(settings: Settings) -> Learned:
    """What canaries have found out about the account that these settings lead to. Raises SettingsError."""
    return learned_of(settings.state_dir, target_of(settings))


class _Push:
    """The steps of a push. What they find goes to `findings`."""

    def __init__(
        self,
        source: object,
        settings: Settings,
        options: PushOptions,
        findings: Findings,
        promise: Promise,
        tell: Listener,
    ) -> None:
        self._source = source
        self._settings = settings
        self._options = options
        self._findings = findings
        self._promise = promise
        self._tell = tell
        self._store = RunStore(settings.state_dir)
        self._leaves_no_trace = options.dry_run or options.sandbox
        self._memory: Memory | None = None
        if options.canary is not None:
            seed = secrets.randbelow(1 << 32) if options.canary_seed is None else options.canary_seed
            wanted = options.undo is not None and not options.sandbox  # a rehearsal leaves no way back from itself
            undo = path_of(str(options.undo)) if wanted else None
            findings.canary = CanaryResult(seed=seed, undo=undo)

    def run(self) -> None:
        self._findings.sender_code = self._settings.require_sender_code()
        preparation = Preparation(self._source, self._options, self._findings, self._tell)
        with ExitStack() as closing:
            context = closing.enter_context(connected(self._settings, self._tell))
            account = self._read_before_rows(context)
            audience = closing.enter_context(preparation.open())
            if self._options.undo is not None:
                refuse_existing(output_at(self._options.undo, "--undo", audience.files))
            account = account or read_account(context.client, self._findings.sender_code)
            self._promise.check_columns(audience, account)
            planned = self._promise.check_plan(preparation.plan(audience, account))
            contacts = Contacts(context.client, account.sender_code, account.country or planned.rules.region)
            if not self._leaves_no_trace:
                closing.enter_context(self._store.lock(account.sender_code, self._findings.run_id))
            self._refuse_superseded(audience)
            self._open_memory(context)
            self._findings.baseline = self._baseline()
            spool, sent = ImportSpool(), SentValues(planned.plan.columns) if self._verifies else None
            closing.callback(spool.close)
            if sent is not None:
                closing.callback(sent.close)
            prepared, recall = self._prepare(preparation, planned, contacts, context, spool, sent)
            if prepared.import_files:
                self._confirm(account, planned)
            run = closing.enter_context(self._begin(prepared, recall))
            files = prepared.import_files
            del prepared, recall  # 100 MB of ten million members
            if files and not self._options.dry_run:
                self._send(run, files, context)
                if sent is not None:
                    interruptible(lambda: self._verify(run, planned, sent, contacts), context)
            elif not files and self._findings.verdicts[Verdict.UNCHANGED]:
                run.conclude([], waited=True)

    def _read_before_rows(self, context: Context) -> Account | None:
        """Rows that another system holds are not asked for before the account is known, nor are columns that are not
        sent; None for all other audiences."""
        source, reading = self._source, self._options.reading
        if not isinstance(source, RemoteRows):
            return None
        account = read_account(context.client, self._settings.require_sender_code())
        if reading.skip_unmatched and reading.rejects is None:
            unmatched = set(unmatched_columns(source.columns, account.fields, reading.columns))
            unmatched = {name for name in unmatched if not (means_consent(name) or means_opt_out(name))}
            names = zip(rewrite_names(source.columns), source.columns, strict=True)
            source.unneeded = [name for rewritten, name in names if rewritten in unmatched]
        return account

    def _refuse_superseded(self, audience: Audience) -> None:
        """Raises UsageError for a rejects file when a newer push of the audience that its members are of ended well."""
        for run_id in audience.rejects.runs if audience.rejects else ():
            try:
                rejected_by = self._store.find(run_id)
            except UsageError:
                self._findings.warn(unknown_run_notice(run_id))
                continue
            name = rejected_by.state.started.name
            newer = self._store.last_good(name, self._target)
            if newer is not None and newer.run_id > run_id and not self._options.anyway:
                raise UsageError(
                    f"The rejects of run {run_id} are superseded: the newer push {newer.run_id} of {name} ended well.",
                    hint="What they hold may be older than what is stored. To send it all the same, add --anyway.",
                    code="superseded",
                )

    @property
    def _verifies(self) -> bool:
        return self._options.verify and not self._options.dry_run

    def _open_memory(self, context: Context) -> None:
        """Opens what is remembered of the account's members; `--changed-only` begins it, and brings it up to date."""
        options = self._options
        if options.sandbox or (options.dry_run and not options.changed_only):
            return
        begin = options.changed_only and not options.dry_run
        self._memory = Memory.open(self._settings.state_dir, self._target, begin=begin)
        if self._memory is not None and begin:
            look_at_earlier(self._store, self._target, self._memory, context)

    def _prepare(
        self,
        preparation: Preparation,
        planned: PlannedAudience,
        contacts: Contacts,
        context: Context,
        spool: ImportSpool,
        sent: SentValues | None,
    ) -> tuple[PreparedAudience, Recall | None]:
        """Reads and checks everything. Nothing is sent, and nothing of it is on disk yet."""
        if isinstance(self._source, RemotePreparation):
            packer = self._packer(planned, spool)
            checked = preparation.check_remotely(planned, self._source, packer, spool)
            return preparation.pack(planned, checked, packer), None
        phones = preparation.read_phones(planned)
        looked_up = interruptible(lambda: preparation.look_up(planned, phones, contacts), context)
        recall = None
        if self._memory is not None:
            recall = self._memory.recall(planned.plan, planned.rules, self._options, self._target.sender_code)
        if self._options.only_different or self._options.canary:
            with closing(SentValues(planned.plan.columns)) as kept:
                planned = preparation.keep_values(planned, phones, kept, looked_up, recall)
                looked_up = self._compare(planned, kept, contacts, context, looked_up)
        packer = self._packer(planned, spool)
        keep = sent.keeper(phones.numbers) if sent else None
        rows, columns, traceless = len(phones.numbers), len(planned.plan.columns), self._leaves_no_trace
        sampling = Sampling.of(self._settings.state_dir, rows, columns, new_key=not traceless)
        checked = preparation.check(planned, phones, Receivers(packer, recall, keep, sampling=sampling), looked_up)
        return preparation.pack(planned, checked, packer), recall

    def _baseline(self) -> StoredRun | None:
        """The last good push of the same audience; none for a frame without a name, which is any frame."""
        if self._options.sandbox or self._audience_name == A_FRAME:
            return None
        return self._store.last_good(self._audience_name, self._target)

    def _compare(
        self, planned: PlannedAudience, kept: SentValues, contacts: Contacts, context: Context, looked_up: LookedUp
    ) -> LookedUp:
        """Reads what is stored of the members that can be sent: who exists, and of whom nothing would change; for a
        canary alone no further than it takes."""
        survey = Survey(kept, planned.rules, learned_about(self._settings))
        self._promise.check_audience(survey)
        hint = f"Push without {self._reads}, or with at most {CONFIRM_ALL:,} phones that are on no list."
        reading = Reading(contacts, planned.rules.phone_format, context.tell, Phase.LOOKING_UP, hint)
        if self._options.only_different:
            interruptible(lambda: survey.read(reading), context)
            self._promise.check_stored(survey)
            looked_up = replace(looked_up, missing=survey.missing_phones, same=survey.same_phones)
        if self._options.canary is not None and len(kept.rows):
            canary = interruptible(lambda: self._draw_canary(planned, kept, survey, reading), context)
            looked_up = replace(looked_up, canary=canary)
        return looked_up

    def _draw_canary(
        self, planned: PlannedAudience, kept: SentValues, survey: Survey, reading: Reading
    ) -> np.ndarray | None:
        options, findings = self._options, self._findings
        places = np.flatnonzero(survey.differs) if options.only_different else np.arange(len(kept.rows))
        draw = CanaryDraw(kept, places[: options.reading.limit], survey, reading, is_read=options.only_different)
        seed = findings.canary.seed if findings.canary else 0
        drawn = draw.draw(options.canary or 0, seed, by_filled_columns=planned.rules.keep_empty)
        if not drawn.exist:
            raise no_canary(len(kept.rows))
        if not len(drawn.phones):
            findings.warn(nothing_to_prove())
            return None
        return drawn.phones

    @property
    def _reads(self) -> str:
        return "--only-different" if self._options.only_different else "--canary"

    def _confirm(self, account: Account, planned: PlannedAudience) -> None:
        """Ask before the first push of the account, where somebody is there to be asked. Raises GuardStopped when the
        answer is no."""
        confirm, store = self._options.confirm, self._store
        if confirm is None or self._leaves_no_trace or store.is_confirmed(self._target):
            return
        if not self._options.yes:
            fields = tuple(column.field.name for column in planned.plan.columns)
            verdicts = self._findings.verdicts
            where = (self._settings.client_id or "", without_secrets(self._settings.api_url), account.label)
            with self._findings.not_counted():
                confirm(FirstPush(*where, verdicts[Verdict.SENDABLE], verdicts.total(), fields))
        store.note_confirmed(self._target)

    def _packer(self, planned: PlannedAudience, spool: ImportSpool) -> GroupPacker:
        """One by one a member's empty cells are left out when its turn comes: no groups are needed."""
        options, names = self._options, [column.name for column in planned.plan.columns]
        if options.per_contact:
            return GroupPacker(spool, names, BATCH, options.batch_bytes)
        keep, canary = planned.rules.keep_empty, options.canary is not None
        return GroupPacker(spool, names, options.batch_rows, options.batch_bytes, by_filled_columns=keep, canary=canary)

    def _begin(self, prepared: PreparedAudience, recall: Recall | None) -> Run:
        planned, phones, options = prepared.planned, prepared.checked.phones, self._options
        files, ranks = prepared.import_files, prepared.group_ranks
        recipe = recipe_of(planned.audience, planned.plan, planned.rules, options.reading.read, path_of(self._source))
        if isinstance(self._source, RemoteRows):
            chosen_here = {"keep": options.reading.keep, "batch_rows": options.batch_rows}
            remote = {**self._source.recipe, **chosen_here, "consent": planned.plan.consent}
            recipe = replace(recipe, remote=remote)
        if self._findings.canary is not None:
            rows = sum(file.rows for file in files if file.canary)
            self._findings.canary = replace(self._findings.canary, rows=rows)
        started = Started(
            run_id=self._findings.run_id,
            version=VERSION,
            audience=self._findings.audience,
            name=self._audience_name,
            target=self._target,
            baseline=options.reading.limit is None and planned.audience.rejects is None,
            recipe=recipe,
            per_contact=options.per_contact,
            known=options.only_existing,
            began=self._findings.began,
            settings=dict(self._findings.settings),
            canary=self._findings.canary,
        )

        def write_files(folder: Path) -> str:
            if isinstance(self._source, RemotePreparation):
                return ""  # which row is in which import file is not known
            with ThreadPoolExecutor(1) as beside:
                digest = beside.submit(write_row_map, folder, planned.audience, phones.verdicts, files, ranks)
                if self._memory is not None and recall is not None:
                    self._memory.keep(folder, phones.numbers, phones.verdicts, recall, ranks)
                return digest.result()

        write = None if self._leaves_no_trace else write_files
        if not self._leaves_no_trace:
            self._store.forget_done(self._settings.keep_runs)
        return Run.begin(self._store, self._findings, started, files, write, self._memory)

    def _send(self, run: Run, files: list[ImportFile], context: Context) -> None:
        options = self._options
        how = How(options.concurrency, options.waiting, alone=self._leaves_no_trace)
        interruptible(lambda: deliver(run, files, context, how), context)

    def _verify(self, run: Run, planned: PlannedAudience, sent: SentValues, contacts: Contacts) -> None:
        """Compares what was sent with what Listrak has; contact by contact, of those Listrak has updated."""
        letters = "".join(part.outcomes for part in run.state.leaves).encode("ascii")
        updated = np.flatnonzero(np.frombuffer(letters, np.uint8) == ord("u")) if letters else None
        with after_push():
            verifier = Verifier(contacts, planned.rules, learned_about(self._settings), self._tell)
            self._findings.verify = verifier.verify(sent, updated, self._options.verify_sample)
        run.record(ReadBack(result=self._findings.verify))
        if problem := members_differ(self._findings.verify, planned.rules):
            run.end(problem)
            raise problem

    @property
    def _audience_name(self) -> str:
        return self._options.audience_name or self._findings.audience

    @property
    def _target(self) -> Destination:
        return target_of(self._settings)
