"""What is remembered of the members of one account from push to push: one Parquet file, rewritten whole.

It holds keyed digests and no phone. Members that were about to be sent since it was written are in its ForgetNotes.
64 row groups, one for each beginning a phone's digest can have, in order and sorted within: so it is rewritten group
by group, in flat memory. A file that cannot be read is as none: then nobody is unchanged.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from listrak_sms_cli.audience import among
from listrak_sms_cli.columnar import in_order
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.record import sync_folder
from listrak_sms_cli.runs.remember.entries import SCHEMA, WRITING, Entries, find
from listrak_sms_cli.runs.remember.forget_notes import ForgetNote, ForgetNotes
from listrak_sms_cli.runs.remember.keyed_digests import Key

_GROUPS = 64
_SHIFT = np.uint64(58)  # the first six bits of a digest say its group
_LOCK_TIMEOUT = 120.0  # seconds
_MOST_NOTES = 4  # before one more has the snapshot rewritten


class Remembered(Struct, frozen=True):
    """Members that need not be sent again: `phones`, sorted, and `rows`: uint64 digests."""

    phones: np.ndarray
    rows: np.ndarray

    def holds(self, phones: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Bool a member: it has arrived, and as it is now."""
        held = np.zeros(len(phones), np.bool_)
        if len(self.phones):
            order = np.argsort(phones)
            places = np.minimum(np.searchsorted(self.phones, phones[order]), len(self.phones) - 1)
            held[order] = (self.phones[places] == phones[order]) & (self.rows[places] == rows[order])
        return held


NOTHING = Remembered(np.empty(0, np.uint64), np.empty(0, np.uint64))


