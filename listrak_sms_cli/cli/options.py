"""The options of the commands, each written once. `push` and `validate` share those of reading and cleaning."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

_READING = "Reading the audience"
_COLUMNS = "Columns"
_MEMBERS = "Members"
_SENDING = "Sending and checking"
_SETTINGS = "Settings"
_OUTPUT = "Output"


class PhoneSpelling(str, Enum):
    digits = "digits"
    e164 = "e164"
    national = "national"


class Keep(str, Enum):
    first = "first"
    last = "last"


class OnBadValue(str, Enum):
    drop = "drop"
    blank = "blank"


class EmptyCells(str, Enum):
    send = "send"
    keep = "keep"


class LogFormat(str, Enum):
    text = "text"
    json = "json"


AudienceArgument = Annotated[
    str,
    typer.Argument(
        metavar="AUDIENCE",
        help="A CSV, TSV, Parquet or Excel file, a folder or glob of them, a URL (s3://, gs://), or - for standard "
        "input. One row a member, one column `phone`.",
    ),
]

# Settings
SenderCode = Annotated[
    Optional[int],
    typer.Option(
        "--sender-code", metavar="ID", help="The sender code. Or LISTRAK_SENDER_CODE.", rich_help_panel=_SETTINGS
    ),
]
ApiUrl = Annotated[
    Optional[str], typer.Option("--api-url", metavar="URL", help="The API base.", rich_help_panel=_SETTINGS)
]
TokenUrl = Annotated[
    Optional[str],
    typer.Option("--token-url", metavar="URL", help="Where tokens are issued.", rich_help_panel=_SETTINGS),
]
Profile = Annotated[
    Optional[str],
    typer.Option("--profile", metavar="NAME", help="A table of the config file.", rich_help_panel=_SETTINGS),
]
Config = Annotated[
    Optional[str], typer.Option("--config", metavar="FILE", help="The config file (TOML).", rich_help_panel=_SETTINGS)
]
StateDir = Annotated[
    Optional[str],
    typer.Option("--state-dir", metavar="DIR", help="Where runs are remembered.", rich_help_panel=_SETTINGS),
]
GiveUpAfter = Annotated[
    Optional[str],
    typer.Option(
        "--give-up-after", metavar="TIME", help="How long one request is retried (90s, 15m).", rich_help_panel=_SETTINGS
    ),
]

# Reading
Format = Annotated[
    Optional[str],
    typer.Option("--format", metavar="FORMAT", help="csv, tsv, parquet or xlsx.", rich_help_panel=_READING),
]
Delimiter = Annotated[
    Optional[str], typer.Option("--delimiter", metavar="CHAR", help="One character, or tab.", rich_help_panel=_READING)
]
Encoding = Annotated[
    Optional[str], typer.Option("--encoding", metavar="NAME", help="Such as latin-1, cp1252.", rich_help_panel=_READING)
]
Sheet = Annotated[
    Optional[str], typer.Option("--sheet", metavar="NAME", help="The sheet of an Excel file.", rich_help_panel=_READING)
]
NullValue = Annotated[
    Optional[list[str]],
    typer.Option("--null-value", metavar="WORD", help="A cell with just this word is empty.", rich_help_panel=_READING),
]
DateFormat = Annotated[
    Optional[str],
    typer.Option("--date-format", metavar="FMT", help="How dates are written: %d/%m/%Y.", rich_help_panel=_READING),
]

# Columns
PhoneColumn = Annotated[
    Optional[str],
    typer.Option("--phone-column", metavar="NAME", help="The phone column, if not `phone`.", rich_help_panel=_COLUMNS),
]
Map = Annotated[
    Optional[list[str]],
    typer.Option(
        "--map", metavar="COLUMN=FIELD", help="A column's profile field, by name or id.", rich_help_panel=_COLUMNS
    ),
]
SkipColumn = Annotated[
    Optional[list[str]],
    typer.Option("--skip-column", metavar="NAME", help="Leave a column out.", rich_help_panel=_COLUMNS),
]
SkipUnmatched = Annotated[
    bool,
    typer.Option("--skip-unmatched", help="Leave out columns without a profile field.", rich_help_panel=_COLUMNS),
]
ConsentColumn = Annotated[
    Optional[str],
    typer.Option(
        "--consent-column", metavar="NAME", help="Send only members who say yes here.", rich_help_panel=_COLUMNS
    ),
]

# Members
Region = Annotated[
    Optional[str],
    typer.Option(
        "--region",
        metavar="CC",
        help="Region of phones without a country code; else the sender code's country.",
        rich_help_panel=_MEMBERS,
    ),
]
PhoneFormatOption = Annotated[
    PhoneSpelling, typer.Option("--phone-format", help="How phones travel.", rich_help_panel=_MEMBERS)
]
KeepOption = Annotated[
    Keep, typer.Option("--keep", help="Which of several members with one phone.", rich_help_panel=_MEMBERS)
]
OnBadValueOption = Annotated[
    OnBadValue,
    typer.Option(
        "--on-bad-value",
        help="A value its field cannot hold: drop the member, or send it empty.",
        rich_help_panel=_MEMBERS,
    ),
]
EmptyCellsOption = Annotated[
    EmptyCells,
    typer.Option(
        "--empty-cells",
        help="An empty cell travels as an empty value, or never reaches Listrak, so that what is stored stays.",
        rich_help_panel=_MEMBERS,
    ),
]
Limit = Annotated[
    Optional[int],
    typer.Option("--limit", metavar="N", min=0, help="Send the first N members only.", rich_help_panel=_MEMBERS),
]
MaxDropRate = Annotated[
    Optional[float],
    typer.Option(
        "--max-drop-rate",
        metavar="PCT",
        min=0,
        max=100,
        help="Stop before sending when more would be dropped.",
        rich_help_panel=_MEMBERS,
    ),
]
MaxShrink = Annotated[
    Optional[float],
    typer.Option(
        "--max-shrink",
        metavar="PCT",
        min=0,
        max=100,
        help="Stop before sending when the audience has shrunk by more since its last good push.",
        rich_help_panel=_MEMBERS,
    ),
]
AudienceName = Annotated[
    Optional[str],
    typer.Option("--audience-name", metavar="NAME", help="For --max-shrink; else the path.", rich_help_panel=_MEMBERS),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="An audience without members is success.", rich_help_panel=_MEMBERS)
]
RejectsOption = Annotated[
    Optional[Path],
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Write every dropped member, and why, to this CSV or Parquet file.",
        rich_help_panel=_MEMBERS,
    ),
]

# Looking up
OnlyExisting = Annotated[
    bool,
    typer.Option(
        "--only-existing",
        help="Look the contacts up first; drop and name members Listrak would drop silently.",
        rich_help_panel=_MEMBERS,
    ),
]
ExcludeOptedOut = Annotated[
    bool,
    typer.Option("--exclude-opted-out", help="Drop phones on Listrak's opt-out list.", rich_help_panel=_MEMBERS),
]

# Sending
BatchRows = Annotated[
    int, typer.Option("--batch-rows", metavar="N", min=2, help="Members per import file.", rich_help_panel=_SENDING)
]
Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency", metavar="N", min=1, max=32, help="Uploads, or contacts, at once.", rich_help_panel=_SENDING
    ),
]
PerContact = Annotated[
    bool,
    typer.Option(
        "--per-contact",
        help="Update contact by contact instead of by import: for small audiences, and for system fields without an "
        "id. Stops before more than 10,000 members.",
        rich_help_panel=_SENDING,
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="More than 10,000 members contact by contact.", rich_help_panel=_SENDING)
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the imports to end.", rich_help_panel=_SENDING)]
WaitTimeout = Annotated[
    str, typer.Option("--wait-timeout", metavar="TIME", help="How long to wait.", rich_help_panel=_SENDING)
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Read back and compare after the imports have ended.", rich_help_panel=_SENDING),
]
VerifySample = Annotated[
    Optional[int],
    typer.Option(
        "--verify-sample",
        metavar="N",
        min=1,
        help="--verify so many members, picked at random.",
        rich_help_panel=_SENDING,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Everything but the import requests.", rich_help_panel=_SENDING)
]
SandboxOption = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        help="Push to a simulated Listrak started for this command: no account needed, nothing leaves the machine.",
        rich_help_panel=_SENDING,
    ),
]

Offline = Annotated[
    bool, typer.Option("--offline", help="Do not ask Listrak for the profile fields.", rich_help_panel=_SENDING)
]

# Output
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.", rich_help_panel=_OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=_OUTPUT)]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Where in lsms an error arose.", rich_help_panel=_OUTPUT)
]
NoWarn = Annotated[
    Optional[list[str]],
    typer.Option("--no-warn", metavar="CODE", help="Leave a warning out.", rich_help_panel=_OUTPUT),
]
LogFile = Annotated[
    Optional[Path],
    typer.Option("--log-file", metavar="FILE", help="Append what happens to this file.", rich_help_panel=_OUTPUT),
]
LogFormatOption = Annotated[LogFormat, typer.Option("--log-format", help="Of the log file.", rich_help_panel=_OUTPUT)]
ChangedOnly = Annotated[
    bool,
    typer.Option(
        "--changed-only",
        help="Leave out members that have not changed since they last arrived.",
        rich_help_panel=_MEMBERS,
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="With --changed-only: send everybody this once.", rich_help_panel=_MEMBERS)
]
RefreshAfter = Annotated[
    str,
    typer.Option(
        "--refresh-after",
        metavar="TIME",
        help="With --changed-only: send who arrived longer ago again. Contacts found by --only-existing never need it.",
        rich_help_panel=_MEMBERS,
    ),
]
