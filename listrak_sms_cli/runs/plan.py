"""`lsms plan`: what a push would change, found by reading what is stored. Nothing is sent."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Self

import msgspec
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli import options as declared
from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import LsmsError, UsageError
from listrak_sms_cli.runs.account import read_account
from listrak_sms_cli.runs.context import Context, connected
from listrak_sms_cli.runs.events import Listener, Phase, silent
from listrak_sms_cli.runs.findings import Findings, audience_name
from listrak_sms_cli.runs.options import PushOptions, chosen, push_options
from listrak_sms_cli.runs.output_file import OutputFile, output_at
from listrak_sms_cli.runs.plan_file import OF_A_PLAN, Plan, planned_changes, slow_digest
from listrak_sms_cli.runs.prepare import PlannedAudience, Preparation, Receivers
from listrak_sms_cli.runs.push import learned_about, path_of, target_of
from listrak_sms_cli.runs.readback import (
    Bookmark,
    ChangeList,
    Contacts,
    Listing,
    Reading,
    ResumableFile,
    SentValues,
    Survey,
)
from listrak_sms_cli.runs.record import identity_of, make_folder, new_run_id, recipe_of
from listrak_sms_cli.runs.report import Report, RunWarning
from listrak_sms_cli.runs.send import interruptible
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.stores import StoreUrl

_KEPT_FOR = 24 * 3600.0  # seconds: notes of an interrupted reading that nobody went on with
_NOTE_SHARE = 20  # noting takes at most so small a part of the time
_GOES_ON = "The same command goes on from here."


class PlanOptions(declared.Planning):
    """Which files are written, and what is shown; `push`: the options of the push that is planned."""

    def __init__(self, push: PushOptions | None = None, **given: object) -> None:
        super().__init__(**given)
        self.push = push or PushOptions()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class, and of a push."""
        options = super().of(given)
        options.push = push_options(given)
        return options


def plan_changes(source: object, settings: Settings, options: PlanOptions, tell: Listener = silent) -> Report:
    """Read and clean the audience as `push` would, and compare it with what is stored. Returns the Report; raises
    LsmsError that carries it. After an interruption the same call goes on where it was."""
    if options.save is not None and options.push.reading.limit is not None:
        raise UsageError("A plan is made of the whole audience: --save and --limit do not go together.")
    findings = Findings(
        new_run_id(), audience_name(source, options.push.reading.source), tell, options.push.reading.silenced
    )
    findings.dry_run = True
    findings.settings = chosen(settings, options.push, options.push.reading)
    return findings.reported(lambda: _Planning(source, settings, options, findings).run(tell))


class _Noted(Bookmark):
    """A reading that is noted in a file, and goes on with what an interrupted one has noted there."""

    def __init__(self, file: ResumableFile, survey: Survey) -> None:
        self._file = file
        self._survey = survey
        self._due = 0.0
        if file.progress.notes:
            try:
                for _ in file.batches():  # what is left of them is whole
                    continue
                self.resumed = survey.restore(file.progress.notes)
            except (OSError, ValueError, pa.ArrowInvalid):
                file.forget()

    @property
    def goes_on(self) -> bool:
        return bool(self._file.progress.notes)

    def cursor(self, listing: Listing) -> str | None:
        progress = self._file.progress
        if listing.name in progress.done:
            return None
        return progress.cursor if progress.current == listing.name else "Start"

    def note(self, listing: Listing, cursor: str | None) -> None:
        """Notes at the end of each listing, and before as often as it costs little."""
        began = time.monotonic()
        if cursor is None or began >= self._due:
            self._file.note(current=listing.name, cursor=cursor, notes=self._survey.notes())
            now = time.monotonic()
            self._due = now + _NOTE_SHARE * (now - began)


