"""The record of a run on disk: its folder, lock, journal and the map from rows to import files.

A new journal line belongs here. The record never holds member data or a secret.
"""

from __future__ import annotations

from listrak_sms_cli.runs.record.journal import (
    FILE_NAME,
    Accepted,
    Ended,
    FieldOf,
    Journal,
    PartLine,
    PartState,
    PartStatus,
    Prepared,
    Recipe,
    Refused,
    RunState,
    Seen,
    Sending,
    Split,
    Started,
    Unreached,
    Updated,
    new_run_id,
    read_journal,
)
from listrak_sms_cli.runs.record.lines import (
    Destination,
)
from listrak_sms_cli.runs.record.row_map import (
    read_assignment,
    write_assignment,
)
from listrak_sms_cli.runs.record.store import (
    Store,
    StoredRun,
    fingerprint,
)
from listrak_sms_cli.runs.record.unsent_rows import (
    write_members,
)

__all__ = [
    "FILE_NAME",
    "Accepted",
    "Destination",
    "Ended",
    "FieldOf",
    "Journal",
    "PartLine",
    "PartState",
    "PartStatus",
    "Prepared",
    "Recipe",
    "Refused",
    "RunState",
    "Seen",
    "Sending",
    "Split",
    "Started",
    "Store",
    "StoredRun",
    "Unreached",
    "Updated",
    "fingerprint",
    "new_run_id",
    "read_assignment",
    "read_journal",
    "write_assignment",
    "write_members",
]
