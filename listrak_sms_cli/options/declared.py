"""The options, each once. A class is a group of them; GROUPS is the order in which the help lists them.

A new option of `push` is one line here, read where it is used (`options.NAME`), and a line of `keywords.py`.
"""

from __future__ import annotations

from typing import Any, Literal

from listrak_sms_cli.options.kinds import (
    AudienceName,
    Choice,
    Duration,
    File,
    FileName,
    Flag,
    LocalOutput,
    Mapped,
    Name,
    Number,
    Output,
    SenderCodeId,
    Setting,
    StorageOptions,
    Text,
    Texts,
    Whole,
    Words,
)
from listrak_sms_cli.options.option import Argument, Option, Options

JOB = "Job"
MEMBERS = "Members"
SENDING = "Sending and checking"
SETTINGS = "Settings"
OUTPUT = "Output"

# The commands an option is of.
PREPARES = "push validate plan"
CLEANS = f"{PREPARES} verify"
READS = f"{CLEANS} pull"
DRAWS = f"{READS} resume status apply"  # progress
ACCOUNT = "fields sender-codes"
CONNECTS = f"{DRAWS} {ACCOUNT} check init"
ALL = f"{CONNECTS} runs report health"  # but those without settings: `sandbox`, `jobs`, `schema`, `explain`
TAKES_JOBS = READS
MAPS = f"{CLEANS} init"
OPENS = f"{READS} init"


class Subject(Options, keywords=False):
    """What a command works on, typed without an option's name."""

    audience = Argument(
        AudienceName("AUDIENCE"),
        ...,
        "A CSV, TSV, Parquet or Excel file, a folder or glob of them, a URL (s3://, gs://), a query (FILE.sql with "
        "--source), or - for standard input. One row a member, one column `phone`.",
        CLEANS,
    )
    plan = Argument(Output("PLAN"), ..., "The file that `lsms plan --save` wrote, or its URL.", "apply")
    document = Argument(Choice("config", "job", "plan", "report"), ..., "Which document the schema is of.", "schema")
    code = Argument(Text("CODE"), ..., "The code of an error, a warning or a drop reason.", "explain")
    run = Argument(Text("[RUN]"), None, "The run's id, or its beginning; else the newest.", "resume status report")


class SenderCode(Options, group=SETTINGS):
    """The setting that is typed most."""

    sender_code = Option(
        SenderCodeId("ID"), None, "The sender code. Or LISTRAK_SENDER_CODE.", f"{OPENS} fields check health"
    )


class Jobs(Options, group=JOB, keywords=False):
    """A job that the audience and the options are taken from."""

    job = Option(
        Text("NAME"), None, "Take audience and options from this job; options typed beside it win.", TAKES_JOBS
    )
    job_file = Option(
        FileName("FILE"), None, "Where jobs are, if not in lsms.toml. Or LSMS_JOB_FILE.", f"{TAKES_JOBS} jobs init"
    )
    save_job = Option(Text("NAME"), None, "Write audience, options and mapping to the job file.", "validate init")


class InFiles(Options, keywords=False):
    """Settings that stand in the environment and in files only; `init` writes them."""

    client_id = Option(Setting("ID"), None, "The client id. Or LISTRAK_CLIENT_ID.", "init")
    client_secret_file = Option(
        FileName("FILE"), None, "A file (0600) that holds the client secret; - is standard input.", "init"
    )
    keyring = Option(Flag(), False, "The client secret is in the keyring of the system; cron has none.", "init")
    notify_file = Option(FileName("FILE"), None, "A file (0600) that holds whom to tell how a push ended.", "")
    keep_runs = Option(Duration("TIME"), None, "How long runs that ended well are remembered (90d).", "")


class InSources(Options, keywords=False):
    """Of a database that queries run in: a table [sources.NAME] of the config file."""

    driver = Option(
        Choice("postgresql", "sqlite", "duckdb", "snowflake", "bigquery"), None, "Which kind of database it is.", ""
    )
    uri_file = Option(
        FileName("FILE"), None, "A file (0600) that holds its address. Or LSMS_SOURCE_NAME_URI, NAME in capitals.", ""
    )
    driver_options = Option(Mapped("KEY=VALUE"), {}, "Options of its ADBC driver; no secrets.", "")


