"""From cleaned members to import files: CSV text in one anonymous temporary file, cut into parts."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from msgspec import Struct, field
from msgspec.structs import replace

from listrak_sms_cli.columnar import Column, Places, Raw, column_at, kernels, opened, raw
from listrak_sms_cli.errors import AudienceError, SettingsError
from listrak_sms_cli.listrak import PIECE


class Spool:
    """An anonymous temporary file (in TMPDIR): unlinked as soon as it is open, so no member data outlives the
    process, not even by `kill -9`. Appending is for one thread, reading for any number."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="lsms-", buffering=0)  # noqa: SIM115 (closed by close)
        self.size = 0

    def append(self, data: Any) -> int:
        """Writes a buffer, returns the offset it begins at. Raises SettingsError when the disk is full."""
        start = self.size
        view = memoryview(data)
        try:
            while len(view):
                written = os.write(self._file.fileno(), view)
                self.size += written
                view = view[written:]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise SettingsError(
                f"The disk that holds temporary files ({tempfile.gettempdir()}) is full; nothing was sent.",
                hint="Free some space, or point TMPDIR at a folder on a larger disk.",
                code="disk_full",
            ) from None
        return start

    def read(self, offset: int, size: int, before: int = 0) -> Iterator[bytes]:
        """In pieces that end where those of a body end when so many bytes come `before`, which then need no copy."""
        end = offset + size
        room = PIECE - before % PIECE
        while offset < end:
            data = os.pread(self._file.fileno(), min(room, end - offset), offset)
            offset += len(data)
            room = room - len(data) or PIECE
            yield data

    def close(self) -> None:
        self._file.close()


class ImportFile(Struct, frozen=True):
    """The bytes of one import file: a header line and stretches (offset, size) of the spool."""

    spool: Spool
    header: bytes
    stretches: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        return len(self.header) + sum(size for _, size in self.stretches)

    def chunks(self) -> Iterator[bytes]:
        yield self.header
        before = len(self.header)
        for offset, size in self.stretches:
            yield from self.spool.read(offset, size, before)
            before += size

    def digest(self) -> str:
        """xxh3-128 of its bytes, in hexadecimal."""
        hashed = xxhash.xxh3_128()
        for data in self.chunks():
            hashed.update(data)
        return hashed.hexdigest()

    def split(self, rows: int) -> tuple[ImportFile, ImportFile]:
        """The first `rows` members and the rest. A member is one line: cells never carry a line break."""
        left = rows
        for number, (offset, size) in enumerate(self.stretches):
            position = offset
            for data in self.spool.read(offset, size):
                ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
                if len(ends) < left:
                    left -= len(ends)
                    position += len(data)
                    continue
                cut = position + int(ends[left - 1]) + 1
                first = (*self.stretches[:number], (offset, cut - offset))
                rest = ((cut, offset + size - cut), *self.stretches[number + 1 :])
                return replace(self, stretches=first), replace(self, stretches=tuple(s for s in rest if s[1]))
        raise ValueError("an import file cannot be split after its last member")


class Part(Struct, frozen=True):
    """One import file of a run: number, members, bytes. `origin`, `skip` and `columns` are those of the journal's
    PartLine."""

    number: int
    rows: int
    content: ImportFile
    origin: int
    skip: int = 0
    columns: tuple[int, ...] | None = None


def string_offsets(column: pa.StringArray) -> np.ndarray:
    """The int32 offsets (rows + 1) into the column's data buffer; correct for slices."""
    if not len(column):
        return np.zeros(1, np.int32)
    return np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]


_MOST_TEXT = 1 << 31  # bytes that int32 can count
_LITTLE = 1 << 23  # bytes that may be asked for and not used
_OVERHANG = 16  # bytes that the last cell may be written over its end (COPIED of the kernels)


def write_lines(phones: pa.StringArray, columns: list[Column]) -> pa.StringArray:
    """One CSV line a member, line feed at its end; "" where the phone is null. Columns may be folded. Cells are quoted
    where they need it (RFC 4180), null is an empty cell. Raises AudienceError for more text than an Arrow column
    holds."""
    pairs = [opened(column) for column in (phones, *columns)]
    cells = [raw(texts) for texts, _ in pairs]
    # Names, dates, addresses and digits are all above the comma: one look at the smallest byte settles most columns.
    special = [bool(len(some.data)) and int(some.data.min()) <= ord(",") for some in cells]
    room = _OVERHANG + len(phones) * (len(cells) + 2 * sum(special))
    for some, (_, places), quotes in zip(cells, pairs, special, strict=True):
        room += (1 + quotes) * (len(some.data) if places is None else _unfolded_size(some, places))
    if room >= _MOST_TEXT:
        raise AudienceError(
            "Members that stand together hold more than a gigabyte of text.",
            hint="Leave their longest column out with --skip-column NAME.",
            code="too_much_text",
        )
    starts, text = np.empty(len(phones) + 1, np.int32), np.empty(room, np.uint8)
    bytes_of = [(some.starts, some.data, places) for some, (_, places) in zip(cells, pairs, strict=True)]
    size = kernels.write_lines(bytes_of, special, starts, text)
    return column_at(starts, text[:size])


