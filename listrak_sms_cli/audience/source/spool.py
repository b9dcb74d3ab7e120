"""What cannot be read twice where it is, kept in an anonymous temporary file.

The file is in TMPDIR and has no name while it is open: nothing is left behind, not even by `kill -9`.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable
from typing import IO

from listrak_sms_cli.audience.source.content import Content, read_at
from listrak_sms_cli.errors import AudienceError

SPARE = 64 << 20  # bytes of free disk that are left to others


class SourceSpool:
    """One temporary file for everything that an audience has to keep; made when first written to."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._room = 0  # bytes that may be written before the free disk space is looked at again
        self.size = 0

    def keep(self, name: str, pieces: Iterable[bytes | memoryview], mtime_ns: int = 0) -> SpooledContent:
        """Write all `pieces` and return them as the content of `name`. Raises AudienceError (`disk_full`,
        `temporary_folder`, and what the pieces raise)."""
        start = self.size
        for piece in pieces:
            self.write(piece)
        return SpooledContent(self, name, start, self.size - start, mtime_ns)

    def write(self, piece: bytes | memoryview) -> None:
        """Append. Raises AudienceError: `disk_full` (while there is still some space left), `temporary_folder`."""
        with memoryview(piece).cast("B") as view:
            try:
                file = self._file_with_room(len(view))
                written = 0
                while written < len(view):
                    written += file.write(view[written:])
            except OSError as error:
                raise _disk_error(error) from None
            self.size += len(view)

    def _file_with_room(self, size: int) -> IO[bytes]:
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

    def close(self) -> None:
        """Delete everything."""
        if self._file is not None:
            self._file.close()
            self._file = None


class SpooledContent(Content):
    """The `size` bytes of the spool from `start` on."""

    def __init__(self, spool: SourceSpool, name: str, start: int, size: int, mtime_ns: int = 0) -> None:
        self._spool, self._start = spool, start
        self.name, self.size, self.mtime_ns = name, size, mtime_ns

    def read(self, offset: int, size: int) -> bytes:
        """As in Content."""
        return self._spool.read(self._start + offset, min(size, self.size - offset))

    def check_unchanged(self) -> None:
        """Nobody else can change a spool."""


def _disk_error(error: OSError) -> AudienceError:
    folder = tempfile.gettempdir()
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
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
