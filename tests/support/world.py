"""What the process tests share: the real `lsms`, and a real sandbox behind a socket."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listrak_sms_cli.sandbox import EmbeddedSandbox
from tests.support.lsms import PROJECT, SAMPLES, Ended, call_lsms, run_lsms, start_lsms

__all__ = ["PROJECT", "SAMPLES", "Ended", "World", "run_lsms", "start_lsms"]


@dataclass(frozen=True)
class World:
    """A sandbox, and the environment that leads `lsms` to it; `home` is an empty folder of its own."""

    sandbox: EmbeddedSandbox
    home: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "LSMS_STATE_DIR": str(self.home / "state"),
            "LISTRAK_CLIENT_ID": self.sandbox.config.client_id,
            "LISTRAK_CLIENT_SECRET": self.sandbox.config.client_secret,
            "LISTRAK_API_URL": self.sandbox.api_url,
            "LISTRAK_TOKEN_URL": self.sandbox.token_url,
            "LISTRAK_SENDER_CODE": "1026",
        }

    def lsms(self, *arguments: object, env: dict[str, str] | None = None, **more: Any) -> Ended:
        """Run `lsms` here, by its entry point: the same command line, output and exit code as a process has."""
        return call_lsms(*arguments, env={**self.env, **(env or {})}, **more)

    def process(self, *arguments: object, env: dict[str, str] | None = None, **more: Any) -> Ended:
        """Run `lsms` in a process of its own until it ends: where start-up, limits or closed streams matter."""
        return run_lsms(*arguments, env={**self.env, **(env or {})}, **more)

    def start(self, *arguments: object, env: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
        """Start `lsms` in a process of its own, to be interrupted or killed."""
        return start_lsms(*arguments, env={**self.env, **(env or {})}, **more)

    def admin(self, route: str, body: object = None) -> Any:
        """GET, or POST with a body (text as it is, anything else as JSON), of `/sandbox/…`; the JSON answer."""
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        kind = "text/csv" if isinstance(body, str) else "application/json"
        request = urllib.request.Request(f"{self.sandbox.url}/sandbox/{route}", data, {"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def contacts(self, sender_code: int = 1026) -> dict[str, dict[str, Any]]:
        """Every contact of a sender code by phone (`+…`): `opted_out`, and stored values by field name."""
        url = f"{self.sandbox.url}/sandbox/contacts?sender_code={sender_code}&format=ndjson"
        with urllib.request.urlopen(url) as answer:
            rows = [json.loads(line) for line in answer.read().splitlines() if line.strip()]
        return {row.pop("phone"): row for row in rows}

    def audience(self, text: str, name: str = "audience.csv") -> Path:
        path = self.home / name
        path.write_text(text, "utf-8")
        return path
