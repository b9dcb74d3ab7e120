"""Contact imports: files are applied one after the other by one thread, in the order they came in.

An import is `Pending` until its turn, `Processing` until `import_seconds` after it was accepted, then its
values appear all at once, `endDate` is set and its word is `Completed` (or what a fault says).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from listrak_sms_cli.sandbox.config import SandboxConfig
from listrak_sms_cli.sandbox.store import SenderCode, Store, timestamp
from listrak_sms_cli.sandbox.values import Field, normalise_column

BLOCK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class ImportPlan:
    """How an import is applied; the defaults are without a fault."""

    seconds: float | None = None
    never_ends: bool = False
    running_word: str = "Processing"
    end_word: str = "Completed"
    applied: bool = True
    late: float = 0.0
    alters: bool = False


@dataclass(frozen=True)
class MappedColumn:
    """A column of an import file and the field it updates; `default` stands in for its empty cells."""

    position: int
    field: Field
    default: str


@dataclass(frozen=True)
class ImportFile:
    """An accepted import file: the CSV bytes and how to read them; `width` columns a record."""

    file: IO[bytes]
    width: int
    has_names: bool
    qualifier: str
    phone_position: int
    columns: Sequence[MappedColumn]


@dataclass(frozen=True)
class ImportJob:
    """An import that was accepted, at `accepted` monotonic seconds."""

    import_id: int
    sender_code: SenderCode
    source: ImportFile
    plan: ImportPlan
    accepted: float = field(default_factory=time.monotonic)


@dataclass
class ImportCounts:
    """What became of the rows and values of an import file."""

    rows: int = 0
    updated: int = 0
    unknown: int = 0
    values_ignored: int = 0
    rows_malformed: int = 0


class ImportWorker:
    """The thread that applies imports. `close` abandons what has not been applied."""

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        self._store = store
        self._config = config
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-imports")

    def submit(self, job: ImportJob) -> None:
        """Queue an import."""
        self._thread.submit(self._run, job)

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.shutdown()

    def _run(self, job: ImportJob) -> None:
        with job.source.file:
            if not self._closing.is_set():
                self._import(job)

    def _import(self, job: ImportJob) -> None:
        self._store.change_import(job.import_id, status=job.plan.running_word, started=timestamp())
        if job.plan.never_ends:
            return
        seconds = self._config.import_seconds if job.plan.seconds is None else job.plan.seconds
        self._closing.wait(max(0.0, job.accepted + seconds - time.monotonic()))
        if self._closing.is_set():
            return
        counts, word = ImportCounts(), job.plan.end_word
        if job.plan.late:
            self._store.change_import(job.import_id, status=word, ended=timestamp())
            self._closing.wait(job.plan.late)
        if job.plan.applied:
            try:
                for batch in read_batches(job.source, counts):
                    apply_batch(self._store, self._config, job, batch, counts)
            except (pa.ArrowException, ValueError, sqlite3.Error):
                word = "Failed"
        self._store.change_import(job.import_id, status=word, ended=timestamp(), **vars(counts))


def apply_batch(store: Store, config: SandboxConfig, job: ImportJob, batch: Any, counts: ImportCounts) -> None:
    """Set the values of one batch (columns of strings) for the contacts that exist; the rest is dropped."""
    phones = store.resolve(
        job.sender_code,
        batch.column(job.source.phone_position),
        config.phone_spellings,
        opted_out=config.opted_out_imports == "update",
    )
    exists = phones > 0
    contacts = batch.filter(pa.array(exists))
    counts.rows += batch.num_rows
    counts.updated += contacts.num_rows
    counts.unknown += batch.num_rows - contacts.num_rows
    values = []
    for column in job.source.columns:
        cells = contacts.column(column.position)
        if column.default:
            cells = pc.if_else(pc.equal(cells, ""), column.default, cells)
        if job.plan.alters and column.field.type == "Text":
            cells = pc.utf8_upper(cells)
        stored, ignored = normalise_column(cells, column.field)
        counts.values_ignored += ignored
        values.append([v or None for v in stored] if config.empty_cells == "keep" else stored)
    store.update_values(phones[exists].tolist(), [column.field.column for column in job.source.columns], values)


def read_batches(source: ImportFile, counts: ImportCounts) -> Iterator[Any]:
    """The records of an import file as batches of string columns; a record of another width is skipped."""

    def skip(_row: Any) -> str:
        counts.rows_malformed += 1
        return "skip"

    names = [str(position) for position in range(source.width)]
    read = pa_csv.ReadOptions(
        use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows_after_names=int(source.has_names)
    )
    convert = pa_csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)
    source.file.seek(0)
    yield from pa_csv.open_csv(source.file, read, _parse_options(source.qualifier, skip), convert)


def _parse_options(qualifier: str, handler: Callable[[Any], str]) -> Any:
    return pa_csv.ParseOptions(quote_char=qualifier or False, newlines_in_values=True, invalid_row_handler=handler)


def count_rows(source: ImportFile) -> int:
    """How many members a file has; 0 when it cannot be read."""
    try:
        return sum(batch.num_rows for batch in read_batches(source, ImportCounts()))
    except pa.ArrowInvalid:
        return 0


def file_width(file: IO[bytes], qualifier: str) -> int:
    """How many columns the first record of a file has; 0 when it cannot be read."""
    file.seek(0)
    read = pa_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, autogenerate_column_names=True)
    try:
        reader = pa_csv.open_csv(file, read, _parse_options(qualifier, lambda _row: "skip"))
    except pa.ArrowInvalid:
        return 0
    return len(reader.schema)
