"""The first half of a push, and all of a `validate`: an audience opened, planned, read and checked; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from listrak_sms_cli.audience import AudienceProfile, Cleaned, Verdict, find_phone, plan_columns, rewrite_names
from listrak_sms_cli.audience.source import Audience, open_audience
from listrak_sms_cli.errors import LsmsError, NothingSent
from listrak_sms_cli.runs.account import Account, region_of, with_system_fields
from listrak_sms_cli.runs.events import Listener, RunStarted
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.options import ASK_FIRST, PushOptions
from listrak_sms_cli.runs.pack import Packing, check_columns, check_groups
from listrak_sms_cli.runs.prepare import guards
from listrak_sms_cli.runs.prepare.ask_listrak import ASK_EACH, look_up
from listrak_sms_cli.runs.prepare.column_profile import profiled_columns, smells
from listrak_sms_cli.runs.prepare.one_pass import survey_members
from listrak_sms_cli.runs.prepare.phone_pass import Members
from listrak_sms_cli.runs.prepare.two_passes import NOT_ASKED, Job, LookedUp, Prepared, check_members, read_members
from listrak_sms_cli.runs.prepare.warnings import column_notices, drop_notices
from listrak_sms_cli.runs.readback import Contacts
from listrak_sms_cli.runs.record import StoredRun
from listrak_sms_cli.runs.remember import Recall


class Preparation:
    """Steps in their order: open, plan, read, look_up, check, guard; of a `validate` open, plan, survey, guard. What
    they find goes to the findings."""

    def __init__(self, source: object, options: PushOptions, findings: Findings, tell: Listener) -> None:
        self._source = source
        self._options = options
        self._findings = findings
        self._tell = tell
        self._fills = np.empty(0, np.uint64)

    def open(self) -> Audience:
        """Raises AudienceError, also where there is no phone column."""
        source = self._source
        audience = source if isinstance(source, Audience) else open_audience(source, self._options.reading.read)
        try:
            find_phone(rewrite_names(audience.columns), self._options.reading.columns.phone_column)
        except LsmsError:
            audience.close()
            raise
        return audience

    def plan(self, audience: Audience, account: Account | None) -> Job:
        """`account` None: profile fields are not known. Raises AudienceError; NothingSent without any column."""
        reading = self._options.reading
        fields = account.fields if account else None
        if fields and self._options.per_contact:
            fields = with_system_fields(fields)
        plan = plan_columns(audience.columns, fields, reading.columns)
        self._findings.plan = plan
        if not plan.columns:
            raise NothingSent(
                f"The audience {audience.name} has no column but the phone: there is nothing to update.",
                hint="Add the columns whose profile fields should be updated.",
                code="no_columns",
            )
        rules = reading.rules(region_of(reading.region, account.country if account else "US"))
        if rules.keep_empty:
            check_columns(plan)
        self._tell(
            RunStarted(
                self._findings.run_id,
                audience.name,
                audience.described,
                f"sender code {account.label}" if account else "no account (offline)",
                self._findings.dry_run,
            )
        )
        return Job(audience, plan, rules, reading)

    def read(self, job: Job) -> Members:
        return read_members(job, self._tell)

    def look_up(self, job: Job, members: Members, contacts: Contacts) -> LookedUp:
        options = self._options
        if not options.asks_who_exists and not options.exclude_opted_out:
            return NOT_ASKED
        return look_up(
            contacts,
            members.numbers[members.verdicts == Verdict.SENDABLE],
            job.rules,
            self._tell,
            existing=options.asks_who_exists,
            opted_out=options.exclude_opted_out,
            ask_each=ASK_FIRST if options.per_contact else ASK_EACH,
        )

    def check(
        self,
        job: Job,
        members: Members,
        packing: Packing | None = None,
        looked_up: LookedUp = NOT_ASKED,
        *,
        recall: Recall | None = None,
        keep: Callable[[int, Cleaned], None] | None = None,
    ) -> None:
        prepared = check_members(job, members, packing, self._tell, looked_up, recall=recall, keep=keep)
        self._note(job, members, prepared)

    def survey(self, job: Job, profile: AudienceProfile) -> None:
        """`read` and `check` where nobody is sent."""
        members, prepared = survey_members(job, self._tell, profile)
        self._note(job, members, prepared, profile)

    def _note(self, job: Job, members: Members, prepared: Prepared, profile: AudienceProfile | None = None) -> None:
        findings = self._findings
        findings.verdicts, self._fills = prepared.counts, prepared.fills
        if (rejects := job.options.rejects) is not None:
            findings.rejects = str(rejects)
        notices = column_notices(prepared.columns, job, prepared.counts[Verdict.SENDABLE])
        if profile is not None:
            findings.profile = profiled_columns(job, members, profile)
            notices += smells(findings.profile, prepared.read)
        for notice in [*notices, *drop_notices(prepared.counts, members.exponents, findings.rejects)]:
            findings.warn(notice)

    def guard(self, job: Job, before: StoredRun | None = None) -> None:
        """Guards first, then whether anything can be sent at all. `before`: the last good push of this audience."""
        verdicts, options = self._findings.verdicts, self._options
        if options.max_drop_rate is not None:
            guards.drop_rate(verdicts, options.max_drop_rate)
        if options.max_shrink is not None and before is not None:
            guards.shrink(verdicts, before, options.max_shrink)
        guards.nothing_sendable(verdicts, self._findings.audience, options.reading.allow_empty, self._findings.rejects)
        if not options.per_contact:
            check_groups(self._fills, job.plan)
        elif not options.yes:
            guards.many_one_by_one(verdicts[Verdict.SENDABLE], ASK_FIRST)
