"""What Listrak has stored: contacts read back, compared with what was sent, written to a file.

Change here what counts as equal and how contacts are fetched.
"""

from __future__ import annotations

from listrak_sms_cli.runs.readback.contacts import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts, Listing
from listrak_sms_cli.runs.readback.differences import Difference, DifferenceList
from listrak_sms_cli.runs.readback.phone_set import PhoneSet
from listrak_sms_cli.runs.readback.pulled_rows import column_names, contact_keys, contact_rows, readable_fields
from listrak_sms_cli.runs.readback.resumable_file import ResumableFile
from listrak_sms_cli.runs.readback.sent_values import SentValues
from listrak_sms_cli.runs.readback.verification import Verifier, after_push, members_differ

__all__ = [
    "ASK_EACH",
    "CONFIRM_ALL",
    "SAMPLE",
    "Contacts",
    "Difference",
    "DifferenceList",
    "Listing",
    "PhoneSet",
    "ResumableFile",
    "SentValues",
    "Verifier",
    "after_push",
    "column_names",
    "contact_keys",
    "contact_rows",
    "members_differ",
    "readable_fields",
]
