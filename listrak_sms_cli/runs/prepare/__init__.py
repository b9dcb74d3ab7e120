"""The audience read and checked as a whole, before anything is sent: phones, duplicates, values, guards, rejects.

A new drop reason, guard or warning about the audience belongs here. Nothing here sends.
"""

from __future__ import annotations

from listrak_sms_cli.runs.prepare.column_profile import (
    profile_of,
)
from listrak_sms_cli.runs.prepare.guards import (
    nothing_sendable,
)
from listrak_sms_cli.runs.prepare.phone_pass import (
    Members,
)
from listrak_sms_cli.runs.prepare.stages import (
    Preparation,
)
from listrak_sms_cli.runs.prepare.two_passes import (
    NOT_ASKED,
    Job,
    check_members,
    read_members,
)
from listrak_sms_cli.runs.prepare.warnings import (
    delivery_notices,
    earlier_notice,
    lone_notices,
    lost_notice,
    nothing_left_notice,
    offline_notice,
    state_notice,
)

__all__ = [
    "NOT_ASKED",
    "Job",
    "Members",
    "Preparation",
    "check_members",
    "delivery_notices",
    "earlier_notice",
    "lone_notices",
    "lost_notice",
    "nothing_left_notice",
    "nothing_sendable",
    "offline_notice",
    "profile_of",
    "read_members",
    "state_notice",
]
