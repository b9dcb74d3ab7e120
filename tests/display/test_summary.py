"""The summary, tables and errors, as they are read on a terminal and in a pipe."""

from __future__ import annotations

import io
import os
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from listrak_sms_cli import display
from listrak_sms_cli.display import words
from listrak_sms_cli.errors import GuardStopped
from listrak_sms_cli.runs.report import (
    DROP_REASONS,
    ColumnChanges,
    CommonChange,
    ImportLine,
    MappedColumn,
    Report,
    ReportError,
    RunWarning,
    SandboxResult,
)

RUN = "20261124-031502-7f3a"
DROPPED = dict.fromkeys(DROP_REASONS, 0) | {"missing_phone": 1_200, "duplicate_phone": 402_118, "bad_value": 7_090}


def imports(count: int, *states: str) -> tuple[ImportLine, ...]:
    """Import files in these states, the last state for the rest; "not sent" and "refused" ones have no id."""
    said = [states[min(n, len(states) - 1)] for n in range(count)]
    return tuple(
        ImportLine(
            n,
            f"lsms-{RUN}-{n:04d}.csv",
            250_000,
            23_000_000,
            str(40_000_000 + n) if state[0].isupper() else None,
            state,
        )
        for n, state in enumerate(said, 1)
    )


WELL = Report(
    run_id=RUN,
    audience="spring_launch.csv",
    sender_code=1026,
    rows_read=1_410_408,
    rows_sendable=1_000_000,
    rows_sent=1_000_000,
    rows_dropped=410_408,
    dropped=DROPPED,
    columns=(MappedColumn("first_name", "First Name", 1), MappedColumn("Loyalty_Tier", "Loyalty Tier", 7)),
    skipped_columns=("notes",),
    imports=imports(4, "Completed"),
    warnings=(RunWarning("empty_cells", "Empty cells travel as empty values; " * 4 + "birthdate 1,204."),),
    seconds=2.0,
)
PENDING = replace(
    WELL,
    rows_sent=500_000,
    rows_refused=250_000,
    rows_pending=250_000,
    imports=imports(4, "Completed", "Completed", "refused", "not sent"),
    resumable=True,
    exit_code=5,
    error=ReportError("unavailable", "Listrak could not be reached.", ""),
)
REPORTS = {
    "well": WELL,
    "pending": PENDING,
    "dry": replace(WELL, dry_run=True, rows_sent=0, rows_pending=1_000_000, imports=()),
    "many imports": replace(WELL, imports=imports(40, "Completed", "Processing")),
    "long names": replace(
        WELL,
        audience="x" * 300,
        columns=tuple(MappedColumn(f"column_{n}_" + "y" * 80, "z" * 90, n) for n in range(1, 60)),
        imports=tuple(replace(one, file_name="f" * 120, import_file_id="i" * 36) for one in WELL.imports),
    ),
    "wide characters": replace(WELL, columns=(MappedColumn("名前" * 40, "漢字" * 40, 3),)),
    "sandbox": replace(WELL, sandbox=SandboxResult(9, 1)),
    "empty": Report(RUN, "nobody.csv", 1026),
}


def on_screen(report: Report, width: int = 80, **options: object) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, highlight=False, **options)  # type: ignore[arg-type]
    display.summary(report, console)
    return stream.getvalue()


def in_pipe(report: Report) -> str:
    stream = io.StringIO()
    display.summary(report, Console(file=stream))
    return stream.getvalue()


def colourless(report: Report, width: int = 80) -> str:
    return on_screen(report, width, color_system=None)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    """Whatever a run was like, its summary fits 60 columns and more, and no head of a table is broken."""
    text = colourless(REPORTS[name], width)
    assert max(map(cell_len, text.splitlines())) <= width
    if REPORTS[name].imports:
        assert "import id" in text and all((one.import_file_id or "-") in text for one in REPORTS[name].imports[:12])


@pytest.mark.parametrize("name", REPORTS)
def test_a_pipe_gets_no_decoration(name: str) -> None:
    """In a pipe there is no colour, no box, no bar, no blank at the end of a line and no blank line."""
    text = in_pipe(REPORTS[name])
    assert all(line == line.rstrip() != "" and line.isprintable() for line in text.splitlines())
    assert not set(text) & set("─━│█")


def test_the_pipe_wraps_nothing() -> None:
    """A warning is one line in a pipe, however long it is."""
    (line,) = [line for line in in_pipe(WELL).splitlines() if line.startswith("note ")]
    assert line.endswith("birthdate 1,204. [empty_cells]")


