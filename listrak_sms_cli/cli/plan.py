"""`lsms plan` and `lsms apply`: know what a push would change, and carry just that out."""

from __future__ import annotations

import shlex

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.push_command import push_command


def plan(given: Given) -> None:
    """What a push would change, column by column, found by reading what is stored. Nothing is sent.

    For each column: how many members it sets (nothing is stored so far), changes, would empty, and leaves as they are.
    An interrupted reading goes on when the same command is typed again within a day.

    Example: lsms plan spring_launch.csv --sender-code 1026 --save spring.plan
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.runs import PlanOptions, plan_changes

        options = PlanOptions.of(given.values)
        report = plan_changes(given["audience"], settings, options, tell)
    if options.save is not None:
        command = shlex.join(["lsms", "apply", str(options.save)])
    else:
        command = f"{push_command(given.context, settings.sender_code)} --only-different"
    output.report(report.with_(command=command))


def apply(given: Given) -> None:
    """Carry a plan out: read again, and send just the members that differ.

    It is refused (exit 3) when the audience, a profile field, or the stored values it stands on have changed.

    Example: lsms apply spring.plan
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.runs import ApplyOptions, apply_plan

        options = ApplyOptions.of(given.values)
        report = apply_plan(given["plan"], settings, options, tell, given["audience"])
    output.report(report)
