"""What every reader of a file offers, whatever the file's format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.identity import FileIdentity, changed

RowNumbers = np.ndarray[Any, np.dtype[np.int64]]
CELL_LIMIT = 16 << 20  # bytes; a quote that is never closed must not fill the memory


class Rows(Struct, frozen=True):
    """Some columns of a chunk, `count` rows each. `numbers`: the row number of each row in its file; None when they
    count up from `first`."""

    columns: Sequence[pa.Array]
    count: int
    first: int
    numbers: RowNumbers | None = None


class SourceNote(Struct, frozen=True):
    """What a person should know of how a file is read; `code` is that of the warning."""

    code: str
    message: str


class FileChunk(ABC):
    """Some rows of a file, read when asked for, in any thread. `size`: bytes of the file that they stand for."""

    size: int

    @abstractmethod
    def read(self, columns: Sequence[int]) -> Rows:
        """The columns with these indices, in this order, each a pa.string() array."""

    def read_with_dictionaries(self, columns: Sequence[int]) -> Rows:
        """As `read`, but a column that is dictionary-encoded in the file may stay so (int32 indices, pa.string()
        values), which saves work where values repeat."""
        return self.read(columns)


class FileReader(ABC):
    """An open file of an audience, which can be read several times.

    `columns`: the header. `described`: the format, as shown to people. `size`: bytes. `rows`: None when not known
    before reading. `unreadable`: index of each column that has no text -> the reason. `digest`: xxh3_128 of the content
    in hex, "" until the first full pass. `notes`: what a person should know of how the file is read. `other_sheets`:
    the header of each other sheet of a workbook that is not hidden, by its name.
    """

    columns: tuple[str, ...]
    described: str
    rows: int | None = None
    notes: tuple[SourceNote, ...] = ()
    other_sheets: Mapping[str, tuple[str, ...]] = {}

    def __init__(self, name: str, size: int, mtime_ns: int) -> None:
        self.name, self.size, self.mtime_ns = name, size, mtime_ns
        self.unreadable: Mapping[int, str] = {}
        self.digest = ""

    @abstractmethod
    def chunks(self) -> Iterator[FileChunk]:
        """One pass in order. Raises AudienceError (`audience_changed`) at its end when the file is no longer what it
        was when it was opened."""

    def identity(self) -> FileIdentity:
        """Name, size, time, and after the first full pass the digest."""
        return FileIdentity(self.name, self.size, self.mtime_ns, self.digest)

    def compare_digest(self, digest: str) -> None:
        """Compare the digest of a full pass with that of the first one. Raises AudienceError (`audience_changed`)."""
        if self.digest and self.digest != digest:
            raise changed(self.name)
        self.digest = digest
