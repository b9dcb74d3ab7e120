"""A pseudo-terminal: what is written to it, and what stands on it in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable

_TOKEN = re.compile(r"\x1b\[\??[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+")


def on_terminal(
    *arguments: str, width: int = 80, height: int = 24, watch: Callable[[str, int, int], None] | None = None, **env: str
) -> str:
    """What Python, run with these arguments, writes to a terminal of this size until it ends with exit 0. `watch` is
    called with the text so far, the terminal and the process after each piece."""
    ours, theirs = pty.openpty()
    resize(theirs, width, height)
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**clean, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **env},
    )
    os.close(theirs)
    data = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side has gone
            piece = b""
        if not piece:
            break
        data += piece
        if watch is not None:
            watch(data.decode(errors="replace"), ours, process.pid)
    os.close(ours)
    assert process.wait() == 0
    return data.decode()


def resize(terminal: int, width: int, height: int) -> None:
    """Change the size of a terminal."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def picture(written: str, *, styled: bool = False) -> list[str]:
    """The lines that stand on a terminal after this was written: cursor up, erase line, return, line feed. `styled`:
    with the sequences for colours, where a line that is written again is erased before."""
    lines, row, column = [""], 0, 0
    for token in _TOKEN.findall(written):
        if token == "\r":
            column = 0
        elif token == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif token.startswith("\x1b[") and not (styled and token.endswith("m")):
            if token.endswith("A"):
                row = max(0, row - int(token[2:-1] or 1))
            elif token == "\x1b[2K":
                lines[row] = ""
        else:
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + len(token) :]
            column += len(token)
    return [line.rstrip() for line in lines]
