"""What an account starts with: invented sender codes, fields, phone lists and contacts, or CSV files.

Fields file: `id,name,type,max_length,status` (type Text, Number, Date or Checkbox; max_length may be empty;
status Active or Disabled, Active when empty). Contacts file: `phone`, optionally `opted_out` (true/1/yes),
`list` (id or name of a phone list; empty: on none; no such column: the first active list), and one column a
profile field, by its name; a value its field cannot hold is left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from listrak_sms_cli.sandbox.config import SandboxConfig
from listrak_sms_cli.sandbox.csv_width import MAX_COLUMNS, has_too_many_columns
from listrak_sms_cli.sandbox.phones import canonical
from listrak_sms_cli.sandbox.store import SUBSCRIBED, PhoneList, SenderCode, Store
from listrak_sms_cli.sandbox.values import Field, normalise_column, plain_name

SENDER_CODES = (
    SenderCode(1026, "71856", "US", "Larkspur Outfitters", True),
    SenderCode(1027, "71857", "CA", "Larkspur Outfitters Canada", True),
    SenderCode(1028, "60060", "GB", "Larkspur Outfitters UK", True),
    SenderCode(1029, "52525", "DE", "Larkspur Outfitters Deutschland", True),
    SenderCode(1030, "71858", "US", "Larkspur Outlet", False),
)
FIELDS = (
    Field(1, "Email Address", "Text", 100, True),
    Field(2, "First Name", "Text", 50, True),
    Field(3, "Last Name", "Text", 50, True),
    Field(4, "Birthday", "Date", None, True),
    Field(5, "Postal Code", "Text", 10, True),
    Field(7, "Loyalty Tier", "Text", 50, True),
    Field(8, "Last Purchase", "Date", None, True),
    Field(9, "Lifetime Value", "Number", None, True),
    Field(10, "VIP", "Checkbox", None, True),
    Field(11, "Favorite Store", "Text", 100, True),
    Field(12, "Old Segment", "Text", 50, False),
)
# Numbers set aside for fiction: 555-01xx in North America, Ofcom's and the Bundesnetzagentur's drama numbers.
INVENTED = {
    1026: [1212_555_0100, 1415_555_0100, 1718_555_0100],
    1027: [1416_555_0100, 1604_555_0100],
    1028: [44_7700_900_000],
    1029: [49_171_39200_00],
}
NAMES = ("Ada Finch", "Ben Ortiz", "Cleo Marsh", "Dev Rao", "Elsa Lind", "Finn Doyle", "Gia Russo")
TYPES = ("Text", "Number", "Date", "Checkbox")
TRUE_WORDS = ("true", "1", "yes", "y", "on")
MAX_ID = 1_000_000_000  # of what is in a path: see `Call.whole`
BLOCK_BYTES = 4 * 1024 * 1024


def fill(store: Store, config: SandboxConfig) -> None:
    """Seed an empty store. Raises ValueError for a file that is not as this module says."""
    store.put_sender_codes(SENDER_CODES)
    store.put_fields(FIELDS if config.fields is None else read_fields(config.fields), replace=True)
    for code in SENDER_CODES:
        add_lists(store, code.id)
    if config.contacts is not None:
        with config.contacts.open("rb") as file:
            add_contacts(store, SENDER_CODES[0], file)
    elif config.invented_contacts:
        invent_contacts(store)


def add_lists(store: Store, sender_code: int) -> None:
    """The two lists a sender code starts with, unless it has some: an active and an inactive one."""
    if not store.phone_lists(sender_code):
        main = PhoneList(sender_code * 10 + 1, sender_code, "Main SMS List", True, "2023-01-15T08:00:00")
        old = PhoneList(sender_code * 10 + 2, sender_code, "Old Campaigns", False, "2021-06-01T08:00:00")
        store.put_phone_lists([main, old])


def read_fields(source: Path | str) -> list[Field]:
    """Fields from a file, or from CSV text. Raises ValueError."""
    text = source.read_text("utf-8-sig") if isinstance(source, Path) else source
    fields = []
    for row in _rows(text):
        try:
            field = Field(
                id=int(row["id"]),
                name=row["name"].strip(),
                type=(row["type"] or "").strip().capitalize(),
                max_length=int(row["max_length"]) if row.get("max_length") else None,
                active=(row.get("status") or "Active").strip().lower() == "active",
            )
        except (KeyError, ValueError, TypeError, AttributeError):
            raise ValueError("A fields file has the columns id,name,type,max_length,status.") from None
        if field.type not in TYPES or not 0 < field.id < MAX_ID or not field.name:
            raise ValueError(f"A field needs an id from 1 to {MAX_ID - 1}, a name and a type of {', '.join(TYPES)}.")
        if (row.get("status") or "Active").strip().lower() not in ("active", "disabled"):
            raise ValueError("The status of a field is Active, Disabled, or empty.")
        if field.max_length is not None and abs(field.max_length) >= MAX_ID:
            raise ValueError(f"The max_length of a field is empty, or a whole number below {MAX_ID:,}.")
        fields.append(field)
    if len({field.id for field in fields}) < len(fields):
        raise ValueError("Two fields have the same id.")
    return fields


def _rows(text: str) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(text)))
    except csv.Error:
        raise ValueError("The fields are not CSV.") from None


def invent_contacts(store: Store) -> None:
    """A hundred contacts for each block of invented numbers; some opted out, some on no list."""
    with store.transaction() as db:
        for sender_code, blocks in INVENTED.items():
            for index, phone in enumerate(block + n for block in blocks for n in range(100)):
                first, last = NAMES[index % len(NAMES)].split()
                db.execute(
                    "INSERT OR IGNORE INTO person (phone, firstName, lastName, emailAddress) VALUES (?, ?, ?, ?)",
                    (phone, first, last, f"{first}.{last}.{index}@example.com".lower()),
                )
                for code in (1026, 1027) if sender_code == 1026 and index < 20 else (sender_code,):
                    _invent_contact(db, code, phone, index)


def _invent_contact(db: Any, code: int, phone: int, index: int) -> None:
    out = index % 17 == 16
    db.execute(
        "INSERT OR IGNORE INTO contact VALUES (?, ?, ?, ?, ?, ?)",
        (code, phone, out, SUBSCRIBED, "2024-05-02T10:00:00" if out else None, "Campaign" if out else None),
    )
    if index % 23 != 22:
        db.execute("INSERT INTO list_contact VALUES (?, ?)", (code * 10 + (2 if index % 5 == 4 else 1), phone))


def add_contacts(store: Store, code: SenderCode, file: IO[bytes]) -> int:
    """Add contacts from a CSV file to a sender code, or change them; returns their number. Raises ValueError."""
    if has_too_many_columns(file):
        raise ValueError(f"The contacts have more than {MAX_COLUMNS} columns.")
    try:
        reader = pa_csv.open_csv(
            file,
            read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=_all_text(file),
        )
        return sum(_add_batch(store, code, batch) for batch in reader)
    except (pa.ArrowInvalid, csv.Error):
        raise ValueError("The contacts are not CSV with a line of column names.") from None


def _all_text(file: IO[bytes]) -> Any:
    head = file.read(1024 * 1024)
    file.seek(0)
    names = next(csv.reader(io.StringIO(head.decode("utf-8-sig", "replace"), newline="")), [])
    return pa_csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)


def _add_batch(store: Store, code: SenderCode, batch: Any) -> int:
    columns = {plain_name(name): batch.column(name) for name in batch.schema.names}
    if "phone" not in columns:
        raise ValueError("The contacts need a column named phone.")
    phones = canonical(columns.pop("phone"), code.country)
    if np.any(phones == 0):
        raise ValueError("A contact's phone is not valid.")
    people: list[Any] = phones.tolist()
    out = columns.pop("opted out", None)
    flags = _flags(out) if out is not None else [False] * len(people)
    lists = columns.pop("list", None)
    list_ids = _list_ids(store, code, lists, len(people))
    names, values = _values(store, columns)
    with store.transaction() as db:
        keys = "".join(f', "{name}"' for name in names)
        marks = ", nullif(?, '')" * len(names)
        settings = ", ".join(f'"{name}" = excluded."{name}"' for name in names)
        then = f"DO UPDATE SET {settings}" if settings else "DO NOTHING"
        db.executemany(
            f"INSERT INTO person (phone{keys}) VALUES (?{marks}) ON CONFLICT (phone) {then}",
            zip(people, *values, strict=True),
        )
        db.executemany(
            f"INSERT OR REPLACE INTO contact VALUES ({code.id}, ?, ?, '{SUBSCRIBED}',"
            f" iif(?, '{SUBSCRIBED}', NULL), iif(?, 'Import', NULL))",
            zip(people, flags, flags, flags, strict=True),  # Python 3.12.1 warns of ?1
        )
        on_list = ((each, phone) for each, phone in zip(list_ids, people, strict=True) if each is not None)
        db.executemany("INSERT OR IGNORE INTO list_contact VALUES (?, ?)", on_list)
    return len(people)


def _flags(cells: Any) -> list[bool]:
    words = pa.array(TRUE_WORDS, pa.string())
    flags: list[bool] = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(cells)), value_set=words).to_pylist()
    return flags


def _list_ids(store: Store, code: SenderCode, cells: Any, count: int) -> Iterator[int | None]:
    lists = store.phone_lists(code.id)
    if cells is None:
        first = next((p.id for p in lists if p.active), None)
        return iter([first] * count)
    known: Mapping[str, int | None] = {
        "": None,
        **{str(p.id): p.id for p in lists},
        **{plain_name(p.name): p.id for p in lists},
    }
    encoded = cells.dictionary_encode()
    ids = []
    for name in encoded.dictionary.to_pylist():
        if plain_name(name) not in known:
            raise ValueError("A contact is on a list that the sender code does not have.")
        ids.append(known[plain_name(name)])
    return iter([ids[index] for index in encoded.indices.to_pylist()])


def _values(store: Store, columns: Mapping[str, Any]) -> tuple[list[str], list[list[str | None]]]:
    fields = {plain_name(field.name): field for field in store.fields()}
    names, values = [], []
    for name, cells in columns.items():
        if name not in fields:
            raise ValueError("A column of the contacts is no profile field of the account.")
        stored, _ignored = normalise_column(cells, fields[name], stored_dates=True)
        names.append(fields[name].column)
        values.append(stored)
    return names, values
