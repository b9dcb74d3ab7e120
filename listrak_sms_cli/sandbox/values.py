"""Values as the sandbox stores them, by the type of their profile field.

Text is kept as it is; a Date (`MM/DD/YYYY`) becomes `YYYY-MM-DD`; a Number (at most two decimals) loses
needless zeros; a Checkbox (on, true, 1 / off, false, 0) becomes `on` or `off`. A value that is none of
its type, or longer than its field, is not stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow.compute as pc
from msgspec import Struct

SYSTEM_ATTRIBUTES = {
    "email address": "emailAddress",
    "first name": "firstName",
    "last name": "lastName",
    "birthday": "birthday",
    "postal code": "postalCode",
}

_CHECKBOX = {"on": "on", "true": "on", "1": "on", "off": "off", "false": "off", "0": "off"}
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d{1,2}))?", re.ASCII)
_US_DATE = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})", re.ASCII)
_ISO_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:T00:00:00)?", re.ASCII)


class Field(Struct, frozen=True, array_like=True):
    """A profile field; `max_length` in characters, None = no limit."""

    id: int
    name: str
    type: str
    max_length: int | None
    active: bool

    @property
    def attribute(self) -> str | None:
        """The contact's attribute that a system field is, or None."""
        return SYSTEM_ATTRIBUTES.get(plain_name(self.name))

    @property
    def column(self) -> str:
        """Its column in the table of persons."""
        return self.attribute or f"f{self.id}"


def plain_name(name: str) -> str:
    """A field name as names are compared: case, underscores and outer blanks do not count."""
    return name.strip().replace("_", " ").lower()


def number(text: str) -> str | None:
    """A number as it is stored; None for any other text."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals = match.groups()
    whole = whole.lstrip("0") or "0"
    decimals = (decimals or "").rstrip("0")
    if whole == "0" and not decimals:
        return "0"
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def us_date(text: str) -> str | None:
    """A date `MM/DD/YYYY` as it is stored; None for any other text."""
    return _date(_US_DATE.fullmatch(text))


def any_date(text: str) -> str | None:
    """A date as the import wants it, or as this sandbox writes it."""
    return _date(_US_DATE.fullmatch(text) or _ISO_DATE.fullmatch(text))


def _date(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"])).isoformat()
    except ValueError:
        return None


def normaliser(field: Field, *, stored_dates: bool = False) -> Callable[[str], str | None]:
    """A function from a value to what is stored, or to None when its field cannot hold it."""
    if field.type == "Number":
        return number
    if field.type == "Date":
        return any_date if stored_dates else us_date
    if field.type == "Checkbox":
        return lambda text: _CHECKBOX.get(text.lower())
    limit = field.max_length
    return lambda text: text if limit is None or len(text) <= limit else None


def normalise_column(cells: Any, field: Field, *, stored_dates: bool = False) -> tuple[list[str | None], int]:
    """Cells of one column (string array) -> what is stored for each, and how many are not values of the field.

    '' stays '' (an empty cell); None stands for a cell that the field cannot hold.
    """
    if field.type == "Text":
        limit = field.max_length
        if limit is None or (pc.max(pc.utf8_length(cells)).as_py() or 0) <= limit:
            return cells.to_pylist(), 0
    normalise = normaliser(field, stored_dates=stored_dates)
    encoded = cells.dictionary_encode()
    stored = [value and normalise(value) for value in encoded.dictionary.to_pylist()]
    column = [stored[index] for index in encoded.indices.to_pylist()]
    return column, column.count(None)
