"""Contacts as rows of a pulled file: which fields they have, how its columns are called, what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.audience import RESERVED_COLUMN, ProfileField
from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.columnar import fixed_column, indices, replace_matches, string_column
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import attribute_of, with_system_fields
from listrak_sms_cli.runs.readback.stored_values import stored_values, written

_WITH_CODE = r"^\d{11,15}$"  # so many digits begin with a calling code


def fields_of(account: Sequence[ProfileField]) -> tuple[ProfileField, ...]:
    """The fields whose values a contact has: those that are not disabled, and the system fields, listed or not."""
    disabled = {attribute_of(one.name) for one in account if not one.active}
    every = with_system_fields(account)
    return tuple(one for one in every if one.active and (one.id or attribute_of(one.name) not in disabled))


def column_names(fields: Sequence[ProfileField]) -> list[str]:
    """The fields' names; with the id behind them where two would be one column of an audience."""
    taken, names = {"phone", "phone number", RESERVED_COLUMN.replace("_", " ")}, []
    for one in fields:
        name = one.name
        while not _key(name) or _key(name) in taken:
            name = f"{name or 'field'} {one.id}"
        names.append(name)
        taken.add(_key(name))
    return names


def rows_of(
    contacts: Sequence[Contact], numbers: np.ndarray, fields: Sequence[ProfileField], schema: pa.Schema
) -> pa.RecordBatch:
    """Rows of the file: pa.string() without nulls. `numbers`: the phones, int64; one that libphonenumber does not take
    for a phone is kept as Listrak spells it."""
    phones = write_phones(numbers, PhoneFormat.E164)
    if phones.null_count:
        spelled = string_column([contact.phone for contact in contacts])
        phones = pc.coalesce(phones, replace_matches(spelled, _WITH_CODE, r"+\0"))
    values = [written(stored_values(contacts, one), one.kind) for one in fields]
    out = np.array([contact.opted_out for contact in contacts], np.int64)
    return pa.RecordBatch.from_arrays(
        [phones, *values, fixed_column("false", "true").take(indices(out))], schema=schema
    )


def keys_of(numbers: np.ndarray, spellings: Sequence[str]) -> np.ndarray:
    """One int64 a contact: its phone, or, for what libphonenumber takes for none, its digits below zero."""
    keys = numbers.copy()
    for place in np.flatnonzero(numbers <= 0).tolist():
        digits = "".join(letter for letter in spellings[place] if letter.isdigit())
        keys[place] = -1 - int(digits or 0) % 10**18
    return keys


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()