def test_every_count_is_there() -> None:
    """Each count of the report stands beside its name, with its share of the members read."""
    lines = [line.split() for line in in_pipe(PENDING).splitlines()]
    assert ["read", "1,410,408"] in lines
    for line in (
        "sendable 1,000,000 70.9 %",
        "sent 500,000 35.5 %",
        "refused 250,000 17.7 %",
        "pending 250,000 17.7 %",
    ):
        assert line.split() in lines
    for line in ("dropped 410,408 29.1 %", "missing_phone 1,200 < 0.1 %", "duplicate_phone 402,118 28.5 %"):
        assert line.split() in lines
    assert not any(line and line[0] in ("no_consent", "unchanged", "beyond") for line in lines)


def test_unchanged_and_beyond_limit_are_told_when_there_are_any() -> None:
    """Members left out without being dropped have lines of their own."""
    text = in_pipe(replace(WELL, rows_unchanged=3, rows_beyond_limit=4))
    assert "\nunchanged" in text and "\nbeyond limit" in text


def test_the_imports_are_listed_with_listraks_ids() -> None:
    """Each import file is a line: name, members, size, Listrak's id, state."""
    lines = [line.split() for line in in_pipe(PENDING).splitlines()]
    assert [f"lsms-{RUN}-0001.csv", "250,000", "23.0", "MB", "40000001", "Completed"] in lines
    assert [f"lsms-{RUN}-0003.csv", "250,000", "23.0", "MB", "-", "refused"] in lines


def test_many_imports_are_summed_up() -> None:
    """Of many imports twelve are shown; the rest is counted by state."""
    text = in_pipe(REPORTS["many imports"])
    assert "… and 28 more, all Processing" in text
    assert f"lsms-{RUN}-0012.csv" in text and f"lsms-{RUN}-0013.csv" not in text


def test_on_a_terminal_of_80_columns_no_import_loses_its_name() -> None:
    """A usual import line is whole at 80 columns."""
    assert f"lsms-{RUN}-0001.csv  250,000  23.0 MB   40000001  Completed" in colourless(WELL)


ENDED = tuple(replace(one, ended=True) for one in WELL.imports)
WHY = "410,408 dropped: 402,118 duplicate phones, 7,090 bad values, 1,200 without a phone."
FIRST_LINES = {
    f"1,000,000 of 1,410,408 sent. {WHY}": WELL,
    f"1,000,000 of 1,410,408 sent. 7,000,000 in imports that have not ended. {WHY}": replace(
        REPORTS["many imports"],
        imports=tuple(replace(one, ended=one.status == "Completed") for one in imports(29, "Completed", "Processing")),
    ),
    f"1,000,000 of 1,410,408 members would be sent; nothing was. {WHY}": REPORTS["dry"],
    "There was nothing to send.": REPORTS["empty"],
    "Nothing was sent: nothing is to be changed. 5 unchanged.": replace(
        REPORTS["empty"], rows_read=5, rows_unchanged=5
    ),
    f"500,000 of 1,410,408 sent. 250,000 refused by Listrak. 250,000 pending. {WHY}": PENDING,
}


@pytest.mark.parametrize("line", FIRST_LINES)
def test_the_first_line_is_the_verdict(line: str) -> None:
    """How it ended is said before anything else, refused and pending members apart, with the drop reasons."""
    report = FIRST_LINES[line]
    if len(report.imports) == 4:
        report = replace(report, imports=tuple(replace(one, ended=True) for one in report.imports))
    assert in_pipe(report).splitlines()[0] == line


def test_the_last_line_is_what_to_type() -> None:
    """Where something is left to do the last line is the command; not where the error that follows names it."""
    assert in_pipe(PENDING).splitlines()[-1] == f"Go on with: lsms resume {RUN}"
    named = replace(PENDING, error=ReportError("unavailable", "…", f"When it is back: lsms resume {RUN}"))
    assert "lsms resume" not in in_pipe(named)
    assert "lsms " not in in_pipe(WELL)


def test_warnings_and_notes_are_told_apart() -> None:
    """Each is there once: what is so at every push is a note, and stands behind the warnings."""
    many = RunWarning("many_dropped", "Many are dropped; --rejects FILE names them.")
    text = in_pipe(replace(WELL, warnings=(*WELL.warnings, many)))
    places = [text.index(line) for line in (f"! {many.message} [many_dropped]\n", "note Empty cells")]
    assert places == sorted(places) and text.count("empty_cells") == 1


def test_bars_are_shares_of_the_whole() -> None:
    """The bar of a count is as long as its share of the members read; one is seen, however small it is."""
    bars = {
        line.split()[0]: line.count("█") for line in colourless(WELL, 100).splitlines() if "%" in line or "read" in line
    }
    assert bars["read"] == 40
    assert (bars["sendable"], bars["sent"], bars["dropped"]) == (28, 28, 11)
    assert bars["missing_phone"] == 0
    assert "▏" in next(line for line in colourless(WELL, 100).splitlines() if "missing_phone" in line)


