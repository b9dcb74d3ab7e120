"""Local bytes that can be read twice: a plain file where it is, everything else spooled once into an anonymous
temporary file (in TMPDIR, unlinked while it is open)."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from listrak_sms_cli.audience.identity import changed
from listrak_sms_cli.errors import AudienceError

PIECE = 1 << 20
SPARE = 64 << 20  # bytes of free disk that a spool leaves to others
Buffer = bytes | bytearray | memoryview
Stamp = tuple[int, int, int, int]  # size, mtime_ns, inode, device


class LocalBytes:
    """Bytes of one source, readable at any offset from several threads; `stamp` None: a spool, which cannot change."""

    def __init__(self, name: str, fd: int, *, path: Path | None = None, mtime_ns: int = 0) -> None:
        self.name = name
        self._fd = fd
        self._path = path
        found = os.fstat(fd)
        self.size = found.st_size
        self.mtime_ns = found.st_mtime_ns if path else mtime_ns
        self._stamp = _stamp(found)

    def read_into(self, target: memoryview, offset: int) -> int:
        """Fill `target` from `offset` as far as there are bytes; returns how many there were."""
        filled = 0
        while filled < len(target):
            got = os.preadv(self._fd, [target[filled:]], offset + filled)
            if not got:
                break
            filled += got
        return filled

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        return os.pread(self._fd, size, offset)

    def reader(self) -> io.BufferedIOBase:
        """A file object with a position of its own, as pyarrow wants one."""
        return _Reader(self)  # type: ignore[return-value]

    def check_unchanged(self) -> None:
        """Raises AudienceError (`audience_changed`) when the file is no longer the one that was opened."""
        if self._path is None:
            return
        try:
            now = _stamp(self._path.stat())
        except OSError:
            raise changed(self.name) from None
        if now != self._stamp:
            raise changed(self.name)

    def close(self) -> None:
        """Give the file back; a spool is gone with it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


class _Reader(io.RawIOBase):
    def __init__(self, source: LocalBytes) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, target: Any) -> int:
        got = self._source.read_into(memoryview(target).cast("B"), self._at)
        self._at += got
        return got


def is_plain(path: Path) -> bool:
    """True for a regular file; pipes and devices can be read only once."""
    return stat.S_ISREG(path.stat().st_mode)


def open_local(name: str, path: Path) -> LocalBytes:
    """A plain file, where it is."""
    return LocalBytes(name, os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)), path=path)


class Spool:
    """An anonymous temporary file being written; `finish` turns it into LocalBytes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._unchecked = 0
        try:
            self.file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _disk_error(error) from None

    def write(self, piece: Buffer) -> int:
        """Append `piece`. Raises AudienceError (`disk_full`) before the disk is full."""
        view = memoryview(piece).cast("B")
        self._unchecked -= len(view)
        try:
            if self._unchecked <= 0:
                free = os.fstatvfs(self.file.fileno())
                spare = free.f_bavail * free.f_frsize - SPARE - len(view)
                if spare < 0:
                    raise OSError(errno.ENOSPC, "")
                self._unchecked = min(spare // 2, SPARE)
            written = 0
            while written < len(view):
                written += self.file.write(view[written:])
        except OSError as error:
            self.file.close()
            raise _disk_error(error) from None
        return len(view)

    def finish(self, mtime_ns: int = 0) -> LocalBytes:
        """What was written, as LocalBytes."""
        local = LocalBytes(self._name, os.dup(self.file.fileno()), mtime_ns=mtime_ns)
        self.file.close()
        return local

    def close(self) -> None:
        """Drop what was written."""
        self.file.close()


def spooled(name: str, pieces: Iterable[Buffer], mtime_ns: int = 0) -> LocalBytes:
    """All `pieces` in a spool."""
    spool = Spool(name)
    try:
        for piece in pieces:
            spool.write(piece)
        return spool.finish(mtime_ns)
    finally:
        spool.close()


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


def _disk_error(error: OSError) -> AudienceError:
    folder = tempfile.gettempdir()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(folder).free >> 20
        return AudienceError(
            f"Not enough free disk space in {folder} to unpack the audience ({free:,} MiB free).",
            hint="Make room there, or point TMPDIR at a folder on a larger disk.",
            code="disk_full",
        )
    return AudienceError(
        f"The temporary folder {folder} cannot be written to.",
        hint="Point TMPDIR at a folder that can.",
        code="temporary_folder",
    )
