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
from typing import Any

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from listrak_sms_cli.audience.cells import numbers_of
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.runs.digests import Key

_GROUPS = 64
_SHIFT = np.uint64(58)  # the first six bits of a digest say its group
_LOCK_TIMEOUT = 120.0  # seconds
# `sent`: seconds since 1970, when the member was last about to be sent; `owner`: the run that did; `arrived`: 1 once
# its import has ended well, until the next push strikes it; `known`: 1 when Listrak was asked before, and had it.
_ENTRY = np.dtype(
    [
        ("phone", "u8"),
        ("row", "u8"),
        ("sender_code", "i8"),
        ("sent", "i8"),
        ("owner", "u8"),
        ("arrived", "u1"),
        ("known", "u1"),
    ]
)
_SCHEMA = pa.schema([(name, pa.from_numpy_dtype(_ENTRY[name])) for name in _ENTRY.names or ()])
# With checksums: a file that rots is as none.
_WRITING: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["sender_code", "sent", "owner"],
    "write_page_checksum": True,
}
_NONE = np.empty(0, _ENTRY)


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
        found: list[np.ndarray] = []
        try:
            for entries in self._groups():
                lasts = entries["known"] > 0 if only_known else (entries["known"] > 0) | (entries["sent"] > since)
                good = lasts & (entries["arrived"] > 0) & (entries["sender_code"] == sender_code)
                found.append(entries[["phone", "row"]][good])
        except (OSError, pa.ArrowException):
            return NOTHING
        return Remembered(*(np.concatenate([some[name] for some in found]) for name in ("phone", "row")))

    def strike(self, phones: np.ndarray, run_id: str, sender_code: int, *, known: bool, contested: bool) -> None:
        """These members are about to be sent: they are not what they were, whatever becomes of it.

        `contested`: imports of earlier runs have not ended. Who is in one of them, and now in this run as well,
        does not come back: nobody can tell whose values land last. Raises SettingsError when the old entries can
        neither be rewritten nor removed.
        """
        entry = np.zeros((), _ENTRY)
        entry["sender_code"], entry["sent"], entry["known"] = sender_code, int(time.time()), known
        entry["owner"] = self._owner(run_id)

        def struck(old: np.ndarray, some: np.ndarray, _places: np.ndarray) -> np.ndarray:
            fresh = np.full(len(some), entry)
            fresh["phone"] = some
            again, found = _find(old, some)
            if contested:
                fresh["owner"][again[old["arrived"][found] == 0] if entries_known else slice(None)] = 0
            return np.concatenate([np.delete(old, found), fresh])

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

        def arrived(old: np.ndarray, some: np.ndarray, places: np.ndarray) -> np.ndarray:
            again, found = _find(old, some)
            ours = old["owner"][found] == owner
            old["row"][found[ours]] = rows[places[again[ours]]]
            old["arrived"][found[ours]] = 1
            return old

        if self.place.exists():
            self._rewrite(phones, arrived)

    def forget(self, phones: np.ndarray) -> None:
        """Members Listrak does not know (any more): who comes back begins anew. Raises as `strike`."""

        def left(old: np.ndarray, some: np.ndarray, _places: np.ndarray) -> np.ndarray:
            return np.delete(old, _find(old, some)[1])

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

    def _groups(self) -> Iterator[np.ndarray]:
        """Entries of each group. Raises OSError or pa.ArrowException for a file that cannot be read."""
        if not self.place.exists():
            yield from (_NONE for _ in range(_GROUPS))
            return
        with pq.ParquetFile(self.place, page_checksum_verification=True) as file:
            if file.num_row_groups != _GROUPS or not file.schema_arrow.equals(_SCHEMA):
                raise OSError("not a snapshot of this version")
            for number in range(_GROUPS):
                table = file.read_row_group(number)
                entries = np.empty(table.num_rows, _ENTRY)
                for name in _SCHEMA.names:
                    entries[name] = numbers_of(table.column(name))
                yield entries

    def _rewrite(self, phones: np.ndarray, change: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> None:
        """`change` is given the entries of a group, those of `phones` (uint64, distinct) that belong to it, sorted,
        and their places in `phones`; it returns the group as it shall be."""
        self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.place.with_name(f"{self.place.name}-{secrets.token_hex(8)}")
        groups = (phones >> _SHIFT).astype(np.uint8)
        with filelock.FileLock(self.place.with_suffix(".lock"), timeout=_LOCK_TIMEOUT, mode=0o600):
            try:
                with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    with pq.ParquetWriter(file, _SCHEMA, **_WRITING) as writer:
                        for number, old in enumerate(self._groups()):
                            places = np.flatnonzero(groups == number)
                            places = places[np.argsort(phones[places])]
                            changed = change(old, phones[places], places)
                            writer.write_table(_table(changed[np.argsort(changed["phone"])]))
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.place)
            except pa.ArrowException:
                raise OSError("the snapshot cannot be read") from None
            finally:
                draft.unlink(missing_ok=True)


def _find(entries: np.ndarray, phones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the phones that have an entry, and of their entries, as int64. Both sides sorted."""
    if not len(entries):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    known = np.ascontiguousarray(entries["phone"])
    places = np.minimum(np.searchsorted(known, phones), len(known) - 1)
    there = np.flatnonzero(known[places] == phones)
    return there, places[there]


def _table(entries: np.ndarray) -> pa.Table:
    columns = []
    for name, kind in zip(_SCHEMA.names, _SCHEMA.types, strict=True):
        numbers = np.ascontiguousarray(entries[name])
        columns.append(pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)]))
    return pa.Table.from_arrays(columns, schema=_SCHEMA)
