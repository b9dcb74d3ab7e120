"""Phones: from cells to E.164 numbers and back to the spelling that Listrak is sent.

libphonenumber is the authority. Change how spellings are read or written here; which members are sent is decided in
`audience`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.phones.constants import INVALID, MISSING
    from listrak_sms_cli.audience.phones.explain import explain_phones
    from listrak_sms_cli.audience.phones.foreign import count_by_country, foreign_phones, rows_read_at_home
    from listrak_sms_cli.audience.phones.numbering_plans import has_other_calling_code, region_known
    from listrak_sms_cli.audience.phones.read import read_listed, read_phones
    from listrak_sms_cli.audience.phones.tidy import EXPONENT
    from listrak_sms_cli.audience.phones.write import PhoneFormat, write_phones

__all__, __getattr__ = on_demand(
    __name__,
    constants="INVALID MISSING",
    explain="explain_phones",
    foreign="count_by_country foreign_phones rows_read_at_home",
    numbering_plans="has_other_calling_code region_known",
    read="read_listed read_phones",
    tidy="EXPONENT",
    write="PhoneFormat write_phones",
)
