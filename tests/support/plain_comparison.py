"""Random contacts and audiences, and what a push would change there: worked out cell by cell, with nothing of ours."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

# Column of the audience -> its profile field, in the sandbox's invented account.
FIELDS = {
    "First Name": "First Name",
    "birthdate": "Birthday",
    "Lifetime Value": "Lifetime Value",
    "VIP": "VIP",
    "Loyalty Tier": "Loyalty Tier",
}
_NUMBERS = ["0", "0.00", "12.5", "12.50", "$12.50", "100", "1e2", "99.99"]
_BOXES = ["on", "yes", "TRUE", "1", "off", "no", "False", "0"]
_DATES = ["1980-02-03", "02/03/1980", "1980-02-03 00:00:00", "1990-12-31", "12/31/1990"]
_WORDS = ["Ann", "ann", "Bob", "O'Neil", "東京", "a,b"]
_TIERS = ["Gold", "Silver", "gold"]
_DRAWN = dict(zip(FIELDS, (_WORDS, _DATES, _NUMBERS, _BOXES, _TIERS), strict=True))


def meaning(column: str, cell: str) -> object:
    """What a cell, or a stored value, means; "" = nothing."""
    if not cell:
        return ""
    match column:
        case "birthdate":
            for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%m/%d/%Y"):
                try:
                    return datetime.strptime(cell, form).date()
                except ValueError:
                    continue
            raise AssertionError(cell)
        case "Lifetime Value":
            return Decimal(cell.replace("$", ""))
        case "VIP":
            return cell.lower() in ("on", "yes", "true", "1")
    return cell


@dataclass
class Expected:
    """What a plan must say: members, and by column how many are set, changed, emptied, the same."""

    different: int = 0
    same: int = 0
    missing: int = 0
    columns: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in FIELDS})


def draw_account(draw: random.Random, phones: list[str]) -> str:
    """A contacts file for the sandbox: these phones, each with random values."""
    rows = [[phone, draw.choice(["true", "false"]), *_values(draw)] for phone in phones]
    return _csv([["phone", "opted_out", *FIELDS.values()], *rows])


def draw_audience(draw: random.Random, phones: list[str]) -> tuple[str, list[dict[str, str]]]:
    """An audience of these phones, some twice and some of no use; and its members that can be sent, `phone` as `+…`."""
    rows = [[draw.choice([phone, phone[2:], f"1-{phone[2:5]}-{phone[5:]}"]), *_values(draw)] for phone in phones]
    last = dict(zip(phones, rows, strict=True))
    again = draw.sample(phones, len(phones) // 8)
    for phone in again:
        last[phone] = [phone, *_values(draw)]
        rows.append(last[phone])
    rows += [["nonsense", *_values(draw)], ["", *_values(draw)]]
    members = [dict(zip(FIELDS, row[1:], strict=True)) | {"phone": phone} for phone, row in last.items()]
    return _csv([["phone", *FIELDS], *rows]), members


def compare(members: list[dict[str, str]], contacts: Mapping[str, dict[str, Any]], *, keep: bool) -> Expected:
    """What a push of these members would change. `keep`: empty cells are not sent."""
    expected = Expected()
    for member in members:
        if keep and not any(member[column] for column in FIELDS):
            continue  # there is nothing to say about it
        contact = contacts.get(member["phone"])
        if contact is None:
            expected.missing += 1
            continue
        kinds = {column: _kind(column, member[column], contact[name] or "", keep) for column, name in FIELDS.items()}
        for column, kind in kinds.items():
            expected.columns[column][kind] += 1
        if set(kinds.values()) == {"same"}:
            expected.same += 1
        else:
            expected.different += 1
    return expected


def _kind(column: str, cell: str, stored: str, keep: bool) -> str:
    if meaning(column, cell) == meaning(column, stored) or (keep and not cell):
        return "same"
    return "emptied" if not cell else "changed" if stored else "set"


def _values(draw: random.Random) -> list[str]:
    return [draw.choice(["", *words]) for words in _DRAWN.values()]


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
