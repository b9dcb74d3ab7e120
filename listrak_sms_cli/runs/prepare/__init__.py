"""The audience read and checked as a whole, before anything is sent: phones, duplicates, values, guards, rejects.

A new drop reason, guard or warning about the audience belongs here. Nothing here sends.
"""

from __future__ import annotations

from listrak_sms_cli.runs.prepare.ask_listrak import NOT_QUERIED
from listrak_sms_cli.runs.prepare.column_profile import profile_of
from listrak_sms_cli.runs.prepare.guards import nothing_sendable
from listrak_sms_cli.runs.prepare.phone_pass import PhonePass, read_phones
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.stages import Preparation, PreparedAudience
from listrak_sms_cli.runs.prepare.value_pass import Receivers
from listrak_sms_cli.runs.prepare.warnings import (
    delivery_notices,
    earlier_notice,
    lost_notice,
    nothing_left_notice,
    offline_warning,
    state_notice,
)

__all__ = [
    "NOT_QUERIED",
    "PhonePass",
    "PlannedAudience",
    "Preparation",
    "PreparedAudience",
    "Receivers",
    "delivery_notices",
    "earlier_notice",
    "lost_notice",
    "nothing_left_notice",
    "nothing_sendable",
    "offline_warning",
    "profile_of",
    "read_phones",
    "state_notice",
]