class SettingUp(Options, keywords=False):
    """Of `init` alone."""

    audience = Argument(AudienceName("[AUDIENCE]"), None, "An audience to propose a mapping and a job for.", "init")


class Expecting(Options, keywords=False):
    """What a job expects of its audience."""

    min_rows = Option(Whole("N", 0), None, "At least so many members.", "")
    max_rows = Option(Whole("N", 0), None, "At most so many members.", "")
    max_age = Option(Duration("TIME"), None, "The newest file of the audience is no older (26h).", "")


class ExpectingOfColumn(Options, keywords=False):
    """What a job expects of a column."""

    field_id = Option(Whole("ID", 1), None, "It is sent to the profile field of this id.", "")
    type = Option(Choice("Text", "Number", "Date", "Checkbox"), None, "It is sent to a profile field of this type.", "")
    min_filled = Option(Number("PCT", 0, 100), None, "At least this share of its cells is filled.", "")
    values = Option(Words("WORD"), None, "Each filled cell holds one of these.", "")


class Verifying(Options):
    """Of `verify` alone."""

    sample = Option(Whole("N", 1), None, "Check only so many members, picked at random.", "verify")
    min_match = Option(Number("PCT", 0, 100), 100.0, "Exit 0 when at least this share matches.", "verify")
    out = Option(Output("FILE"), None, "Write every difference here: CSV, or Parquet by its suffix.", "verify")


class ListingDifferences(Options, keywords=False):
    """How `verify` shows the first differences."""

    show_phones = Option(Flag(), False, "Show whole phones in the listing.", "verify")


class Planning(Options):
    """Of `plan` alone."""

    out = Option(Output("FILE"), None, "Write every value that would change: CSV, or Parquet by its suffix.", "plan")
    save = Option(Output("PLAN"), None, "Write the plan, without member data, for lsms apply.", "plan")
    show_values = Option(Flag(), False, "Show the commonest changes by value, not by shape.", "plan")
    show_phones = Option(Flag(), False, "Write whole phones to --out.", "plan")


class Applying(Options):
    """Of `apply` alone."""

    max_moved = Option(
        Number("PCT", 0, 100),
        None,
        "Go on although the stored values of at most this share of the members have moved, by the plan's counts.",
        "apply",
    )
    anyway = Option(Flag(), False, "Send what differs now, whatever has moved.", "apply")


class Pulling(Options):
    """Of `pull` alone."""

    output = Option(Output("FILE"), ..., "The file to write: CSV, or Parquet by its suffix.", "pull", "-o")
    force = Option(Flag(), False, "Replace a file that is there.", "pull")
    list = Option(Whole("ID"), None, "Only the contacts of this phone list.", "pull")
    subscribed_only = Option(Flag(), False, "Leave opted-out contacts out.", "pull")


class PulledOf(Options, keywords=False):
    """Of whom `pull` reads."""

    audience = Option(AudienceName("AUDIENCE"), None, "Only the contacts of this audience.", "pull")


class Resuming(Options):
    """Of `resume` alone."""

    anyway = Option(Flag(), False, "Even if a later run was accepted.", "resume")
    skip_canary = Option(Flag(), False, "Send the rest, whatever became of the canary.", "resume")


class GoingOn(Options, keywords=False):
    """Of `resume`, `apply`, `status`, `runs` and `health`."""

    audience = Option(AudienceName("FILE"), None, "Where the audience is now.", "resume apply")
    wait = Option(Flag(), False, "Wait for the imports to end.", "status")
    members = Option(Text("FILE"), None, "Write the row numbers of members not (well) imported.", "status")
    prune = Option(Number("DAYS"), None, "Forget runs older than this.", "runs")
    audience_name = Option(Text("NAME"), None, "Only of this audience (--audience-name, else its path).", "runs health")
    max_age = Option(Duration("TIME"), ..., "How old the last good push may be (26h).", "health")


