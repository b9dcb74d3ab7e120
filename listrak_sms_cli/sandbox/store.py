"""The account in SQLite: sender codes, fields, persons, contacts, phone lists, imports.

A person is a phone and its field values, one column a field, shared by all sender codes of the company; a
contact is a person on one sender code, with its opt status. One connection serves all threads, one at a
time; whatever takes long gives it back between batches.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from listrak_sms_cli.sandbox.phones import Phones, candidates
from listrak_sms_cli.sandbox.values import SYSTEM_ATTRIBUTES, Field

SCHEMA = """
CREATE TABLE IF NOT EXISTS sender_code (
    id INTEGER PRIMARY KEY, code TEXT, country TEXT, merchant TEXT, active INTEGER, email_list TEXT);
CREATE TABLE IF NOT EXISTS field (
    id INTEGER PRIMARY KEY, name TEXT, type TEXT, max_length INTEGER, active INTEGER);
CREATE TABLE IF NOT EXISTS person (
    phone INTEGER PRIMARY KEY, emailAddress TEXT, firstName TEXT, lastName TEXT, birthday TEXT, postalCode TEXT);
CREATE TABLE IF NOT EXISTS contact (
    sender_code INTEGER, phone INTEGER, opted_out INTEGER, subscribed TEXT, unsubscribed TEXT, reason TEXT,
    PRIMARY KEY (sender_code, phone)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS phone_list (
    id INTEGER PRIMARY KEY, sender_code INTEGER, name TEXT, active INTEGER, created TEXT);
CREATE TABLE IF NOT EXISTS list_contact (
    list_id INTEGER, phone INTEGER, PRIMARY KEY (list_id, phone)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS import (
    id INTEGER PRIMARY KEY, sender_code INTEGER, file_name TEXT, received TEXT, started TEXT, ended TEXT,
    status TEXT, rows INTEGER DEFAULT 0, updated INTEGER DEFAULT 0, unknown INTEGER DEFAULT 0,
    values_ignored INTEGER DEFAULT 0, rows_malformed INTEGER DEFAULT 0, bytes INTEGER, sha256 TEXT,
    field_ids TEXT);
"""
MAX_COLUMNS = 900  # of persons: what an SQL expression over all of them may hold
FIRST_IMPORT_ID = 5001
SUBSCRIBED = "2024-03-01T09:00:00"


def timestamp() -> str:
    """Now, in UTC, as Listrak writes it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


class SenderCode(Struct, frozen=True, array_like=True):
    """A sender code; `country` ISO 3166-1 alpha-2; `email_list`: the name of the one it is tied to, "" = none."""

    id: int
    code: str
    country: str
    merchant: str
    active: bool
    email_list: str = ""


class PhoneList(Struct, frozen=True, array_like=True):
    """A phone list of a sender code."""

    id: int
    sender_code: int
    name: str
    active: bool
    created: str


def _make_private(path: Path) -> None:
    """The file, made where there is none, for its owner's eyes only; so are the files that SQLite puts beside it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


class Store:
    """The tables above; safe to use from any thread."""

    def __init__(self, path: Path | None) -> None:
        """Raises OSError when there can be no such file, ValueError when it is no account of a sandbox."""
        self._lock = threading.RLock()
        if path is not None:
            _make_private(path)
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.executescript(SCHEMA)
        except sqlite3.Error:
            self._db.close()
            raise ValueError(f"{path} is not an account of the sandbox.") from None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, in a transaction that is undone when the body raises."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    def is_empty(self) -> bool:
        """Whether the account was never seeded."""
        return not self.rows("SELECT 1 FROM sender_code LIMIT 1")

    def clear(self) -> None:
        """Delete all rows of all tables."""
        with self.transaction() as db:
            for table in ("sender_code", "field", "person", "contact", "phone_list", "list_contact", "import"):
                db.execute(f"DELETE FROM {table}")

    def sender_codes(self) -> list[SenderCode]:
        """All sender codes, by id."""
        return msgspec.convert(self.rows("SELECT * FROM sender_code ORDER BY id"), list[SenderCode], strict=False)

    def put_sender_codes(self, codes: Iterable[SenderCode]) -> None:
        """Add sender codes; one with a known id replaces it."""
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO sender_code VALUES (?, ?, ?, ?, ?, ?)", map(astuple, codes))

    def fields(self) -> list[Field]:
        """All profile fields, by id."""
        return msgspec.convert(self.rows("SELECT * FROM field ORDER BY id"), list[Field], strict=False)

    def put_fields(self, fields: Iterable[Field], *, replace: bool = False) -> None:
        """Add fields (one with a known id replaces it); stored values of other fields stay. Raises ValueError, and adds
        none, for more than there is room for."""
        with self.transaction() as db:
            columns = {row[1] for row in db.execute("PRAGMA table_info(person)")}
            if replace:
                db.execute("DELETE FROM field")
            for f in fields:
                if f.column not in columns:
                    columns.add(f.column)
                    if len(columns) > MAX_COLUMNS:
                        raise ValueError(f"A sandbox has room for {MAX_COLUMNS} fields.")
                    db.execute(f'ALTER TABLE person ADD COLUMN "{f.column}" TEXT')
                db.execute("INSERT OR REPLACE INTO field VALUES (?, ?, ?, ?, ?)", astuple(f))

    def value_columns(self) -> dict[str, str]:
        """Name of every value a contact has (system attributes and fields) -> its column."""
        columns = {field.name: field.column for field in self.fields()}
        for attribute in SYSTEM_ATTRIBUTES.values():
            if attribute not in columns.values():
                columns[attribute] = attribute
        return columns

    def phone_lists(self, sender_code: int) -> list[PhoneList]:
        """The lists of a sender code, by id."""
        rows = self.rows("SELECT * FROM phone_list WHERE sender_code = ? ORDER BY id", (sender_code,))
        return msgspec.convert(rows, list[PhoneList], strict=False)

    def put_phone_lists(self, lists: Iterable[PhoneList]) -> None:
        """Add lists; one with a known id replaces it."""
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO phone_list VALUES (?, ?, ?, ?, ?)", map(astuple, lists))

    def resolve(self, code: SenderCode, cells: Any, spellings: Collection[str], *, opted_out: bool = True) -> Phones:
        """Cells (string array) -> the contact of the sender code that each one is, 0 where there is none; `opted_out`:
        also those that opted out."""
        international, national = candidates(cells, code.country, spellings)
        phones = self._known(code.id, international, opted_out)
        missing = phones == 0
        phones[missing] = self._known(code.id, national[missing], opted_out)
        return phones

    def _known(self, sender_code: int, phones: Phones, opted_out: bool) -> Phones:
        """Those of these phones (int64) that are contacts of the sender code, 0 for the others."""
        wanted = msgspec.json.encode(np.unique(phones[phones > 0]).tolist()).decode()
        rows = self.rows(
            "SELECT phone FROM contact WHERE sender_code = ? AND opted_out <= ?"
            " AND phone IN (SELECT value FROM json_each(?))",
            (sender_code, opted_out, wanted),
        )
        contacts = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        return np.where(np.isin(phones, contacts), phones, 0)

    def update_values(
        self, phones: Sequence[int], columns: Sequence[str], values: Sequence[Sequence[str | None]]
    ) -> None:
        """Set values by phone, in order; a value '' clears what is stored, None leaves it."""
        if not columns:
            return
        settings = ", ".join(f'"{column}" = nullif(coalesce(?, "{column}"), \'\')' for column in columns)
        with self.transaction() as db:
            db.executemany(f"UPDATE person SET {settings} WHERE phone = ?", zip(*values, phones, strict=True))

    def add_import(self, sender_code: int, file_name: str, size: int, digest: str, field_ids: str) -> int:
        """Add an import that is pending; returns its id."""
        with self.transaction() as db:
            last = db.execute("SELECT coalesce(max(id), ?) FROM import", (FIRST_IMPORT_ID - 1,)).fetchone()[0]
            db.execute(
                "INSERT INTO import (id, sender_code, file_name, received, status, bytes, sha256, field_ids)"
                " VALUES (?, ?, ?, ?, 'Pending', ?, ?, ?)",
                (last + 1, sender_code, file_name, timestamp(), size, digest, field_ids),
            )
        return int(last) + 1

    def change_import(self, import_id: int, **changes: Any) -> None:
        """Set columns of an import."""
        settings = ", ".join(f"{name} = ?" for name in changes)
        with self.transaction() as db:
            db.execute(f"UPDATE import SET {settings} WHERE id = ?", (*changes.values(), import_id))

    def imports(self, newest: int | None = None) -> list[dict[str, Any]]:
        """All imports with every column, in the order received; or so many of the newest, the newest first."""
        names = [row[1] for row in self.rows("PRAGMA table_info(import)")]
        order = "id" if newest is None else f"id DESC LIMIT {newest}"
        return [dict(zip(names, row, strict=True)) for row in self.rows(f"SELECT * FROM import ORDER BY {order}")]
