"""The notes of an account, in the order in which they were written: whom a run was about to send, and who of them has
arrived. A member is what the last note that has it says. Two files a note: itself, and the digests of its members.

Nothing is rewritten but a few bytes: a note is a link to the digests that the run has written anyway, and is told later
who has arrived. When there are too many, the oldest become one.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import xxhash
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.columnar import NumberIndex
from listrak_sms_cli.runs.record import sync_folder
from listrak_sms_cli.runs.remember.run_digests import Pair, read_all, read_digests, write_digests

_MOST = 6  # notes; then one more has the oldest merged
_APART = 2  # of the newest, which stay as they are: their runs may not have ended


class Stretch(Struct, frozen=True):
    """What so many members one after the other share. `sent`: seconds since 1970, when they were about to be sent;
    `known`: Listrak was asked about them and has them."""

    members: int
    sender_code: int
    sent: int
    known: bool


class Note(Struct, frozen=True):
    """`run_id`: "" where no run will tell who has arrived. Of its members, by their places among the digests in
    `digests` (a file of the folder): those that were about to be sent (`struck`), have `arrived`, and those of whom
    nobody can tell whose values landed last (`doubtful`)."""

    run_id: str
    digests: str
    stretches: tuple[Stretch, ...]
    struck: bytes
    arrived: bytes = b""
    doubtful: bytes = b""

    @property
    def total(self) -> int:
        """Its members, with those that it says nothing of."""
        return sum(stretch.members for stretch in self.stretches)


class Entries(Struct, frozen=True):
    """Some of the members of a note: `phones` and `rows` (uint64 digests; 0 = has not arrived), and by the number of
    the `stretches` (uint16) what they share."""

    phones: np.ndarray
    rows: np.ndarray
    stretches: np.ndarray


class Notes(Struct, frozen=True):
    """The notes in a folder. `key`: the name of the key of their digests. Changed under a lock of the caller's."""

    folder: Path
    key: str

    def places(self) -> list[Path]:
        """Raises OSError: a folder that cannot be looked into may hold some."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 (Path.glob takes a forbidden folder for an empty one)
        except FileNotFoundError:
            return []
        return sorted(self.folder / name for name in names if re.fullmatch(r"\d{8}\.note", name))

    def add(self, note: Note, digests: Callable[[Path], None]) -> None:
        """A note whose `digests` the function makes. On disk, flushed, when this returns. Raises OSError."""
        self._merge()
        number = max((int(place.stem) for place in self.places()), default=0) + 1
        place = self.folder / f"{number:08d}.arrow"
        place.unlink(missing_ok=True)  # of one that was never finished
        digests(place)
        self._write(place.with_suffix(".note"), replace(note, digests=place.name), flush=True)

    def _write(self, place: Path, note: Note, *, flush: bool) -> None:
        """Raises OSError."""
        text = msgspec.msgpack.encode(note)
        draft = place.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_checksum(text) + text)
            file.flush()
            if flush:
                os.fsync(file.fileno())
        draft.replace(place)
        if flush:
            sync_folder(self.folder)

    def read(self, place: Path) -> Note:
        """Raises OSError."""
        sealed = place.read_bytes()
        if sealed[:_SEAL] != _checksum(sealed[_SEAL:]):
            raise OSError("a note has changed")
        try:
            return msgspec.msgpack.decode(sealed[_SEAL:], type=Note)
        except msgspec.MsgspecError:
            raise OSError("a note of another version") from None

    def tell(self, run_id: str, arrived: np.ndarray) -> None:
        """Who of the members of this run has arrived (bool each). What cannot be written down has
        them sent once more. Raises OSError."""
        for place in self.places():
            with suppress(OSError):
                note = self.read(place)
                if note.run_id == run_id:
                    self._write(place, replace(note, arrived=packed(arrived)), flush=False)

    def entries(self, note: Note) -> Iterator[Entries]:
        """The members that a note says something of. Raises OSError."""
        total = note.total
        struck, arrived, doubtful = (_mask(bits, total) for bits in (note.struck, note.arrived, note.doubtful))
        arrived &= ~doubtful
        counts = [stretch.members for stretch in note.stretches]
        shared = np.repeat(np.arange(len(counts), dtype=np.uint16), counts)
        for some, phones, rows in read_digests(self.folder / note.digests, self.key, total):
            mine, so = struck[some], rows * arrived[some]
            if mine.all():
                yield Entries(phones, so, shared[some])
            else:
                yield Entries(phones[mine], so[mine], shared[some][mine])

    def _merge(self) -> None:
        """What the oldest notes say becomes one note; if one of them cannot be read, they are forgotten. Raises
        OSError."""
        places = self.places()[:-_APART]
        if len(places) + _APART < _MOST:
            return
        stale = [place.with_suffix(".arrow") for place in places[:-1]]
        try:
            stale += self._merged(places)
        except OSError:
            places[-1].unlink()
        for place in places[:-1]:
            place.unlink()
        for place in stale:
            place.unlink(missing_ok=True)

    def _merged(self, places: list[Path]) -> list[Path]:
        """The last of these notes says what all of them do, also while the others are still there. Returns the digests
        that no note needs any more. Raises OSError."""
        notes = [self.read(place) for place in places]
        stretches: list[Stretch] = []

        def left() -> Iterator[Pair]:
            for turn, note in enumerate(notes):
                counts = np.zeros(len(note.stretches), np.int64)
                for entries in self._left(note, notes[turn + 1 :], first=turn == 0):
                    counts += np.bincount(entries.stretches, minlength=len(counts))
                    yield entries.phones, entries.rows
                pairs = zip(note.stretches, counts.tolist(), strict=True)
                stretches.extend(replace(stretch, members=count) for stretch, count in pairs if count)

        name = f"{places[-1].stem}-merged.arrow"
        (self.folder / name).unlink(missing_ok=True)
        write_digests(self.folder / name, self.key, left())
        everybody = packed(np.ones(sum(stretch.members for stretch in stretches), np.bool_))
        self._write(places[-1], Note("", name, tuple(stretches), everybody, everybody), flush=True)
        return [self.folder / note.digests for note in notes]

    def _left(self, note: Note, later: Iterable[Note], *, first: bool) -> Iterator[Entries]:
        """The members of a note that no later one speaks of; of the `first` one only those that have arrived."""
        none = np.empty(0, np.uint64)
        phones = np.concatenate([none, *(entries.phones for entries in self.entries(note))])
        left, index, start = np.ones(len(phones), np.bool_), NumberIndex(phones), 0
        for other in later:
            for entries in self.entries(other):
                found = index.find(entries.phones)
                left[found[found >= 0]] = False
        for entries in self.entries(note):
            mine = left[start : start + len(entries.phones)]
            start += len(mine)
            if first:
                mine &= entries.rows > 0
            yield Entries(entries.phones[mine], entries.rows[mine], entries.stretches[mine])

    def doubtful(self, digests: Path, in_doubt: dict[Path, np.ndarray], total: int) -> np.ndarray:
        """Which of the members of a run (bool each) are in `in_doubt` with other values: members of earlier runs (bool
        each) whose imports may not have ended, by the file of their digests. All where it cannot be told. Not those
        whose values are the same: whichever lands last, they are what is stored."""
        doubtful = np.zeros(total, np.bool_)
        if not in_doubt:
            return doubtful
        try:
            own_phones, own_rows = read_all(digests, self.key, total)
            index = NumberIndex(own_phones)
            for earlier, theirs in in_doubt.items():
                for some, phones, rows in read_digests(earlier, self.key, len(theirs)):
                    found = index.find(phones[theirs[some]])
                    there = found >= 0
                    doubtful[found[there]] |= own_rows[found[there]] != rows[theirs[some]][there]
        except OSError:
            doubtful[:] = True
        return doubtful

    def drop(self) -> None:
        """Removes all of them, the newest last: whoever it forgets must not come back. Raises OSError."""
        for place in self.places():
            place.unlink()
        for place in self.folder.glob("*.arrow"):
            place.unlink()


def link(digests: Path) -> Callable[[Path], None]:
    """The digests of a run, for its note."""

    def make(place: Path) -> None:
        try:
            os.link(digests, place)
        except OSError:  # a file system without links
            shutil.copy(digests, place)

    return make


def packed(mask: np.ndarray) -> bytes:
    """A mask (bool each) as a note has it."""
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _mask(bits: bytes, total: int) -> np.ndarray:
    """Raises OSError."""
    if not bits:
        return np.zeros(total, np.bool_)
    octets = np.frombuffer(zlib.decompress(bits), np.uint8)
    if len(octets) != (total + 7) // 8:
        raise OSError("a note is not of its members")
    return np.unpackbits(octets, count=total).view(np.bool_)


_SEAL = 16  # bytes of a checksum


def _checksum(text: bytes) -> bytes:
    return xxhash.xxh3_64_hexdigest(text).encode()
