"""What `--changed-only` remembers of an account's members: keyed digests, never values.

Change here what counts as unchanged, and when a member is forgotten.
"""

from __future__ import annotations

from listrak_sms_cli.runs.remember.memory import (
    Memory,
    Recall,
    members_of,
)
from listrak_sms_cli.runs.remember.run_digests import (
    FILE_NAME,
)
from listrak_sms_cli.runs.remember.strikes import (
    Members,
)

__all__ = [
    "FILE_NAME",
    "Members",
    "Memory",
    "Recall",
    "members_of",
]
