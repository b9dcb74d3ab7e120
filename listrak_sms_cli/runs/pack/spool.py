"""The text of import files, in one anonymous temporary file until it is sent."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import xxhash
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.listrak import PIECE
from listrak_sms_cli.runs.output_file import temporary_disk

SPARE = 64 << 20  # bytes of free disk that are left to others


class ImportSpool:
    """An anonymous temporary file (in TMPDIR): unlinked as soon as it is open, so no member data outlives the
    process, not even after `kill -9`. One thread may append, any number may read."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="lsms-", buffering=0)  # noqa: SIM115 (closed by close)
        self.size = 0

    def append(self, data: Any) -> int:
        """Write a buffer and return the offset it begins at. Raises SettingsError when the disk is full."""
        start = self.size
        view = memoryview(data)
        with temporary_disk("; nothing was sent"):
            while len(view):
                written = os.write(self._file.fileno(), view)
                self.size += written
                view = view[written:]
        return start

    def check_room(self, size: int) -> None:
        """Raises SettingsError when so many bytes more would leave the disk of temporary files all but full."""
        with temporary_disk("; nothing was sent"):
            if shutil.disk_usage(tempfile.gettempdir()).free - size < SPARE:
                raise OSError(errno.ENOSPC, "")

    def read(self, offset: int, size: int, before: int = 0) -> Iterator[bytes]:
        """Yield `size` bytes from `offset` on, in pieces. A request body is cut every PIECE bytes: when `before` bytes
        of it come first, these pieces end where it is cut and need no copy."""
        end = offset + size
        room = PIECE - before % PIECE
        while offset < end:
            data = os.pread(self._file.fileno(), min(room, end - offset), offset)
            offset += len(data)
            room = room - len(data) or PIECE
            yield data

    def close(self) -> None:
        """Close the file: its content is gone."""
        self._file.close()


class ImportText(Struct, frozen=True):
    """The bytes of one import file: a header line, then stretches (offset, size) of the spool."""

    spool: ImportSpool
    header: bytes
    stretches: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Bytes, header included."""
        return len(self.header) + sum(size for _, size in self.stretches)

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes in pieces, as often as wanted."""
        yield self.header
        before = len(self.header)
        for offset, size in self.stretches:
            yield from self.spool.read(offset, size, before)
            before += size

    def digest(self) -> str:
        """xxh3-128 of its bytes, in hexadecimal."""
        hashed = xxhash.xxh3_128()
        for data in self.chunks():
            hashed.update(data)
        return hashed.hexdigest()

    def split(self, rows: int) -> tuple[ImportText, ImportText]:
        """The first `rows` members and the rest. A member is one line: cells never hold a line break."""
        left = rows
        for number, (offset, size) in enumerate(self.stretches):
            position = offset
            for data in self.spool.read(offset, size):
                line_ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
                if len(line_ends) < left:
                    left -= len(line_ends)
                    position += len(data)
                    continue
                cut = position + int(line_ends[left - 1]) + 1
                first = (*self.stretches[:number], (offset, cut - offset))
                rest = ((cut, offset + size - cut), *self.stretches[number + 1 :])
                return replace(self, stretches=first), replace(self, stretches=tuple(s for s in rest if s[1]))
        raise ValueError("an import file cannot be split after its last member")
