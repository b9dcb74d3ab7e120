"""`lsms resume`: goes on with a run where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Self

from msgspec import Struct

from listrak_sms_cli import options as declared
from listrak_sms_cli.audience import ProfileField, Verdict
from listrak_sms_cli.audience.source import RemoteRows
from listrak_sms_cli.errors import AccountError, SettingsError, UsageError
from listrak_sms_cli.runs.account import read_fields, with_system_fields
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import Listener, SendablePrepared, silent
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.pack import ImportSpool
from listrak_sms_cli.runs.prepare import nothing_left_notice
from listrak_sms_cli.runs.rebuild import parts_to_rebuild, rebuild
from listrak_sms_cli.runs.record import CanarySkipped, RecipeColumn, RunStore, StoredRun, fingerprint
from listrak_sms_cli.runs.remember import Memory
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.run import Run, findings_of
from listrak_sms_cli.runs.send import How, deliver, interruptible
from listrak_sms_cli.settings import Settings


class ResumeOptions(declared.Resuming):
    """What does not hold a run back; `sending`: how the rest is sent and waited for."""

    def __init__(self, sending: PushOptions | None = None, **given: object) -> None:
        super().__init__(**given)
        self.sending = sending or PushOptions()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class, and of a push."""
        options = super().of(given)
        options.sending = PushOptions.of(given)
        return options


def resume_run(
    settings: Settings,
    run_id: str | None,
    options: ResumeOptions | None = None,
    tell: Listener = silent,
    audience: object = None,
) -> Report:
    """Sends what Listrak has not accepted or whose import ended badly, and waits for the rest. `run_id` None: the
    newest run that can be resumed; `audience`: where it is now, None = where it was. Returns the Report of the whole
    run; raises LsmsError with it."""
    store = RunStore(settings.state_dir)
    stored = store.find(run_id) if run_id else store.newest_resumable()
    findings = findings_of(stored, tell)
    started = stored.state.started
    findings.baseline = store.last_good(started.name, started.target, besides=stored.run_id)
    resumption = _Resumption(settings, store, stored, findings, options or ResumeOptions(), audience)
    return findings.reported(lambda: resumption.go_on(tell))


