"""The profile fields of the sandbox of `lsms push --sandbox`: as few as let the push fail where a real one would."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from msgspec.structs import replace

from listrak_sms_cli.audience import (
    SYSTEM_FIELDS,
    ColumnChoices,
    FieldKind,
    ProfileField,
    column_key,
    unmatched_columns,
)


def rehearsed_fields(
    columns: Sequence[str], known: Sequence[ProfileField], choices: ColumnChoices, *, whole: bool
) -> tuple[ProfileField, ...]:
    """The system fields, those of a file, and one for each column that nothing maps, or that `--map` names as a field.

    `known`: the fields the sandbox began with; `whole`: they are those of a file, and all are wanted. Of its own
    invented ones only those stay that a column of the audience has the name of: they have a type.
    """
    system = {column_key(name): name for name in SYSTEM_FIELDS.values()}
    named = {column_key(column) for column in columns}
    wanted = system.keys() | named
    fields = [field for field in known if whole or (field.active and column_key(field.name) in wanted)]
    there = {column_key(field.name) for field in fields}
    kinds = {"birthday": FieldKind.DATE}
    missing = [
        ProfileField(0, name, kinds.get(key, FieldKind.TEXT)) for key, name in system.items() if key not in there
    ]
    invented = unmatched_columns(columns, [*fields, *missing], choices)
    invented += [target for target in choices.mapping.values() if column_key(target) in named]
    new = {
        column_key(name): ProfileField(0, name, FieldKind.TEXT) for name in invented if column_key(name) not in there
    }
    first_id = max((field.id for field in known), default=0) + 1
    added = [replace(field, id=first_id + place) for place, field in enumerate([*missing, *new.values()])]
    return (*fields, *added)


def own_names(fields: Sequence[ProfileField]) -> list[str]:
    """The names of those that are no system fields: an account has them only when somebody created them."""
    system = {column_key(name) for name in SYSTEM_FIELDS.values()}
    return [field.name for field in fields if column_key(field.name) not in system]


def as_csv(fields: Sequence[ProfileField]) -> str:
    """A fields file of the sandbox."""
    text = io.StringIO()
    rows = [(f.id, f.name, f.kind.value, f.max_length or "", "Active" if f.active else "Disabled") for f in fields]
    csv.writer(text).writerows([("id", "name", "type", "max_length", "status"), *rows])
    return text.getvalue()
