"""`lsms verify`: does Listrak have what the audience says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output

Sample = Annotated[
    Optional[int],
    typer.Option("--sample", metavar="N", min=1, help="Check only so many members, picked at random."),
]
MinMatch = Annotated[
    float,
    typer.Option("--min-match", metavar="PCT", min=0, max=100, help="Exit 0 when at least this share matches."),
]
Out = Annotated[
    Optional[Path],
    typer.Option("--out", metavar="FILE", help="Write every difference to this file: CSV, or Parquet by its suffix."),
]
ShowPhones = Annotated[bool, typer.Option("--show-phones", help="Show whole phones in the listing.")]


def verify(
    context: typer.Context,
    audience: o.AudienceArgument,
    sender_code: o.SenderCode = None,
    sample: Sample = None,
    min_match: MinMatch = 100.0,
    out: Out = None,
    show_phones: ShowPhones = False,
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
    allow_empty: o.AllowEmpty = False,
    api_url: o.ApiUrl = None,
    token_url: o.TokenUrl = None,
    profile: o.Profile = None,
    config: o.Config = None,
    state_dir: o.StateDir = None,
    give_up_after: o.GiveUpAfter = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    log_file: o.LogFile = None,
    log_format: o.LogFormatOption = o.LogFormat.text,
) -> int:
    """Read the contacts back and compare them with an audience, column by column, as the type of each field means it.

    The audience is read and cleaned as push would; only members that would be sent are checked. Exit 1 when some differ
    or are not in Listrak.

    Example: lsms verify spring_launch.csv --sender-code 1026 --sample 200
    """
    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)

    from listrak_sms_cli.errors import MembersDiffer
    from listrak_sms_cli.runs import VerifyOptions, reading_options, verify_audience

    reading = reading_options(given.plain(context.params))
    with given.display(context.params) as tell:
        found = verify_audience(audience, settings, VerifyOptions(reading, sample, min_match, out), tell)
    shown = str if show_phones else _masked
    if json:
        output.document(found.as_json(shown))
        return found.exit_code

    from listrak_sms_cli import display

    result, console = found.result, output.console()
    names = ("read", "checked", "matching", "different", "not in Listrak")
    counts = (found.rows_read, result.checked, result.matching, result.different, result.not_in_listrak)
    with output.writing():
        display.table("Verified", names, [tuple(f"{count:,}" for count in counts)], console)
        if fields := [(name, f"{count:,}") for name, count in result.fields.items() if count]:
            display.table("Values that differ", ("column", "members"), fields, console)
        if found.shown:
            rows = [(f"{one.file} {one.row}".strip(), shown(one.phone), one.column, one.kind) for one in found.shown]
            display.table("The first of them", ("row", "phone", "column", "what"), rows, console)
        sys.stdout.flush()
    if found.error is not None:
        display.error(MembersDiffer(found.error.message, hint="" if out else found.error.hint), sys.stderr)
    return found.exit_code


def _masked(phone: str) -> str:
    return f"{phone[:2]}…{phone[-2:]}"
