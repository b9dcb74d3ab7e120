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
# Of the words of a name. "accepts sms marketing": Shopify; "tcpa": the law on calls and messages in the United States.
_CONSENT = re.compile(
    r"\b(consent\w*|opt(ed|s)? ?in|(is )?subscribed|subscription status|permission|tcpa|accepts?( \w+)? marketing"
    r"|allows? (sms|texts?|marketing)|(sms|texts?|marketing) (ok|allowed|accepted|marketing|status)"
    r"|(ok|may|can) (to )?(sms|text))\b"
)
# The opposite of consent. "dnc": do not call, or contact; "stop": what a member answers to a message.
_OPT_OUT = re.compile(
    r"\b(opt(ed|s)? ?outs?|unsub(scribed?)?"
    r"|(do not|don t|donot|dont|never) ?(text|contact|message|disturb|call|sms|send)"
    r"|dnc|dnt|no (sms|texts?|messages|marketing|consent)|not (subscribed|consented|opted in)|suppressed"
    r"|sms stop(ped)?|stop(ped)? (sms|texts?))\b"
)
# Consent to another channel, or what else is known of it: when, where, by whom.
_OTHER_CONSENT = re.compile(
    r"\b(e ?mail|newsletter|push|postal|cookies?|whats ?app"
    r"|date|time|timestamp|at|source|method|by|ip|id|url|version)\b"
)
_MOBILE = re.compile(r"(?:mobile|cell|cellular)(?:phone)?(?:no|num|number)?|sms(?:phone)?number|smsphone|msisdn")
# Whose it is, or which of several addresses: what stands before the words that count.
_OWNERS = frozenset("customer contact member client subscriber shopper guest user profile person primary".split())
_ADDRESSES = frozenset("default mailing billing address".split())


def name_parts(name: str) -> list[str]:
    """The words and numbers in a name: `MobilePhone` and `mobile_phone` are two words."""
    return _PARTS.findall(name)


def words_of_name(name: str) -> str:
    """Return the words of a column's name, in lower case: `SMS_OptIn` -> `sms opt in`."""
    return " ".join(name_parts(name)).casefold()


def means_consent(name: str) -> bool:
    """Whether a column of this name looks like consent to messages: `SMS_Opt_In`; not `Email_Consent` or
    `consent_date`."""
    words = words_of_name(name)
    return _CONSENT.search(words) is not None and _OTHER_CONSENT.search(words) is None and not means_opt_out(name)


def means_opt_out(name: str) -> bool:
    """Whether a column of this name looks like the opposite of consent to messages, so that yes there is a no:
    `SMS_Opt_Out`, `DNC`; not `Email_Opt_Out`, `unsubscribed_at` or `opt_in_opt_out`."""
    words = words_of_name(name)
    found = _OPT_OUT.search(words)
    if found is None or _OTHER_CONSENT.search(words):
        return False
    return re.search(r"\bopt(ed|s)? ?in\b", words.replace(found[0], "")) is None


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
