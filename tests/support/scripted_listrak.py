"""A server on loopback that plays a script: one step a request, each in control of the bare socket.

It knows nothing of Listrak beyond the token's answer; what its callers send is held against the contract.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from tests.support.listrak_contract import check_request

Step = Callable[["Exchange"], None]

TOO_LATE = 30.0  # seconds; a caller that still waits then gets an answer it must not take for one in time

HTML = b"<html><body><h1>Down for maintenance</h1></body></html>"


@dataclass
class Exchange:
    """One request: its head has been read, its body not yet."""

    connection: socket.socket
    stream: BinaryIO
    released: threading.Event
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    open: bool = True

    def read_body(self, share: float = 1.0) -> None:
        length = int(self.headers.get("content-length", "0"))
        if not self.body:
            self.body = self.stream.read(int(length * share))

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        named = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        head = f"HTTP/1.1 {status} -\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self.connection.sendall(head.encode() + b"\r\n" + body)

    def reset(self) -> None:
        """Ends the connection so that the caller gets a reset, not an end of file."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()
        self.connection.close()
        self.open = False


def answer(status: int, document: Any = None, **headers: str) -> Step:
    """A whole answer, JSON; `headers` with underscores for dashes."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def step(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(status, body, named)

    return step


def refuse(status: int, code: str, message: str = "Something.") -> Step:
    return answer(status, {"status": status, "error": code, "message": message})


def data(value: Any, **more: Any) -> Step:
    """A `Resource` or a `Collection`."""
    return answer(200, {"status": 200, "data": value, **more})


def created(import_id: str = "77") -> Step:
    return answer(201, {"status": 201, "resourceId": import_id})


def page_of_html(status: int) -> Step:
    return answer(status, HTML, Content_Type="text/html")


def cut_short(status: int, document: Any) -> Step:
    """The answer ends before its Content-Length does."""
    body = json.dumps(document).encode()

    def step(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(status, body[: len(body) // 2], {"Content-Length": str(len(body))})
        exchange.stream.close()
        exchange.connection.close()
        exchange.open = False

    return step


def reset(share: float) -> Step:
    """A reset once so much of the body has been read."""

    def step(exchange: Exchange) -> None:
        exchange.read_body(share)
        exchange.reset()

    return step


def hang(exchange: Exchange) -> None:
    """No answer until the script ends, or far too late."""
    exchange.read_body()
    if exchange.released.wait(TOO_LATE):
        exchange.reset()
    else:
        created()(exchange)


def early(status: int) -> Step:
    """The answer comes before the body has been read."""

    def step(exchange: Exchange) -> None:
        exchange.reply(status, b"{}")
        exchange.read_body()

    return step


def token(value: str = "token-1", **more: Any) -> Step:
    return answer(200, {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **more})


@dataclass
class Script:
    """Plays `steps`, one an API request, and `tokens`, one a token request; the last of each goes on for ever."""

    steps: tuple[Step, ...]
    tokens: tuple[Step, ...] = (token(),)
    tls: ssl.SSLContext | None = None
    seen: list[Exchange] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if self.tls else "http"
        self.root = f"{scheme}://localhost:{self._listener.getsockname()[1]}"
        self.api_url, self.token_url = f"{self.root}/sms", f"{self.root}/OAuth2/Token"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        # Closing alone would leave the thread in `accept` listening.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        assert not self.broken, self.broken

    @property
    def api_requests(self) -> list[Exchange]:
        return [one for one in self.seen if one.path.startswith("/sms/")]

    @property
    def token_requests(self) -> list[Exchange]:
        return [one for one in self.seen if not one.path.startswith("/sms/")]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while self._exchange(connection, stream):
                    pass
        except (OSError, ValueError):
            return  # the caller has gone, or a step closed the connection

    def _exchange(self, connection: socket.socket, stream: BinaryIO) -> bool:
        line = stream.readline().decode()
        if not line:
            return False
        method, path, _ = line.split()
        headers = {}
        while head := stream.readline().decode().strip():
            name, _, value = head.partition(":")
            headers[name.lower()] = value.strip()
        exchange = Exchange(connection, stream, self._released, method, path, headers)
        with self._lock:
            earlier = self.api_requests if path.startswith("/sms/") else self.token_requests
            steps = self.steps if path.startswith("/sms/") else self.tokens
            step = steps[min(len(earlier), len(steps) - 1)]
            self.seen.append(exchange)
        step(exchange)
        if len(exchange.body) == int(headers.get("content-length", "0")) and method != "CONNECT":
            try:
                check_request(method, path, headers, exchange.body)
            except AssertionError as error:
                self.broken.append(str(error))
        return exchange.open
