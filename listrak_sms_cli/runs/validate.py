"""`lsms validate`: the first half of a push, with a profile of every column; nothing is sent."""

from __future__ import annotations

from listrak_sms_cli.runs.account import connect, read_account
from listrak_sms_cli.runs.events import Listener, RequestRetried, silent
from listrak_sms_cli.runs.findings import Findings, audience_name
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions
from listrak_sms_cli.runs.prepare import Preparation, offline_notice, profile_of
from listrak_sms_cli.runs.record import new_run_id
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.settings import Settings


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
    findings = Findings(new_run_id(), audience_name(source), tell, options.silenced)
    findings.dry_run = True
    findings.sender_code = settings.sender_code
    pushed = PushOptions(reading=options, max_drop_rate=max_drop_rate, dry_run=True)
    preparation = Preparation(source, pushed, findings, tell)

    def work() -> None:
        with preparation.open() as audience:
            account = None
            if offline or not settings.has_credentials or settings.sender_code is None:
                findings.warn(offline_notice(options.region or "US"))
            else:
                asking = connect(settings, on_retry=lambda one: tell(RequestRetried(one.what, one.reason, one.wait)))
                with asking as client:
                    account = read_account(client, settings.sender_code)
            job = preparation.plan(audience, account)
            preparation.survey(job, profile_of(job))
            preparation.guard(job)

    return findings.reported(work)
