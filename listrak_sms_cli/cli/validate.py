"""`lsms validate`: the same reading and cleaning, nothing sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.push_command import push_command
from listrak_sms_cli.errors import LsmsError

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Report


def validate(given: Given) -> None:
    """Read and clean an audience as push would, and send nothing.

    With a sender code and credentials it is checked against the account's profile fields; without them, or with
    --offline, names, types and lengths of fields are not checked, and it says so.

    Example: lsms validate spring_launch.csv --rejects rejects.csv
    """
    try:
        with given.page() as page:
            report = page(_validated(given))
    except LsmsError as error:
        output.columns(error.report)
        raise
    output.report(report)


def _validated(given: Given) -> Report:
    settings = given.settings()

    from listrak_sms_cli.runs import reading_options, validate_audience

    reading, guard = reading_options(given.values), given["max_drop_rate"]
    with given.display() as tell:
        report = validate_audience(
            given["audience"], settings, reading, tell, offline=given["offline"], max_drop_rate=guard
        )
    return report.with_(command=push_command(given.context, settings.sender_code))
