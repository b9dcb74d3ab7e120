"""Notes of what the snapshot does not know yet: members of a run that were about to be sent, to be forgotten.

Members are forgotten on disk before the first request, and to rewrite the snapshot takes a second where there are ten
million members. So a note is written in a small file beside a link to the digests of the run; whoever reads or changes
the snapshot next takes it into account.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import msgspec
import numpy as np
import xxhash
from msgspec import Struct

from listrak_sms_cli.runs.record import sync_folder
from listrak_sms_cli.runs.remember.run_digests import digests_of


class RunMembers(Struct, frozen=True):
    """Some of the `total` members of a run, by their places among its digests: `stretches` are (first, count)."""

    total: int
    stretches: list[tuple[int, int]]

    def digests(self, place: Path, snapshot: str, column: str) -> np.ndarray:
        """A `column` ("phone" or "row") of their digests in the file `place`, uint64. Raises OSError."""
        wanted = np.zeros(self.total, np.bool_)
        for first, count in self.stretches:
            wanted[first : first + count] = True
        return digests_of(place, snapshot, wanted, column)


class ForgetNote(Struct, frozen=True):
    """Members of a run that are about to be sent. `sent`: seconds since 1970; `known`: Listrak was asked about them and
    has them; `in_doubt`: members of earlier runs to the account whose imports may not have ended, by the file of their
    digests."""

    run_id: str
    sender_code: int
    sent: int
    known: bool
    members: RunMembers
    in_doubt: dict[str, RunMembers]


class ForgetNotes(Struct, frozen=True):
    """The notes of one snapshot: a folder, read in the order in which they were written, changed under the snapshot's
    lock."""

    folder: Path
    snapshot: str

    def write(self, note: ForgetNote, digests: Path) -> None:
        """`digests`: those of the run. On disk, flushed, when this returns. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((int(place.stem) for place in self.places()), default=0) + 1
        place = self.folder / f"{number:08d}.json"
        for suffix in (".arrow", ".draft"):  # of one that was never finished
            place.with_suffix(suffix).unlink(missing_ok=True)
        try:
            os.link(digests, place.with_suffix(".arrow"))
        except OSError:  # a file system without links
            shutil.copy(digests, place.with_suffix(".arrow"))
        text = msgspec.json.encode(note)
        with os.fdopen(os.open(place.with_suffix(".draft"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_checksum(text) + text)
            file.flush()
            os.fsync(file.fileno())
        place.with_suffix(".draft").replace(place)
        sync_folder(self.folder)

    def places(self) -> list[Path]:
        """Raises OSError: a folder that cannot be looked into may hold some."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 (Path.glob takes a forbidden folder for an empty one)
        except FileNotFoundError:
            return []
        return sorted(self.folder / name for name in names if re.fullmatch(r"\d{8}\.json", name))

    def read(self, place: Path) -> tuple[ForgetNote, np.ndarray]:
        """A note and the digests of its members' phones (uint64). Raises OSError."""
        sealed = place.read_bytes()
        if sealed[:_SEAL] != _checksum(sealed[_SEAL:]):
            raise OSError("a note has changed")
        note = msgspec.json.decode(sealed[_SEAL:], type=ForgetNote)
        return note, note.members.digests(place.with_suffix(".arrow"), self.snapshot, "phone")

    def in_doubt(self, place: Path, note: ForgetNote, phones: np.ndarray) -> np.ndarray:
        """Which members of the note at `place` are in doubt: sorted digests of phones (uint64); all where it cannot be
        told. Not those whose values are the same in the earlier run: whichever lands last, they are what is stored."""
        if not note.in_doubt:
            return np.empty(0, np.uint64)
        order = np.argsort(phones)
        sorted_phones = phones[order]
        doubtful = np.zeros(len(phones), np.bool_)
        try:
            rows = note.members.digests(place.with_suffix(".arrow"), self.snapshot, "row")[order]
            for earlier, members in note.in_doubt.items():
                theirs, their_rows = (members.digests(Path(earlier), self.snapshot, name) for name in ("phone", "row"))
                places = np.minimum(np.searchsorted(sorted_phones, theirs), len(phones) - 1)
                doubtful[places[(sorted_phones[places] == theirs) & (rows[places] != their_rows)]] = True
        except OSError:
            return sorted_phones
        return sorted_phones[doubtful]

    def remove(self, place: Path) -> None:
        """Drop a note that the snapshot has taken in. Raises OSError."""
        place.unlink()
        place.with_suffix(".arrow").unlink(missing_ok=True)

    def drop(self) -> None:
        """Raises OSError."""
        if self.folder.exists():
            shutil.rmtree(self.folder)


_SEAL = 16  # bytes of a checksum


def _checksum(text: bytes) -> bytes:
    return xxhash.xxh3_64_hexdigest(text).encode()
