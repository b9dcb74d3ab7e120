"""The record of a run on disk: its folder, lock, journal and the map from rows to import files.

A new journal line belongs here. The record never holds member data or a secret. What a run does with its record is in
`runs/run.py`.
"""

from __future__ import annotations

from listrak_sms_cli.runs.record.journal import Journal, JournalInUse, sync_folder
from listrak_sms_cli.runs.record.lines import (
    Accepted,
    Destination,
    Ended,
    LineOfPart,
    PartLine,
    Prepared,
    RecipeColumn,
    Refused,
    Seen,
    Sending,
    Split,
    Started,
    Unreached,
    Updated,
)
from listrak_sms_cli.runs.record.recipe import identity_of, plan_of, recipe_of, rules_of
from listrak_sms_cli.runs.record.row_map import parts_of_rows, write_row_map
from listrak_sms_cli.runs.record.state import PartState, PartStatus, RunState
from listrak_sms_cli.runs.record.store import RunStore, StoredRun, fingerprint, new_run_id
from listrak_sms_cli.runs.record.unsent_rows import write_members

__all__ = [
    "Accepted",
    "Destination",
    "Ended",
    "Journal",
    "JournalInUse",
    "LineOfPart",
    "PartLine",
    "PartState",
    "PartStatus",
    "Prepared",
    "RecipeColumn",
    "Refused",
    "RunState",
    "RunStore",
    "Seen",
    "Sending",
    "Split",
    "Started",
    "StoredRun",
    "Unreached",
    "Updated",
    "fingerprint",
    "identity_of",
    "new_run_id",
    "parts_of_rows",
    "plan_of",
    "recipe_of",
    "rules_of",
    "sync_folder",
    "write_members",
    "write_row_map",
]
