"""`lsms push`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Report


def push(given: Given) -> None:
    """Update profile fields from an audience: read, clean, check, send, wait, account for every member.

    Everything is read and checked before the first member is sent. Contacts that do not exist in Listrak are not
    created; nobody is subscribed or unsubscribed.

    Example: lsms push spring_launch.csv --sender-code 1026
    """
    from listrak_sms_cli.monitoring import watched

    output.report(watched(given.typed, str(given.typed["audience"]), lambda: _pushed(given)))


def _pushed(given: Given) -> Report:
    settings = given.settings()

    from listrak_sms_cli.runs import push_audience, push_options

    options = push_options(given.values)
    with given.display() as tell:
        if options.sandbox:
            from listrak_sms_cli.cli.rehearsal import push_to_sandbox

            return push_to_sandbox(given["audience"], settings, options, tell)
        return push_audience(given["audience"], settings, options, tell)
