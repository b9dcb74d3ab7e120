"""Places that cannot be written, or must not be: logs, results, files; and what is said of runs that others began."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.push_command import THREE, pushed
from tests.support.world import World

FULL = "/dev/full"


def test_a_log_that_cannot_be_written_stops_nothing(world: World) -> None:
    """A full disk under the log is said once; the members are sent, and the report is true."""
    ended = world.lsms("push", world.audience(THREE), "--log-file", FULL, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["rows_sent"] == 3
    assert ended.err.count("cannot be written any more") == 1


def test_the_audience_is_no_log(world: World) -> None:
    """A log file that is the audience is refused, and the audience stays as it is."""
    audience = world.audience(THREE)
    ended = world.lsms("push", audience, "--log-file", audience, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "log_file")
    assert audience.read_text("utf-8") == THREE


@pytest.mark.parametrize("command", [("fields",), ("runs",), ("sender-codes", "--json"), ("check",)])
def test_a_listing_that_nobody_can_read_is_no_success(world: World, command: tuple[str, ...]) -> None:
    """What a listing says cannot be written: one sentence, exit 1, no internal error."""
    world.lsms("push", world.audience(THREE))
    with Path(FULL).open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "listrak_sms_cli", *command],
            env=world.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "could not be written to standard output" in ended.stderr
    assert "nternal error" not in ended.stderr


@pytest.mark.parametrize("place", ["/proc/x.csv", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/x.csv"])
def test_a_place_that_takes_no_files(world: World, place: str) -> None:
    """It is refused before anything is read, and nobody is told that the disk is full."""
    for option in ("--rejects", "--report"):
        ended = world.lsms("validate", world.audience(THREE), option, place, "--json")
        assert ended.code == 2
        assert f"{option} {place} cannot be written." in ended.json["error"]["message"]


@pytest.mark.parametrize("option", ["--rejects", "--output"])
def test_no_excel_is_written(world: World, option: str) -> None:
    """A file named .xlsx is refused before anything is asked or sent, with the formats there are."""
    place = world.home / "file.xlsx"
    command = ("push", world.audience(THREE), option, place) if option == "--rejects" else ("pull", option, place)
    ended = world.lsms(*command, "--json")
    assert ended.code == 2
    assert ".parquet" in ended.json["error"]["hint"]
    assert not place.exists()
    assert world.admin("imports") == []


def test_rejects_that_were_written_are_named(world: World) -> None:
    """The summary says where the dropped members are, and no hint asks for a file that there is."""
    rejects = world.home / "rejects.csv"
    audience = world.audience("phone,first_name\n2125550100,A\n12,B\n")
    ended = world.lsms("push", audience, "--rejects", rejects)
    assert f"1 dropped: 1 invalid phone (see {rejects})." in ended.out
    assert "--rejects FILE" not in ended.out + ended.err
    none = world.lsms("push", world.audience("phone,first_name\n12,B\n"), "--rejects", rejects)
    assert none.code == 2
    assert f"{rejects} shows each member" in none.err


def test_a_run_that_only_waits_sends_nothing(make_world: Callable[..., World]) -> None:
    """`resume` of a run whose imports are all accepted does not speak of members to send, nor of its speed."""
    world = make_world(import_seconds=1.0)
    pushed(world, world.audience(THREE), "--no-wait")
    ended = world.lsms("resume")
    assert ended.code == 0, ended.err
    assert "to send" not in ended.err
    assert "/s)" not in ended.out


def test_an_audience_that_has_moved_is_asked_for(world: World) -> None:
    """`resume` of a run whose audience is gone says how to name it."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    audience = world.audience(THREE)
    pushed(world, audience, code=1)
    audience.rename(world.home / "moved.csv")
    report = world.lsms("resume", "--json").json
    assert "--audience FILE" in report["error"]["hint"]
    assert world.lsms("resume", "--audience", world.home / "moved.csv", "--json").json["rows_sent"] == 3


def test_answers_are_written_down_as_they_come(make_world: Callable[..., World]) -> None:
    """After kill -9 contact by contact, `status` knows all but the last few members that Listrak said yes to."""
    slow = {"route": "update_contact", "fault": "hang_reply", "seconds": 0.02, "count": None}
    world = make_world(fault_rules=(slow,))
    text = "phone,first_name\n" + "".join(f"212555{100 + n:04d},A\n" for n in range(100))
    process = world.start("push", world.audience(text), "--per-contact", "--concurrency", "1")
    updated = 0
    while updated < 45:
        assert process.poll() is None
        time.sleep(0.02)
        updated = sum(one["method"] == "PUT" for one in world.admin("requests"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    updated = sum(one["method"] == "PUT" for one in world.admin("requests"))
    report = json.loads(world.lsms("status", "--json").out)
    assert updated - 11 <= report["rows_sent"] <= updated


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("push", ("--canary", "2", "--undo", "{}", "--report", "{}")),
        ("push", ("--rejects", "{}", "--undo", "{}", "--canary", "2")),
        ("push", ("--rejects", "{}", "--log-file", "{}")),
        ("validate", ("--rejects", "{}", "--report", "{}")),
        ("plan", ("--out", "{}", "--save", "{}")),
        ("verify", ("--out", "{}", "--report", "{}")),
        ("pull", ("--audience", "audience.csv", "-o", "{}", "--log-file", "{}")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else part,
)
def test_two_outputs_are_two_files(world: World, command: str, words: tuple[str, ...]) -> None:
    """Of two that name one file, however it is spelled or linked to, one would be lost."""
    world.audience(THREE)
    (world.home / "link.csv").symlink_to(world.home / "one.csv")
    for other in ("one.csv", "./one.csv", str(world.home / "one.csv"), "link.csv"):
        places = iter(("one.csv", other))
        typed = [next(places) if word == "{}" else word for word in words]
        audience = () if command == "pull" else ("audience.csv",)
        ended = world.lsms(command, *audience, *typed, "--json", cwd=world.home)
        assert (ended.code, ended.json["error"]["code"]) == (2, "output_place")
        assert "name one file" in ended.json["error"]["message"]
        assert sorted(path.name for path in world.home.iterdir()) == ["audience.csv", "link.csv"]
