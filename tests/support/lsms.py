"""Two ways to run `lsms`: as a process of its own, as people do, or as a call of its entry point in this process."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from listrak_sms_cli.cli import main

PROJECT = Path(__file__).parent.parent.parent
SAMPLES = PROJECT / "sample_audiences"


@dataclass(frozen=True)
class Ended:
    """A command that has ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


def start_lsms(*arguments: object, env: dict[str, str], **popen: Any) -> subprocess.Popen[str]:
    """Start `lsms` in a process of its own, with nothing of this environment but the way to Python."""
    command = [sys.executable, "-m", "listrak_sms_cli", *map(str, arguments)]
    popen.setdefault("cwd", PROJECT)
    return subprocess.Popen(
        command,
        env={"PATH": os.defpath, "PYTHONDEVMODE": "", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **popen,
    )


def run_lsms(*arguments: object, env: dict[str, str], stdin: str | None = None, **popen: Any) -> Ended:
    """Run `lsms` in a process of its own until it ends."""
    process = start_lsms(*arguments, env=env, stdin=subprocess.PIPE, **popen)
    out, err = process.communicate(stdin, timeout=120)
    return Ended(process.returncode, out, err)


def call_lsms(
    *arguments: object,
    env: dict[str, str],
    stdin: str | bytes | None = None,
    cwd: Path = PROJECT,
    encoding: str = "utf-8",
) -> Ended:
    """Call the entry point of `lsms` in this process, which costs a fifth of a process of its own.

    It gets its own arguments, environment, standard streams (files, no terminal), folder and signal handlers. What it
    imports, and what Arrow and phonenumbers have set up before, is shared with the test. `encoding`: of its output.
    """
    with (
        _stream(encoding=encoding) as out,
        _stream(encoding=encoding, errors="backslashreplace") as err,
        _stream(stdin) as given,
        patch.multiple(sys, argv=["lsms", *map(str, arguments)], stdout=out, stderr=err, stdin=given),
        patch.dict(os.environ, {"PATH": os.defpath, **env}, clear=True),
        patch.object(tempfile, "tempdir", None),
        contextlib.chdir(cwd),
        _own_signals(),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            gc.unfreeze()
        return Ended(int(code or 0), _content(out), _content(err))


def _stream(content: str | bytes | None = None, encoding: str = "utf-8", errors: str = "strict") -> io.TextIOWrapper:
    raw = tempfile.TemporaryFile()  # noqa: SIM115 (closed by its user)
    raw.write(content.encode() if isinstance(content, str) else content or b"")
    raw.seek(0)
    return io.TextIOWrapper(raw, encoding, errors, newline="")


def _content(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
