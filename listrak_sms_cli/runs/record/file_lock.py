"""Locks on files, for processes of one machine: the kernel lets go of them when their process dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock_file(file: int, seconds: float) -> None:
    """Locks an open file until it is closed. Raises TimeoutError when somebody else has held it for so many seconds.
    A file system without locks locks nothing."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise TimeoutError("another process has the lock") from None
            time.sleep(0.01)
        except OSError:
            return
        else:
            return


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Holds the lock of a file, which is made where there is none. Raises OSError; TimeoutError as `lock_file`."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(file, seconds)
        yield
    finally:
        os.close(file)
