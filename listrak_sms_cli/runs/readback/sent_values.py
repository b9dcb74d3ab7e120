"""The members that travel, kept as they travel: to be held against what Listrak stores afterwards."""

from __future__ import annotations

import errno
import mmap
import tempfile
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience import Cleaned, PlannedColumn, Verdict
from listrak_sms_cli.columnar import indices, raw, select
from listrak_sms_cli.errors import SettingsError


class KeptMembers:
    """Values of the sendable members in anonymous temporary files, of which only the pages that are looked at are in
    memory; eight bytes a member beside it. `add` for one thread, in the order of the rows."""

    def __init__(self, columns: tuple[PlannedColumn, ...]) -> None:
        self.columns = columns
        self._texts = [_Texts() for _ in columns]
        self._rows: list[np.ndarray] = []

    @property
    def rows(self) -> np.ndarray:
        """The row in the audience, from 0, of each member kept: int64, ascending."""
        return np.concatenate([np.empty(0, np.int64), *self._rows])

    def add(self, start: int, cleaned: Cleaned) -> None:
        """The sendable members of a batch that begins at row `start`. Raises SettingsError when the disk is full."""
        travels = cleaned.verdicts == Verdict.SENDABLE
        self._rows.append(np.flatnonzero(travels) + start)
        every = bool(travels.all())
        for texts, column in zip(self._texts, cleaned.columns, strict=True):
            texts.add(column.values.text if every else select(column.values.text, travels))

    def values(self, column: int, members: np.ndarray) -> pa.StringArray:
        """A column's import text of these members, counted in the order they were kept."""
        return self._texts[column].all().take(indices(members)).cast(pa.string())

    def close(self) -> None:
        for texts in self._texts:
            texts.close()


class _Texts:
    """One column: its bytes in one file, where each cell ends in another."""

    def __init__(self) -> None:
        self._data = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
        self._ends = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
        self._ends.write(bytes(8))
        self._count = self._size = 0
        self._column: pa.LargeStringArray | None = None

    def add(self, cells: pa.StringArray) -> None:
        seen = raw(cells)
        try:
            self._data.write(np.ascontiguousarray(seen.data).data)
            self._ends.write((seen.starts[1:].astype(np.int64) + self._size).data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise _disk_full() from None
        self._count, self._size = self._count + len(cells), self._size + len(seen.data)

    def all(self) -> pa.LargeStringArray:
        """The whole column, mapped: its cells are read from the files as they are looked at."""
        if self._column is None:
            try:
                buffers = [_mapped(file) for file in (self._ends, self._data)]
            except OSError:
                raise _disk_full() from None
            self._column = pa.LargeStringArray.from_buffers(self._count, *buffers)
        return self._column

    def close(self) -> None:
        self._column = None
        for file in (self._data, self._ends):
            try:
                file.close()
            except OSError:  # what could not be flushed to a full disk is not needed any more
                continue


def _mapped(file: Any) -> pa.Buffer:
    file.flush()
    if not file.tell():
        return pa.py_buffer(b"")
    return pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _disk_full() -> SettingsError:
    return SettingsError(
        f"The disk that holds temporary files ({tempfile.gettempdir()}) is full.",
        hint="Free some space, or point TMPDIR at a folder on a larger disk.",
        code="disk_full",
    )
