"""A file that several processes, one after another, can go on writing when they are interrupted.

Beside `FILE` stand, until it is whole, `.FILE-pull.part` (Arrow record batches, one behind the other, without a
schema) and `.FILE-pull.json` (how far it got); of `plan` they are called `-plan`. Both are 0600, and are deleted when
the file is in its place. Those of a file in an object store are in the state folder.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.columnar import raw
from listrak_sms_cli.errors import SettingsError, UsageError
from listrak_sms_cli.runs.output_file import OutputFile, not_writable, replacing
from listrak_sms_cli.runs.pack import header_line, write_lines

_KEPT_FOR = 24 * 3600.0  # seconds: what is older is not mixed with what is read now
_ROW_GROUP = 100_000


class Progress(msgspec.Struct):
    """How far the file got. `question`: what is to be in it; `done` and `current`: names of listings; `cursor`: the
    next page of the current one; `bytes` and `rows`: those of the part file; `notes`: what else its writer needs."""

    question: str
    began: float
    done: list[str] = []
    current: str = ""
    cursor: str = "Start"
    bytes: int = 0
    rows: int = 0
    notes: str = ""


class ResumableFile:
    """Rows on their way to the file `target`: columns without nulls. A context manager: leaving it keeps what was added
    for the next time, `publish` or `discard` ends it. Methods that write raise SettingsError (`disk_full`)."""

    def __init__(
        self, target: OutputFile, schema: pa.Schema, question: str, folder: Path, command: str = "pull"
    ) -> None:
        """Goes on with what an interrupted call with the same `question` left behind. `folder`: for what is kept of a
        file in a store. Raises UsageError when it cannot be kept, or when another process is writing the file."""
        self._target = target
        self.schema = schema
        self._part = target.beside(f"{command}.part", folder)
        self._side = self._part.with_suffix(".json")
        try:
            self._file = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            raise not_writable(target.shown, target.option) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise UsageError(f"Another command is writing {target.shown}.", code="file_busy") from None
        os.fchmod(self._file, 0o600)
        left = self._left_behind(question)
        self.progress = left or Progress(question, time.time())
        if left is None:
            self.forget()
        os.ftruncate(self._file, self.progress.bytes)

    def _left_behind(self, question: str) -> Progress | None:
        try:
            progress = msgspec.json.decode(self._side.read_bytes(), type=Progress)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        recent = 0 <= time.time() - progress.began < _KEPT_FOR
        same = progress.question == question
        return progress if recent and same and os.fstat(self._file).st_size >= progress.bytes else None

    def forget(self) -> None:
        """Begin anew; what was noted of another part file is deleted first, so it is never taken for this one's."""
        self.progress = Progress(self.progress.question, time.time())
        self._side.unlink(missing_ok=True)
        os.ftruncate(self._file, 0)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows that were added. Raises pa.ArrowInvalid or OSError when the part file is damaged."""
        with os.fdopen(os.dup(self._file), "rb") as source:
            source.seek(0)
            while source.tell() < self.progress.bytes:
                yield pa.ipc.read_record_batch(pa.ipc.read_message(source), self.schema)

    def add(self, batch: pa.RecordBatch) -> None:
        """Append rows to the part file. An interrupted call keeps them once `note` was called."""
        with self._disk():
            data = memoryview(batch.serialize())
            at = self.progress.bytes
            while len(data):
                written = os.pwrite(self._file, data, at)
                data, at = data[written:], at + written
        self.progress.bytes, self.progress.rows = at, self.progress.rows + batch.num_rows

    def note(self, *, current: str, cursor: str | None, notes: str = "") -> None:
        """Note that the rows before page `cursor` of the listing `current` were added; None: the listing is done."""
        progress = self.progress
        progress.current, progress.cursor, progress.notes = current, cursor or "Start", notes
        if cursor is None:
            progress.done.append(current)
        with self._disk(), replacing(self._side, self._side.with_suffix(".new")) as file:
            file.write(msgspec.json.encode(progress))

    def publish(self) -> int:
        """Put the whole file in its place, CSV or Parquet by suffix, and return its size in bytes."""
        whole = self._part.with_suffix(".whole")
        with self._disk(), self._target.replacing(temporary=whole) as file:
            write = _write_parquet if self._target.parquet else _write_csv
            write(file, self.schema, self.batches())
            file.flush()
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        self.discard()
        return size

    def discard(self) -> None:
        """Nothing is left to go on with."""
        self._side.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            raise SettingsError(
                f"{self._target.shown} cannot be written: the disk is full or gone.",
                hint="Free some space and type the same command again: it goes on.",
                code="disk_full",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._side.exists():
            self._part.unlink(missing_ok=True)
        os.close(self._file)


def _write_csv(file: Any, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    file.write(header_line(schema.names))
    for batch in batches:
        file.write(raw(write_lines(batch.column(0).cast(pa.string()), batch.columns[1:])).data)


def _write_parquet(file: Any, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    waiting: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_batches(waiting, schema).combine_chunks(), row_group_size=_ROW_GROUP)
            waiting.clear()

        for batch in batches:
            waiting.append(batch)
            if sum(batch.num_rows for batch in waiting) >= _ROW_GROUP:
                flush()
        flush()
