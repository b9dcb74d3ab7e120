"""What a run needs to know of the account, read once before anything is prepared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import SYSTEM_FIELDS, FieldKind, ProfileField
from listrak_sms_cli.audience.phones import region_known
from listrak_sms_cli.errors import AccountError
from listrak_sms_cli.listrak import Credentials, Endpoint, ListrakClient, Policy, Retry
from listrak_sms_cli.listrak import ProfileField as ListedField
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.version import VERSION


class Account(Struct, frozen=True):
    """A sender code, the country its phones are written for, and the company's profile fields."""

    sender_code: int
    label: str
    country: str
    fields: tuple[ProfileField, ...]


def connect(
    settings: Settings,
    *,
    on_retry: Callable[[Retry], None] = lambda _retry: None,
    stop: threading.Event | None = None,
) -> ListrakClient:
    """A client for these settings. Raises SettingsError when credentials are missing or an address is unsafe."""
    credentials = Credentials(*settings.credentials())
    endpoint = Endpoint(settings.api_url, settings.token_url)
    return ListrakClient(
        endpoint,
        credentials,
        policy=_paced(settings.give_up_after),
        on_retry=on_retry,
        stop=stop,
        user_agent=f"lsms/{VERSION}",
    )


def _paced(give_up_after: float) -> Policy:
    """Who gives a request little time wants it tried at a matching pace, not once."""
    usual = Policy()
    return Policy(
        give_up_after,
        first_wait=min(usual.first_wait, give_up_after / 40),
        longest_wait=min(usual.longest_wait, give_up_after / 10),
    )


def read_account(client: ListrakClient, sender_code: int) -> Account:
    """Token, sender code, profile fields, in this order. Raises CredentialsRefused, AccountError,
    ListrakUnavailable."""
    client.check_token()
    found = client.sender_code(sender_code)
    country = (found.country or "").upper()
    name = f"{sender_code} ({', '.join(part for part in (found.code, found.merchant_name, country) if part)})"
    fields = tuple(as_field(field) for field in client.profile_fields(sender_code))
    return Account(sender_code, name, country, fields)


def as_field(field: ListedField) -> ProfileField:
    """A data type that is new to us is taken as text: Listrak checks it then."""
    known = {kind.value.casefold(): kind for kind in FieldKind}
    kind = known.get(field.data_type.casefold(), FieldKind.TEXT)
    return ProfileField(field.id, field.name, kind, field.max_length, field.active)


def region_of(asked: str | None, country: str) -> str:
    """The region phones without a country code are read for. Raises AccountError when nobody says which."""
    region = (asked or country).upper()
    if not region_known(region):
        raise AccountError(
            f"{region} is not a region." if region else "The sender code does not say its country.",
            hint="Say how phones without a country code are to be read: --region US (ISO 3166-1, two letters).",
            code="unknown_region",
        )
    return region


# The attributes of a contact in Update Contact (Listrak's API description, `SMSContact`), by system field.
ATTRIBUTES = {
    "email address": "emailAddress",
    "first name": "firstName",
    "last name": "lastName",
    "birthday": "birthday",
    "postal code": "postalCode",
}


def with_system_fields(fields: Sequence[ProfileField]) -> tuple[ProfileField, ...]:
    """The account's fields, and those system fields that its listing leaves out (id 0): contact by contact they travel
    by name. A birthday is a date, whatever the listing says."""
    listed = {_plain(field.name) for field in fields if field.active}
    unlisted = [name for name in dict.fromkeys(SYSTEM_FIELDS.values()) if _plain(name) not in listed]
    known = [replace(field, kind=_kind(field.name, field.kind)) for field in fields]
    return (*known, *(ProfileField(0, name, _kind(name, FieldKind.TEXT)) for name in unlisted))


def attribute_of(field_name: str) -> str | None:
    """The attribute that a system field is in Update Contact; None for any other field."""
    return ATTRIBUTES.get(_plain(field_name))


def _kind(name: str, kind: FieldKind) -> FieldKind:
    return FieldKind.DATE if attribute_of(name) == "birthday" else kind


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()
