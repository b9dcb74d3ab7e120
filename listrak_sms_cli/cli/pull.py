"""`lsms pull`: the contacts of a sender code, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from listrak_sms_cli.cli import given
from listrak_sms_cli.cli import options as o
from listrak_sms_cli.cli.output import output

Target = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write: CSV, or Parquet by its suffix.")
]
OfAudience = Annotated[
    Optional[str], typer.Option("--audience", metavar="AUDIENCE", help="Only the contacts of this audience.")
]
OfList = Annotated[Optional[int], typer.Option("--list", metavar="ID", help="Only the contacts of this phone list.")]
SubscribedOnly = Annotated[bool, typer.Option("--subscribed-only", help="Leave opted-out contacts out.")]


def pull(
    context: typer.Context,
    output_: Target,
    sender_code: o.SenderCode = None,
    audience: OfAudience = None,
    list_: OfList = None,
    subscribed_only: SubscribedOnly = False,
    format_: o.Format = None,
    delimiter: o.Delimiter = None,
    encoding: o.Encoding = None,
    sheet: o.Sheet = None,
    null_value: o.NullValue = None,
    phone_column: o.PhoneColumn = None,
    region: o.Region = None,
    phone_format: o.PhoneFormatOption = o.PhoneSpelling.digits,
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
) -> None:
    """Write the contacts of a sender code, with their field values and whether they opted out, to a file.

    The file is itself an audience: taken before a push, it is the way back for every value that was not empty. An
    interrupted pull goes on when the same command is typed again.

    Example: lsms pull --sender-code 1026 -o before.csv
    """
    output.use(json=json, quiet=quiet, verbose=verbose)
    settings = given.settings(context.params)

    from listrak_sms_cli.runs import PullOptions, pull_contacts, reading_options

    reading = reading_options(given.plain({"map_": None, **context.params}))
    options = PullOptions(output_, audience, reading, list_, subscribed_only)
    with given.display(context.params) as tell:
        pulled = pull_contacts(settings, options, tell)
    if json:
        output.document(pulled.as_json())
        return
    cells: dict[str, object] = {
        "contacts": pulled.contacts,
        "opted_out": pulled.opted_out,
        "not_found": pulled.not_found,
    }
    cells |= {"columns": len(pulled.columns), "bytes": pulled.bytes, "file": pulled.file}
    shown = {name: cell for name, cell in cells.items() if cell is not None}
    output.listing("pulled", "Pulled", tuple(shown), [tuple(shown.values())])
