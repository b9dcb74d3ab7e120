"""The commands that do something: push, resume, status, validate, verify, pull.

Each is one function that returns a result; nothing here prints. The rooms inside, from below: `pack`, `record`,
`remember`, `readback`, `prepare`, `send`; each imports only what stands before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.account import connect, read_account, region_of
    from listrak_sms_cli.runs.events import (
        Event,
        ImportChanged,
        Listener,
        MembersCounted,
        MembersSent,
        Phase,
        PhaseAdvanced,
        PhaseEnded,
        PhaseStarted,
        RequestRetried,
        RunStarted,
        SendablePrepared,
        Warned,
        silent,
    )
    from listrak_sms_cli.runs.options import PushOptions, ReadingOptions, push_options, reading_options, waiting
    from listrak_sms_cli.runs.pull import PullOptions, pull_contacts
    from listrak_sms_cli.runs.push import push_audience
    from listrak_sms_cli.runs.report import ProfiledColumn, Report, ReportError, SandboxResult, Verification
    from listrak_sms_cli.runs.resume import ResumeOptions, resume_run
    from listrak_sms_cli.runs.status import status_of
    from listrak_sms_cli.runs.validate import validate_audience
    from listrak_sms_cli.runs.verify import VerifyOptions, verify_audience

__all__, __getattr__ = on_demand(
    __name__,
    account="connect read_account region_of",
    events="Event ImportChanged Listener MembersCounted MembersSent Phase PhaseAdvanced PhaseEnded PhaseStarted "
    "RequestRetried RunStarted SendablePrepared Warned silent",
    options="PushOptions ReadingOptions push_options reading_options waiting",
    pull="PullOptions pull_contacts",
    push="push_audience",
    report="ProfiledColumn Report ReportError SandboxResult Verification",
    resume="ResumeOptions resume_run",
    status="status_of",
    validate="validate_audience",
    verify="VerifyOptions verify_audience",
)
