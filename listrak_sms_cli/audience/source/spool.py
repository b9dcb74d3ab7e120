"""What cannot be read twice where it is, kept in an anonymous temporary file.

The file is in TMPDIR and has no name while it is open: nothing is left behind, not even by `kill -9`.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import IO

from listrak_sms_cli.audience.source.content import Content, read_at
from listrak_sms_cli.errors import AudienceError

SPARE = 64 << 20  # bytes of free disk that are left to others


class SourceSpool:
    """One temporary file for everything that an audience has to keep; made when first written to. Several threads may
    write to it at once."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._end_first: Callable[[], None] | None = None
        self._room = 0  # bytes that may be written before the free disk space is looked at again
        self.size = 0

    def keep(self, name: str, pieces: Iterable[bytes | memoryview], mtime_ns: int = 0) -> SpooledContent:
        """Write all `pieces` and return them as the content of `name`. Raises AudienceError (`disk_full`,
        `temporary_folder`, and what the pieces raise)."""
        extents: list[tuple[int, int]] = []
        for piece in pieces:
            start, stop = self.write(piece)
            if extents and extents[-1][1] == start:
                start = extents.pop()[0]
            extents.append((start, stop))
        return SpooledContent(self, name, extents, mtime_ns)

    def reserve(self, size: int) -> int:
        """Return from where on so many bytes will be written, by `write`."""
        with self._lock:
            start = self.size
            self.size += size
        return start

    def write(self, piece: bytes | memoryview, place: int | None = None) -> tuple[int, int]:
        """Append, or write to a place reserved, and return from where to where. Raises AudienceError: `disk_full`
        (while there is still some space left), `temporary_folder`."""
        with memoryview(piece).cast("B") as view:
            try:
                with self._lock:
                    file = self._file_with_room(len(view))
                at = start = self.reserve(len(view)) if place is None else place
                stop = start + len(view)
                while at < stop:
                    at += os.pwrite(file.fileno(), view[at - start :], at)
            except (OSError, ValueError) as error:  # ValueError: closed by another thread
                raise _disk_error(error) from None
        return start, stop

    def _file_with_room(self, size: int) -> IO[bytes]:
        if self._closed:
            raise ValueError
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="lsms-", buffering=0)  # noqa: SIM115
        self._room -= size
        if self._room <= 0:
            spare = shutil.disk_usage(tempfile.gettempdir()).free - SPARE - size
            if spare < 0:
                raise OSError(errno.ENOSPC, "")
            self._room = min(spare // 2, SPARE)
        return self._file

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, or as many as there are."""
        return read_at(self._file.fileno(), offset, size) if self._file else b""

    def end_first(self, end: Callable[[], None]) -> None:
        """Have `end` called before everything is deleted: it ends the threads that write."""
        self._end_first = end

    def close(self) -> None:
        """Delete everything; threads that still write end with an error."""
        with self._lock:
            self._closed = True
        if self._end_first is not None:
            self._end_first()
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


class SpooledContent(Content):
    """Bytes of the spool. `extents`: from where to where, in order; more than one where others wrote meanwhile."""

    def __init__(self, spool: SourceSpool, name: str, extents: list[tuple[int, int]], mtime_ns: int = 0) -> None:
        self._spool, self._extents = spool, extents
        self._begins = [0]  # of each extent, in the content; and the end
        for start, stop in extents:
            self._begins.append(self._begins[-1] + stop - start)
        self.name, self.size, self.mtime_ns = name, self._begins[-1], mtime_ns

    def read(self, offset: int, size: int) -> bytes:
        """As in Content."""
        end, pieces = min(offset + size, self.size), []
        index = bisect_right(self._begins, offset) - 1
        while offset < end:
            stop = min(end, self._begins[index + 1])
            place = self._extents[index][0] + offset - self._begins[index]
            pieces.append(self._spool.read(place, stop - offset))
            offset, index = stop, index + 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def check_unchanged(self) -> None:
        """Nobody else can change a spool."""


def _disk_error(error: OSError | ValueError) -> AudienceError:
    folder = tempfile.gettempdir()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return AudienceError(
            f"Not enough free disk space in {folder} for a temporary copy of the audience.",
            hint="Make room there, or set TMPDIR to a folder on a larger disk.",
            code="disk_full",
        )
    return AudienceError(
        f"The temporary folder {folder} cannot be written to.",
        hint="Set TMPDIR to a folder that can.",
        code="temporary_folder",
    )
