"""What `--changed-only` remembers of an account's members: keyed digests, never values.

It begins with an account's first such push; before that nothing here costs anything. Change here what counts as
unchanged, and when a member is forgotten.
"""

from __future__ import annotations

from listrak_sms_cli.runs.remember.keyed_digests import KEY_BYTES, Key, read_key
from listrak_sms_cli.runs.remember.memory import Memory, Recall, members_of
from listrak_sms_cli.runs.remember.run_digests import FILE_NAME as DIGESTS

__all__ = ["DIGESTS", "KEY_BYTES", "Key", "Memory", "Recall", "members_of", "read_key"]