def test_an_import_that_has_not_ended_is_not_called_well() -> None:
    """After --no-wait the members are in imports that have not ended, and the command that looks again is named."""
    accepted = tuple(replace(one, status="accepted") for one in WELL.imports)
    first, *_, command = in_pipe(replace(WELL, imports=accepted, resumable=True)).splitlines()
    assert "1,000,000 in imports that have not ended." in first
    assert command == f"See how the imports end: lsms status {RUN} --wait"


def test_what_cannot_be_resumed_is_not_offered() -> None:
    """Runs of the sandbox, and runs that could not be remembered, name no command that would fail; nobody is pending
    of them, nor of a push that a guard has stopped."""
    stopped = replace(PENDING, rows_sent=0, rows_refused=0, rows_pending=82, imports=(), exit_code=3, resumable=False)
    for report in (replace(PENDING, resumable=False, sandbox=SandboxResult(1, 0)), stopped):
        text = in_pipe(report)
        assert "lsms resume" not in text and "pending" not in text
        assert ["not", "sent", f"{report.rows_pending:,}"] in [line.split()[:3] for line in text.splitlines()]


def test_a_run_at_work_has_sent_so_far() -> None:
    """Of a run that another process is at work on nothing is said as if it had ended."""
    text = in_pipe(replace(PENDING, rows_sent=0, resumable=False, running=True, exit_code=0, error=None))
    assert text.startswith("At work: 0 of 1,410,408 sent so far.")
    assert "None of" not in text and "lsms resume" not in text
    assert text.splitlines()[-1] == f"See how it goes on: lsms status {RUN}"


def test_imports_that_ended_badly_are_part_of_sent() -> None:
    """Members in imports that ended badly are named in the verdict, and below the sent ones."""
    text = in_pipe(replace(WELL, rows_import_failed=250_000, imports=imports(4, "Failed", "Completed"), exit_code=1))
    assert " 250,000 in imports that ended badly." in text.splitlines()[0]
    assert ["badly", "imported", "250,000"] in [line.split()[:3] for line in text.splitlines()]


def test_the_sandbox_says_that_nothing_left_the_machine() -> None:
    """The result of a rehearsal names those Listrak would drop silently."""
    assert (
        "The sandbox updated 9 contacts and silently dropped 1 member it does not know, as Listrak does. "
        "Nothing left this machine.\n"
    ) in in_pipe(REPORTS["sandbox"])


HOSTILE = "[red]a[/red]\x1b[2J\x9b31m\r\nb\u2028c\u202e\x00"
HARMLESS = "[red]a[/red][2J31m  b c"


def test_names_cannot_draw() -> None:
    """Markup is text, and control characters are gone, in every name that comes from outside."""
    report = replace(
        WELL,
        columns=(MappedColumn(HOSTILE, HOSTILE, 1),),
        skipped_columns=(HOSTILE,),
        imports=(ImportLine(1, HOSTILE, 1, 1, HOSTILE, HOSTILE),),
        warnings=(RunWarning("w", HOSTILE),),
    )
    text = in_pipe(report)
    assert text.count(HARMLESS) == 7
    assert all(line.isprintable() for line in text.splitlines())
    assert "\x1b" not in colourless(report)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets the same words and no colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;32m" in on_screen(WELL)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "32m" not in on_screen(WELL) and "33m" not in on_screen(WELL)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_stream_that_cannot_write_everything_gets_what_it_can(encoding: str) -> None:
    """Where the locale has no arrows or Chinese, the summary is written all the same."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    display.summary(REPORTS["wide characters"], Console(file=stream, width=80))
    stream.flush()
    assert b"1,000,000 of 1,410,408 sent." in raw.getvalue()


def test_a_closed_pipe_is_told_to_the_caller() -> None:
    """Writing to a reader that has gone raises BrokenPipeError and does not end the process."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError), os.fdopen(writing, "w") as stream:
        display.summary(WELL, Console(file=stream))


def test_an_error_is_the_message_and_what_to_do() -> None:
    """An error is its message, and on a line of its own the hint; nothing in them is taken as markup."""
    stream = io.StringIO()
    display.error(GuardStopped("Too many [b]dropped[/b].", hint="See --rejects FILE."), stream)
    assert stream.getvalue() == "Error: Too many [b]dropped[/b].\nSee --rejects FILE.\n"


HEADS = ("run id", "audience", "sender code", "sent", "state")
ROWS = [(RUN, "/data/" + "long/" * 30 + "spring.parquet", "1026", "4,059,169", "ended well")]


