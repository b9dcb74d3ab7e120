"""The commands that do something: push, resume, status, validate, plan, apply, verify, pull.

Each is one function that returns a result; nothing here prints. The rooms inside, from below: `pack`, `record`,
`remember`, `readback`, `prepare`, `send`; each imports only what stands before it.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.account import *
    from listrak_sms_cli.runs.apply import *
    from listrak_sms_cli.runs.check import *
    from listrak_sms_cli.runs.events import *
    from listrak_sms_cli.runs.findings import *
    from listrak_sms_cli.runs.history import *
    from listrak_sms_cli.runs.options import *
    from listrak_sms_cli.runs.output_file import *
    from listrak_sms_cli.runs.plan import *
    from listrak_sms_cli.runs.plan_file import *
    from listrak_sms_cli.runs.pull import *
    from listrak_sms_cli.runs.push import *
    from listrak_sms_cli.runs.report import *
    from listrak_sms_cli.runs.resume import *
    from listrak_sms_cli.runs.status import *
    from listrak_sms_cli.runs.validate import *
    from listrak_sms_cli.runs.verify import *

__all__, __getattr__ = on_demand(
    __name__,
    account="Account connect label_of read_account region_of",
    apply="ApplyOptions apply_plan",
    check="CheckLine check_connection check_learned check_settings list_sender_codes",
    events="Event FirstPush ImportChanged Listener MembersCounted MembersSent Phase PhaseAdvanced PhaseEnded "
    "PhaseStarted RequestRetried RunStarted SendablePrepared Warned silent",
    findings="audience_name",
    history="Health health_of trend_of",
    options="PushOptions ReadingOptions push_options reading_options waiting",
    output_file="output_at refuse_audience",
    plan="PlanOptions plan_changes",
    plan_file="Plan",
    pull="PullOptions Pulled pull_contacts",
    push="learned_about push_audience",
    report="CanaryResult ColumnChanges DROP_REASONS MappedColumn NOTES ProfiledColumn Report ReportError RunWarning "
    "SandboxResult Trend TrendPoint Verification",
    resume="ResumeOptions resume_run",
    status="report_of status_of",
    validate="validate_audience",
    verify="Verified VerifyOptions verify_audience",
)
