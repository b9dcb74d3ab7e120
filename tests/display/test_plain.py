"""Progress where there is no terminal: plain lines, or nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from listrak_sms_cli import display
from listrak_sms_cli.display.plain import Plain
from listrak_sms_cli.display.tally import Tally
from listrak_sms_cli.runs import events as e
from tests.support import display_feed

NEVER = 3600.0  # seconds


def told(events: list[e.Event], every: float = NEVER) -> list[str]:
    stream = io.StringIO()
    with Plain(stream, every) as show:
        for event in events:
            show(event)
    return stream.getvalue().splitlines()


def test_every_line_is_plain_and_names_the_program() -> None:
    """Lines for a pipe start with the program's name and hold no control character."""
    lines = told(list(display_feed.run()))
    assert lines
    assert all(line.startswith("lsms: ") and line.isprintable() for line in lines)


def test_a_sandbox_that_is_filled_is_said_at_once() -> None:
    """`push --sandbox` has its first line before the sandbox is there, not after the interval."""
    lines = told([e.PhaseStarted(e.Phase.FILLING, 0, "contacts")])
    assert lines == ["lsms: a sandbox is started, and filled with contacts of the audience"]


def test_between_two_intervals_progress_is_silent() -> None:
    """Inside the interval a phase says only that it has ended."""
    lines = [line for line in told(list(display_feed.run())) if line.startswith("lsms: reading")]
    assert len(lines) == 1
    assert "reading: done in" in lines[0] and "4,500,000 members" in lines[0]


def test_progress_says_how_far_and_how_many() -> None:
    """A line of progress has the share, the members and, when it can be known, the time left."""
    lines = told(list(display_feed.run()), every=0.0)
    reading = [line for line in lines if line.startswith("lsms: reading: 45 %")]
    assert len(reading) == 1 and "members, " in reading[0] and reading[0].endswith(" left)")


def test_members_of_a_first_pass_are_counted_and_of_a_second_estimated() -> None:
    """Whatever the first phase over the audience is called, it tells the members there have been; a second one, while
    all are known, so many as there are in its share of the bytes."""
    reading, checking = ([e.PhaseStarted(phase, 100, "bytes")] for phase in (e.Phase.READING, e.Phase.CHECKING))
    counted, half = e.MembersCounted(500, {}), e.PhaseAdvanced(e.Phase.CHECKING, 50)
    (once,) = told([*checking, counted, half], every=0.0)
    assert once.startswith("lsms: checking: 50 % (500 members, ")
    (twice,) = told([*reading, counted, *checking, half], every=0.0)
    assert twice.startswith("lsms: checking: 50 % (250 members, ")


def test_a_phase_of_unknown_length_has_no_share() -> None:
    """Where the total is not known no percentage and no time left is made up."""
    phase = e.Phase.LOOKING_UP
    (line,) = told([e.PhaseStarted(phase, 0, "contacts"), e.PhaseAdvanced(phase, 5_000)], every=0.0)
    assert line == "lsms: looking up: (5,000 contacts)"


def test_each_import_that_ends_is_a_line() -> None:
    """Imports are named once, when they have ended, with the members in them and Listrak's own word."""
    lines = told(list(display_feed.run()))
    assert "lsms: import file 2 (250,000 members): Failed" in lines
    assert sum(line.startswith("lsms: import file ") for line in lines) == display_feed.IMPORTS


def test_the_drop_reasons_are_counted_when_the_audience_has_been_checked() -> None:
    """The line that ends the checking gives every reason with its count, the commonest first."""
    (line,) = [line for line in told(list(display_feed.run())) if line.startswith("lsms: checking: done")]
    assert line.endswith(
        "; dropped 440,831: duplicate_phone 402,118, invalid_phone 30,411, bad_value 7,090, missing_phone 1,200, "
        "value_too_long 12"
    )


def test_retries_and_warnings_are_told_at_once() -> None:
    """A retry says who answered what and when it goes on; a warning is never shortened."""
    lines = told(list(display_feed.run()))
    assert any(line.endswith("it answered 503; trying again in 4.0 s") for line in lines)
    assert f"lsms: note: {display_feed.WARNING} [empty_cells]" in lines


def test_a_dry_run_says_so_first() -> None:
    """The first line of a dry run says that nothing will be sent."""
    assert told(list(display_feed.run(dry_run=True)))[0].endswith("; dry run, nothing will be sent")


def test_names_cannot_move_the_cursor() -> None:
    """Escape sequences, line breaks and carriage returns in a file name end up on one harmless line."""
    lines = told(list(display_feed.run("a\x1b[2J\r\nlsms: all sent\u202e.csv")))
    assert lines[0].isprintable()
    assert "a[2J  lsms: all sent.csv (CSV" in lines[0]


def test_lines_of_several_threads_do_not_mix() -> None:
    """Events from many threads at once give whole lines."""
    stream = io.StringIO()
    word = "x" * 200
    with Plain(stream, NEVER) as show:
        threads = [threading.Thread(target=lambda: [show(e.Warned("w", word)) for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert stream.getvalue() == f"lsms: warning: {word} [w]\n" * 800


def test_a_reader_that_leaves_does_not_stop_the_work() -> None:
    """A process whose lines nobody reads any more takes events as before and ends well."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([sys.executable, display_feed.__file__, "0"], stderr=writing)
    os.close(writing)
    assert ended.returncode == 0


@pytest.mark.parametrize(("json", "quiet"), [(True, False), (False, True), (True, True)])
def test_json_and_quiet_are_silent(json: bool, quiet: bool) -> None:
    """With --json or --quiet no progress is written at all."""
    stream = io.StringIO()
    with display.choose(json=json, quiet=quiet, stream=stream) as show:
        for event in display_feed.run():
            show(event)
    assert stream.getvalue() == ""


def test_a_pipe_gets_lines_on_standard_error() -> None:
    """A process whose standard error is a pipe writes plain lines there and nothing to standard output."""
    feed = Path(display_feed.__file__)
    ended = subprocess.run(
        [sys.executable, str(feed), "0"], capture_output=True, text=True, env={**os.environ, "TERM": "xterm"}
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.startswith("lsms: run 20261124-031502-7f3a: spring_launch.csv")
    assert "\x1b" not in ended.stderr and "\r" not in ended.stderr


def test_showing_needs_no_heavy_package() -> None:
    """The displays import neither pyarrow, pandas nor httpx."""
    code = (
        "import sys, listrak_sms_cli.display.live, listrak_sms_cli.display.plain; "
        "print(sorted({'pyarrow', 'pandas', 'httpx', 'numpy'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("phase", [e.Phase.SENDING, e.Phase.IMPORTING])
def test_a_phase_that_was_broken_off_is_not_done(phase: e.Phase) -> None:
    """After Ctrl-C, an outage, or when time is up, a phase is not called done, and its share stays what it was."""
    events = [e.PhaseStarted(phase, 100, "members"), e.PhaseAdvanced(phase, 40), e.PhaseEnded(phase, complete=False)]
    (line,) = told(events)
    assert "done" not in line and " after " in line
    tally = Tally()
    for event in events:
        tally.take(event)
    assert tally.phases[phase].share == 0.4
    tally.take(e.PhaseEnded(phase))
    assert tally.phases[phase].share == 1.0
