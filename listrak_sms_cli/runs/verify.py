"""`lsms verify`: the contacts read back and compared with the audience, member by member."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from msgspec import Struct, to_builtins

from listrak_sms_cli import options as declared
from listrak_sms_cli.errors import MembersDiffer
from listrak_sms_cli.runs.account import read_account
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import Event, Listener, RunStarted, silent
from listrak_sms_cli.runs.findings import Findings, audience_name
from listrak_sms_cli.runs.options import OfAudience, PushOptions, chosen
from listrak_sms_cli.runs.prepare import Preparation, Receivers
from listrak_sms_cli.runs.push import learned_about, path_of, target_of
from listrak_sms_cli.runs.readback import Contacts, Difference, DifferenceList, SentValues, Verifier, members_differ
from listrak_sms_cli.runs.record import RunStore
from listrak_sms_cli.runs.report import Report, ReportError, Verification
from listrak_sms_cli.runs.send import interruptible
from listrak_sms_cli.settings import Settings


class VerifyOptions(OfAudience, declared.Verifying):
    """How the audience is read, which of its members are checked, and how many of them must match."""


class Verified(Struct, frozen=True):
    """What `verify` found. `shown`: the first differences, with whole phones; `pushed`: Listrak has accepted something
    of this audience from here; `report`: the same as a Report."""

    audience: str
    sender_code: int
    rows_read: int
    rows_dropped: int
    result: Verification
    shown: tuple[Difference, ...]
    seconds: float
    error: ReportError | None
    exit_code: int
    pushed: bool
    report: Report

    def or_raise(self) -> Report:
        """The Report. Raises MembersDiffer that carries it where too many members differ."""
        if self.error is None:
            return self.report
        problem = MembersDiffer(self.error.message, hint=self.error.hint, code=self.error.code)
        problem.report = self.report
        raise problem

    def as_json(self, phones: Any) -> dict[str, Any]:
        """The document of `--json`; `phones` writes the phones of the listing."""
        document = to_builtins(self)
        counts, shown, _report = document.pop("result"), document.pop("shown"), document.pop("report")
        differences = [{**difference, "phone": phones(difference["phone"])} for difference in shown]
        return {**document, **counts, "differences": differences, "seconds": round(self.seconds, 3)}


def verify_audience(source: object, settings: Settings, options: VerifyOptions, tell: Listener = silent) -> Verified:
    """Read and clean the audience as `push` would, and compare the members that would be sent with what Listrak has.
    Members that differ are no exception: they are in `error` and `exit_code`. Raises LsmsError for all else."""
    began = time.monotonic()
    sender_code = settings.require_sender_code()

    def prepared(event: Event) -> None:
        if not isinstance(event, RunStarted):  # nothing is sent: this is no run
            tell(event)

    findings = Findings(
        "", audience_name(source, options.reading.source), silent
    )  # its warnings are about what is sent
    # One by one: all system fields can be compared, and how members would be put into import files does not matter.
    pushed = PushOptions(reading=options.reading, per_contact=True, yes=True)
    preparation = Preparation(source, pushed, findings, prepared)
    with ExitStack() as closing:
        context = closing.enter_context(connected(settings, tell))
        audience = closing.enter_context(preparation.open())
        account = read_account(context.client, sender_code)
        planned = preparation.plan(audience, account)
        sent = SentValues(planned.plan.columns)
        closing.callback(sent.close)
        differences = DifferenceList(options.out, audience, planned.plan.header[planned.plan.phone])
        closing.callback(differences.close)
        phones = preparation.read_phones(planned)
        checked = preparation.check(planned, phones, Receivers(keep=sent.keeper(phones.numbers)))
        preparation.guard(planned, checked)
        contacts = Contacts(context.client, sender_code, account.country or planned.rules.region)
        verifier = Verifier(contacts, planned.rules, learned_about(settings), tell)
        result = interruptible(lambda: verifier.verify(sent, None, options.sample, differences), context)
        differences.publish()
    findings.sender_code, findings.verify = sender_code, result
    findings.settings = chosen(settings, options.reading)
    same = result.matching == result.checked
    was_pushed = same or RunStore(settings.state_dir).was_pushed(audience.name, path_of(source), target_of(settings))
    problem = members_differ(result, planned.rules, options.min_match, pushed=was_pushed)
    return Verified(
        audience=audience.name,
        sender_code=sender_code,
        rows_read=findings.verdicts.total(),
        rows_dropped=sum(count for verdict, count in findings.verdicts.items() if verdict.drops),
        result=result,
        shown=tuple(differences.shown),
        seconds=time.monotonic() - began,
        error=ReportError(problem.code, problem.message, problem.hint) if problem else None,
        exit_code=problem.exit_code if problem else 0,
        pushed=was_pushed,
        report=findings.report(problem).with_(warnings=()),
    )
