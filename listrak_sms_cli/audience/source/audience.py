"""An audience, whatever its source: chunks of text columns, and the file and row number of each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec.structs import replace

from listrak_sms_cli.audience.source.identity import FileIdentity
from listrak_sms_cli.audience.source.open import AudienceFile, open_files
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.reader import FileChunk, Rows, SourceNote
from listrak_sms_cli.audience.source.rejects import REASON, RUN, RejectsRead, own_columns, read_rejects
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.columnar import nulls_as_empty, raw, trimmed
from listrak_sms_cli.errors import AudienceError

_PANDAS_INDEX = "__index_level_"
Integers = npt.NDArray[np.int64]


def open_audience(source: object, options: ReadOptions = ReadOptions()) -> Audience:  # noqa: B008 (frozen)
    """Open a path, glob, folder, URL, "-" (standard input) or anything with `__arrow_c_stream__`.

    Reads the header, and copies to a temporary file what cannot be read twice, large objects of a store while they are
    read. Raises AudienceError for everything that cannot be an audience: the message says where, the hint what to type.
    """
    spool = SourceSpool()
    try:
        name, files, notes = open_files(source, options, spool)
        audience = Audience(name, files, spool, notes)
        _set_rejects_apart(audience)
        audience.leave_out(_unwanted_columns(audience))
        return audience
    except BaseException:
        spool.close()
        raise


class Chunk:
    """Some rows of an audience, read when asked for, in any thread. `size`: bytes of the source they stand for."""

    def __init__(self, audience: Audience, index: int, file: int, file_chunk: FileChunk) -> None:
        self.size = file_chunk.size
        self._audience = audience
        self._index = index
        self._file = file
        self._file_chunk = file_chunk

    def read(self, columns: Sequence[int] | None = None, *, keep_dictionaries: bool = False) -> pa.RecordBatch:
        """The rows as a RecordBatch of pa.string() columns with the names of `Audience.columns`.

        `columns`: which ones, by index (None: all). `keep_dictionaries`: columns that are dictionary-encoded in the
        file may stay so (int32 indices, pa.string() values). Raises AudienceError with file, row and column.
        """
        names, file = self._audience.columns, self._audience.opened_files[self._file]
        wanted = range(len(names)) if columns is None else columns
        self._audience.check_readable(wanted)
        sources = [file.column_sources[index] for index in wanted]
        read = self._file_chunk.read_with_dictionaries if keep_dictionaries else self._file_chunk.read
        rows = read([source for source in sources if isinstance(source, int)])
        self._audience.remember_rows(self._index, self._file, rows)
        if not sources:
            return pa.RecordBatch.from_struct_array(pa.nulls(rows.count, pa.struct([])))
        cells = iter(rows.columns)
        arrays = [next(cells) if isinstance(source, int) else _repeated(source, rows.count) for source in sources]
        return pa.RecordBatch.from_arrays(arrays, names=[names[index] for index in wanted])


class Audience:
    """An open audience; a context manager.

    `columns`: the header as read, the columns made of `key=value` folders last. `files`: the names of the files.
    `size`: bytes. `rows`: None when not known before reading. `described`: the format, as shown to people.
    `unreadable`: index of each column that has no text (lists, structures, durations) -> the reason. `notes`: what a
    person should know of how the files are read. `other_sheets`: as in FileReader. `rejects`: what its first columns,
    which are left out, said where it is a rejects file of ours; else None.
    """

    def __init__(
        self, name: str, files: Sequence[AudienceFile], spool: SourceSpool, notes: tuple[SourceNote, ...] = ()
    ) -> None:
        readers = [file.reader for file in files]
        first, counts = readers[0], [reader.rows for reader in readers]
        self.name = name
        self.opened_files: Sequence[AudienceFile] = files
        self.columns: tuple[str, ...] = (*first.columns, *files[0].partition_columns)
        self.other_sheets = first.other_sheets
        self.files = tuple(reader.name for reader in readers)
        self.size = sum(reader.size for reader in readers)
        self.rows = None if None in counts else sum(count or 0 for count in counts)
        self.described = first.described + (f", {len(files):,} files" if len(files) > 1 else "")
        self.unreadable = self._unreadable()
        self.notes = (*notes, *(note for reader in readers for note in reader.notes))
        self.rejects: RejectsRead | None = None
        self._spool = spool
        self._chunk_rows: dict[int, tuple[int, Rows]] = {}  # of each chunk: the index of its file, its row numbers
        self._chunk_count = -1

    def _unreadable(self) -> dict[int, str]:
        return {
            index: reason
            for file in self.opened_files
            for index in range(len(self.columns))
            if (reason := file.why_unreadable(index))
        }

    def check_readable(self, columns: Iterable[int]) -> None:
        """Raise AudienceError (`unreadable_column`) when one of these columns, by index, has no text."""
        for index in columns:
            if reason := self.unreadable.get(index):
                name = next(file.reader.name for file in self.opened_files if file.why_unreadable(index))
                raise AudienceError(
                    f"{name}: the column “{self.columns[index]}” cannot be sent: {reason}.",
                    hint=f"Leave it out with --skip-column '{self.columns[index]}'.",
                    code="unreadable_column",
                )

    def leave_out(self, columns: Sequence[int], note: SourceNote | None = None) -> None:
        """Go on without these columns, by index, and note it; before anything else is read."""
        if not columns:
            return
        names = ", ".join(self.columns[index] or f"column {index + 1} (no name)" for index in columns)
        message = f"Left out, as nobody has named them and they are no data of members: {names}."
        kept = [index for index in range(len(self.columns)) if index not in columns]
        self.notes = (*self.notes, note or SourceNote("columns_left_out", message))
        self.columns = tuple(self.columns[index] for index in kept)
        self.opened_files = [file.of_columns(kept) for file in self.opened_files]
        self.unreadable = self._unreadable()

    @property
    def identity(self) -> tuple[FileIdentity, ...]:
        """What each file was; the digests are there after the first full pass."""
        return tuple(file.reader.identity() for file in self.opened_files)

    def chunks(self) -> Iterator[Chunk]:
        """One pass in order; each call starts a new one. Raises AudienceError (`audience_changed`) at the end of a file
        that is no longer what it was."""
        index = 0
        for number, file in enumerate(self.opened_files):
            for file_chunk in file.reader.chunks():
                yield Chunk(self, index, number, file_chunk)
                index += 1
        self._chunk_count = index

    def remember_rows(self, chunk: int, file: int, rows: Rows) -> None:
        """Keep the row numbers of a chunk for `locate`; only Chunk calls this."""
        if chunk not in self._chunk_rows:
            self._chunk_rows[chunk] = file, replace(rows, columns=())

    def locate(self, rows: np.ndarray[Any, Any]) -> tuple[Integers, Integers]:
        """Return the index of the file of each row, and the row number there.

        `rows`: rows of the audience, counted from 0, ascending. A row number is the record number in a CSV (header = 1,
        blank lines counted), the sheet's in a workbook, and counts from 1 elsewhere. Raises RuntimeError before every
        chunk has been read in a full pass.
        """
        if len(self._chunk_rows) != self._chunk_count:
            raise RuntimeError("locate needs a full pass in which every chunk has been read")
        chunks = [self._chunk_rows[index] for index in range(self._chunk_count)]
        starts = np.concatenate(([0], np.cumsum([chunk.count for _, chunk in chunks]))).astype(np.int64)
        rows = np.asarray(rows, np.int64)
        bounds = np.searchsorted(rows, starts)
        per_chunk = np.diff(bounds)
        files = np.repeat(np.array([file for file, _ in chunks], np.int64), per_chunk)
        first_numbers = np.array([chunk.first for _, chunk in chunks], np.int64)
        numbers = rows + np.repeat(first_numbers - starts[:-1], per_chunk)
        for index in np.flatnonzero(per_chunk).tolist():
            exact = chunks[index][1].numbers
            if exact is not None:
                here = slice(bounds[index], bounds[index + 1])
                numbers[here] = exact[rows[here] - starts[index]]
        return files, numbers

    def close(self) -> None:
        """Delete the temporary copy."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _set_rejects_apart(audience: Audience) -> None:
    """Where the audience is a rejects file of ours: keep what its first columns say, and go on without them."""
    own = own_columns(audience.columns)
    if not own or len(audience.columns) == own or {REASON, RUN} & audience.unreadable.keys():
        return
    audience.rejects = read_rejects(chunk.read([REASON, RUN]) for chunk in audience.chunks())
    if audience.rejects is not None:
        duplicates = int(np.count_nonzero(audience.rejects.duplicates))
        message = (
            f"This is a rejects file of run {', '.join(audience.rejects.runs)}: its columns "
            f"{', '.join(audience.columns[:own])} are not sent"
            + (f"; rejected as duplicates and never sent: {duplicates:,}." if duplicates else ".")
        )
        audience.leave_out(range(own), SourceNote("rejects_file", message))


def _unwanted_columns(audience: Audience) -> list[int]:
    """The index that pandas writes without a name of its own, and unnamed columns without a single filled cell. These
    are read to the end to know it, alone and up to the first filled cell."""
    names = audience.columns
    indices = [index for index, name in enumerate(names) if name.startswith(_PANDAS_INDEX)]
    unnamed = [index for index, name in enumerate(names) if not name.strip() and index not in audience.unreadable]
    for chunk in audience.chunks() if unnamed else ():
        batch = chunk.read(unnamed)
        unnamed = [index for index, cells in zip(unnamed, batch.columns, strict=True) if not _has_filled_cell(cells)]
        if not unnamed:
            break
    return sorted([*indices, *unnamed]) if len(indices) + len(unnamed) < len(names) else []


def _has_filled_cell(cells: pa.StringArray) -> bool:
    return bool(raw(trimmed(nulls_as_empty(cells))).lengths.any())


def _repeated(text: str, count: int) -> pa.StringArray:
    """`text` in every row, built from buffers, as `pa.array` would import pandas."""
    data = text.encode()
    offsets = np.arange(count + 1, dtype=np.int32) * len(data)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data * count))
