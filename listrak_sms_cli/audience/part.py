"""One file of an audience, whatever its format, as the audience sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.identity import FileIdentity

RowNumbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Rows:
    """What a unit holds: text columns, and the row number of each row in its file, None when they count up from
    `first`."""

    columns: Sequence[pa.Array]
    count: int
    first: int
    numbers: RowNumbers | None = None


class Unit(ABC):
    """A piece of a file that is read in one go, in any thread. `size`: bytes of the source it stands for."""

    size: int

    @abstractmethod
    def read(self, columns: Sequence[int]) -> Rows:
        """The columns asked for, as pa.string() arrays, in that order."""


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
