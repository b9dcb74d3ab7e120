"""What Listrak stores of contacts, as columns, and which spellings of a value are equal."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import pyarrow as pa

from listrak_sms_cli.audience import CleaningRules, FieldKind, ProfileField
from listrak_sms_cli.audience.values import clean_checkboxes, clean_dates, clean_numbers
from listrak_sms_cli.columnar import (
    Mask,
    mask_of,
    nulls_as_empty,
    pc,
    raw,
    replace_cells,
    replace_matches,
    select,
    string_column,
    trimmed,
)
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import ATTRIBUTES, plain_name
from listrak_sms_cli.runs.record import Learned

# Listrak gives the values of system fields as attributes of a contact; they may be among its values too, or not.
_ATTRIBUTES = {name: attrgetter(name.replace(" ", "_")) for name in ATTRIBUTES}  # such as `email_address`
_AT_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?Z?$"
_NO_DATE = r"^0001-01-01.*$"  # how .NET writes that there is no date
_US_DAY = r"^(\d{2})/(\d{2})/(\d{4})$"


def stored_values(contacts: Sequence[Contact], field: ProfileField) -> pa.StringArray:
    """What is stored in a field, one cell a contact: pa.string() without nulls, "" = nothing."""
    key, attribute = field.id, _ATTRIBUTES.get(plain_name(field.name))
    if attribute is None:
        return string_column([contact.values.get(key) or "" for contact in contacts])
    cells = string_column([contact.values.get(key) or attribute(contact) or "" for contact in contacts])
    return replace_matches(cells, _NO_DATE, "") if field.kind is FieldKind.DATE else cells


def file_text(cells: pa.StringArray, kind: FieldKind) -> pa.StringArray:
    """Stored values as they stand in a pulled file, so that a push reads the same values from it: dates without a time
    as `YYYY-MM-DD`, all else as it is stored."""
    if kind is not FieldKind.DATE:
        return cells
    cells = replace_matches(replace_matches(cells, _NO_DATE, ""), _AT_MIDNIGHT, r"\1")
    return replace_matches(cells, _US_DAY, r"\3-\1-\2")


def empties_stay(rules: CleaningRules, learned: Learned) -> bool:
    """Whether an empty cell is no difference, whatever is stored: with `--empty-cells keep` it is not sent, and an
    account may be known to leave the stored value as it is.

    The one place that says so, for `verify`, `plan` and `--only-different`.
    """
    return rules.keep_empty or bool(learned.empties_stay)


def differing(ours: pa.StringArray, stored: pa.StringArray, kind: FieldKind, *, empties_stay: bool) -> Mask:
    """True a row where the stored value is another than ours, as a field of this kind means them; the columns are of
    one length. `empties_stay`: see there."""
    unequal = mask_of(pc.not_equal(ours, stored))
    if empties_stay:
        unequal &= raw(ours).lengths > 0
    if kind is not FieldKind.TEXT and unequal.any():
        unequal[unequal] = mask_of(
            pc.not_equal(canonical(select(ours, unequal), kind), canonical(select(stored, unequal), kind))
        )
    return unequal


def canonical(cells: pa.StringArray, kind: FieldKind) -> pa.StringArray:
    """The cells in one spelling for each value of their field, so that equal cells are equal values. "" = no value;
    what the kind cannot read stays as it is, and so does a number that would have to be rounded."""
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


def _restored(text: pa.StringArray, cells: pa.StringArray, *unread: Mask | None) -> pa.StringArray:
    """The text, with the cells themselves, trimmed, in the rows that could not be read."""
    for mask in unread:
        if mask is not None:
            text = replace_cells(text, mask, trimmed(select(cells, mask)))
    return text
