"""Contacts as rows of a pulled file: which fields it has, what its columns are called, what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience import RESERVED_COLUMN, ProfileField
from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.columnar import fixed_column, indices, pc, replace_matches, string_column
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import attribute_of, plain_name, with_system_fields
from listrak_sms_cli.runs.readback.stored_values import file_text, stored_values

_WITH_CODE = r"^\d{11,15}$"  # so many digits begin with a calling code


def readable_fields(account: Sequence[ProfileField]) -> tuple[ProfileField, ...]:
    """The fields whose values a contact has: those that are not disabled, and the system fields, listed or not."""
    disabled = {attribute_of(field.name) for field in account if not field.active}
    fields = with_system_fields(account)
    return tuple(f for f in fields if f.active and (f.id or attribute_of(f.name) not in disabled))


def column_names(fields: Sequence[ProfileField]) -> list[str]:
    """The fields' names; with the id behind them where two would be one column of an audience."""
    taken, names = {"phone", "phone number", plain_name(RESERVED_COLUMN)}, []
    for field in fields:
        name = field.name
        while not plain_name(name) or plain_name(name) in taken:
            name = f"{name or 'field'} {field.id}"
        names.append(name)
        taken.add(plain_name(name))
    return names


def contact_rows(
    contacts: Sequence[Contact], phones: np.ndarray, fields: Sequence[ProfileField], schema: pa.Schema
) -> pa.RecordBatch:
    """Rows of the file: pa.string() without nulls. `phones`: theirs, int64 E.164 digits; one that libphonenumber does
    not take for a phone is kept as Listrak spells it."""
    spelled = write_phones(phones, PhoneFormat.E164)
    if spelled.null_count:
        as_listed = string_column([contact.phone for contact in contacts])
        spelled = pc.coalesce(spelled, replace_matches(as_listed, _WITH_CODE, r"+\0"))
    values = [file_text(stored_values(contacts, field), field.kind) for field in fields]
    opted_out = np.array([contact.opted_out for contact in contacts], np.int64)
    columns = [spelled, *values, fixed_column("false", "true").take(indices(opted_out))]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def contact_keys(phones: np.ndarray, spellings: Sequence[str]) -> np.ndarray:
    """One int64 a contact that tells it from others: its phone, or, where libphonenumber takes Listrak's spelling for
    none, the digits of the spelling below zero."""
    keys = phones.copy()
    for index in np.flatnonzero(phones <= 0).tolist():
        digits = "".join(letter for letter in spellings[index] if letter.isdigit())
        keys[index] = -1 - int(digits or 0) % 10**18
    return keys