def _unfolded_size(words: Raw, places: Places) -> int:
    """Bytes of a folded column's cells, or somewhat more where these are few: what nobody writes to costs nothing."""
    most = len(places) * int(words.lengths.max(initial=0))
    return most if most < _LITTLE else int(words.lengths.take(places).sum(dtype=np.int64))


def header_line(names: list[str]) -> bytes:
    quoted = ['"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\r\n') else name for name in names]
    return (",".join(quoted) + "\n").encode()


class Packer:
    """Cuts a stream of lines into parts of at most `rows` (two or more) members and `limit` bytes, never one member
    alone when there are more: an odd number of members in pairs ends with three. One thread only; several packers may
    take turns on one spool."""

    def __init__(self, spool: Spool, header: bytes, rows: int, limit: int) -> None:
        self._spool = spool
        self._header = header
        self._rows = rows
        self._room = limit - len(header)
        self._cuts: list[_Cut] = []

    @property
    def members(self) -> int:
        return sum(cut.rows for cut in self._cuts)

    def add(self, lines: pa.StringArray) -> None:
        """`lines`: from write_lines; empty ones are nobody. Raises AudienceError for a member too large."""
        offsets = string_offsets(lines)
        ends = offsets[1:][offsets[1:] > offsets[:-1]].astype(np.int64) - int(offsets[0])
        if not len(ends):
            return
        start = self._spool.append(lines.buffers()[2][int(offsets[0]) : int(offsets[-1])])
        taken = 0  # members of `ends` that have their part
        while taken < len(ends):
            done = int(ends[taken - 1]) if taken else 0
            if not self._cuts or self._cuts[-1].rows >= self._rows:
                self._cuts.append(_Cut())
            cut = self._cuts[-1]
            fits = int(np.searchsorted(ends, done + self._room - cut.size, side="right"))
            upto = min(fits, taken + self._rows - cut.rows)
            if upto == taken:
                if not cut.rows:
                    raise AudienceError(
                        "A member is larger than the largest import file Listrak takes (195,000,000 bytes).",
                        hint="Leave its longest column out with --skip-column NAME.",
                        code="member_too_large",
                    )
                self._cuts.append(_Cut())
                continue
            cut.take(upto - taken, start + done, int(ends[upto - 1]) - done)
            cut.last = int(ends[upto - 1]) - (int(ends[upto - 2]) if upto > 1 else 0)
            taken = upto

    def parts(self, first: int = 1, columns: tuple[int, ...] | None = None) -> list[Part]:
        """The parts, numbered from `first`, once everything has been added. Raises AudienceError for a member so large
        that no other fits beside it."""
        cuts = self._cuts
        if len(cuts) > 1 and cuts[-1].rows == 1:
            self._join_last(cuts[-2], cuts[-1])
        if len(cuts) > 1 and any(cut.rows == 1 for cut in cuts):
            raise AudienceError(
                "A member is so large that it would travel in an import file of its own.",
                hint="Leave its longest column out with --skip-column NAME.",
                code="member_too_large",
            )
        parts: list[Part] = []
        for number, cut in enumerate(cuts, first):
            content = ImportFile(self._spool, self._header, tuple(cut.stretches))
            parts.append(Part(number, cut.rows, content, origin=number, columns=columns))
        return parts

    def _join_last(self, previous: _Cut, last: _Cut) -> None:
        if previous.rows > 2 and last.size + previous.last <= self._room:
            last.stretches.insert(0, previous.give_last())
            last.rows, last.size = 2, last.size + previous.last
        elif previous.size + last.size <= self._room:
            previous.stretches += last.stretches
            previous.rows, previous.size = previous.rows + 1, previous.size + last.size
            self._cuts.pop()


class _Cut(Struct):
    """A part in the making: stretches (offset, size) of the spool, its members, their bytes, and those of the last of
    them, which are the end of the last stretch."""

    stretches: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    last: int = 0

    def take(self, rows: int, start: int, size: int) -> None:
        if self.stretches and sum(self.stretches[-1]) == start:
            before, length = self.stretches[-1]
            self.stretches[-1] = (before, length + size)
        else:
            self.stretches.append((start, size))
        self.rows, self.size = self.rows + rows, self.size + size

    def give_last(self) -> tuple[int, int]:
        """The stretch of the last member, which leaves."""
        start, size = self.stretches.pop()
        if size > self.last:
            self.stretches.append((start, size - self.last))
        self.rows, self.size = self.rows - 1, self.size - self.last
        return start + size - self.last, self.last
