"""`lsms validate`: the first half of a push, with a profile of every column. Nothing is sent."""

from __future__ import annotations

from listrak_sms_cli.runs.account import connect, read_account
from listrak_sms_cli.runs.events import Listener, RequestRetried, silent
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.prepare import Preparation, offline_warning, profile_of
from listrak_sms_cli.runs.record import new_run_id
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.runs.sources import name_of
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
    outcome = Outcome(new_run_id(), name_of(source), tell, options.silenced)
    outcome.dry_run = True
    outcome.sender_code = settings.sender_code
    dry_run = PushOptions(reading=options, max_drop_rate=max_drop_rate, dry_run=True)
    preparation = Preparation(source, dry_run, outcome, tell)

    def work() -> None:
        with preparation.open() as audience:
            account = None
            if offline or not settings.has_credentials or settings.sender_code is None:
                outcome.warn(offline_warning(options.region or "US"))
            else:
                with connect(settings, on_retry=lambda r: tell(RequestRetried(r.what, r.reason, r.wait))) as client:
                    account = read_account(client, settings.sender_code)
            planned = preparation.plan(audience, account)
            preparation.check_only(planned, profile_of(planned))

    return outcome.reported(work)