class _Resumption(Struct, frozen=True):
    settings: Settings
    store: RunStore
    stored: StoredRun
    findings: Findings
    options: ResumeOptions
    audience: object

    def go_on(self, tell: Listener) -> None:
        target, run_id = self.stored.state.started.target, self.stored.run_id
        if not self.stored.state.can_be_resumed:
            self.findings.warn(nothing_left_notice(run_id))
            return
        refuse_other_account(self.stored, self.settings)
        self._refuse_lost_audience()
        with ExitStack() as closing:
            closing.enter_context(self.store.lock(target.sender_code, run_id))
            memory = Memory.open(self.settings.state_dir, target)
            run = closing.enter_context(self._reopened(memory))
            self._refuse_superseded(run)
            self._settle_canary(run)
            context = closing.enter_context(connected(self.settings, tell))
            context.client.check_token()
            if run.state.unsent:
                self._refuse_other_fields(read_fields(context.client, target.sender_code))
            spool = ImportSpool()
            closing.callback(spool.close)
            stored = StoredRun(self.stored.folder, run.state)
            parts = []
            if parts_to_rebuild(run.state):
                parts = rebuild(stored, self.audience, self.settings.config, spool, tell)
            if parts:
                imports = 0 if run.state.started.per_contact else len(parts)
                tell(SendablePrepared(self.findings.verdicts[Verdict.SENDABLE], imports))
            how = How(self.options.sending.concurrency, self.options.sending.waiting)
            interruptible(lambda: deliver(run, parts, context, how), context)

    def _reopened(self, memory: Memory | None) -> Run:
        run = Run.reopen(self.store, self.stored, self.findings, memory)
        if run.in_use:
            raise UsageError(
                f"Another command is at work on run {run.id}.",
                hint=f"When it has ended: lsms resume {run.id}",
                code="locked",
            )
        return run

    def _refuse_lost_audience(self) -> None:
        recipe, run_id, given = self.stored.state.started.recipe, self.stored.run_id, self.audience
        if not parts_to_rebuild(self.stored.state) or isinstance(given, RemoteRows):
            return
        if recipe.remote and (given is None or recipe.remote["prepare"] == "executors"):
            raise UsageError(
                f"Run {run_id} read its audience from a frame of Spark, which is not here.",
                hint=f'Go on from Python: listrak_sms_cli.spark.resume(frame, "{run_id}")',
                code="audience_gone",
            )
        if recipe.path == "-" and given is None:
            raise UsageError(
                f"Run {run_id} read its audience from standard input, or from a frame, which is gone.",
                hint="Name a file with the same content: --audience FILE",
                code="audience_gone",
            )

    def _settle_canary(self, run: Run) -> None:
        if not run.state.canary_is_open:
            return
        if self.options.skip_canary:
            run.record(CanarySkipped())
        elif not self.options.sending.wait:
            raise UsageError(
                f"The canary of run {run.id} has to be waited for, and read back, before the rest is sent.",
                hint="Leave --no-wait out, or add --skip-canary.",
            )

    def _refuse_other_fields(self, fields: Sequence[ProfileField]) -> None:
        """Raise AccountError when the values of the run do not fit the profile fields as they are now."""
        started = self.stored.state.started
        known = with_system_fields(fields) if started.per_contact else fields
        if changes := list(_changed_fields(started.recipe.columns, known)):
            raise AccountError(
                f"Profile fields are not as they were when run {self.stored.run_id} began: {'; '.join(changes)}. "
                "Nothing more was sent.",
                hint="Make them in Listrak as they were and resume again, or push the audience as a new run.",
                code="fields_changed",
            )

    def _refuse_superseded(self, run: Run) -> None:
        """Under the lock: no other push to this sender code can begin in between."""
        if self.options.anyway or not run.state.unsent:
            return
        if (later := self.store.later_accepted(run.id, run.target)) is not None:
            raise UsageError(
                f"Run {run.id} is superseded: Listrak has accepted members of the later run {later}.",
                hint="Its data may be older than what is stored. To send it all the same, add --anyway.",
                code="superseded",
            )


def _changed_fields(columns: Sequence[RecipeColumn], fields: Sequence[ProfileField]) -> Iterator[str]:
    """What has become of fields that cannot hold the values of their columns any more: one that is called otherwise, or
    that holds longer values, can. System fields without an id, which are sent contact by contact, do not change."""
    active = {field.id: field for field in fields if field.active and field.id}
    for column in columns:
        found, field = active.get(column.field_id), f"the field {column.field_name} (id {column.field_id})"
        if not column.field_id:
            continue
        if found is None:
            yield f"{field} is gone or disabled"
        elif found.kind.value != column.kind:
            yield f"{field} has changed: type {column.kind} then, {found.kind.value} now"
        elif found.max_length is not None and (column.max_length is None or found.max_length < column.max_length):
            yield f"{field} has changed: length {column.max_length or 'not limited'} then, {found.max_length} now"


def refuse_other_account(stored: StoredRun, settings: Settings) -> None:
    """Raises SettingsError when the settings name another API base or client id than the run was started with."""
    target = stored.state.started.target
    client_id, _ = settings.credentials()
    if target.api_url != settings.api_url:
        raise SettingsError(
            f"Run {stored.run_id} was sent to another API base ({target.api_url}).",
            hint=f"Add --api-url {target.api_url}",
            code="other_api",
        )
    if target.client != fingerprint(client_id):
        raise SettingsError(
            f"Run {stored.run_id} was started with another client id.",
            hint="Use the credentials (or --profile) it was started with.",
            code="other_client",
        )
