"""The README's way from a clone to every night is walked, step by step, as it stands there."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.readme import GUIDE, without_times
from tests.support.world import PROJECT

BLOCKS = re.findall(r"```(console|cron|text)\n(.*?)```", GUIDE, re.DOTALL)


class Walker:
    """Somebody with a home of their own, a fresh clone and a terminal, who types what the README says."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder, self.shown = home, home / "clone", ""
        programs = home / ".local/bin"
        programs.mkdir(parents=True)
        (programs / "lsms").symlink_to(Path(sys.executable).with_name("lsms"))  # what `pipx install` does
        self.env = {"HOME": str(home), "PATH": f"{programs}:{os.defpath}"}
        self.sandbox: subprocess.Popen[str] | None = None

    def clone(self) -> None:
        """The files that git has, as they are now."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
        for name in listed.stdout.split("\0")[:-1]:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, self.folder / name)

    def type(self, line: str) -> None:
        """A line of a console block, in the folder where the last one has ended."""
        if line.startswith("pipx install "):
            return
        if line == "lsms sandbox":
            self.in_another_terminal(line)
            return
        script = f"{line}\ncode=$?; pwd > {self.home}/folder; exit $code"
        ended = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
        self.folder = Path((self.home / "folder").read_text("utf-8").strip())
        self.shown = ended.stdout.replace(str(self.home), "~")

    def in_another_terminal(self, line: str) -> None:
        """The sandbox stays there; the `export` lines that it prints are typed here."""
        words = [*line.split(), "--port", "0", "--import-seconds", "0"]
        self.sandbox = subprocess.Popen(words, env=self.env, stdout=subprocess.PIPE, text=True, executable=self.program)
        assert self.sandbox.stdout is not None
        for printed in self.sandbox.stdout:
            if export := re.match(r" +export (\w+)=(.+)", printed):
                self.env[export[1]] = export[2]
            if "in a browser" in printed:
                return

    @property
    def program(self) -> str:
        return f"{self.home}/.local/bin/lsms"

    def night(self, crontab: str) -> subprocess.CompletedProcess[str]:
        """What cron does at night: the command of the crontab with its own variables, and nothing else of anybody's."""
        path, line = crontab.replace("/home/me", str(self.home)).splitlines()
        command = re.fullmatch(r"15 3 \* \* \*  (.+)", line)
        assert command is not None
        env = {"HOME": str(self.home), "PATH": path.removeprefix("PATH=")}
        words = ["/bin/sh", "-c", command[1]]
        return subprocess.run(words, cwd=self.home, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def walker(tmp_path: Path) -> Iterator[Walker]:
    walker = Walker(tmp_path)
    yield walker
    if walker.sandbox is not None:
        walker.sandbox.kill()
        walker.sandbox.communicate()


def test_the_way_is_walked(walker: Walker) -> None:
    """From a clone to a rehearsed push of an audience with headers of its own, a job, a page, and nights that are quiet
    when all is well and speak up when the file is missing."""
    walker.clone()
    crontab = ""
    for kind, text in BLOCKS:
        if kind == "console":
            for line in text.splitlines():
                walker.type(line.removeprefix("$ "))
        elif kind == "cron":
            crontab = text
            quiet_night(walker, crontab)
        elif crontab:
            night_without_the_file(walker, crontab, text)
        else:
            assert without_drawn(walker.shown) == without_drawn(text)
    assert "[jobs.nightly]" in (walker.folder / "lsms.toml").read_text("utf-8")
    assert "All 5 sent." in (walker.folder / "first-push.html").read_text("utf-8")


def without_drawn(text: str) -> str:
    """Also without what hangs on the members that a canary has drawn."""
    return re.sub(r"\b\d+ B\b", "SIZE", without_times(text))


def quiet_night(walker: Walker, crontab: str) -> None:
    """Nothing is written but the log and the page; while a push is at work another night is passed over."""
    night = walker.night(crontab)
    assert (night.returncode, night.stdout, night.stderr) == (0, "", "")
    assert "All 5 sent." in (walker.folder / "last-night.html").read_text("utf-8")
    log = walker.folder / "lsms.log"
    assert 'state="Completed"' in log.read_text("utf-8")
    before = log.stat().st_size
    with (walker.folder / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        night = walker.night(crontab)
    assert (night.returncode, night.stdout, night.stderr, log.stat().st_size) == (1, "", "", before)


def night_without_the_file(walker: Walker, crontab: str, shown: str) -> None:
    """What cron mails is what the README shows; log and page say so too."""
    (walker.folder / "stores.csv").rename(walker.home / "stores.csv")
    night = walker.night(crontab)
    assert (night.returncode, night.stdout, night.stderr) == (2, "", shown)
    assert 'code="not_found"' in (walker.folder / "lsms.log").read_text("utf-8")
    assert "There is no file stores.csv." in (walker.folder / "last-night.html").read_text("utf-8")
