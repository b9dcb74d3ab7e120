"""From the header of an audience to a ColumnPlan: which column is the phone, and which profile field each
other column goes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FieldKind(Enum):
    """The four data types a Listrak profile field can have (`dataType` in Listrak's API description)."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"
    CHECKBOX = "Checkbox"


@dataclass(frozen=True)
class ProfileField:
    """A profile field as the audience side needs it. `max_length` counts characters, None = no limit."""

    id: int
    name: str
    kind: FieldKind
    max_length: int | None = None
    active: bool = True
