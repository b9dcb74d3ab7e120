"""An account with every kind of contact, and what must become of an audience there: worked out a row at a time, with
nothing of ours."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.support.reference_members import (
    FIELDS,
    LIMITS,
    YES,
    make_members,
    plain_box,
    plain_date,
    plain_number,
    plain_phone,
    plain_text,
)
from tests.support.world import World

Member = dict[str, str]
MAIN, OLD = "10261", "10262"  # the active list and the inactive one
KINDS: Mapping[str, Callable[[str], str | None]] = {
    "birthdate": plain_date,
    "Last Purchase": plain_date,
    "Lifetime Value": plain_number,
    "VIP": plain_box,
}


@lru_cache(1)
def members(count: int) -> list[Member]:
    """Rows with every kind of trouble; one in six has the phone of an earlier one."""
    draw = random.Random(7)
    rows = [dict(row) for row in make_members(seed=20261125)[:count]]
    for row in rows[count // 2 :: 3]:
        row["phone"] = draw.choice(rows[: count // 2])["phone"]
    return rows


@dataclass(frozen=True)
class Row:
    """What must become of a row: `reason` "" = it travels. `values` by column, "" = empty, None = no such value."""

    number: int
    phone: str
    reason: str
    values: dict[str, str | None]

    @property
    def stored(self) -> dict[str, str | None]:
        """The values by profile field, as the sandbox has them once they have arrived."""
        return {FIELDS[column]: value or None for column, value in self.values.items()}


def judge(rows: list[Member], opted_out: Collection[str] = (), existing: Collection[str] | None = None) -> list[Row]:
    """The first reason that applies, in the order of the interface."""
    phones = [plain_phone(row["phone"]) for row in rows]
    last = {phone: place for place, phone in enumerate(phones) if phone}
    judged = []
    for place, (row, phone) in enumerate(zip(rows, phones, strict=True)):
        values = {column: KINDS.get(column, plain_text)(row[column]) for column in FIELDS}
        checks = {
            "missing_phone": phone == "",
            "invalid_phone": phone is None,
            "duplicate_phone": last.get(phone or "", place) != place,
            "no_consent": row["SMS Consent"].strip().lower() not in YES,
            "opted_out": f"+{phone}" in opted_out,
            "bad_value": None in values.values(),
            "value_too_long": any(len(values[name] or "") > limit for name, limit in LIMITS.items()),
            "not_in_listrak": existing is not None and f"+{phone}" not in existing,
        }
        reason = next((name for name, applies in checks.items() if applies), "")
        judged.append(Row(place + 2, f"+{phone}" if phone else "", reason, values))
    return judged


def reasons(rows: Iterable[Row]) -> dict[str, int]:
    return dict(Counter(row.reason for row in rows if row.reason))


def furnish(world: World, rows: list[Member]) -> dict[str, set[str]]:
    """Four in five phones of the audience and 400 others become contacts: on the active list, the inactive one, both,
    or none; some opted out; with values of every kind. Returns the phones by list, "" = on none."""
    draw = random.Random(5)
    phones = sorted({f"+{phone}" for row in rows if (phone := plain_phone(row["phone"]))})
    phones = [phone for place, phone in enumerate(phones) if place % 5] + [f"+1802555{n:04d}" for n in range(400)]
    on: dict[str, set[str]] = {MAIN: set(), OLD: set(), "": set()}
    first, second = [], []
    for place, phone in enumerate(phones):
        out = "true" if place % 6 == 1 else "false"
        where = "" if place % 11 == 3 else OLD if place % 3 == 1 else MAIN
        first.append([phone, out, where, *_invented(draw)])
        on[where].add(phone)
        if where == MAIN and place % 7 == 0:
            second.append([phone, out, OLD])
            on[OLD].add(phone)
    head = ["phone", "opted_out", "list"]
    world.admin("contacts?sender_code=1026", _csv([[*head, *FIELDS.values()], *first]))
    world.admin("contacts?sender_code=1026", _csv([head, *second]))
    return on


def _invented(draw: random.Random) -> list[str]:
    """Stored values in the order of FIELDS: email, name, birthday, ZIP, tier, last purchase, value, VIP, store."""
    day = f"{draw.randint(1901, 2025)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
    word = draw.choice(["Ann", "O'Neil", 'The "Best"', "  kept  ", "東京", "a,b", "=SUM(A1)", "NULL", "1e5", ""])
    return [
        draw.choice(["", "old@example.com"]),
        word,
        draw.choice(["", day]),
        draw.choice(["", "00501", "07030", "9021"]),
        draw.choice(["", "Gold", word]),
        draw.choice(["", day, "1899-12-31"]),
        draw.choice(["", "0", "12.5", "-0.05", "1000000", "99.99"]),
        draw.choice(["", "on", "off"]),
        word[::-1],
    ]


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def after(before: Mapping[str, dict[str, Any]], sent: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """The contacts as they must be once these rows have arrived."""
    changed = {phone: dict(contact) for phone, contact in before.items()}
    for row in sent:
        if row.phone in changed:
            changed[row.phone] |= row.stored
    return changed


def differences(rows: list[Row], contacts: Mapping[str, dict[str, Any]]) -> dict[tuple[int, str], tuple[str, str]]:
    """(row, column) -> what the audience has and what is stored, wherever they differ; a member that is not in Listrak
    differs in its phone."""
    found: dict[tuple[int, str], tuple[str, str]] = {}
    for row in rows:
        contact = contacts.get(row.phone)
        if contact is None:
            found[row.number, "phone"] = (row.phone, "")
            continue
        for column, value in row.values.items():
            stored = contact[FIELDS[column]] or ""
            if value != stored:
                found[row.number, column.replace(" ", "_")] = (value or "", stored)
    return found


def pulled_row(contact: Mapping[str, Any]) -> dict[str, str]:
    """A contact as a pulled file must have it."""
    values = {name: contact[name] or "" for name in FIELDS.values()}
    return {**values, "Last Name": contact["Last Name"] or "", "opted_out": "true" if contact["opted_out"] else "false"}
