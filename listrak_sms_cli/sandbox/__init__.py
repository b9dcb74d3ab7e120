"""A simulated Listrak on loopback: an ASGI app over SQLite, for demos, development and tests.

`SandboxConfig` says how it behaves (and, where Listrak's behaviour is not published, which of the
possible behaviours it shows), `serve` runs it until it is interrupted, `EmbeddedSandbox` runs it in a
thread of this process. Faults are described in `faults.py`, the admin routes in `admin.py`.

It is written from Listrak's published description alone and imports nothing of the rest of the package,
so the client and it cannot share a mistake. Starlette and uvicorn (extra `sandbox`) are imported when
`serve` or `EmbeddedSandbox` is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from listrak_sms_cli.sandbox.config import SandboxConfig

if TYPE_CHECKING:
    from listrak_sms_cli.sandbox.server import EmbeddedSandbox, serve

__all__ = ["EmbeddedSandbox", "SandboxConfig", "serve"]


def __getattr__(name: str) -> Any:
    if name in ("EmbeddedSandbox", "serve"):
        from listrak_sms_cli.sandbox import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