class Recorded(Options, keywords=False):
    """Of `report` alone."""

    output = Option(Output("FILE"), ..., "The HTML file to write; one that is there is replaced.", "report", "-o")


class Checking(Options, keywords=False):
    """Of `check` alone."""

    phone = Option(Text("N"), None, "The phone of a contact that exists.", "check")


class Serving(Options, keywords=False):
    """Of `sandbox` alone."""

    port = Option(Whole("N", 0, 65535), 8026, "0 takes a free one.", "sandbox")
    db = Option(File("FILE"), None, "Keep its store in this SQLite file.", "sandbox")
    contacts = Option(File("FILE"), None, "CSV of contacts: phone, opted_out, list, fields by name.", "sandbox")
    fields = Option(File("FILE"), None, "CSV of profile fields: id, name, type, max_length, status.", "sandbox")
    import_seconds = Option(Number("S"), 1.0, "How long an import takes.", "sandbox")
    empty_cells = Option(
        Choice("clear", "keep"), "clear", "What an empty cell of an import does to the stored value.", "sandbox"
    )
    faults = Option(File("FILE"), None, "JSON rules for answers that go wrong.", "sandbox")
    json = Option(Flag(), False, "Show where it listens as JSON.", "sandbox")


class Reading(Options, group="Reading the audience"):
    """How the audience is read, where it cannot be told from the file."""

    format = Option(Text("FORMAT"), None, "csv, tsv, parquet or xlsx.", OPENS)
    delimiter = Option(Text("CHAR"), None, "One character, or tab.", OPENS)
    quote = Option(Text("CHAR|none"), None, "What cells are quoted with, if at all.", OPENS)
    escape = Option(Text("CHAR"), None, "The next character is text, also a quote.", OPENS)
    encoding = Option(Text("NAME"), None, "Such as latin-1, cp1252.", OPENS)
    sheet = Option(Text("NAME"), None, "The sheet of an Excel file.", OPENS)
    source = Option(Name("NAME"), None, "The database that a query (FILE.sql) runs in: [sources.NAME].", OPENS)
    null_value = Option(Texts("WORD"), (), "A cell with just this word is empty.", OPENS)
    date_format = Option(Text("FMT"), None, "How dates are written: %d/%m/%Y.", MAPS)
    storage_option = Option(
        StorageOptions("KEY=VALUE"),
        {},
        "How URLs are opened: endpoint, region, anonymous=true. Never a secret.",
        f"{OPENS} apply report",
    )


class Columns(Options, group="Columns"):
    """Which columns are sent, and to which profile fields."""

    phone_column = Option(Text("NAME"), None, "The phone column, if not `phone`.", OPENS)
    map = Option(Mapped("COLUMN=FIELD"), {}, "A column's profile field, by name or id.", MAPS)
    exact_names = Option(
        Flag(), False, "Do not take ordinary names (Zip, DOB, Cell) for the field or the phone they mean.", OPENS
    )
    skip_column = Option(Texts("NAME"), (), "Leave a column out.", MAPS)
    skip_unmatched = Option(Flag(), False, "Leave out columns without a profile field.", MAPS)
    consent_column = Option(Text("NAME"), None, "Send only members who say yes here.", MAPS)


class Cleaning(Options, group=MEMBERS):
    """How members are cleaned, and which are kept."""

    region = Option(Text("CC"), None, "Region of phones without a country code; else the sender code's country.", OPENS)
    phone_format = Option(
        Choice("digits", "e164", "national"), "digits", "How phones are written in an import file.", READS
    )
    keep: Option[Literal["first", "last"]] = Option(
        Choice("first", "last"), "last", "Which of several members with the same phone.", CLEANS
    )
    on_bad_value = Option(
        Choice("drop", "blank"), "drop", "A value its field cannot hold: drop the member, or send it empty.", CLEANS
    )
    empty_cells = Option(
        Choice("send", "keep"),
        "send",
        "An empty cell is sent as an empty value, or never reaches Listrak, so that what is stored stays.",
        CLEANS,
    )
    limit = Option(Whole("N", 0), None, "Send the first N members only.", CLEANS)
    allow_empty = Option(Flag(), False, "An audience without members is success.", CLEANS)
    rejects = Option(
        Output("FILE"), None, "Write every dropped member, and why, to this CSV or Parquet file.", PREPARES
    )


