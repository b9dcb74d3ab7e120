"""From lines to import files: members written as CSV, cut into files within Listrak's limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.csv
from msgspec import Struct, field

from listrak_sms_cli.columnar import Column, raw, write_csv_lines, write_new_csv_lines
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack.spool import ImportSpool, ImportText


class ImportFile(Struct, frozen=True):
    """One import file of a run: its number, its members, its text. `origin`, `skip`, `columns` and `canary` are those
    of the journal's PartLine."""

    number: int
    rows: int
    content: ImportText
    origin: int
    skip: int = 0
    columns: tuple[int, ...] | None = None
    canary: bool = False

    def cells(self, width: int) -> list[pa.StringArray]:
        """Its members, read back: the column of phones, then the `width` others. For small files: it is taken whole."""
        text = b"".join(self.content.chunks())
        names = [f"f{number}" for number in range(width + 1)]
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(text) + 1, skip_rows=1, column_names=names),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        return [column.combine_chunks() for column in table.columns]


class KnownLines(Struct, frozen=True):
    """Of each row of a batch the digest (uint64, under `seed`) of the line that need not be written again; 0 = none."""

    seed: int
    digests: np.ndarray


def write_lines(phones: pa.StringArray, columns: list[Column]) -> pa.StringArray:
    """Return one CSV line a row (pa.string()), line feed included; "" where the phone is null.

    Columns may be dictionary-encoded. Cells are quoted where they need it (RFC 4180); null is an empty cell. Raises
    AudienceError for more text than an Arrow column holds.
    """
    with _not_too_much_text():
        return write_csv_lines(phones, columns)


def write_new_lines(
    phones: pa.StringArray, columns: list[Column], known: KnownLines
) -> tuple[pa.StringArray, np.ndarray]:
    """As `write_lines`, "" also for lines that are known; and the digest of each line (uint64, 0 = none)."""
    with _not_too_much_text():
        return write_new_csv_lines(phones, columns, known.seed, known.digests)


@contextmanager
def _not_too_much_text() -> Iterator[None]:
    try:
        yield
    except OverflowError:
        raise AudienceError(
            "Members that stand together hold more than a gigabyte of text.",
            hint="Leave their longest column out with --skip-column NAME.",
            code="too_much_text",
        ) from None


def header_line(names: list[str]) -> bytes:
    """Return the first line of an import file; names are quoted where they need it."""
    quoted = ['"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\r\n') else name for name in names]
    return (",".join(quoted) + "\n").encode()


class Packer:
    """Cuts a stream of lines into import files of at most `rows` (two or more) members and `limit` bytes.

    Listrak may refuse a file of one member, so a member is put beside another wherever there is one: an odd number of
    members in pairs ends with a file of three. For one thread; several packers may take turns on one spool.
    """

    def __init__(self, spool: ImportSpool, header: bytes, rows: int, limit: int) -> None:
        self._spool = spool
        self._header = header
        self._rows = rows
        self._room = limit - len(header)
        self._drafts: list[_Draft] = []

    @property
    def members(self) -> int:
        """Members packed so far."""
        return sum(draft.rows for draft in self._drafts)

    def add(self, lines: pa.StringArray) -> None:
        """Pack the lines of a batch, from `write_lines`; an empty line is no member. Raises AudienceError for a member
        larger than an import file."""
        cells = raw(lines)
        ends = cells.starts[1:][cells.lengths > 0]
        if not len(ends):
            return
        bounds = np.concatenate((cells.starts[:1], ends)).astype(np.int64)  # of each member in the text
        self._place(bounds + self._spool.append(cells.data))

    def add_spooled(self, offset: int, size: int) -> None:
        """Pack lines that are in the spool already. Raises AudienceError as `add`."""
        begin, position = offset, offset
        for data in self._spool.read(offset, size):
            ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + (position + 1)
            position += len(data)
            if len(ends):
                self._place(np.concatenate(([begin], ends)))
                begin = int(ends[-1])

    def _place(self, bounds: np.ndarray) -> None:
        """Give members that stand in the spool to import files. `bounds`: int64, where the first begins and each
        ends."""
        ends, packed = bounds[1:], 0
        while packed < len(ends):
            if not self._drafts or self._drafts[-1].rows >= self._rows:
                self._drafts.append(_Draft())
            draft, begin = self._drafts[-1], int(bounds[packed])
            fits = int(np.searchsorted(bounds, begin + self._room - draft.size, side="right")) - 1
            end = min(fits, packed + self._rows - draft.rows)
            if end > packed:
                draft.add(end - packed, begin, int(bounds[end]) - begin)
                draft.last_size = int(bounds[end] - bounds[end - 1])
                packed = end
            elif draft.rows:
                self._drafts.append(_Draft())
            else:
                raise _too_large("A member is larger than the largest import file Listrak takes (195,000,000 bytes).")

    def import_files(
        self, first: int = 1, columns: tuple[int, ...] | None = None, *, canary: bool = False
    ) -> list[ImportFile]:
        """Return the import files, numbered from `first`, once all lines are added. Raises AudienceError for a member
        so large that no other fits beside it."""
        drafts = self._drafts
        if len(drafts) > 1 and drafts[-1].rows == 1:
            self._join_last(drafts[-2], drafts[-1])
        if len(drafts) > 1 and any(draft.rows == 1 for draft in drafts):
            raise _too_large("A member is so large that it would need an import file of its own.")
        files: list[ImportFile] = []
        for number, draft in enumerate(drafts, first):
            text = ImportText(self._spool, self._header, tuple(draft.stretches))
            files.append(ImportFile(number, draft.rows, text, origin=number, columns=columns, canary=canary))
        return files

    def _join_last(self, previous: _Draft, last: _Draft) -> None:
        """Put a second member beside the one of the last file, or that one into the file before."""
        if previous.rows > 2 and last.size + previous.last_size <= self._room:
            last.stretches.insert(0, previous.remove_last())
            last.rows, last.size = 2, last.size + previous.last_size
        elif previous.size + last.size <= self._room:
            previous.stretches += last.stretches
            previous.rows, previous.size = previous.rows + 1, previous.size + last.size
            self._drafts.pop()


class _Draft(Struct):
    """An import file in the making: stretches (offset, size) of the spool, members, bytes, and the bytes of the last
    member, which end the last stretch."""

    stretches: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    last_size: int = 0

    def add(self, rows: int, start: int, size: int) -> None:
        if self.stretches and sum(self.stretches[-1]) == start:
            before, length = self.stretches[-1]
            self.stretches[-1] = (before, length + size)
        else:
            self.stretches.append((start, size))
        self.rows, self.size = self.rows + rows, self.size + size

    def remove_last(self) -> tuple[int, int]:
        """Take the last member out and return its stretch."""
        start, size = self.stretches.pop()
        if size > self.last_size:
            self.stretches.append((start, size - self.last_size))
        self.rows, self.size = self.rows - 1, self.size - self.last_size
        return start + size - self.last_size, self.last_size


def _too_large(message: str) -> AudienceError:
    return AudienceError(message, hint="Leave its longest column out with --skip-column NAME.", code="member_too_large")
