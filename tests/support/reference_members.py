"""Members with every kind of trouble, and what each cell of theirs means: read with the csv module, phonenumbers,
datetime and decimal, a row at a time, with nothing of ours."""

from __future__ import annotations

import csv
import random
import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path

import phonenumbers
import pyarrow as pa
import pyarrow.parquet as pq

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


def write(members: list[dict[str, str]], path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(members), path, row_group_size=7_000)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(members)
    return path
