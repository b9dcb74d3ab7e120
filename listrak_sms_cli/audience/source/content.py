"""The bytes of a file, which can be read at any offset and as often as needed."""

from __future__ import annotations

import io
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from listrak_sms_cli.audience.source.identity import broken_off, changed

PIECE = 1 << 20  # bytes read at once where a file is read from end to end


class Content(ABC):
    """Bytes that several threads may read at once. `mtime_ns` is 0 when there is no time."""

    name: str
    size: int
    mtime_ns: int = 0

    def held(self) -> AbstractContextManager[None]:
        """A context in which the file stays open, for those who read it piece by piece."""
        return nullcontext()

    @abstractmethod
    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, or as many as there are."""

    @property
    def available(self) -> int:
        """How many bytes, from the start, can be read without waiting for them."""
        return self.size

    def wait_for(self, end: int) -> None:  # noqa: B027 (most have them all)
        """Return when so many bytes are available. The main thread waits before others read: only it sees Ctrl-C."""

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raises AudienceError (`audience_changed`) when these are no longer the bytes that were opened."""

    def open(self) -> io.RawIOBase:
        """A file object with a position of its own."""
        return _ContentFile(self)


class LocalFile(Content):
    """A regular file, read in place. Raises OSError when it is not there.

    It is open only while somebody holds it, so that an audience may have more files than a process may open. Each time
    it is opened again, AudienceError (`audience_changed`) is raised when it is not the same file with the same time.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._holders = 0
        self._fd = -1
        status = path.stat()
        self.size, self.mtime_ns, self._stamp = status.st_size, status.st_mtime_ns, _stamp(status)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The file is open until the last holder leaves."""
        with self._lock:
            if not self._holders:
                self._fd = self._open_again()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    os.close(self._fd)

    def _open_again(self) -> int:
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            raise changed(self.name) from None
        if _stamp(os.fstat(fd)) != self._stamp:
            os.close(fd)
            raise changed(self.name)
        return fd

    def read(self, offset: int, size: int) -> bytes:
        """As in Content; opens the file unless it is held."""
        with self.held():
            try:
                return read_at(self._fd, offset, min(size, self.size - offset))
            except OSError:
                raise broken_off(self.name) from None

    def check_unchanged(self) -> None:
        """Compare size, time and inode with those at the start."""
        try:
            now = _stamp(self._path.stat())
        except OSError:
            raise changed(self.name) from None
        if now != self._stamp:
            raise changed(self.name)


class _ContentFile(io.RawIOBase):
    """Content as a Python file, for libraries that need one. Holds the content until it is closed."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0
        self._held = content.held()
        self._held.__enter__()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._content.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        data = self._content.read(self._position, size if size >= 0 else self._content.size)
        self._position += len(data)
        return data

    def readinto(self, target: Any) -> int:
        with memoryview(target) as view, view.cast("B") as octets:
            data = self.read(len(octets))
            octets[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._held.__exit__(None, None, None)
        super().close()


def read_at(fd: int, offset: int, size: int) -> bytes:
    """`size` bytes of an open file from `offset` on, or as many as there are."""
    data = os.pread(fd, max(size, 0), offset)
    while len(data) < size and (more := os.pread(fd, size - len(data), offset + len(data))):
        data += more
    return data


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev
