"""Listrak's answers as typed values.

Unknown keys are ignored, missing ones have defaults: adding fields is not a breaking change for Listrak (its API
description, "Versioning").
"""

from __future__ import annotations

import threading
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Struct

Item = TypeVar("Item")

_DISABLED_WORDS = ("disab", "inactive", "purge", "delete")  # the words of statusFlag are not published

# How an import ends is not published either. `endDate`, or one of these words, means that it has ended; a word that
# contains one of _BAD_WORDS, that it ended badly. The words are those of Listrak's old SOAP API and plain English.
_ENDINGS = frozenset(
    {"complete", "completed", "processingcompleted", "processingfailed", "failed", "error", "cancelled", "canceled"}
    | {"rejected", "finished", "success", "succeeded", "done", "imported", "processed"}
)
_BAD_WORDS = ("fail", "error", "cancel", "reject")


class SenderCode(Struct, frozen=True):
    """A sender code. `id` is Listrak's `shortCodeId`; `country` ISO 3166-1 alpha-2, "" when Listrak gives none;
    `email_list`: the name of the e-mail list it is tied to, "" = none."""

    id: int
    code: str
    country: str
    merchant_name: str
    email_list: str = ""


class ListedField(Struct, frozen=True):
    """A profile field as Listrak lists it. `data_type`: Text, Number, Checkbox or Date; `max_length`: characters,
    None = no limit."""

    id: int
    name: str
    data_type: str
    max_length: int | None
    status_flag: str

    @property
    def active(self) -> bool:
        """Whether values of the field can be updated."""
        return not any(word in self.status_flag.casefold() for word in _DISABLED_WORDS)


class AcceptedImport(Struct, frozen=True):
    """An import file that Listrak accepted (201). `maybe_repeated`: an earlier try may have arrived as well."""

    import_file_id: str
    maybe_repeated: bool = False


class ImportStatus(Struct, frozen=True):
    """The state of an import. `status` is Listrak's own word."""

    import_file_id: str
    status: str
    end_date: str | None

    @property
    def ended(self) -> bool:
        """Whether Listrak has finished with it."""
        return self.end_date is not None or _plain(self.status) in _ENDINGS

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.ended and any(word in _plain(self.status) for word in _BAD_WORDS)

    @property
    def new_word(self) -> bool:
        """Whether it ended with a word we do not know."""
        return self.ended and not self.failed and _plain(self.status) not in _ENDINGS


class Contact(Struct, frozen=True):
    """A contact. `birthday` as Listrak writes it (ISO date and time); `values` by profile field id."""

    phone: str
    email_address: str | None
    first_name: str | None
    last_name: str | None
    birthday: str | None
    postal_code: str | None
    opted_out: bool
    values: dict[int, str | None]


class PhoneList(Struct, frozen=True):
    """A phone list of a sender code."""

    id: int
    name: str


class Page(Struct, Generic[Item], frozen=True):
    """One page of a collection; `next_cursor` None = the last."""

    items: list[Item]
    next_cursor: str | None


def _moment(text: str | None) -> str | None:
    """A date and time; None for none, which .NET may also write as a date in the year 1."""
    return None if not text or text.startswith("0001-") else text


def _plain(word: str) -> str:
    return "".join(word.split()).casefold()


class UnreadableError(Exception):
    """An answer that is not of the shape it should be."""


class Wire(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Base of the answers' shapes: keys in camelCase, unknown ones ignored."""


class SenderCodeWire(Wire, frozen=True):
    """A sender code as Listrak writes it."""

    short_code_id: int
    code: str | None = None
    country: str | None = None
    merchant_name: str | None = None
    email_list_id: int | None = None
    email_list_name: str | None = None

    def value(self) -> SenderCode:
        """The value for other rooms."""
        email_list = (self.email_list_name or f"number {self.email_list_id}") if self.email_list_id else ""
        return SenderCode(self.short_code_id, self.code or "", self.country or "", self.merchant_name or "", email_list)


class FieldWire(Wire, frozen=True):
    """A profile field as Listrak writes it."""

    segmentation_field_id: int
    segmentation_field_name: str | None = None
    data_type: str | None = None
    max_length: int | None = None
    status_flag: str | None = None

    def value(self) -> ListedField:
        """The value for other rooms."""
        return ListedField(
            self.segmentation_field_id,
            self.segmentation_field_name or "",
            self.data_type or "Text",
            self.max_length if (self.max_length or 0) > 0 else None,
            self.status_flag or "",
        )


class ImportWire(Wire, frozen=True):
    """An import as Listrak writes it."""

    import_file_id: int | str | None = None
    end_date: str | None = None
    status: str | None = None

    def value(self, import_file_id: str) -> ImportStatus:
        """The value for other rooms."""
        return ImportStatus(import_file_id, self.status or "", _moment(self.end_date))


class FieldValueWire(Wire, frozen=True):
    """The value of a contact in a profile field."""

    segmentation_field_id: int
    value: str | None = None


class ContactWire(Wire, frozen=True):
    """A contact as Listrak writes it, in the order of Contact."""

    phone_number: str
    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birthday: str | None = None
    postal_code: str | None = None
    opted_out: bool = False
    segmentation_field_values: list[FieldValueWire] | None = None

    def value(self) -> Contact:
        """The value for other rooms."""
        *attributes, listed = msgspec.structs.astuple(self)
        attributes.append({each.segmentation_field_id: each.value for each in listed or ()})
        return Contact(*attributes)


class PhoneListWire(Wire, frozen=True):
    """A phone list as Listrak writes it."""

    phone_list_id: int
    phone_list_name: str | None = None

    def value(self) -> PhoneList:
        """The value for other rooms."""
        return PhoneList(self.phone_list_id, self.phone_list_name or "")


class OptOutWire(Wire, frozen=True):
    """A phone of the opt-out list."""

    phone_number: str

    def value(self) -> str:
        """The value for other rooms."""
        return self.phone_number


class Resource(Wire, Generic[Item], frozen=True):
    """The envelope of a single thing."""

    data: Item


class Collection(Wire, Generic[Item], frozen=True):
    """The envelope of a page; `next_page_cursor`: an address, a cursor, or nothing."""

    data: list[Item]
    next_page_cursor: str | None = None


class Created(Wire, frozen=True):
    """The answer to a request that created something; it may have no id."""

    resource_id: str | int | None


class ErrorWire(Wire, frozen=True):
    """An error; `error` is a code of the registry in the API description."""

    error: str = ""
    message: str = ""


class TokenWire(msgspec.Struct, frozen=True):
    """The token endpoint's answer; `expires_in`: seconds."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]+\Z")]  # what a header can carry
    expires_in: float | str | None = None


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_making = threading.Lock()


def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    # One at a time: msgspec 0.22 crashes the process when two threads make decoders of a shape at the same moment.
    with _making:
        if shape not in _decoders:
            _decoders[shape] = msgspec.json.Decoder(shape, strict=False)
        return _decoders[shape]


def decode(shape: Any, body: bytes) -> Any:
    """The body as a value of `shape`. Raises UnreadableError when it is none (truncated, HTML, another shape).

    A number written as text is read too: Listrak's answers differ from its API description in such things.
    """
    try:
        return _decoder(shape).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Not chained: msgspec's message may quote what it read.
        raise UnreadableError from None
