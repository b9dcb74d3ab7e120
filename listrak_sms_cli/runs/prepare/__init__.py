"""The audience read and checked as a whole, before anything is sent: phones, duplicates, values, guards, rejects.

A new drop reason, guard or warning about the audience belongs here. Nothing here sends.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.prepare.ask_listrak import *
    from listrak_sms_cli.runs.prepare.column_profile import *
    from listrak_sms_cli.runs.prepare.draw_canary import *
    from listrak_sms_cli.runs.prepare.drift import *
    from listrak_sms_cli.runs.prepare.guards import *
    from listrak_sms_cli.runs.prepare.part import *
    from listrak_sms_cli.runs.prepare.phone_pass import *
    from listrak_sms_cli.runs.prepare.planned import *
    from listrak_sms_cli.runs.prepare.remote import *
    from listrak_sms_cli.runs.prepare.stages import *
    from listrak_sms_cli.runs.prepare.value_pass import *
    from listrak_sms_cli.runs.prepare.warnings import *

__all__, __getattr__ = on_demand(
    __name__,
    ask_listrak="LookedUp",
    column_profile="profile_of",
    draw_canary="CanaryDraw",
    drift="Sampling",
    guards="no_canary nothing_sendable",
    phone_pass="PhonePass read_phones",
    part="PartCounts PartRules check_part",
    planned="PlannedAudience find_phone_of",
    remote="RemotePreparation",
    stages="Preparation PreparedAudience",
    value_pass="Receivers",
    warnings="delivery_notices earlier_notice guess_notes lost_notice nothing_left_notice nothing_to_prove "
    "offline_warning state_notice unknown_run_notice",
)