class ChoosingMembers(Options, group=MEMBERS):
    """Which members a push leaves out, and what stops it before anything is sent."""

    max_drop_rate = Option(Number("PCT", 0, 100), None, "Stop before sending when more would be dropped.", PREPARES)
    max_shrink = Option(
        Number("PCT", 0, 100),
        None,
        "Stop before sending when the audience has shrunk by more since its last good push.",
        "push",
    )
    max_fill_drop = Option(
        Number("PCT", 0, 100),
        None,
        "Stop before sending when the filled share of a column has fallen by more percentage points since its last "
        "good push.",
        "push",
    )
    audience_name = Option(Text("NAME"), None, "What earlier pushes are found by; else the path.", "push")
    anyway = Option(Flag(), False, "Push a rejects file even if a newer push of its run's audience ended well.", "push")
    only_existing = Option(
        Flag(), False, "Look the contacts up first; drop and name members Listrak would drop silently.", "push"
    )
    only_different = Option(
        Flag(),
        False,
        "Read what is stored; leave out members of whom nothing would change, drop those that are not in Listrak.",
        "push",
    )
    exclude_opted_out = Option(Flag(), False, "Drop phones on Listrak's opt-out list.", "push plan")
    changed_only = Option(Flag(), False, "Leave out members that have not changed since they last arrived.", "push")
    full = Option(Flag(), False, "With --changed-only: send everybody this once.", "push")
    refresh_after = Option(
        Duration("TIME"),
        "7d",
        "With --changed-only: send members again that arrived longer ago; never needed with --only-existing.",
        "push",
    )


class Sending(Options, group=SENDING):
    """How members are sent, and waited for."""

    batch_rows = Option(Whole("N", 2), 250_000, "Members per import file.", "push apply")
    concurrency = Option(Whole("N", 1, 32), 2, "Uploads, or contacts, at once.", "push resume apply")
    per_contact = Option(
        Flag(),
        False,
        "Update contact by contact instead of by import: for small audiences, and for system fields without an id. "
        "Stops before more than 10,000 members.",
        "push plan",
    )
    yes = Option(
        Flag(),
        False,
        "Do not ask before the first push of an account; allow more than 10,000 members contact by contact.",
        "push apply",
    )
    wait = Option(Flag(negated=True), True, "Wait for the imports to end.", "push resume apply")
    wait_timeout = Option(Duration("TIME"), "1h", "How long to wait.", "push resume status apply")
    canary = Option(
        Whole("N", 1),
        None,
        "Send N random members first, of those who exist and would change; the rest only when these hold what was "
        "sent.",
        "push apply",
    )
    undo = Option(
        Output("FILE"), None, "With --canary: write what was stored of these members, as an audience.", "push apply"
    )
    canary_seed = Option(Whole("N", 0), None, "With --canary: draw the members of an earlier push again.", "push apply")
    verify = Option(Flag(), False, "Read back and compare after the imports have ended.", "push apply")
    verify_sample = Option(Whole("N", 1), None, "--verify so many members, picked at random.", "push apply")
    dry_run = Option(Flag(), False, "Everything but the import requests.", "push apply", "-n")
    offline = Option(Flag(), False, "Do not ask Listrak for the profile fields.", "validate")


class Rehearsing(Options, group=SENDING):
    """A push that reaches nobody."""

    sandbox = Option(
        Flag(),
        False,
        "Push to a simulated Listrak started for this command: no account needed, nothing leaves the machine.",
        "push",
    )
    sandbox_fields = Option(
        Choice("invent", "account"),
        "invent",
        "The profile fields of --sandbox: system fields and one for each column that is not mapped, or those of your "
        "account, which is only read.",
        "push",
    )
    fields = Option(File("FILE"), None, "With --sandbox: more profile fields, as of `lsms sandbox --fields`.", "push")


