"""The values of the members that are sent, kept to be compared with what Listrak stores afterwards."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience import Cleaned, PlannedColumn, Verdict
from listrak_sms_cli.columnar import indices, mask_of, pc, raw, select
from listrak_sms_cli.runs.output_file import temporary_disk


class SentValues:
    """Values of the sendable members, column by column, in anonymous temporary files that are mapped into memory: only
    the pages that are read take memory, and eight bytes a member beside them. Members are counted from 0 in the order
    they are kept."""

    def __init__(self, columns: tuple[PlannedColumn, ...]) -> None:
        self.columns = columns
        self._files = [_ColumnFile() for _ in columns]
        self._rows: list[np.ndarray] = []
        self._audience_phones = np.empty(0, np.int64)

    def keeper(self, audience_phones: np.ndarray) -> Callable[[int, Cleaned], None]:
        """Return the function that keeps a batch of members: for one thread, called in the order of the rows with the
        first row of the batch; the row 0 begins anew. It raises SettingsError when the disk is full.

        `audience_phones`: int64 E.164 digits, one a row of the audience.
        """
        self._audience_phones = audience_phones
        return self._keep

    def _keep(self, start: int, cleaned: Cleaned) -> None:
        if start == 0 and self._rows:  # the audience is checked again, by other rules
            self.close()
            self._files, self._rows = [_ColumnFile() for _ in self.columns], []
        sendable = Verdict.SENDABLE.of(cleaned.verdicts)
        self._rows.append(np.flatnonzero(sendable) + start)
        every = bool(sendable.all())
        for file, column in zip(self._files, cleaned.columns, strict=True):
            file.add(column.values.text if every else select(column.values.text, sendable))

    @property
    def rows(self) -> np.ndarray:
        """The row in the audience, from 0, of each member: int64, ascending."""
        return np.concatenate([np.empty(0, np.int64), *self._rows])

    @property
    def phones(self) -> np.ndarray:
        """The phone of each member: int64 E.164 digits."""
        phones: np.ndarray = self._audience_phones[self.rows]
        return phones

    def values(self, column: int, members: np.ndarray) -> pa.StringArray:
        """What is sent in a column for these members (int64), as it stands in an import file."""
        return self._files[column].cells().take(indices(members)).cast(pa.string())

    def filled_columns(self) -> np.ndarray:
        """uint64 a member, bit i is set where column i has a value."""
        filled = np.zeros(len(self.rows), np.uint64)
        for place, file in enumerate(self._files):
            filled |= mask_of(pc.not_equal(file.cells(), "")).astype(np.uint64) << np.uint64(place)
        return filled

    def close(self) -> None:
        """Delete the temporary files."""
        for file in self._files:
            file.close()


class _ColumnFile:
    """One column: its bytes in one file, where each cell ends in another."""

    def __init__(self) -> None:
        self._data = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
        self._ends = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
        self._ends.write(bytes(8))
        self._count = self._size = 0
        self._column: pa.LargeStringArray | None = None

    def add(self, cells: pa.StringArray) -> None:
        column = raw(cells)
        with temporary_disk():
            self._data.write(np.ascontiguousarray(column.data).data)
            self._ends.write((column.starts[1:].astype(np.int64) + self._size).data)
        self._count, self._size = self._count + len(cells), self._size + len(column.data)

    def cells(self) -> pa.LargeStringArray:
        if self._column is None:
            with temporary_disk():
                buffers = [_mapped(file) for file in (self._ends, self._data)]
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
