"""Twenty thousand members with every kind of trouble, against a computation that shares nothing with ours: the csv
module, phonenumbers, datetime and decimal, a row at a time."""

from __future__ import annotations

import csv
import io
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path

import phonenumbers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.world import World

MEMBERS = 20_000
COLUMNS = [
    "phone",
    "email",
    "first_name",
    "birthdate",
    "postal_code",
    "Loyalty Tier",
    "Last Purchase",
    "Lifetime Value",
    "VIP",
    "Favorite Store",
    "SMS Consent",
]
FIELDS = {
    "email": "Email Address",
    "first_name": "First Name",
    "birthdate": "Birthday",
    "postal_code": "Postal Code",
    "Loyalty Tier": "Loyalty Tier",
    "Last Purchase": "Last Purchase",
    "Lifetime Value": "Lifetime Value",
    "VIP": "VIP",
    "Favorite Store": "Favorite Store",
}
LIMITS = {"Loyalty Tier": 50, "Favorite Store": 100}
YES = {"true", "yes", "y", "on", "1", "t"}
NO = {"false", "no", "n", "off", "0", "f"}


def make_members(seed: int) -> list[dict[str, str]]:
    """Rows as a warehouse, three spreadsheets and a colleague would have written them."""
    draw = random.Random(seed)
    areas = [212, 303, 415, 512, 617, 702, 718, 805, 907, 919]
    pool = [
        f"{draw.choice(areas)}{draw.randint(200, 999)}{draw.randint(0, 9999):04d}" for _ in range(MEMBERS * 9 // 10)
    ]

    def phone() -> str:
        n = draw.choice(pool)
        kind = draw.random()
        if kind < 0.03:
            return draw.choice(["", "   ", "\u200b"])
        if kind < 0.07:
            return draw.choice(["n/a", "12", n[:9], "1" + n[:9], "7.18E+10", "0" * 11, "555-0100", n + "999"])
        if kind < 0.10:
            return draw.choice(["+442079460000", "0044 20 7946 0958", "+49 30 901820", "+1 (416) 555-0123"])
        form = draw.choice(
            [
                "{}{}{}",
                "+1{}{}{}",
                "({}) {}-{}",
                "{}-{}-{}",
                "{}.{}.{}",
                "1-{}-{}-{}",
                " 1 {} {} {} ",
                "tel:+1-{}-{}-{}",
                "{}{}{}.0",
                "+1 ({}) {}\u00a0{}",
                "{}-{}-{} ext. 12",
                "001 {} {} {}",
            ]
        )
        return form.format(n[:3], n[3:6], n[6:])

    def day() -> str:
        d = date.fromordinal(draw.randint(date(1890, 1, 1).toordinal(), date(2026, 1, 1).toordinal()))
        return draw.choice(
            [
                "",
                d.isoformat(),
                d.strftime("%Y/%m/%d"),
                f"{d.month:02d}/{d.day:02d}/{d.year:04d}",
                f"{d:%Y%m%d}",
                d.isoformat() + "T10:11:12Z",
                d.isoformat() + " 00:00:00",
            ]
            + (["never", "2023-02-29", "13/45/2020"] if draw.random() < 0.04 else [])
        )

    def money() -> str:
        value = Decimal(draw.randint(-10_000_000, 100_000_000)) / draw.choice([1, 10, 100, 1000, 10000])
        odd = ["a lot", "1.2.3", "NaN", "1,23,4"] if draw.random() < 0.03 else []
        return draw.choice(["", str(value), f"{value:,}", f"${abs(value)}", f"+{abs(value)}", f" {value} ", *odd])

    def words(most: int) -> str:
        text = draw.choice(
            [
                "Gold",
                "Silver, plus",
                'The "Best"',
                "Zoe\u0308",
                "Ana\tMaria",
                "one\r\ntwo",
                "O'Brien",
                "",
                "  kept  ",
                "東京",
                "bell\x07",
            ]
        )
        return text if draw.random() > 0.02 else (text or "x") + "y" * draw.randint(most - 8, most + 8)

    return [
        {
            "phone": phone(),
            "email": draw.choice(["", f"m{number}@example.com"]),
            "first_name": words(30),
            "birthdate": day(),
            "postal_code": f"{draw.randint(0, 99999):05d}",
            "Loyalty Tier": words(50),
            "Last Purchase": day(),
            "Lifetime Value": money(),
            "VIP": draw.choice([*YES, *NO, "TRUE", "No", "", " yes "] + (["maybe"] if draw.random() < 0.1 else [])),
            "Favorite Store": words(100),
            "SMS Consent": draw.choice([*YES, "Yes", *NO, "", "unknown"]),
        }
        for number in range(MEMBERS)
    ]


def plain_phone(text: str) -> str | None:
    """E.164 digits, "" = missing, None = invalid."""
    text = re.sub(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text).replace("\u00a0", " ").strip()
    if not text:
        return ""
    text = re.sub(r"^(\+?\d+)\.0+$", r"\1", text)
    if re.fullmatch(r"[+-]?\d+(\.\d+)?[eE][+-]?\d+", text):
        return None
    if text.startswith("00") and not text.startswith("000"):
        text = "+" + text[2:].lstrip()
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def plain_date(text: str) -> str | None:
    text = text.strip()
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(text, form).date().isoformat() if text else ""
        except ValueError:
            continue
    return None


def plain_number(text: str) -> str | None:
    text = text.strip().replace("$", "")
    if not text:
        return ""
    if "," in text:
        if not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text):
            return None
        text = text.replace(",", "")
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_EVEN) if -value.as_tuple().exponent > 2 else value
    shown = f"{rounded:f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown in ("-0", "") else shown


