"""`lsms validate`: the same reading and cleaning, nothing sent."""

from __future__ import annotations

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.cli.push_command import push_command
from listrak_sms_cli.errors import LsmsError


def validate(
    context: typer.Context,
    audience: o.AudienceArgument,
    sender_code: o.SenderCode = None,
    format_: o.Format = None,
    delimiter: o.Delimiter = None,
    encoding: o.Encoding = None,
    sheet: o.Sheet = None,
    null_value: o.NullValue = None,
    date_format: o.DateFormat = None,
    phone_column: o.PhoneColumn = None,
    map_: o.Map = None,
    skip_column: o.SkipColumn = None,
    skip_unmatched: o.SkipUnmatched = False,
    consent_column: o.ConsentColumn = None,
    region: o.Region = None,
    phone_format: o.PhoneFormatOption = o.PhoneSpelling.digits,
    keep: o.KeepOption = o.Keep.last,
    on_bad_value: o.OnBadValueOption = o.OnBadValue.drop,
    empty_cells: o.EmptyCellsOption = o.EmptyCells.send,
    limit: o.Limit = None,
    offline: o.Offline = False,
    max_drop_rate: o.MaxDropRate = None,
    allow_empty: o.AllowEmpty = False,
    rejects: o.RejectsOption = None,
    api_url: o.ApiUrl = None,
    token_url: o.TokenUrl = None,
    profile: o.Profile = None,
    config: o.Config = None,
    state_dir: o.StateDir = None,
    give_up_after: o.GiveUpAfter = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_warn: o.NoWarn = None,
    log_file: o.LogFile = None,
    log_format: o.LogFormatOption = o.LogFormat.text,
) -> None:
    """Read and clean an audience as push would, and send nothing.

    With a sender code and credentials it is checked against the account's profile fields; without them, or with
    --offline, names, types and lengths of fields are not checked, and it says so.

    Example: lsms validate spring_launch.csv --rejects rejects.csv
    """
    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)

    from listrak_sms_cli.runs import reading_options, validate_audience

    reading = reading_options(given.plain(context.params))

    try:
        with given.display(context.params) as tell:
            report = validate_audience(audience, settings, reading, tell, offline=offline, max_drop_rate=max_drop_rate)
    except LsmsError as error:
        output.columns(error.report)
        raise
    output.report(report.with_(command=push_command(context, settings.sender_code)))
