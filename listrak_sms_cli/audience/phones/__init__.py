"""Phones: from cells to E.164 numbers and back to the spelling that Listrak is sent.

libphonenumber is the authority. Change how spellings are read or written here; which members are sent is decided in
`audience`.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.audience.phones.constants import *
    from listrak_sms_cli.audience.phones.explain import *
    from listrak_sms_cli.audience.phones.foreign import *
    from listrak_sms_cli.audience.phones.numbering_plans import *
    from listrak_sms_cli.audience.phones.read import *
    from listrak_sms_cli.audience.phones.tidy import *
    from listrak_sms_cli.audience.phones.write import *

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
