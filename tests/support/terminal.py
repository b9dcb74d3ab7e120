"""`lsms` on a pseudo-terminal: what a person types, and what stands on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ESCAPE = re.compile(r"\x1b\[\??[\d;]*[A-Za-z]")
_SECONDS = 30.0  # nobody waits longer for a question


@dataclass(frozen=True)
class Screen:
    """Exit code, all that was written (with its escape sequences), and the same without them."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        return _ESCAPE.sub("", self.raw).replace("\r\n", "\n").replace("\r", "\n")


def on_a_terminal(
    *arguments: object,
    env: dict[str, str],
    answers: Sequence[tuple[str, str]] = (),
    width: int = 80,
    cwd: Path | None = None,
    encoding: str = "utf-8",
) -> Screen:
    """Run `lsms`. `answers`: what to wait for on the screen, and what to type then (a line end is added)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "listrak_sms_cli", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=cwd,
        env={"PATH": os.defpath, "TERM": "xterm-256color", "PYTHONIOENCODING": encoding, **env},
    )
    os.close(theirs)
    data, seen, left = b"", 0, list(answers)
    until = time.monotonic() + _SECONDS
    try:
        while piece := _piece(ours, until):
            data += piece
            while left and (found := data.find(left[0][0].encode(encoding), seen)) >= 0:
                awaited, answer = left.pop(0)
                seen = found + len(awaited.encode(encoding))
                os.write(ours, f"{answer}\n".encode(encoding))
    finally:
        process.kill() if time.monotonic() > until else None
        os.close(ours)
    code = process.wait()
    assert not left, (left, data.decode(encoding))
    return Screen(code, data.decode(encoding))


def _piece(terminal: int, until: float) -> bytes:
    if not select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO when the other side has gone
        return b""
