"""The connection to Listrak, and what a run needs to know of the account: read once, before anything is prepared."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import SYSTEM_FIELDS, FieldKind, ProfileField
from listrak_sms_cli.audience.phones import region_known
from listrak_sms_cli.errors import AccountError
from listrak_sms_cli.listrak import Credentials, Endpoint, ListedField, ListrakClient, Policy, SenderCode
from listrak_sms_cli.runs.events import Listener, RequestRetried, silent
from listrak_sms_cli.settings import Settings

# The attributes of a contact in Update Contact (Listrak's API description, `SMSContact`), by system field.
ATTRIBUTES = {
    "email address": "emailAddress",
    "first name": "firstName",
    "last name": "lastName",
    "birthday": "birthday",
    "postal code": "postalCode",
}


class Account(Struct, frozen=True):
    """A sender code, the country its phones are written for, the company's profile fields, and the name of the e-mail
    list that the sender code is tied to, "" = none."""

    sender_code: int
    label: str
    country: str
    fields: tuple[ProfileField, ...]
    email_list: str = ""


def connect(settings: Settings, tell: Listener = silent, *, stop: threading.Event | None = None) -> ListrakClient:
    """A client for these settings. Each request that is tried again is reported to `tell`; `stop` interrupts requests.

    Raises SettingsError when credentials are missing or an address is unsafe.
    """
    return ListrakClient(
        Endpoint(settings.api_url, settings.token_url),
        Credentials(*settings.credentials()),
        policy=_policy(settings.give_up_after),
        on_retry=lambda retry: tell(RequestRetried(retry.what, retry.reason, retry.wait)),
        stop=stop,
    )


def _policy(give_up_after: float) -> Policy:
    """With little time for a request the waits are shorter too, so that it is tried more than once."""
    usual = Policy()
    return Policy(
        give_up_after,
        first_wait=min(usual.first_wait, give_up_after / 40),
        longest_wait=min(usual.longest_wait, give_up_after / 10),
    )


def read_account(client: ListrakClient, sender_code: int) -> Account:
    """Read token, sender code and profile fields, in this order. Raises CredentialsRefused, AccountError,
    ListrakUnavailable."""
    client.check_token()
    found = client.sender_code(sender_code)
    country = (found.country or "").upper()
    return Account(sender_code, label_of(found), country, read_fields(client, sender_code), found.email_list)


def read_fields(client: ListrakClient, sender_code: int) -> tuple[ProfileField, ...]:
    """Read the profile fields. Raises ListrakUnavailable."""
    return tuple(map(_profile_field, client.profile_fields(sender_code)))


def label_of(code: SenderCode) -> str:
    """A sender code for people: 1026 (74093, Northwind Outfitters, US)."""
    known = ", ".join(part for part in (code.code, code.merchant_name, code.country.upper()) if part)
    return f"{code.id} ({known})" if known else str(code.id)


def _profile_field(field: ListedField) -> ProfileField:
    """A data type that is new to us is taken as text: Listrak checks it then."""
    known = {kind.value.casefold(): kind for kind in FieldKind}
    kind = known.get(field.data_type.casefold(), FieldKind.TEXT)
    return ProfileField(field.id, field.name, kind, field.max_length, field.active)


def region_of(option: str | None, country: str) -> str:
    """The region (ISO 3166-1 alpha-2) for phones without a country code: that of the option, else the sender code's
    country. Raises AccountError when neither is a region."""
    region = (option or country).upper()
    if not region_known(region):
        raise AccountError(
            f"{region} is not a region." if region else "The sender code does not say its country.",
            hint="Say how phones without a country code are to be read: --region US (ISO 3166-1, two letters).",
            code="unknown_region",
        )
    return region


def with_system_fields(fields: Sequence[ProfileField]) -> tuple[ProfileField, ...]:
    """The account's fields, and the system fields that its listing leaves out (id 0): contact by contact they are sent
    by name. A birthday is a date, whatever the listing says."""
    listed = {plain_name(field.name) for field in fields if field.active}
    unlisted = [name for name in dict.fromkeys(SYSTEM_FIELDS.values()) if plain_name(name) not in listed]
    known = [replace(field, kind=_kind(field.name, field.kind)) for field in fields]
    return (*known, *(ProfileField(0, name, _kind(name, FieldKind.TEXT)) for name in unlisted))


def attribute_of(field_name: str) -> str | None:
    """The attribute that a system field is in Update Contact; None for any other field."""
    return ATTRIBUTES.get(plain_name(field_name))


def plain_name(name: str) -> str:
    """A field's name as names are compared: underscores are blanks, case does not count."""
    return " ".join(name.replace("_", " ").split()).casefold()


def _kind(name: str, kind: FieldKind) -> FieldKind:
    return FieldKind.DATE if attribute_of(name) == "birthday" else kind
