"""What Listrak has stored: contacts read back, compared with what was sent, written to a file.

Change here what counts as equal and how contacts are fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.readback.contacts import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts, Listing
    from listrak_sms_cli.runs.readback.differences import Difference, DifferenceList
    from listrak_sms_cli.runs.readback.phone_set import PhoneSet
    from listrak_sms_cli.runs.readback.pulled_rows import column_names, contact_keys, contact_rows, readable_fields
    from listrak_sms_cli.runs.readback.resumable_file import ResumableFile
    from listrak_sms_cli.runs.readback.sent_values import SentValues
    from listrak_sms_cli.runs.readback.verification import Verifier, after_push, members_differ

__all__, __getattr__ = on_demand(
    __name__,
    contacts="ASK_EACH CONFIRM_ALL SAMPLE Contacts Listing",
    differences="Difference DifferenceList",
    phone_set="PhoneSet",
    pulled_rows="column_names contact_keys contact_rows readable_fields",
    resumable_file="ResumableFile",
    sent_values="SentValues",
    verification="Verifier after_push members_differ",
)
