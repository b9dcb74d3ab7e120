"""What Listrak has stored: contacts read back, compared with what was sent, written to a file.

Change here what counts as equal and how contacts are fetched.
"""

from __future__ import annotations

from listrak_sms_cli.runs.readback.compare import (
    Comparison,
)
from listrak_sms_cli.runs.readback.contacts import (
    Contacts,
    Place,
)
from listrak_sms_cli.runs.readback.differences import (
    Difference,
    Differences,
)
from listrak_sms_cli.runs.readback.pulled_rows import (
    column_names,
    fields_of,
    keys_of,
    rows_of,
)
from listrak_sms_cli.runs.readback.resumable_file import (
    Partial,
)
from listrak_sms_cli.runs.readback.sent_values import (
    KeptMembers,
)
from listrak_sms_cli.runs.readback.stored_values import (
    PhoneSet,
)

__all__ = [
    "Comparison",
    "Contacts",
    "Difference",
    "Differences",
    "KeptMembers",
    "Partial",
    "PhoneSet",
    "Place",
    "column_names",
    "fields_of",
    "keys_of",
    "rows_of",
]
