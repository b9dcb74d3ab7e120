"""Which audiences failed at their last push, for those who are told when it works again: an empty file each."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from listrak_sms_cli.runs.record.journal import make_folder


class Failures:
    """The audiences of a state folder. What cannot be written is not remembered: then nobody is told of a recovery."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "failures"

    def note(self, audience: str, sender_code: str) -> None:
        """The push of this audience failed. `sender_code`: "" where it is not known."""
        with suppress(OSError):
            make_folder(self._folder)
            self._file(audience, sender_code).touch(0o600)

    def forget(self, audience: str, sender_code: str) -> bool:
        """It ended well: whether it had failed before, also before its sender code was known."""
        failed = False
        for code in {sender_code, ""}:
            with suppress(OSError):
                self._file(audience, code).unlink()
                failed = True
        return failed

    def _file(self, audience: str, sender_code: str) -> Path:
        name = f"{sender_code}\0{audience}".encode(errors="surrogateescape")
        return self._folder / hashlib.sha256(name).hexdigest()[:32]
