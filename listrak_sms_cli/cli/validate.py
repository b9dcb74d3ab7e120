"""`lsms validate`: the same reading and cleaning, nothing sent."""

from __future__ import annotations

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.push_command import push_command
from listrak_sms_cli.errors import LsmsError


def validate(given: Given) -> None:
    """Read and clean an audience as push would, and send nothing.

    With a sender code and credentials it is checked against the account's profile fields; without them, or with
    --offline, names, types and lengths of fields are not checked, and it says so. --save-job writes what was typed, and
    the mapping that was found, as a job.

    Example: lsms validate spring_launch.csv --rejects rejects.csv
    """
    settings = given.settings()
    try:
        with given.display() as tell:
            from listrak_sms_cli.runs import reading_options, validate_audience

            report = validate_audience(
                given["audience"],
                settings,
                reading_options(given.values),
                tell,
                offline=given["offline"],
                max_drop_rate=given["max_drop_rate"],
            )
    except LsmsError as error:
        output.columns(error.report)
        raise
    if given["save_job"] is not None:
        from listrak_sms_cli.cli.save_job import save_as_job

        command = save_as_job(given, report)
    else:
        command = push_command(given.context, settings.sender_code)
    output.report(report.with_(command=command))
