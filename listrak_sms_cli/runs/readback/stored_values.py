"""What Listrak stores of contacts, as columns; and when two spellings of a value mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.audience import FieldKind, ProfileField, among
from listrak_sms_cli.audience.values import clean_checkboxes, clean_dates, clean_numbers
from listrak_sms_cli.columnar import (
    Mask,
    mask_of,
    nulls_as_empty,
    replace_cells,
    replace_matches,
    select,
    string_column,
    trimmed,
)
from listrak_sms_cli.listrak import Contact

# Listrak gives the system fields as attributes of a contact; among the values they may be, or not.
_ATTRIBUTES = {
    "email address": attrgetter("email_address"),
    "first name": attrgetter("first_name"),
    "last name": attrgetter("last_name"),
    "birthday": attrgetter("birthday"),
    "postal code": attrgetter("postal_code"),
}
_AT_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?Z?$"
_NO_DATE = r"^0001-01-01.*$"  # how .NET writes none
_ISO = r"^(\d{2})/(\d{2})/(\d{4})$"


def stored_values(contacts: Sequence[Contact], field: ProfileField) -> pa.StringArray:
    """What is stored in a field, one cell a contact: pa.string() without nulls, "" = nothing."""
    key = field.id
    attribute = _ATTRIBUTES.get(field.name.strip().replace("_", " ").casefold())
    if attribute is None:
        return string_column([contact.values.get(key) or "" for contact in contacts])
    cells = string_column([contact.values.get(key) or attribute(contact) or "" for contact in contacts])
    return replace_matches(cells, _NO_DATE, "") if field.kind is FieldKind.DATE else cells


def written(cells: pa.StringArray, kind: FieldKind) -> pa.StringArray:
    """Stored values as a file has them, so that reading them again gives the same value: days as `YYYY-MM-DD`
    wherever they can be read, all else as it is stored."""
    if kind is not FieldKind.DATE:
        return cells
    cells = replace_matches(replace_matches(cells, _NO_DATE, ""), _AT_MIDNIGHT, r"\1")
    return replace_matches(cells, _ISO, r"\3-\1-\2")


def meaning(cells: pa.StringArray, kind: FieldKind) -> pa.StringArray:
    """The cells in one spelling for each value of their field: equal cells are equal values. "" = no value; what the
    kind cannot read stays as it is, and so does a number that would have to be rounded."""
    cells = nulls_as_empty(cells)
    match kind:
        case FieldKind.TEXT:
            return cells
        case FieldKind.NUMBER:
            text, bad, rounded = clean_numbers(cells)
            plain = replace_matches(text, r"^(-?\d+)\.0+$|^(-?\d+\.\d*[1-9])0+$", r"\1\2")
            return _restored(replace_matches(plain, r"^-0$", "0"), cells, bad, rounded)
        case FieldKind.DATE:
            text, bad, _timed = clean_dates(replace_matches(cells, _NO_DATE, ""), "US", None)
            return _restored(text, cells, bad)
        case FieldKind.CHECKBOX:
            text, bad = clean_checkboxes(cells)
            return _restored(text, cells, bad)


def differing(left: pa.StringArray, right: pa.StringArray, kind: FieldKind) -> Mask:
    """True a row where the two columns, of one length, hold different values of a field of this kind."""
    unequal = mask_of(pc.not_equal(left, right))
    if kind is not FieldKind.TEXT and unequal.any():
        unequal[unequal] = mask_of(
            pc.not_equal(meaning(select(left, unequal), kind), meaning(select(right, unequal), kind))
        )
    return unequal


def _restored(text: pa.StringArray, cells: pa.StringArray, *unread: Mask | None) -> pa.StringArray:
    for mask in unread:
        if mask is not None:
            text = replace_cells(text, mask, trimmed(select(cells, mask)))
    return text


class PhoneSet:
    """Phones seen so far, int64, eight bytes each: sorted stretches, of which equally long ones are merged."""

    def __init__(self) -> None:
        self._stretches: list[np.ndarray] = []

    def __len__(self) -> int:
        return sum(len(stretch) for stretch in self._stretches)

    def holds(self, numbers: np.ndarray) -> np.ndarray:
        """Bool a number."""
        held = np.zeros(len(numbers), np.bool_)
        for stretch in self._stretches:
            held |= among(numbers, stretch)
        return held

    def add(self, numbers: np.ndarray) -> np.ndarray:
        """The places (int64, ascending) in `numbers` of phones that are new, each the first time it comes."""
        distinct, places = np.unique(numbers, return_index=True)
        fresh = ~self.holds(distinct)
        if fresh.any():
            self._stretches.append(distinct[fresh])
        while len(self._stretches) > 1 and len(self._stretches[-2]) < 2 * len(self._stretches[-1]):
            last = self._stretches.pop()
            self._stretches[-1] = np.sort(np.concatenate((self._stretches[-1], last)), kind="stable")
        return np.sort(places[fresh])
