"""The log file: a line for each event, as text or JSON. Events hold counts, names and states, no member data."""

from __future__ import annotations

import errno
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from msgspec import to_builtins

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs import Event, MembersCounted, MembersSent, PhaseAdvanced


class LogFile:
    """Appends events to `path` (created with mode 0600), without progress inside a phase. `form`: "json" or "text". A
    full disk, or a pipe that nobody reads (any more), does not stop the run: it is reported once, on standard error,
    and nothing more is logged."""

    def __init__(self, path: Path, form: str, audience: str | None = None) -> None:
        """Raises UsageError when it cannot be opened, or is the audience itself."""
        if audience is not None and _are_one(path, audience):
            raise UsageError(f"--log-file {path} is the audience itself.", hint="Name another file.", code="log_file")
        try:
            # Not blocking: a pipe without a reader would be waited for, for ever.
            self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
        except OSError as error:
            nobody = error.errno == errno.ENXIO
            raise UsageError(
                f"--log-file {path} {'is a pipe that nobody reads' if nobody else 'cannot be written'}.",
                hint="Start its reader first, or name a file." if nobody else "Name a file in a folder that exists.",
                code="log_file",
            ) from None
        self._path = path
        self._json = form == "json"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if error is not None:
            code = getattr(error, "code", type(error).__name__)
            self._write("Ended", {"code": code, "message": getattr(error, "message", "")})
        self._close()

    def __call__(self, event: Event) -> None:
        """Write the event's line."""
        if not isinstance(event, PhaseAdvanced | MembersCounted | MembersSent):
            self._write(type(event).__name__, to_builtins(event))

    def _write(self, name: str, facts: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if self._json:
            line = json.dumps({"at": now, "event": name, **facts}, ensure_ascii=False)
        else:
            line = f"{now} {name} " + " ".join(f"{key}={json.dumps(value)}" for key, value in facts.items())
        if self._file is not None:
            try:
                os.write(self._file, f"{line}\n".encode())
            except OSError:
                self._close()
                why = "is the disk full, or does nobody read the pipe?"
                sys.stderr.write(f"lsms: --log-file {self._path} cannot be written any more; {why}\n")

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _are_one(path: Path, audience: str) -> bool:
    try:
        return path.samefile(audience)
    except (OSError, ValueError):  # one of them is not there, or is no path
        return False
