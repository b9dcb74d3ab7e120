"""Phones: from cells to E.164 numbers and back to the spelling that Listrak is sent.

libphonenumber is the authority. Change how spellings are read or written here; which members are sent is decided in
`audience`.
"""

from __future__ import annotations

from listrak_sms_cli.audience.phones.library import (
    EXPONENT,
)
from listrak_sms_cli.audience.phones.read import (
    INVALID,
    MISSING,
    PhoneFormat,
    are_few,
    explain_phones,
    foreign,
    read_few,
    read_listed,
    read_phones,
    region_known,
    write_phones,
)

__all__ = [
    "EXPONENT",
    "INVALID",
    "MISSING",
    "PhoneFormat",
    "are_few",
    "explain_phones",
    "foreign",
    "read_few",
    "read_listed",
    "read_phones",
    "region_known",
    "write_phones",
]
