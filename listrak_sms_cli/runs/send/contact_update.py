"""What is sent to Listrak when a contact is updated on its own: the audience's values over what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import ATTRIBUTES, attribute_of
from listrak_sms_cli.runs.record import RecipeColumn


class Merge(Struct, frozen=True):
    """How members become updates. `columns`: those after the phone; `ids`: profile fields an update may name;
    `keep_empty`: an empty cell leaves what is stored, else it empties it."""

    columns: tuple[RecipeColumn, ...]
    ids: frozenset[int]
    keep_empty: bool = False

    def document(self, cells: Sequence[str], contact: Contact) -> dict[str, Any]:
        """`cells`: the phone and the values as they stand in an import file. Nothing of a contact is left out that was
        read, because it is not published whether Listrak then clears it; `optedOut` is never
        sent."""
        read = (contact.email_address, contact.first_name, contact.last_name, contact.birthday, contact.postal_code)
        attributes: dict[str, str | None] = {
            name: text for name, text in zip(ATTRIBUTES.values(), read, strict=True) if text
        }
        values = {key: text for key, text in contact.values.items() if key in self.ids and text}
        for column, text in zip(self.columns, cells[1:], strict=True):
            if not text and self.keep_empty:
                continue
            attribute = attribute_of(column.field_name)
            if attribute is None:
                values[column.field_id] = text
            else:
                attributes[attribute] = _moment(text) if attribute == "birthday" else text
        listed = [{"segmentationFieldId": key, "value": text} for key, text in values.items()]
        return {"phoneNumber": cells[0], **attributes, "segmentationFieldValues": listed}


def _moment(text: str) -> str | None:
    """`MM/DD/YYYY` as the date and time that Listrak's description asks for; None for no birthday."""
    if not text:
        return None
    month, day, year = text.split("/")
    return f"{year}-{month}-{day}T00:00:00"
