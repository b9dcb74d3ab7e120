"""`lsms push`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.stores import shown

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Report


def push(given: Given) -> None:
    """Update profile fields from an audience: read, clean, check, send, wait, account for every member.

    Everything is read and checked before the first member is sent. Contacts that do not exist in Listrak are not
    created; nobody is subscribed or unsubscribed.

    Example: lsms push spring_launch.csv --sender-code 1026
    """
    from listrak_sms_cli.monitoring import watched

    given_so_far = given.unchecked
    database, audience = given_so_far["source"], shown(str(given_so_far["audience"]))
    name = audience
    if database:
        from listrak_sms_cli.audience.source import query_name

        name = query_name(database, audience)
    output.report(watched(given_so_far, name, lambda: _pushed(given), given.settings))


def _pushed(given: Given) -> Report:
    settings = given.settings()
    with given.display() as tell:  # first: what follows imports half a second of packages
        from listrak_sms_cli.runs import Phase, PhaseStarted, push_audience, push_options

        options = push_options(given.values)
        if options.sandbox:
            tell(PhaseStarted(Phase.FILLING, 0, "contacts"))
            from listrak_sms_cli.rehearsal import push_to_sandbox

            report = push_to_sandbox(given["audience"], settings, options, tell)
            return report.with_(command=_next_step(given, settings.sender_code))
        return push_audience(given["audience"], settings, options, tell)


def _next_step(given: Given, sender_code: int | None) -> str:
    """What comes after a rehearsal: the real push, once the account is known to have the fields."""
    from listrak_sms_cli.cli.push_command import push_command, validate_command

    knows_fields = given["sandbox_fields"] == "account"
    return (push_command if knows_fields else validate_command)(given.context, sender_code)
