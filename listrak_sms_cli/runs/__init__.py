"""The commands that do something: push, resume, status, validate, verify, pull.

Each is one function that returns a result; nothing here prints. The rooms inside, from below: `pack`, `record`,
`remember`, `readback`, `prepare`, `send`; each imports only what stands before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.account import (
        connect,
        read_account,
        region_of,
    )
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
    from listrak_sms_cli.runs.options import (
        PushOptions,
        ReadingOptions,
        push_options,
        reading_options,
        waiting,
    )
    from listrak_sms_cli.runs.pull import (
        PullOptions,
        pull_contacts,
    )
    from listrak_sms_cli.runs.push import (
        push_audience,
    )
    from listrak_sms_cli.runs.report import (
        ProfiledColumn,
        Report,
        ReportError,
        SandboxResult,
        Verification,
    )
    from listrak_sms_cli.runs.resume import ResumeOptions, resume_run
    from listrak_sms_cli.runs.status import status_of
    from listrak_sms_cli.runs.validate import (
        validate_audience,
    )
    from listrak_sms_cli.runs.verify import (
        VerifyOptions,
        verify_audience,
    )

__all__ = [
    "Event",
    "ImportChanged",
    "Listener",
    "MembersCounted",
    "MembersSent",
    "Phase",
    "PhaseAdvanced",
    "PhaseEnded",
    "PhaseStarted",
    "ProfiledColumn",
    "PullOptions",
    "PushOptions",
    "ReadingOptions",
    "Report",
    "ReportError",
    "RequestRetried",
    "ResumeOptions",
    "RunStarted",
    "SandboxResult",
    "SendablePrepared",
    "Verification",
    "VerifyOptions",
    "Warned",
    "connect",
    "pull_contacts",
    "push_audience",
    "push_options",
    "read_account",
    "reading_options",
    "region_of",
    "resume_run",
    "silent",
    "status_of",
    "validate_audience",
    "verify_audience",
    "waiting",
]

__getattr__ = on_demand(
    __name__,
    {
        "connect": "account",
        "read_account": "account",
        "region_of": "account",
        "Event": "events",
        "ImportChanged": "events",
        "Listener": "events",
        "MembersCounted": "events",
        "MembersSent": "events",
        "Phase": "events",
        "PhaseAdvanced": "events",
        "PhaseEnded": "events",
        "PhaseStarted": "events",
        "RequestRetried": "events",
        "RunStarted": "events",
        "SendablePrepared": "events",
        "Warned": "events",
        "silent": "events",
        "PushOptions": "options",
        "ReadingOptions": "options",
        "push_options": "options",
        "reading_options": "options",
        "waiting": "options",
        "PullOptions": "pull",
        "pull_contacts": "pull",
        "push_audience": "push",
        "ProfiledColumn": "report",
        "Report": "report",
        "ReportError": "report",
        "SandboxResult": "report",
        "Verification": "report",
        "ResumeOptions": "resume",
        "resume_run": "resume",
        "status_of": "status",
        "validate_audience": "validate",
        "VerifyOptions": "verify",
        "verify_audience": "verify",
    },
)
