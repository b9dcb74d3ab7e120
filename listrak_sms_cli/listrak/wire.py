"""Requests on the network: allowed routes, proxies, certificates, timeouts, and sockets that can be shut down.

httpx's transports are used without `httpx.Client`: the client writes every address to the log at level INFO (and
`GET …/Contact/{phoneNumber}` holds a phone), follows proxies to loopback, and keeps cookies.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.listrak.body import ImportBody
from listrak_sms_cli.listrak.http import httpx
from listrak_sms_cli.listrak.routes import Endpoint, check_request, is_loopback, is_usable
from listrak_sms_cli.version import VERSION

_CONNECT, _READ, _WRITE = 10.0, 60.0, 60.0  # seconds
_SLOWEST = 500_000  # bytes a second: a body's read timeout grows at this rate
_SHORTEST = 1.0  # seconds: what an attempt may wait even when the time is almost over
_IDLE = 15.0  # seconds an idle connection is kept; gateways drop them after a minute
_LARGEST_ANSWER = 256 * 1024 * 1024  # bytes; a page of 5000 contacts is far below
_PIECE = 1024 * 1024  # bytes that are decompressed at once
_CLOSING = 2.0  # seconds `close` waits for requests it has interrupted


class Outgoing(Struct, frozen=True):
    """A request. `content`: its body, `length` bytes; `acts`: it changes something in Listrak."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: Any = None
    length: int = 0
    acts: bool = False

    def __repr__(self) -> str:
        """Without its token, and members."""
        return f"Outgoing({self.method!r}, {self.url!r})"

    @property
    def complete(self) -> bool:
        """Whether the server may have got all of it in the last try, and so have acted on it."""
        return self.content.complete if isinstance(self.content, ImportBody) else self.acts

    def with_token(self, token: str) -> Outgoing:
        """The same request with an access token."""
        return replace(self, headers={**self.headers, "Authorization": f"Bearer {token}"})


class Answer(Struct, frozen=True):
    """The answer to a request; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Without what Listrak holds of contacts."""
        return f"Answer({self.status})"


class Wire:
    """Sends requests; thread-safe. `transport` replaces the network, for tests. Raises SettingsError for a proxy or
    certificates of the environment that cannot be used."""

    def __init__(self, endpoint: Endpoint, transport: httpx.BaseTransport | None = None) -> None:
        self._endpoint = endpoint
        self._headers = {"User-Agent": f"lsms/{VERSION}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._sockets = _Sockets()
        self._active = 0
        self._idle = threading.Condition()
        self.closed = False
        urls = (endpoint.api_url, endpoint.token_url)
        proxies = {_origin(url): proxy_for(url) for url in urls}
        if transport is not None:
            self._transports = dict.fromkeys(proxies, transport)
        else:
            # Loading the certificates takes 0.05 s: left out where nothing is encrypted.
            context = _certificates() if any(url.startswith("https:") for url in urls) else _no_certificates()
            self._transports = {origin: _transport(context, proxy) for origin, proxy in proxies.items()}

    def exchange(self, request: Outgoing, left: float) -> Answer:
        """Send a request and return its answer. Neither the wait for a connection nor that for the whole answer is
        longer than `left` seconds; an upload that makes progress goes on.

        Raises ForbiddenRouteError before a connection is opened, httpx.TransportError when it breaks, and
        httpx.DecodingError for an answer that cannot be read.
        """
        check_request(self._endpoint, request.method, request.url)
        timeouts = _timeouts(left, request.length)
        headers = {**self._headers, **request.headers}
        if request.content is not None:
            headers["Content-Length"] = str(request.length)
        built = httpx.Request(
            request.method,
            request.url,
            headers=headers,
            content=request.content,
            extensions={"timeout": timeouts, "trace": self._sockets.trace},
        )
        with self._busy():
            response = self._transports[_origin(request.url)].handle_request(built)
            with contextlib.closing(response):
                body = _read(response)
        return Answer(response.status_code, response.headers, body)

    def close(self) -> None:
        """Interrupt the threads that wait for an answer (they get a TransportError), then close all connections."""
        self.closed = True
        self._sockets.shut_down()
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, _CLOSING)
        for transport in set(self._transports.values()):
            transport.close()

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        with self._idle:
            self._active += 1
        try:
            yield
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()


