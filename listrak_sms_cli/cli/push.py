"""`lsms push`: the main job."""

from __future__ import annotations

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output


def push(
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
    max_drop_rate: o.MaxDropRate = None,
    max_shrink: o.MaxShrink = None,
    audience_name: o.AudienceName = None,
    allow_empty: o.AllowEmpty = False,
    only_existing: o.OnlyExisting = False,
    exclude_opted_out: o.ExcludeOptedOut = False,
    changed_only: o.ChangedOnly = False,
    full: o.Full = False,
    refresh_after: o.RefreshAfter = "7d",
    rejects: o.RejectsOption = None,
    batch_rows: o.BatchRows = 250_000,
    concurrency: o.Concurrency = 2,
    per_contact: o.PerContact = False,
    yes: o.Yes = False,
    wait: o.Wait = True,
    wait_timeout: o.WaitTimeout = "1h",
    verify: o.Verify = False,
    verify_sample: o.VerifySample = None,
    dry_run: o.DryRun = False,
    sandbox: o.SandboxOption = False,
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
    """Update profile fields from an audience: read, clean, check, send, wait, account for every member.

    Everything is read and checked before the first member is sent. Contacts that do not exist in Listrak are not
    created; nobody is subscribed or unsubscribed.

    Example: lsms push spring_launch.csv --sender-code 1026
    """
    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)

    from listrak_sms_cli.runs import push_audience, push_options

    options = push_options(given.plain(context.params))

    with given.display(context.params) as tell:
        if sandbox:
            from listrak_sms_cli.cli.rehearsal import push_to_sandbox

            report = push_to_sandbox(audience, settings, options, tell)
        else:
            report = push_audience(audience, settings, options, tell)
    output.report(report)
