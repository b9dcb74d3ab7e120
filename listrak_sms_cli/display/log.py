"""The log file: every event a line, as text or JSON. Events hold counts, names and states, no member data."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.events import Event, MembersCounted, MembersSent, PhaseAdvanced


class LogFile:
    """Appends to `path` (made with mode 0600). Progress inside a phase is left out."""

    def __init__(self, path: Path, form: str) -> None:
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
        except OSError:
            raise UsageError(f"--log-file {path} cannot be written.", code="log_file") from None
        self._json = form == "json"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            code = getattr(error, "code", type(error).__name__)
            self._write("Ended", {"code": code, "message": getattr(error, "message", "")})
        self._file.close()

    def __call__(self, event: Event) -> None:
        if not isinstance(event, PhaseAdvanced | MembersCounted | MembersSent):
            self._write(type(event).__name__, asdict(event))

    def _write(self, name: str, facts: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        plain = {key: value.value if isinstance(value, Enum) else value for key, value in facts.items()}
        if self._json:
            line = json.dumps({"at": now, "event": name, **plain}, ensure_ascii=False)
        else:
            line = f"{now} {name} " + " ".join(f"{key}={json.dumps(value)}" for key, value in plain.items())
        self._file.write(line + "\n")
        self._file.flush()