class _TimedRead:
    """Reads from a connection so that the timeout of httpcore, which is one of each read, is one of the whole answer:
    heads and bodies that drip, and answers `100 Continue` without end, are given up too."""

    def __init__(self, stream: Any) -> None:
        self._read, self._write = stream.read, stream.write
        self._until: float | None = None  # monotonic seconds; None: no answer has begun

    def write(self, data: bytes, timeout: float | None = None) -> None:
        """Write a part of a request."""
        self._until = None
        self._write(data, timeout)

    def read(self, most: int, timeout: float | None = None) -> bytes:
        """Read up to `most` bytes of the answer to what was written last. Raises a timeout once it takes too long."""
        if timeout is None:
            timeout = _READ
        if self._until is None:
            self._until = time.monotonic() + timeout
        # A timeout of 0 would not wait, and raise another error.
        data: bytes = self._read(most, max(min(self._until - time.monotonic(), timeout), 0.001))
        if data and time.monotonic() > self._until:
            raise httpx.ReadTimeout("an answer that does not end")
        return data


class _Sockets:
    """The sockets in use. Closing one does not end the wait of a thread for it; shutting it down does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._shut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook: notes each new connection, before and after TLS, and limits how long it is read."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            timed = _TimedRead(stream)
            stream.read, stream.write = timed.read, timed.write
            opened = stream.get_extra_info("socket")
            with self._lock:
                self._open.add(opened)
                shut = self._shut
            if shut:
                _shut_down(opened)

    def shut_down(self) -> None:
        with self._lock:
            self._shut = True
            opened = list(self._open)
        for each in opened:
            _shut_down(each)


def _shut_down(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not SSLSocket.shutdown, which removes the encryption while another thread reads.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _read(response: httpx.Response) -> bytes:
    """The whole body, decompressed. Raises httpx.DecodingError for one that is too large, or encoded in another way
    than requested: httpx itself would undo any number of encodings, and 30 kB could become gigabytes."""
    assert isinstance(response.stream, httpx.SyncByteStream)
    parts: list[bytes] = []
    size = 0
    for part in _decompressed(response.stream, response.headers.get("Content-Encoding", "").strip().lower()):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_ANSWER:
            raise httpx.DecodingError("larger than any answer can be")
    return b"".join(parts)


def _decompressed(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from parts
        return
    if encoding not in ("gzip", "x-gzip"):
        raise httpx.DecodingError("an encoding that was not requested")
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for part in parts:
            while part and not unzip.eof:
                yield unzip.decompress(part, _PIECE)
                part = unzip.unconsumed_tail
        yield unzip.flush()
    except zlib.error:
        raise httpx.DecodingError("not gzip") from None


def upload_seconds(length: int) -> float:
    """How long the upload of so many bytes may take."""
    return length / _SLOWEST


def _timeouts(left: float, length: int) -> dict[str, float]:
    left = max(left, _SHORTEST)
    read = min(_READ + upload_seconds(length), left)
    return {"connect": min(_CONNECT, left), "read": read, "write": min(_WRITE, left), "pool": left}


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def proxy_for(
    url: str, environment: Callable[[], dict[str, str]] = urllib.request.getproxies_environment
) -> str | None:
    """The proxy for this address by HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment; never one for loopback."""
    proxies = environment()
    parts = urllib.parse.urlsplit(url)
    if is_loopback(url) or urllib.request.proxy_bypass(parts.netloc, proxies):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _transport(context: ssl.SSLContext, proxy: str | None) -> httpx.BaseTransport:
    try:
        if proxy is not None and not is_usable(proxy):
            raise ValueError
        return httpx.HTTPTransport(
            verify=context,
            trust_env=False,
            proxy=proxy,
            limits=httpx.Limits(keepalive_expiry=_IDLE),
            socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        # The foreign message would quote the address, which may hold a password.
        raise SettingsError(
            "The proxy that the environment names cannot be used.",
            hint="Write HTTPS_PROXY=http://host:port, or leave Listrak out with NO_PROXY.",
            code="proxy",
        ) from None


def _certificates() -> ssl.SSLContext:
    """The certificates of SSL_CERT_FILE or SSL_CERT_DIR, else certifi's. Raises SettingsError."""
    try:
        return httpx.create_ssl_context()
    except OSError:  # ssl.SSLError is one
        named = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        raise SettingsError(
            f"The certificates that {named} names cannot be read.",
            hint=f"Point {named} at a file of certificates in PEM, or unset it.",
            code="certificates",
        ) from None


def _no_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
