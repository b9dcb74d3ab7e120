"""What is remembered of the members of one account from push to push: one Parquet file, rewritten whole.

It holds keyed digests and no phone. 64 row groups, one for each beginning a phone's digest can have, in order and
sorted within: so it is rewritten group by group, in flat memory. A file that cannot be read is as none: then nobody
is unchanged.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.audience.cells import column_of_numbers, numbers_of
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.digests import Key
from listrak_sms_cli.runs.ordered import in_order

_GROUPS = 64
_SHIFT = np.uint64(58)  # the first six bits of a digest say its group
_LOCK_TIMEOUT = 120.0  # seconds
_SCHEMA = pa.schema(
    [
        ("phone", pa.uint64()),
        ("row", pa.uint64()),
        ("sender_code", pa.int64()),
        ("sent", pa.int64()),
        ("owner", pa.uint64()),
        ("arrived", pa.uint8()),
        ("known", pa.uint8()),
    ]
)
# With checksums: a file that rots is as none. Phones are random bits: compressing them is time lost.
_WRITING: dict[str, Any] = {
    "compression": {"row": "zstd"},
    "use_dictionary": ["sender_code", "sent", "owner", "arrived", "known"],
    "write_statistics": False,
    "write_page_checksum": True,
}


@dataclass
class _Entries:
    """Members of a group, sorted by `phone`; an array a column of `_SCHEMA`.

    `sent`: seconds since 1970, when the member was last about to be sent; `owner`: the run that did; `arrived`: 1 once
    its import has ended well, until the next push strikes it; `known`: 1 when Listrak was asked before, and had it.
    """

    phone: np.ndarray
    row: np.ndarray
    sender_code: np.ndarray
    sent: np.ndarray
    owner: np.ndarray
    arrived: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> _Entries:
        return cls(*(numbers_of(column) for column in table.columns))

    def without(self, places: np.ndarray) -> _Entries:
        return _Entries(*(np.delete(column, places) for column in vars(self).values())) if len(places) else self

    def joined(self, others: _Entries) -> _Entries:
        if not len(self.phone):
            return others
        phones = np.concatenate([self.phone, others.phone])
        order = np.argsort(phones)
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return _Entries(*(np.concatenate(pair)[order] for pair in pairs))

    def table(self) -> pa.Table:
        return pa.Table.from_arrays([column_of_numbers(numbers) for numbers in vars(self).values()], schema=_SCHEMA)


@dataclass(frozen=True)
class Remembered:
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


@dataclass(frozen=True)
class Snapshot:
    """`place`: the file, which need not exist."""

    place: Path
    key: Key

    def remembered(self, sender_code: int, refresh_after: float, *, only_known: bool) -> Remembered:
        """Members whose import to this sender code has ended well within `refresh_after` seconds. Who was known to
        Listrak when sent needs no refreshing: the values did arrive. `only_known`: those alone."""
        since = time.time() - refresh_after
        found: list[tuple[np.ndarray, np.ndarray]] = []
        try:
            for entries in self._groups():
                lasts = entries.known > 0 if only_known else (entries.known > 0) | (entries.sent > since)
                good = lasts & (entries.arrived > 0) & (entries.sender_code == sender_code)
                found.append((entries.phone[good], entries.row[good]))
        except (OSError, pa.ArrowException):
            return NOTHING
        return Remembered(*(np.concatenate(some) for some in zip(*found, strict=True)))

    def strike(self, phones: np.ndarray, run_id: str, sender_code: int, *, known: bool, contested: bool) -> None:
        """These members are about to be sent: they are not what they were, whatever becomes of it.

        `contested`: imports of earlier runs have not ended. Who is in one of them, and now in this run as well,
        does not come back: nobody can tell whose values land last. Raises SettingsError when the old entries can
        neither be rewritten nor removed.
        """
        owner, now = self._owner(run_id), int(time.time())

        def struck(old: _Entries, some: np.ndarray, _places: np.ndarray) -> _Entries:
            none, size = np.zeros(len(some), np.uint8), len(some)
            owners, sent = np.full(size, owner), np.full(size, now)
            again, found = _find(old, some)
            if contested:
                owners[again[old.arrived[found] == 0] if entries_known else slice(None)] = 0
            codes, rows = np.full(size, sender_code), np.zeros(size, np.uint64)
            return old.without(found).joined(_Entries(some, rows, codes, sent, owners, none, none + np.uint8(known)))

        entries_known = self.place.exists()
        try:
            self._rewrite(phones, struck)
        except OSError:
            self.drop()
            entries_known = False
            with suppress(OSError):  # it could not be read: it begins anew
                self._rewrite(phones, struck)

    def arrive(self, phones: np.ndarray, rows: np.ndarray, run_id: str) -> None:
        """The import of these members has ended well; those that no later run has struck are remembered. Raises
        OSError."""
        owner = self._owner(run_id)

        def arrived(old: _Entries, some: np.ndarray, places: np.ndarray) -> _Entries:
            again, found = _find(old, some)
            ours = old.owner[found] == owner
            old.row, old.arrived = old.row.copy(), old.arrived.copy()
            old.row[found[ours]] = rows[places[again[ours]]]
            old.arrived[found[ours]] = 1
            return old

        if self.place.exists():
            self._rewrite(phones, arrived)

    def forget(self, phones: np.ndarray) -> None:
        """Members Listrak does not know (any more): who comes back begins anew. Raises as `strike`."""

        def left(old: _Entries, some: np.ndarray, _places: np.ndarray) -> _Entries:
            return old.without(_find(old, some)[1])

        if self.place.exists():
            try:
                self._rewrite(phones, left)
            except OSError:
                self.drop()

    def drop(self) -> None:
        """Forgets everything. Raises SettingsError when even that cannot be done."""
        try:
            self.place.unlink(missing_ok=True)
        except OSError:
            raise SettingsError(
                f"What --changed-only remembers ({self.place}) can neither be rewritten nor removed; nothing was sent.",
                hint="Make the folder writable, or remove that file.",
                code="snapshot",
            ) from None

    def _owner(self, run_id: str) -> np.uint64:
        return self.key.number("run", run_id)

    def _groups(self) -> Iterator[_Entries]:
        """Entries of each group. Raises OSError or pa.ArrowException for a file that cannot be read."""
        if not self.place.exists():
            none = [np.empty(0, kind.to_pandas_dtype()) for kind in _SCHEMA.types]
            yield from (_Entries(*none) for _ in range(_GROUPS))
            return
        with pq.ParquetFile(self.place, page_checksum_verification=True) as file:
            if file.num_row_groups != _GROUPS or not file.schema_arrow.equals(_SCHEMA):
                raise OSError("not a snapshot of this version")
            for number in range(_GROUPS):
                yield _Entries.of(file.read_row_group(number))

    def _rewrite(self, phones: np.ndarray, change: _Change) -> None:
        """`phones`: uint64, distinct. Raises OSError."""
        self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.place.with_name(f"{self.place.name}-{secrets.token_hex(8)}")
        with filelock.FileLock(self.place.with_suffix(".lock"), timeout=_LOCK_TIMEOUT, mode=0o600):
            try:
                with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    self._write(file, phones, change)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.place)
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

        def made(group: tuple[int, _Entries]) -> pa.Table:
            number, old = group
            places = order[ends[number - 1] if number else 0 : ends[number]]
            places = places[np.argsort(phones[places])]
            return change(old, phones[places], places).table()

        with pq.ParquetWriter(file, _SCHEMA, **_WRITING) as writer:
            for _, table in in_order(made, enumerate(self._groups())):
                writer.write_table(table)


# Given the entries of a group, those of the phones that belong to it, sorted, and their places among all of them, what
# the group shall be.
_Change = Callable[[_Entries, np.ndarray, np.ndarray], _Entries]


def _find(entries: _Entries, phones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the phones that have an entry, and of their entries, as int64. Both sides sorted."""
    if not len(entries.phone):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(entries.phone, phones), len(entries.phone) - 1)
    there = np.flatnonzero(entries.phone[places] == phones)
    return there, places[there]
