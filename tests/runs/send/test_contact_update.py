"""What an update of one contact says: the audience's values over what was read, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience import FieldKind, ProfileField
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.account import with_system_fields
from listrak_sms_cli.runs.record import RecipeColumn
from listrak_sms_cli.runs.send.contact_update import Merge

COLUMNS = (
    RecipeColumn(1, "email", 0, "Email Address", "Text", None),
    RecipeColumn(2, "first", 2, "first_name", "Text", None),
    RecipeColumn(3, "tier", 7, "Loyalty Tier", "Text", None),
)
CONTACT = Contact(
    "12125550100", "old@example.com", None, "Lee", "1990-01-02T00:00:00", "", True, {2: "x", 7: "y", 8: "z"}
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=5)


def test_what_the_audience_does_not_name_goes_back_as_it_was_read() -> None:
    """Attributes and values that were read are in the update; empty ones, and fields it may not name, are not."""
    document = Merge(COLUMNS, frozenset({7, 8})).document(("12125550100", "new@example.com", "Ann", "Gold"), CONTACT)
    assert document == {
        "phoneNumber": "12125550100",
        "emailAddress": "new@example.com",
        "firstName": "Ann",
        "lastName": "Lee",
        "birthday": "1990-01-02T00:00:00",
        "segmentationFieldValues": [
            {"segmentationFieldId": 7, "value": "Gold"},
            {"segmentationFieldId": 8, "value": "z"},
        ],
    }


@given(cells=st.tuples(texts, texts, texts), stored=st.dictionaries(st.integers(1, 9), texts), keep=st.booleans())
def test_every_value_is_the_audiences_or_the_stored_one(
    cells: tuple[str, str, str], stored: dict[int, str | None], keep: bool
) -> None:
    """The audience's value wins unless it is empty and empty cells are kept; no other value changes; `optedOut` never
    travels."""
    contact = Contact("1", "e", "f", "l", None, "p", False, stored)
    document = Merge(COLUMNS, frozenset(range(3, 10)), keep).document(("1", *cells), contact)
    said = [new if new or not keep else old for new, old in zip(cells, ("e", "f", stored.get(7) or ""), strict=True)]
    values = {one["segmentationFieldId"]: one["value"] for one in document["segmentationFieldValues"]}
    assert (document["emailAddress"], document["firstName"], values.pop(7, "")) == tuple(said)
    assert values == {key: text for key, text in stored.items() if key >= 3 and key != 7 and text}
    assert (document["lastName"], document["postalCode"]) == ("l", "p")
    assert "optedOut" not in document


def test_a_birthday_is_a_date_and_time_or_none() -> None:
    """A birthday of an import file goes as the date and time of Listrak's description, an empty one as null."""
    merge = Merge((RecipeColumn(1, "birthdate", 0, "Birthday", "Date", None),), frozenset())
    assert merge.document(("1", "12/31/1999"), CONTACT)["birthday"] == "1999-12-31T00:00:00"
    assert merge.document(("1", ""), CONTACT)["birthday"] is None


def test_system_fields_the_listing_leaves_out_are_added_once() -> None:
    """Each system field is there once, listed or not; a listed one keeps its id; a birthday is a date."""
    listed = [
        ProfileField(7, "Tier", FieldKind.TEXT),
        ProfileField(3, "birthday", FieldKind.TEXT),
        ProfileField(1, "Email Address", FieldKind.TEXT, 50),
    ]
    fields = {field.name.casefold(): (field.id, field.kind, field.max_length) for field in with_system_fields(listed)}
    assert fields == {
        "tier": (7, FieldKind.TEXT, None),
        "birthday": (3, FieldKind.DATE, None),
        "email address": (1, FieldKind.TEXT, 50),
        "first name": (0, FieldKind.TEXT, None),
        "last name": (0, FieldKind.TEXT, None),
        "postal code": (0, FieldKind.TEXT, None),
    }
    assert len(with_system_fields(listed)) == 6
