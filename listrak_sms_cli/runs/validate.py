"""`lsms validate`: the first half of a push, with a profile of every column. Nothing is sent."""

from __future__ import annotations

from listrak_sms_cli.runs.account import read_account
from listrak_sms_cli.runs.context import connected
from listrak_sms_cli.runs.events import Listener, silent
from listrak_sms_cli.runs.findings import Findings, audience_name
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions, chosen
from listrak_sms_cli.runs.prepare import Preparation, offline_warning, profile_of
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
    """Read and clean the audience as `push` would. Returns the Report; raises LsmsError that carries it.

    Without credentials or a sender code, or `offline`, profile fields are unknown: their names, types and lengths are
    not checked, and a warning says so. `max_drop_rate`: percent of the members read.
    """
    findings = Findings(new_run_id(), audience_name(source, options.source), tell, options.silenced)
    findings.dry_run = True
    findings.sender_code = settings.sender_code
    findings.settings = chosen(settings, options)
    dry_run = PushOptions(reading=options, max_drop_rate=max_drop_rate, dry_run=True)
    preparation = Preparation(source, dry_run, findings, tell)

    def work() -> None:
        with preparation.open() as audience:
            account = None
            if offline or not settings.has_credentials or settings.sender_code is None:
                findings.warn(offline_warning(options.region or "US"))
            else:
                with connected(settings, tell) as context:
                    account = read_account(context.client, settings.sender_code)
            planned = preparation.plan(audience, account)
            preparation.check_only(planned, profile_of(planned))

    return findings.reported(work)
