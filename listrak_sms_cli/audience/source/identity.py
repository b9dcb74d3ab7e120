"""What an audience was when it was read: names, sizes, times and content digests of its files."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from msgspec import Struct

from listrak_sms_cli.errors import AudienceError


class FileIdentity(Struct, frozen=True):
    """One file: `size` in bytes and `digest` (xxh3_128, hex) are of the content as read, after unpacking; `digest` is
    empty until the first full pass. `mtime_ns` is 0 where there is no time: standard input, Arrow streams."""

    name: str
    size: int
    mtime_ns: int
    digest: str


class SourceIdentity(Struct, frozen=True):
    """All files of an audience, in the order in which they are read; plain values, ready for JSON."""

    files: tuple[FileIdentity, ...]

    def __iter__(self) -> Iterator[FileIdentity]:
        return iter(self.files)


def changed(name: str) -> AudienceError:
    """The error for a source that did not hold still."""
    return AudienceError(
        f"{name} changed while it was read.",
        hint="Run the command again once nothing writes to it.",
        code="audience_changed",
    )


class DigestPin:
    """The digest of the first full pass; every later pass is held against it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self.value = ""

    def set(self, digest: str) -> None:
        """Raises AudienceError (`audience_changed`) when an earlier pass read other content."""
        with self._lock:
            if self.value and self.value != digest:
                raise changed(self._name)
            self.value = digest
