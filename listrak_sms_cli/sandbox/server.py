"""The sandbox behind a real socket: `serve` blocks, `EmbeddedSandbox` runs in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from listrak_sms_cli.sandbox.account import Account
from listrak_sms_cli.sandbox.app import build_app
from listrak_sms_cli.sandbox.config import SandboxConfig

TOKEN_PATH = "/OAuth2/Token"
API_PATH = "/sms"
BACKLOG = 512


class _Protocol(H11Protocol):
    """uvicorn's protocol, with the connection's transport in each request's state: faults reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def _server(account: Account, on_started: Callable[[], None]) -> _Server:
    config = uvicorn.Config(
        build_app(account),
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, on_started)


def _listen(config: SandboxConfig) -> tuple[socket.socket, str]:
    """A listening socket on loopback, and the address of what answers there. Raises OSError."""
    family = socket.AF_INET6 if config.host == "::1" else socket.AF_INET
    created = socket.create_server((config.host, config.port), family=family, backlog=BACKLOG)
    # A socket of a descriptor names its protocol: only then does asyncio switch Nagle's delay (40 ms an answer) off.
    listener = socket.socket(fileno=created.detach())
    host = "[::1]" if config.host == "::1" else config.host
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def serve(config: SandboxConfig, on_ready: Callable[[str], None] = lambda _url: None) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` gets the address (`http://127.0.0.1:PORT`) once it answers.

    Raises OSError when the port is taken, ValueError for a seed or fault file that is not right.
    """
    listener, url = _listen(config)
    with listener, closing(Account(config)) as account, suppress(KeyboardInterrupt):
        _server(account, lambda: on_ready(url)).run(sockets=[listener])


class EmbeddedSandbox:
    """A sandbox in a daemon thread that prints nothing, on a free port unless the config names one.

    `with EmbeddedSandbox(config) as sandbox:` then `sandbox.api_url` and `sandbox.token_url` are the
    addresses to give a client, `sandbox.url` the root (admin routes: `sandbox.url + "/sandbox/…"`).
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self.url = ""

    @property
    def api_url(self) -> str:
        """The API base."""
        return self.url + API_PATH

    @property
    def token_url(self) -> str:
        """The token address."""
        return self.url + TOKEN_PATH

    def __enter__(self) -> Self:
        self._listener, self.url = _listen(self.config)
        try:
            self._account = Account(self.config)
        except BaseException:
            self._listener.close()
            raise
        started = threading.Event()
        self._server = _server(self._account, started.set)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="sandbox", daemon=True)
        self._thread.start()
        while not started.wait(0.05):
            if not self._thread.is_alive():
                self.__exit__()
                raise RuntimeError("The sandbox did not start.")
        return self

    def __exit__(self, *_error: object) -> None:
        self._account.closing.set()
        self._server.should_exit = True
        self._thread.join()
        self._account.close()
        self._listener.close()
