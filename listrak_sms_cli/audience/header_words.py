"""Ordinary names of columns: which system field of Listrak, or a mobile phone, each means.

Taken from the exports of Shopify, Klaviyo, Salesforce, Square, Meta, Mailchimp, HubSpot, Magento and WooCommerce. A
name is compared by its letters and digits alone: `E-mail`, `eMail` and `E_MAIL` are one. A word belongs here only when
it means just one thing: `Name`, `Mail`, `SMS` do not, nor does a home, work or fax phone, which is not a mobile one.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")  # of a name, also of one like MobilePhone

_MEANINGS = {
    "Email Address": "email emailaddress emailaddr eaddress",
    "First Name": "first firstname fname fn given givenname forename",
    "Last Name": "last lastname lname ln surname familyname",
    "Birthday": "birthday birthdate dateofbirth birthdaydate dob bday",
    "Postal Code": "zip zipcode zip5 zippostal zippostalcode ziporpostalcode postal postalcode postcode",
}
_SYSTEM_FIELDS = {word: field for field, words in _MEANINGS.items() for word in words.split()}
_MOBILE = re.compile(r"(?:mobile|cell|cellular)(?:phone)?(?:no|num|number)?|sms(?:phone)?number|smsphone|msisdn")
# Whose it is, or which of several addresses: what stands before the words that count.
_OWNERS = frozenset("customer contact member client subscriber shopper guest user profile person primary".split())
_ADDRESSES = frozenset("default mailing billing address".split())


def name_parts(name: str) -> list[str]:
    """The words and numbers in a name: `MobilePhone` and `mobile_phone` are two words."""
    return _PARTS.findall(name)


def system_field_meant(name: str) -> str | None:
    """The system field that a column of this name holds, None for any other name."""
    return _SYSTEM_FIELDS.get(_core(name, _OWNERS | _ADDRESSES))


def means_mobile_phone(name: str) -> bool:
    """Whether a column of this name holds a phone that gets messages: `Cell`, `Mobile Phone`; not `Home Phone`. Also
    `PhoneNumber`, which `phone_number` is in other programs."""
    return "".join(name_parts(name)).casefold() == "phonenumber" or _MOBILE.fullmatch(_core(name, _OWNERS)) is not None


def _core(name: str, owners: frozenset[str]) -> str:
    parts = [part.casefold() for part in name_parts(name)]
    while len(parts) > 1 and parts[0] in owners:
        del parts[0]
    return "".join(parts)