class _Planning(Struct, frozen=True):
    source: object
    settings: Settings
    options: PlanOptions
    findings: Findings

    def run(self, tell: Listener) -> None:
        options, findings = self.options, self.findings
        findings.sender_code = self.settings.require_sender_code()
        preparation = Preparation(self.source, options.push, findings, tell)
        with ExitStack() as stack:
            context = stack.enter_context(connected(self.settings, tell))
            audience = stack.enter_context(preparation.open())
            out, save = (
                None if path is None else output_at(path, option, audience.files)
                for path, option in ((options.out, "--out"), (options.save, "--save"))
            )
            account = read_account(context.client, findings.sender_code)
            planned = preparation.plan(audience, account)
            contacts = Contacts(context.client, account.sender_code, account.country or planned.rules.region)
            phones = preparation.read_phones(planned)
            looked_up = interruptible(lambda: preparation.look_up(planned, phones, contacts), context)
            sent = stack.enter_context(closing(SentValues(planned.plan.columns)))
            checked = preparation.check(planned, phones, Receivers(keep=sent.keeper(phones.numbers)), looked_up)
            preparation.guard(planned, checked)
            planned = msgspec.structs.replace(planned, rules=checked.rules)
            survey = self._survey(planned, sent, contacts, context, out)
            findings.planned |= {
                "rows_different": survey.different,
                "rows_same": survey.same,
                "not_in_listrak": survey.missing,
                "changes": survey.changes(),
            }
            if save is not None:
                self._plan(planned, survey).save(save)

    def _survey(
        self, planned: PlannedAudience, sent: SentValues, contacts: Contacts, context: Context, out: OutputFile | None
    ) -> Survey:
        options = self.options
        survey = Survey(sent, planned.rules, learned_about(self.settings), show_values=options.show_values)
        question = self._question(planned, survey)
        changes = None
        if out is not None:
            folder = self._notes_folder() if isinstance(options.out, StoreUrl) else Path()
            changes = ChangeList(out, planned.audience, sent, question, folder, show_phones=options.show_phones)
        file = changes.file if changes is not None else self._notes_file(question)
        with file or nullcontext():
            bookmark = _Noted(file, survey) if file is not None else Bookmark()
            self._resume(bookmark)
            hint = "Send a test audience (push --limit N) and look at its contacts: lsms verify AUDIENCE --limit N"
            reading = Reading(contacts, planned.rules.phone_format, context.tell, Phase.LOOKING_UP, hint, bookmark)
            try:
                interruptible(lambda: survey.read(reading, changes), context)
            except LsmsError as error:
                if bookmark.goes_on and error.exit_code != UsageError.exit_code:
                    error.hint = f"{error.hint} {_GOES_ON}".lstrip()
                raise
            if changes is not None:
                changes.file.publish()
            elif file is not None:
                file.discard()
        return survey

    def _resume(self, bookmark: Bookmark) -> None:
        resumed = self.findings.planned["resumed"] = bookmark.resumed
        if resumed:
            message = f"An interrupted reading goes on: {resumed:,} members had been compared already."
            self.findings.warn(RunWarning("resumed", message))

    def _notes_file(self, question: str) -> ResumableFile | None:
        """Where a reading without `--out` is noted; None where it cannot be, or must not: values are kept nowhere."""
        if self.options.show_values:
            return None
        try:
            folder = self._notes_folder()
            file = output_at(folder / question[:24], "--state-dir")
            return ResumableFile(file, pa.schema([]), question, folder, "plan")
        except (OSError, UsageError):
            return None

    def _notes_folder(self) -> Path:
        folder = self.settings.state_dir / "plans"
        make_folder(folder)
        for left in folder.iterdir():
            if time.time() - left.stat().st_mtime > _KEPT_FOR:
                left.unlink(missing_ok=True)
        return folder

    def _question(self, planned: PlannedAudience, survey: Survey) -> str:
        """A digest of all that decides what is found."""
        facts = [
            msgspec.to_builtins(target_of(self.settings)),
            survey.content,
            identity_of(planned.audience),
            [(column.name, column.field.id, column.field.name) for column in planned.plan.columns],
            survey.empties_stay,
            self.options.show_values,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _plan(self, planned: PlannedAudience, survey: Survey) -> Plan:
        push, salt = self.options.push, secrets.token_hex(16)
        options = {**push.reading.by_name, **push.by_name}
        kept = {name: value for name, value in options.items() if name in OF_A_PLAN and value is not None}
        return Plan(
            target=target_of(self.settings),
            audience=self.findings.audience,
            recipe=recipe_of(planned.audience, planned.plan, planned.rules, push.reading.read, path_of(self.source)),
            options=kept,
            rows_read=self.findings.verdicts.total(),
            rows_sendable=self.findings.verdicts[Verdict.SENDABLE],
            rows_different=survey.different,
            rows_same=survey.same,
            not_in_listrak=survey.missing,
            salt=salt,
            audience_digest=slow_digest(survey.content, salt),
            changes=planned_changes(survey, salt),
        )
