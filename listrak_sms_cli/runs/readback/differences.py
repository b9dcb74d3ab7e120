"""The members that differ, listed: some on the screen, all in a file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from msgspec import Struct

from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.output_file import output_place, put
from listrak_sms_cli.runs.readback.resumable_file import PARQUET

SHOWN = 20
_TOGETHER = 50_000  # differences written at once


class Difference(Struct, frozen=True):
    """One value that is not as the audience has it. `file` is "" when the audience has but one; `kind`: "other value",
    "nothing stored", "something stored" (where the audience has nothing), or "not in Listrak"."""

    row: int
    file: str
    phone: str
    column: str
    kind: str


class Differences:
    """Collects differences: `shown`, the first of them, and in an anonymous temporary file the rows of the file, which
    is 0600 and, at `publish`, put in its place whole. Without a file only the former."""

    def __init__(self, path: Path | None, audience: Audience) -> None:
        """Raises UsageError when the file cannot be written there or would replace the audience."""
        self.shown: list[Difference] = []
        self._audience = audience
        self._path = path
        self._several = len(audience.files) > 1
        self._waiting: list[pa.RecordBatch] = []
        files = [("file", pa.string())] if self._several else []
        texts = [(name, pa.string()) for name in ("column", "audience_value", "stored_value")]
        self._schema = pa.schema([*files, ("row", pa.int64()), *texts])
        self._writer: Any = None
        if path is not None:
            self._path = output_place(path, "--out", audience.files)
            self._file = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
            make: Any = pq.ParquetWriter if path.suffix.lower() in PARQUET else pyarrow.csv.CSVWriter
            self._writer = make(self._file, self._schema)

    def add(
        self, rows: np.ndarray, phones: pa.StringArray, column: str, ours: pa.StringArray, stored: pa.StringArray | None
    ) -> None:
        """`rows`: int64, in the audience, from 0; the other columns are as long. `stored` None: not in Listrak."""
        files, numbers = self._audience.locate(rows)
        for place in range(min(len(rows), SHOWN - len(self.shown))):
            file = self._audience.files[files[place]] if self._several else ""
            kind = _kind(ours[place].as_py(), stored[place].as_py()) if stored is not None else "not in Listrak"
            self.shown.append(Difference(int(numbers[place]), file, phones[place].as_py(), column, kind))
        if self._writer is None:
            return
        named = [pa.array([column], pa.string()).take(pa.array(np.zeros(len(rows), np.int64)))]
        from_file = [pa.array(self._audience.files, pa.string()).take(pa.array(files))] if self._several else []
        theirs = stored if stored is not None else pa.nulls(len(rows), pa.string())
        columns = [*from_file, pa.array(numbers, pa.int64()), *named, ours, theirs]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= _TOGETHER:
            self._write()

    def _write(self) -> None:
        try:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema).combine_chunks())
        except OSError:
            raise self._disk_full() from None
        self._waiting.clear()

    def publish(self) -> None:
        if self._writer is None or self._path is None:
            return
        self._write()
        try:
            self._writer.close()
            put(self._file, self._path)
        except OSError:
            raise self._disk_full() from None

    def close(self) -> None:
        """What has not been published goes."""
        if self._writer is not None:
            try:
                self._writer.close()
                self._file.close()
            except OSError:  # a full disk: the file is gone anyhow
                return

    def _disk_full(self) -> SettingsError:
        return SettingsError(
            f"--out {self._path} cannot be written: the disk is full or gone.",
            hint="Free some space, or name another place.",
            code="disk_full",
        )


def _kind(ours: str, stored: str) -> str:
    if not stored:
        return "nothing stored"
    return "other value" if ours else "something stored"
