"""The first half of a push, and all of a `validate`: an audience opened, planned, read, checked and packed. Nothing is
sent."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import AudienceProfile, Verdict, plan_columns
from listrak_sms_cli.audience.source import Audience, open_audience
from listrak_sms_cli.errors import NothingSent
from listrak_sms_cli.runs.account import Account, region_of, with_system_fields
from listrak_sms_cli.runs.events import Listener, RunStarted, SendablePrepared
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.options import ASK_FIRST, PushOptions, ReadingOptions
from listrak_sms_cli.runs.pack import GroupPacker, ImportFile, ImportSpool, check_columns, check_groups
from listrak_sms_cli.runs.prepare import guards
from listrak_sms_cli.runs.prepare.ask_listrak import NOT_QUERIED, LookedUp, look_up
from listrak_sms_cli.runs.prepare.column_profile import profiled_columns, profiled_figures, suspicious_columns
from listrak_sms_cli.runs.prepare.consent import consent_warnings
from listrak_sms_cli.runs.prepare.drift import drift_warnings, fill_falls
from listrak_sms_cli.runs.prepare.expectations import check_expectation
from listrak_sms_cli.runs.prepare.one_pass import check_in_one_pass
from listrak_sms_cli.runs.prepare.part import ForeignPhones
from listrak_sms_cli.runs.prepare.phone_pass import PhonePass, read_phones
from listrak_sms_cli.runs.prepare.planned import PlannedAudience, find_phone_of
from listrak_sms_cli.runs.prepare.remote import RemotePreparation, check_remotely
from listrak_sms_cli.runs.prepare.value_pass import Checked, Receivers, check_members
from listrak_sms_cli.runs.prepare.warnings import (
    column_warnings,
    drop_warnings,
    email_warnings,
    foreign_warnings,
    guess_notes,
    single_member_warnings,
    value_warnings,
)
from listrak_sms_cli.runs.readback import Contacts, SentValues
from listrak_sms_cli.runs.remember import Recall
from listrak_sms_cli.runs.report import RunWarning


class PreparedAudience(Struct, frozen=True):
    """What a push sends and writes down. `group_ranks`: uint8 a row, the rank of its group among the import files; None
    where there are no groups."""

    planned: PlannedAudience
    checked: Checked
    import_files: list[ImportFile]
    group_ranks: np.ndarray | None


class Preparation:
    """The stages in their order. A push: `open`, `plan`, `read_phones`, `look_up`, `check`, `pack`. A validate: `open`,
    `plan`, `check_only`. What they find goes to the findings as well, which an error needs for its report."""

    def __init__(self, source: object, options: PushOptions, findings: Findings, tell: Listener) -> None:
        self._source = source
        self._options = options
        self._findings = findings
        self._tell = tell

    def open(self) -> Audience:
        """Open the source. Raises AudienceError, also where there is no phone column."""
        source = self._source
        audience = source if isinstance(source, Audience) else open_audience(source, self._options.reading.read)
        try:
            find_phone_of(audience, self._options.reading.columns)
        except BaseException:
            audience.close()
            raise
        for note in audience.notes:
            self._findings.warn(RunWarning(note.code, note.message))
        return audience

    def plan(self, audience: Audience, account: Account | None) -> PlannedAudience:
        """Find the profile fields of the columns; `account` None: fields are unknown. Raises AudienceError; NothingSent
        when there is no column but the phone."""
        reading = self._options.reading
        fields = account.fields if account else None
        if fields and self._options.per_contact:
            fields = with_system_fields(fields)
        plan = plan_columns(audience.columns, fields, reading.columns)
        self._findings.plan = plan
        for guess in guess_notes(plan):
            self._findings.warn(guess)
        for warning in email_warnings(plan, account) if account else ():
            self._findings.warn(warning)
        consent = [plan.consent] if plan.consent is not None else []
        audience.check_readable([plan.phone, *consent, *(column.index for column in plan.columns)])
        if not plan.columns:
            raise NothingSent(
                f"The audience {audience.name} has no column but the phone: there is nothing to update.",
                hint="Add the columns whose profile fields should be updated.",
                code="no_columns",
            )
        region = region_of(reading.region, account.country if account else "US")
        rules = reading.rules(region, account.country if account else "")
        if rules.keep_empty:
            check_columns(plan)
        target = f"sender code {account.label}" if account else "no account (offline)"
        findings = self._findings
        self._tell(RunStarted(findings.run_id, audience.name, audience.described, target, findings.dry_run))
        return PlannedAudience(audience, plan, rules, reading, findings.run_id)

    def read_phones(self, planned: PlannedAudience) -> PhonePass:
        """Read all phones and find the duplicates."""
        return read_phones(planned, self._tell)

    def look_up(self, planned: PlannedAudience, phones: PhonePass, contacts: Contacts) -> LookedUp:
        """Query Listrak for the valid phones, as far as the options ask for it."""
        return look_up(contacts, phones, planned.rules, self._options, self._tell)

    def keep_values(
        self, planned: PlannedAudience, phones: PhonePass, sent: SentValues, looked_up: LookedUp, recall: Recall | None
    ) -> PlannedAudience:
        """Keep in `sent` what all members that can be sent would be sent, for it to be compared with what is stored;
        `recall` leaves out those that are unchanged. `phones` are as they were; what is found of the audience is noted
        when it is checked. Returns the audience with what is known of its columns by then."""
        whole = ReadingOptions.of({**planned.options.by_name, "rejects": None, "limit": None})
        fresh = replace(phones, verdicts=phones.verdicts.copy())
        receivers = Receivers(recall=recall, keep=sent.keeper(phones.numbers))
        checked = check_members(replace(planned, options=whole), fresh, receivers, self._tell, looked_up)
        return replace(planned, rules=checked.rules)

    def check(
        self, planned: PlannedAudience, phones: PhonePass, receivers: Receivers, looked_up: LookedUp = NOT_QUERIED
    ) -> Checked:
        """Check all members, and give those that will be sent to the receivers."""
        checked = check_members(planned, phones, receivers, self._tell, looked_up)
        self._note(planned, checked)
        return checked

    def check_remotely(
        self, planned: PlannedAudience, source: RemotePreparation, packer: GroupPacker, spool: ImportSpool
    ) -> Checked:
        """The same, where the rows are not here."""
        checked = check_remotely(source, planned, packer, spool, self._tell)
        self._note(planned, checked)
        return checked

    def pack(self, planned: PlannedAudience, checked: Checked, packer: GroupPacker) -> PreparedAudience:
        """Apply the guards, then make the import files. Raises GuardStopped, NothingSent, AudienceError; UsageError for
        too many members one by one."""
        self.guard(planned, checked)
        files, ranks = packer.import_files()
        for warning in single_member_warnings(files) if packer.by_filled_columns else ():
            self._findings.warn(warning)
        imports = 0 if self._options.per_contact else len(files)
        self._tell(SendablePrepared(checked.counts[Verdict.SENDABLE], imports))
        return PreparedAudience(replace(planned, rules=checked.rules), checked, files, ranks)

    def check_only(self, planned: PlannedAudience, profile: AudienceProfile) -> None:
        """Check all members and fill the profile, where nothing is sent. Raises GuardStopped, NothingSent,
        AudienceError."""
        checked = check_in_one_pass(planned, self._tell, profile)
        self._note(planned, checked, profile)
        self.guard(planned, checked)

    def _note(self, planned: PlannedAudience, checked: Checked, profile: AudienceProfile | None = None) -> None:
        findings, rejects = self._findings, planned.options.rejects
        findings.verdicts = checked.counts
        findings.unfit, findings.too_long = checked.columns.unfit, checked.columns.too_long
        findings.rejects = str(rejects) if rejects is not None else None
        warnings = value_warnings(checked.columns, planned, checked.counts[Verdict.SENDABLE])
        warnings += column_warnings(checked.columns, planned)
        phones = checked.phones
        foreign = checked.foreign or ForeignPhones.of(phones.numbers, phones.verdicts, checked.rules)
        warnings += foreign_warnings(foreign, checked.rules)
        warnings += consent_warnings(planned)
        findings.figures = checked.figures
        if profile is not None:
            findings.profile = profiled_columns(planned, checked, profile)
            warnings += suspicious_columns(profiled_figures(findings.profile), checked.read)
        else:
            warnings += suspicious_columns(checked.figures, checked.read)
        if findings.baseline is not None:
            warnings += drift_warnings(checked.figures, checked.read, planned.plan.header, findings.baseline)
        for warning in warnings + drop_warnings(checked, findings.rejects):
            findings.warn(warning)

    def guard(self, planned: PlannedAudience, checked: Checked) -> None:
        """Apply the guards of the options, then refuse when nothing can be sent at all."""
        counts, options, before = checked.counts, self._options, self._findings.baseline
        if options.reading.expect is not None:
            check_expectation(planned, checked.read, options.reading.expect)
        if options.max_drop_rate is not None:
            missing = options.only_existing or not options.only_different
            guards.drop_rate(counts, options.max_drop_rate, missing=missing)
        if options.max_shrink is not None and before is not None:
            guards.shrink(counts, before, options.max_shrink)
        if options.max_fill_drop is not None and before is not None:
            falls = fill_falls(checked.figures, checked.read, planned.plan.header, before)
            guards.fill_drop(falls, before.run_id, options.max_fill_drop)
        guards.nothing_sendable(counts, self._findings.audience, options.reading)
        if not options.per_contact:
            check_groups(checked.column_sets, planned.plan)
        elif not options.yes:
            guards.many_one_by_one(counts[Verdict.SENDABLE], ASK_FIRST)