class Snapshot(Struct, frozen=True):
    """What is remembered of one account. `place`: the file, which need not exist."""

    place: Path
    key: Key

    def remembered(self, sender_code: int, refresh_after: float, *, only_known: bool) -> Remembered:
        """Members whose import to this sender code has ended well within `refresh_after` seconds, and not in the
        future: a clock was wrong then. Who was known to Listrak when sent needs no refreshing: the values did arrive.
        `only_known`: those alone."""
        now = time.time()
        since = now - refresh_after
        groups: list[tuple[np.ndarray, np.ndarray]] = []
        try:
            forgotten = [np.sort(self._notes.read(place)[1]) for place in self._notes.places()]
            for entries in self._groups():
                recent = (entries.sent > since) & (entries.sent <= now)
                lasts = entries.known > 0 if only_known else (entries.known > 0) | recent
                good = lasts & (entries.arrived > 0) & (entries.sender_code == sender_code)
                for phones in forgotten:
                    good &= ~among(entries.phone, phones)
                groups.append((entries.phone[good], entries.row[good]))
        except (OSError, pa.ArrowException):
            return NOTHING
        return Remembered(*(np.concatenate(columns) for columns in zip(*groups, strict=True)))

    def note_forgotten(self, note: ForgetNote, digests: Path) -> None:
        """These members are about to be sent: they are not what they were, whatever becomes of it. `digests`: those of
        the run. Raises SettingsError when it can neither be noted nor what is remembered be removed."""
        with suppress(OSError), self._locked():
            if len(self._notes.places()) >= _MOST_NOTES:
                self._apply_notes()
            self._notes.write(note, digests)
            return
        self.drop()

    def _apply_notes(self) -> None:
        """The snapshot forgets the members of its notes. Under the lock. Raises OSError."""
        for place in self._notes.places():
            try:
                note, phones = self._notes.read(place)
            except OSError:  # nobody knows who is to be forgotten
                self.place.unlink(missing_ok=True)
            else:
                forgotten = self._forgotten(note, self._notes.in_doubt(place, note, phones))
                try:
                    self._rewrite(phones, forgotten)
                except OSError:  # it could not be read: it begins anew
                    self.place.unlink(missing_ok=True)
                    self._rewrite(phones, forgotten)
            self._notes.remove(place)

    def _forgotten(self, note: ForgetNote, doubtful: np.ndarray) -> _Change:
        """Who is in an import of an earlier run that may not have ended, and now in this run with other values, does
        not come back: nobody can tell whose values land last. `doubtful`: digests of their phones, sorted."""
        owner = self._owner(note.run_id)

        def change(old: Entries, phones: np.ndarray, _places: np.ndarray) -> Entries:
            none, size = np.zeros(len(phones), np.uint8), len(phones)
            owners, sent = np.full(size, owner), np.full(size, note.sent)
            owners[among(phones, doubtful)] = 0
            _, known_places = find(old, phones)
            codes, rows = np.full(size, note.sender_code), np.zeros(size, np.uint64)
            known = none + np.uint8(note.known)
            return old.without(known_places).joined(Entries(phones, rows, codes, sent, owners, none, known))

        return change

    def remember(self, phones: np.ndarray, rows: np.ndarray, run_id: str) -> None:
        """The import of these members has ended well: those that no later run is about to send are remembered.
        `phones`, `rows`: uint64 digests. Raises OSError."""
        owner = self._owner(run_id)

        def change(old: Entries, phones: np.ndarray, places: np.ndarray) -> Entries:
            again, entries = find(old, phones)
            ours = old.owner[entries] == owner
            return old.with_arrived(entries[ours], rows[places[again[ours]]])

        with self._locked():
            self._apply_notes()
            if self.place.exists():
                self._rewrite(phones, change)

    def forget(self, phones: np.ndarray) -> None:
        """Members Listrak does not know (any more): who comes back begins anew. Raises SettingsError as `drop`."""

        def change(old: Entries, phones: np.ndarray, _places: np.ndarray) -> Entries:
            return old.without(find(old, phones)[1])

        with suppress(OSError):
            if not self._holds_something:
                return
            with self._locked():
                self._apply_notes()
                if self.place.exists():
                    self._rewrite(phones, change)
                return
        self.drop()

    def drop(self) -> None:
        """Forgets everything. Raises SettingsError when even that cannot be done."""
        try:
            if self._holds_something:
                with self._locked():
                    self.place.unlink(missing_ok=True)
                    self._notes.drop()
        except OSError:
            raise SettingsError(
                f"What --changed-only remembers ({self.place}) can neither be rewritten nor removed; nothing was sent.",
                hint="Make the folder writable, or remove that file.",
                code="snapshot",
            ) from None

    @property
    def _holds_something(self) -> bool:
        """Raises OSError when that cannot be told."""
        return self.place.exists() or bool(self._notes.places())

    @property
    def _notes(self) -> ForgetNotes:
        return ForgetNotes(self.place.with_suffix(""), self.place.name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Raises OSError."""
        self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with filelock.FileLock(self.place.with_suffix(".lock"), timeout=_LOCK_TIMEOUT, mode=0o600):
            yield

    def _owner(self, run_id: str) -> np.uint64:
        return self.key.number("run", run_id)

    def _groups(self) -> Iterator[Entries]:
        """Entries of each group. Raises OSError or pa.ArrowException for a file that cannot be read."""
        if not self.place.exists():
            none = [np.empty(0, kind.to_pandas_dtype()) for kind in SCHEMA.types]
            yield from (Entries(*none) for _ in range(_GROUPS))
            return
        with pq.ParquetFile(self.place, page_checksum_verification=True) as file:
            if file.num_row_groups != _GROUPS or not file.schema_arrow.equals(SCHEMA):
                raise OSError("not a snapshot of this version")
            for number in range(_GROUPS):
                yield Entries.of(file.read_row_group(number))

    def _rewrite(self, phones: np.ndarray, change: _Change) -> None:
        """`phones`: uint64, distinct. Under the lock. Raises OSError."""
        draft = self.place.with_name(f"{self.place.name}-{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                self._write(file, phones, change)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.place)
            sync_folder(self.place.parent)
        except pa.ArrowException:
            raise OSError("the snapshot cannot be read") from None
        finally:
            draft.unlink(missing_ok=True)

    def _write(self, file: BinaryIO, phones: np.ndarray, change: _Change) -> None:
        """The groups are made on several threads."""
        groups = (phones >> _SHIFT).astype(np.uint8)
        order = np.argsort(groups, kind="stable")
        ends = np.cumsum(np.bincount(groups, minlength=_GROUPS))
        del groups

        def made(group: tuple[int, Entries]) -> pa.Table:
            number, old = group
            places = order[ends[number - 1] if number else 0 : ends[number]]
            places = places[np.argsort(phones[places])]
            return change(old, phones[places], places).table()

        with pq.ParquetWriter(file, SCHEMA, **WRITING) as writer:
            for _, table in in_order(made, enumerate(self._groups())):
                writer.write_table(table)


# Given the entries of a group, those of the phones that belong to it, sorted, and their places among all of them, what
# the group shall be.
_Change = Callable[[Entries, np.ndarray, np.ndarray], Entries]
