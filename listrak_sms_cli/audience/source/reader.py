"""One file of an audience, whatever its format, as the audience sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.identity import FileIdentity
from listrak_sms_cli.errors import AudienceError

RowNumbers = np.ndarray[Any, np.dtype[np.int64]]


class Rows(Struct, frozen=True):
    """What a unit holds: text columns, and the row number of each row in its file, None when they count up from
    `first`."""

    columns: Sequence[pa.Array]
    count: int
    first: int
    numbers: RowNumbers | None = None


CELL_LIMIT = 16 << 20  # bytes; an unclosed quote must not swallow the file, or the memory


def check_cells(cells: pa.Array, name: str, column: str, first: int) -> None:
    """`cells`: pa.string(), the first of which is in row `first`. Raises AudienceError (`cell_too_long`)."""
    if cells.nbytes > CELL_LIMIT:
        offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
        long = np.flatnonzero(np.diff(offsets) > CELL_LIMIT)
        if len(long):
            raise AudienceError(
                f"{name}, row {first + int(long[0]):,}, column “{column}”: a cell is longer than "
                f"{CELL_LIMIT >> 20} MiB.",
                hint="Shorten the cell or leave the column out of the export.",
                code="cell_too_long",
            )


class Unit(ABC):
    """A piece of a file that is read in one go, in any thread. `size`: bytes of the source it stands for."""

    size: int

    @abstractmethod
    def read(self, columns: Sequence[int]) -> Rows:
        """The columns asked for, as pa.string() arrays, in that order."""

    def read_folded(self, columns: Sequence[int]) -> Rows:
        """As `read`, but columns that come as words and places in them may stay so: see `folded`."""
        return self.read(columns)


class Part(ABC):
    """One file: `columns` as read, `rows` when known before reading, `unreadable` column index -> why."""

    name: str
    columns: tuple[str, ...]
    described: str
    size: int
    rows: int | None = None
    unreadable: Mapping[int, str]

    @abstractmethod
    def units(self) -> Iterator[Unit]:
        """One pass, in order; at its end the source is held against what was opened."""

    @abstractmethod
    def identity(self) -> FileIdentity:
        """Name, size, time, and after the first pass the digest."""
