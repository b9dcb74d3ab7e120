"""The record of a run on disk: its folder, lock, journal and the map from rows to import files.

A new journal line belongs here. The record never holds member data or a secret. What a run does with its record is in
`runs/run.py`.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.record.failures import *
    from listrak_sms_cli.runs.record.file_lock import *
    from listrak_sms_cli.runs.record.journal import *
    from listrak_sms_cli.runs.record.learned import *
    from listrak_sms_cli.runs.record.lines import *
    from listrak_sms_cli.runs.record.recipe import *
    from listrak_sms_cli.runs.record.row_map import *
    from listrak_sms_cli.runs.record.state import *
    from listrak_sms_cli.runs.record.store import *
    from listrak_sms_cli.runs.record.unsent_rows import *

__all__, __getattr__ = on_demand(
    __name__,
    failures="Failures",
    file_lock="locked",
    journal="Journal JournalInUse make_folder sync_folder",
    learned="Learned learned_of remember_learned",
    lines="Accepted CanaryRead CanarySkipped ColumnFigures Destination Ended LineOfPart LineOfRun PartLine Prepared "
    "ReadBack Recipe RecipeColumn Refused Seen Sending Split Started Unreached Updated",
    recipe="identity_of plan_of recipe_of rules_of",
    row_map="parts_of_rows write_row_map",
    state="NOT_FOUND UNKNOWN_STATE PartState PartStatus RunState",
    store="RunStore StoredRun fingerprint new_run_id",
    unsent_rows="write_members",
)
