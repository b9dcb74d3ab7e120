"""Bytes that can be read twice: a plain file where it is, everything else spooled once into an anonymous temporary
file (in TMPDIR, unlinked while it is open: nothing is left behind, not even by `kill -9`)."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from listrak_sms_cli.audience.source.identity import changed
from listrak_sms_cli.errors import AudienceError

PIECE = 1 << 20
SPARE = 64 << 20  # bytes of free disk that a spool leaves to others
Buffer = bytes | bytearray | memoryview


class Content(ABC):
    """Bytes readable at any offset, by several threads. `mtime_ns` is 0 when there is no time."""

    name: str
    size: int
    mtime_ns: int = 0

    @abstractmethod
    def held(self) -> Any:
        """A context in which the bytes can be read."""

    @abstractmethod
    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, or as many as there are."""

    def reader(self) -> Reader:
        """A file object with a position of its own."""
        return Reader(self)

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raises AudienceError (`audience_changed`) when these are no longer the bytes that were opened."""


class LocalFile(Content):
    """A regular file, read where it is. It is open only while somebody holds it, so that a folder of thousands of files
    can be an audience; whoever opens it again finds the same file or is refused."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._holders = 0
        self._fd = os.open(path, os.O_RDONLY)
        found = os.fstat(self._fd)
        os.close(self._fd)
        self.size, self.mtime_ns, self._stamp = found.st_size, found.st_mtime_ns, _stamp(found)

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if not self._holders:
                self._fd = self._opened()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    os.close(self._fd)

    def _opened(self) -> int:
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            raise changed(self.name) from None
        if _stamp(os.fstat(fd)) != self._stamp:
            os.close(fd)
            raise changed(self.name)
        return fd

    def read(self, offset: int, size: int) -> bytes:
        with self.held():
            return _read(self._fd, offset, min(size, self.size - offset))

    def check_unchanged(self) -> None:
        try:
            now = _stamp(self._path.stat())
        except OSError:
            raise changed(self.name) from None
        if now != self._stamp:
            raise changed(self.name)


class Spool:
    """One anonymous temporary file for all that an audience needs to keep."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._unchecked = 0
        self.size = 0

    def keep(self, name: str, pieces: Iterable[Buffer], mtime_ns: int = 0) -> Spooled:
        """All `pieces`, one after the other. Raises AudienceError (`disk_full`, and what the pieces raise)."""
        start = self.size
        for piece in pieces:
            self.write(piece)
        return Spooled(self, name, start, self.size - start, mtime_ns)

    def write(self, piece: Buffer) -> None:
        """Append. Raises AudienceError (`disk_full`) before the disk is full."""
        with memoryview(piece).cast("B") as view:
            try:
                file = self._with_room(len(view))
                written = 0
                while written < len(view):
                    written += file.write(view[written:])
            except OSError as error:
                raise _disk_error(error) from None
            self.size += len(view)

    def _with_room(self, size: int) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="lsms-", buffering=0)  # noqa: SIM115
        self._unchecked -= size
        if self._unchecked <= 0:
            spare = shutil.disk_usage(tempfile.gettempdir()).free - SPARE - size
            if spare < 0:
                raise OSError(errno.ENOSPC, "")
            self._unchecked = min(spare // 2, SPARE)
        return self._file

    def read(self, offset: int, size: int) -> bytes:
        """As Content has it."""
        return _read(self._file.fileno(), offset, size) if self._file else b""

    def close(self) -> None:
        """Drop everything."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Spooled(Content):
    """A stretch of the spool; nobody else can change it."""

    def __init__(self, spool: Spool, name: str, start: int, size: int, mtime_ns: int = 0) -> None:
        self._spool, self._start = spool, start
        self.name, self.size, self.mtime_ns = name, size, mtime_ns

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def read(self, offset: int, size: int) -> bytes:
        return self._spool.read(self._start + offset, min(size, self.size - offset))

    def check_unchanged(self) -> None:
        """A spool cannot change."""


class Reader(io.RawIOBase):
    """Content as a Python file, for libraries that want one; holds it until it is closed."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0
        self._held = content.held()
        self._held.__enter__()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._content.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        data = self._content.read(self._at, size if size >= 0 else self._content.size)
        self._at += len(data)
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


def _read(fd: int, offset: int, size: int) -> bytes:
    data = os.pread(fd, max(size, 0), offset)
    while len(data) < size and (more := os.pread(fd, size - len(data), offset + len(data))):
        data += more
    return data


def _stamp(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


def _disk_error(error: OSError) -> AudienceError:
    folder = tempfile.gettempdir()
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return AudienceError(
            f"Not enough free disk space in {folder} to unpack the audience.",
            hint="Make room there, or point TMPDIR at a folder on a larger disk.",
            code="disk_full",
        )
    return AudienceError(
        f"The temporary folder {folder} cannot be written to.",
        hint="Point TMPDIR at a folder that can.",
        code="temporary_folder",
    )