def plain_text(text: str) -> str:
    text = re.sub(r"[\r\n\t\v\f\x85\u2028\u2029]+", " ", text)
    return unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text))


def plain_box(text: str) -> str | None:
    word = text.strip().lower()
    return "" if not word else "on" if word in YES else "off" if word in NO else None


@dataclass
class Expected:
    dropped: Counter[str] = field(default_factory=Counter)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)


def judge(members: list[dict[str, str]]) -> Expected:
    """A row at a time, as the interface words it."""
    kinds: dict[str, Callable[[str], str | None]] = {
        "birthdate": plain_date,
        "Last Purchase": plain_date,
        "Lifetime Value": plain_number,
        "VIP": plain_box,
    }
    expected = Expected()
    phones = [plain_phone(member["phone"]) for member in members]
    last = {phone: row for row, phone in enumerate(phones) if phone}
    for row, (member, phone) in enumerate(zip(members, phones, strict=True)):
        values = {name: kinds.get(column, plain_text)(member[column]) for column, name in FIELDS.items()}
        if phone == "":
            expected.dropped["missing_phone"] += 1
        elif phone is None:
            expected.dropped["invalid_phone"] += 1
        elif last[phone] != row:
            expected.dropped["duplicate_phone"] += 1
        elif member["SMS Consent"].strip().lower() not in YES:
            expected.dropped["no_consent"] += 1
        elif None in values.values():
            expected.dropped["bad_value"] += 1
        elif any(len(values[name] or "") > limit for name, limit in LIMITS.items()):
            expected.dropped["value_too_long"] += 1
        else:
            expected.sent[f"+{phone}"] = {name: value or "" for name, value in values.items()}
    return expected


def write(members: list[dict[str, str]], path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(members), path, row_group_size=7_000)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(members)
    return path


def contacts_csv(phones: list[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["phone", "opted_out", "First Name", "Loyalty Tier", "Lifetime Value"])
    writer.writerows([phone, "true" if n % 7 == 0 else "false", f"Old {n}", "Old", n] for n, phone in enumerate(phones))
    return text.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_contact_holds_what_a_row_by_row_computation_says(make_world: Callable[..., World], suffix: str) -> None:
    """Contacts of the audience are right in every field, all others and every opt status untouched, counts equal."""
    members = make_members(seed=20261124)
    expected = judge(members)
    assert len(expected.dropped) == 6
    world = make_world(invented_contacts=False)
    known = [phone for n, phone in enumerate(sorted(expected.sent)) if n % 5]
    strangers = [f"+1917555{n:04d}" for n in range(100, 200) if f"+1917555{n:04d}" not in expected.sent]
    world.admin("contacts?sender_code=1026", contacts_csv(known + strangers))
    before = world.contacts()

    audience = write(members, world.home / f"audience{suffix}")
    ended = world.lsms("push", audience, "--consent-column", "SMS Consent", "--batch-rows", 1500, "--json")

    assert ended.code == 0, ended.err + ended.out
    report = ended.json
    assert {reason: count for reason, count in report["dropped"].items() if count} == dict(expected.dropped)
    assert (report["rows_read"], report["rows_sent"]) == (MEMBERS, len(expected.sent))
    after = world.contacts()
    assert after.keys() == before.keys()
    for phone, contact in after.items():
        wanted = dict(before[phone])
        if phone in expected.sent:
            wanted |= {name: value or None for name, value in expected.sent[phone].items()}
        assert contact == wanted, phone
    imports = world.admin("imports")
    assert sum(one["rows"] for one in imports) == len(expected.sent)
    assert sum(one["values_ignored"] for one in imports) == 0