def table(rows: list[tuple[str, ...]], **console: object) -> str:
    stream = io.StringIO()
    display.table("Runs", HEADS, rows, Console(file=stream, **console))  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_table_in_a_pipe_is_columns_for_other_programs() -> None:
    """In a pipe a table is its heads and whole cells, nothing else."""
    head, row = table(ROWS).splitlines()
    assert head.split() == " ".join(HEADS).split()
    assert row.split("  ")[0] == RUN and ROWS[0][1] in row


def test_a_table_on_a_terminal_cuts_the_longest_text() -> None:
    """At 80 columns long texts are cut; ids, the first column, and numbers never."""
    lines = table(ROWS, width=80, force_terminal=True, color_system=None).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[-1].startswith(f"{RUN}  /data/") and "…" in lines[-1] and " 4,059,169  ended well" in lines[-1]


def test_an_empty_table_says_so() -> None:
    """A list without entries is a sentence on a terminal and only its heads in a pipe."""
    assert table([], width=80, force_terminal=True, color_system=None) == "Runs: none\n"
    assert table([]).split() == " ".join(HEADS).split()


@given(st.text(), st.integers(4, 60))
def test_cut_text_is_clean_and_fits(text: str, most: int) -> None:
    """A name that was made plain has no control character and no more cells than asked for."""
    made = words.printable(text, most)
    assert cell_len(made) <= most
    assert not any(unicodedata.category(c)[0] == "C" for c in made)
    assert words.printable(made, most) == made


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_never_claims_all_or_nothing(part: int, more: int) -> None:
    """Less than all is never 100 %, and something is never 0 %."""
    told = words.percent(part, part + more)
    assert told != "100 %" and told != "100.0 %"
    assert part == 0 or told not in ("0 %", "0.0 %")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"), (99.6, "1:40"), (3600, "1:00:00")],
)
def test_durations_are_read_at_a_glance(seconds: float, told: str) -> None:
    """Tenths below ten seconds, then seconds, then minutes and hours."""
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (195_000_000, "195.0 MB")]
)
def test_sizes_are_decimal(count: int, told: str) -> None:
    """Sizes are in powers of a thousand, as Listrak's limit is."""
    assert words.size(count) == told


PLANNED = Report(
    "", "a.csv", 1026, dry_run=True, rows_read=40, rows_sendable=40, rows_different=30, rows_same=9, not_in_listrak=1,
    changes=(
        ColumnChanges("Tier", "Loyalty Tier", 5, 20, 1_204, 10, (CommonChange("Xxxx", "", 1_204),)),
        ColumnChanges("ZIP", "Postal Code", 0, 0, 0, 39),
    ),
    command="lsms push a.csv --only-different",
)  # fmt: skip


def test_what_would_be_emptied_stands_out() -> None:
    """On a terminal the number, and the sentence that repeats it, are red, and nothing else is."""
    stream = io.StringIO()
    display.summary(PLANNED, Console(file=stream, force_terminal=True, width=100, color_system="standard"))
    red = re.findall("\x1b\\[1;31m([^\x1b]*)", stream.getvalue())
    assert [text.strip().partition(":")[0] for text in red] == ["1,204", "1,204 stored values would be emptied"]


def test_a_plan_in_a_pipe() -> None:
    """One line a column, then the counts and the command that does it; none where nothing would change."""
    stream = io.StringIO()
    display.summary(PLANNED, Console(file=stream))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "30 of 40 members would change. Nothing was sent."
    assert [line.split()[0] for line in lines[1:4]] == ["column", "Tier", "ZIP"]
    assert lines[2].split()[1:5] == ["5", "20", "1,204", "10"]
    assert lines[2].endswith("Xxxx → nothing 1,204")
    assert lines[-1] == "Do it with: lsms push a.csv --only-different"
    same = replace(PLANNED, rows_different=0, rows_same=39, changes=PLANNED.changes[1:] if PLANNED.changes else ())
    stream = io.StringIO()
    display.summary(same, Console(file=stream))
    assert "Nothing that is stored would be emptied." in stream.getvalue()
    assert "Do it with" not in stream.getvalue()


def test_changes_are_shown_whole_or_not_at_all() -> None:
    """On a narrow terminal fewer of the commonest changes are shown, each with its count."""
    commonest = tuple(CommonChange("xxxx.xxxxx.999@xxxxxxx.xxx", "xxxx.xxxxx@xxxxxxx.xxx", n) for n in (11, 9, 7))
    report = replace(PLANNED, changes=(ColumnChanges("Email", "Email Address", 0, 27, 0, 12, commonest),))
    for width, counts in ((60, ["11"]), (120, ["11", "9"])):
        shown = next(line for line in colourless(report, width).splitlines() if "→" in line)
        assert re.findall(r"@xxxxxxx.xxx (\d+)", shown) == counts
        assert shown.rstrip().endswith(counts[-1])