class Connection(Options, group=SETTINGS):
    """Where settings come from, and those that are seldom typed."""

    api_url = Option(Text("URL"), None, "The API base.", f"{CONNECTS} health")
    token_url = Option(Text("URL"), None, "Where tokens are issued.", CONNECTS)
    profile = Option(Text("NAME"), None, "A table of the config file.", ALL)
    config = Option(FileName("FILE"), None, "The config file (TOML).", ALL)
    state_dir = Option(FileName("DIR"), None, "Where runs are remembered.", f"{DRAWS} check runs report health")
    give_up_after = Option(Duration("TIME"), None, "How long one request is retried (90s, 15m).", CONNECTS)


class Showing(Options, group=OUTPUT, keywords=False):
    """How a result is shown."""

    json = Option(Flag(), False, "One JSON document on standard output.", f"{ALL} jobs schema explain")
    quiet = Option(
        Flag(),
        False,
        "No progress; on success nothing but warnings that the last good push did not have.",
        f"{DRAWS} health",
        "-q",
    )
    verbose = Option(Flag(), False, "Where in lsms an error arose.", f"{ALL} jobs schema explain", "-v")


class Silencing(Options, group=OUTPUT):
    """Warnings nobody wants to read."""

    no_warn = Option(Texts("CODE"), (), "Leave a warning out.", f"{PREPARES} apply")


class Reporting(Options, group=OUTPUT):
    """The page of a result."""

    report = Option(Output("FILE"), None, "Write the result, also a failure, as one HTML page.", CLEANS)


class Logging(Options, group=OUTPUT, keywords=False):
    """The log file."""

    log_file = Option(LocalOutput("FILE"), None, "Append what happens to this file.", f"{READS} resume apply")
    log_format = Option(Choice("text", "json"), "text", "Of the log file.", f"{READS} resume apply")


class Monitoring(Options, group=OUTPUT):
    """Who learns how a push ended without being there."""

    notify = Option(
        Text("URL"),
        None,
        "Whom to tell of a failure, a new warning or a recovery: an apprise address, or a webhook. Or LSMS_NOTIFY.",
        "push",
    )
    metrics_file = Option(LocalOutput("FILE"), None, "Write Prometheus metrics to this file (*.prom).", "push")


class Credentials(Options):
    """Of Python alone: what is typed on a command line is read by others."""

    client_id = Option(Setting(), None, "The client id. Or LISTRAK_CLIENT_ID.", CONNECTS)
    client_secret = Option(Text(), None, "The client secret. Or LISTRAK_CLIENT_SECRET.", CONNECTS)


GROUPS = (
    Subject, SettingUp, InFiles, SenderCode, Jobs, Verifying, ListingDifferences, Planning, Applying, Pulling,
    PulledOf, GoingOn, Resuming, Recorded, Checking, Serving, Reading, Columns, Cleaning, ChoosingMembers, Sending,
    Rehearsing, Connection, Showing, Silencing, Reporting, Logging, Monitoring,
)  # fmt: skip


def options_of(command: str) -> list[Option[Any]]:
    """The options of a command of `lsms`, in the order of its help."""
    return [option for group in GROUPS for option in group.options if command in option.commands]


# What a job does not hold: where and as whom lsms connects (a profile has that), and what the user decides at once.
_NOT_IN_JOBS = """anyway api_url client_id client_secret_file config job job_file json keyring notify save_job token_url
verbose""".split()


def job_options() -> dict[str, Option[Any]]:
    """By name, those that a job may hold: of all commands that take one, and settings."""
    found: dict[str, Option[Any]] = {}
    for option in [*(option for command in TAKES_JOBS.split() for option in options_of(command)), *InFiles.options]:
        if option.name not in _NOT_IN_JOBS:
            found.setdefault(option.name, option)
    return found


def keywords_of(command: str) -> list[Option[Any]]:
    """Those of them that Python has, and the credentials."""
    groups = [group for group in (*GROUPS, Credentials) if group.keywords]
    return [option for group in groups for option in group.options if command in option.commands]
