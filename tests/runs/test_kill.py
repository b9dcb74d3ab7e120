"""Killed at random moments, interrupted at random moments: resumed, a push ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import PROJECT, World

PHONES = [f"{area}5550{number}" for area in (212, 415, 718) for number in range(100, 200)]
FILES, CONCURRENCY = 30, 3
KILLS = 5  # in each push
SLOW = {"route": "start_import", "fault": "hang_reply", "seconds": 0.04, "count": None}
MakeWorld = Callable[..., World]


def often(first: int, of: int) -> list[Any]:
    """Seeds of which `make test` has the first ones; the others are marked `long`."""
    return [pytest.param(seed, marks=[pytest.mark.long] * (seed >= first)) for seed in range(of)]


class Attempts:
    """One audience on its way through a push and as many resumes as it takes, each a process of its own."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.temporary = world.home / "tmp"
        self.temporary.mkdir()
        self.audience = world.audience("phone,first_name\n" + "".join(f"{p},K{seed}\n" for p in PHONES))
        self.seed = seed

    @property
    def run(self) -> str | None:
        """The run, once its journal says that it can be resumed."""
        listed = self.world.lsms("runs", "--json").json["runs"]
        return listed[0]["run_id"] if listed else None

    def start(self) -> subprocess.Popen[str]:
        run = self.run
        push = ["push", self.audience, "--batch-rows", len(PHONES) // FILES]
        command = ["resume", run] if run else push
        more = ["--json", "--concurrency", CONCURRENCY, "--wait-timeout", "30s"]
        return self.world.start(*command, *more, env={"TMPDIR": str(self.temporary)})

    def at_a_random_moment(self, process: subprocess.Popen[str], send: signal.Signals) -> None:
        """After some time, or after some import files have arrived: start, preparing, sending and waiting all get
        their share."""
        if self.random.random() < 0.4:
            time.sleep(self.random.uniform(0.0, 1.2))
        else:
            until = len(self.world.admin("imports")) + self.random.randint(1, FILES // 3)
            while len(self.world.admin("imports")) < until and process.poll() is None:
                time.sleep(0.02)
            time.sleep(self.random.uniform(0.0, 0.06))
        process.send_signal(send)

    def finish(self) -> dict[str, Any]:
        """Goes on to the end, and checks that every contact is right."""
        process = self.start()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err + out
        report: dict[str, Any] = json.loads(out)
        assert (report["rows_read"], report["rows_sent"], report["rows_pending"]) == (len(PHONES), len(PHONES), 0)
        contacts = self.world.contacts()
        assert {contacts[f"+1{phone}"]["First Name"] for phone in PHONES} == {f"K{self.seed}"}
        taken, lines = self.taken, {line["file_name"]: line for line in report["imports"]}
        assert set(taken) == set(lines)
        assert len(lines) == FILES
        assert {name for name, times in taken.items() if times > 1} <= {
            name for name, line in lines.items() if line["maybe_repeated"]
        }
        return report

    @property
    def taken(self) -> Counter[str]:
        """How often the sandbox accepted each import file."""
        return Counter(one["file_name"] for one in self.world.admin("imports"))

    @property
    def left_behind(self) -> set[bytes]:
        """What temporary files hold. Python tries a folder with the word "blat" before it uses it."""
        return {file.read_bytes() for file in self.temporary.iterdir()} - {b"blat", b""}

    @property
    def again(self) -> int:
        return sum(self.taken.values()) - len(self.taken)


def until_it_listens(process: subprocess.Popen[str]) -> None:
    """Returns once the process handles SIGTERM: Python has started, and so has `lsms`."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = next((line for line in status.read_text().splitlines() if line.startswith("SigCgt")), "x: 0")
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)


@pytest.mark.parametrize("seed", often(1, of=8))
def test_a_push_that_is_killed_can_be_resumed(make_world: MakeWorld, seed: int) -> None:
    """After five SIGKILLs at random moments every contact is right, and for each of them at most as many import files
    were sent again as were on their way; no temporary file is left behind."""
    attempts = Attempts(make_world(fault_rules=(SLOW,), import_seconds=0.2), seed)
    for kills in range(1, KILLS + 1):
        process = attempts.start()
        attempts.at_a_random_moment(process, signal.SIGKILL)
        process.communicate(timeout=30)
        assert attempts.again <= CONCURRENCY * kills
        assert attempts.left_behind == set()
    attempts.finish()
    assert attempts.again <= CONCURRENCY * KILLS


@pytest.mark.parametrize("seed", often(1, of=4))
@pytest.mark.parametrize("send", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_push_that_is_interrupted_can_be_resumed(make_world: MakeWorld, seed: int, send: signal.Signals) -> None:
    """Ctrl-C or SIGTERM at any moment is exit 130 with the counts as they are and the command that goes on."""
    attempts = Attempts(make_world(fault_rules=(SLOW,), import_seconds=0.2), seed)
    for _ in range(3):
        process = attempts.start()
        until_it_listens(process)
        attempts.at_a_random_moment(process, send)
        out, err = process.communicate(timeout=30)
        assert process.returncode in (130, 0), err
        report = json.loads(out)
        assert process.returncode == report["exit_code"]
        assert report["rows_sendable"] == report["rows_sent"] + report["rows_pending"] + report["rows_refused"]
        if report["exit_code"] == 130 and report["imports"]:
            assert f"lsms resume {attempts.run}" in report["error"]["hint"]
            assert sum(line["rows"] for line in report["imports"] if line["import_file_id"]) == report["rows_sent"]
        assert attempts.left_behind == set()
    attempts.finish()


LATE = """
import os, signal, sys
from listrak_sms_cli.cli.app import main

class Stderr:
    def write(self, text):
        sys.stderr = sys.__stderr__
        exec("os.kill(os.getpid(), signal.SIGINT)")  # from a string: Python remembers such a Ctrl-C, even a caught one
    def flush(self): ...
    def isatty(self): return False

sys.argv, sys.stderr = ["lsms", "resume"], Stderr()
main()
"""


def test_ctrl_c_while_an_error_is_written_is_an_exit_code_not_a_killed_process(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    python = {"PYTHONPATH": f"{tmp_path}:{PROJECT}", "HOME": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-m", "late"], env=python, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (130, "")
