"""A proxy in front of an object store, in which requests can be held back or cut off."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

SMALL = 64 << 10  # bytes: the most that is asked for of a head or a tail


class Request(NamedTuple):
    """`key`: the last part of the path; `start`, `stop`: the bytes asked for, 0 and 0 where no range is given."""

    method: str
    key: str
    start: int
    stop: int

    @property
    def fetches(self) -> bool:
        """Whether it asks for more than a head or a tail."""
        return self.stop - self.start > SMALL


Chosen = Callable[[Request], bool]


class Gate:
    """`passed`: the requests that were let through, in order."""

    def __init__(self, target: int) -> None:
        self.passed: list[Request] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[Request] = []
        self._hold: Chosen = lambda _: False
        self._cut: Chosen = lambda _: False
        self._news = threading.Condition()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def hold(self, chosen: Chosen) -> None:
        """Hold these requests back until `open`; whoever waits for one for 20 s is cut off."""
        self._hold = chosen

    def cut(self, chosen: Chosen) -> None:
        """Close the connection of these requests."""
        self._cut = chosen

    def open(self) -> None:
        """Let all requests through that are held back."""
        with self._news:
            self._hold = lambda _: False
            self._news.notify_all()

    def wait_for_held(self, count: int = 1) -> None:
        """Return when so many requests are held back."""
        with self._news:
            assert self._news.wait_for(lambda: len(self._held) >= count, 60)

    def fetched(self, key: str = "") -> list[Request]:
        """The requests let through for more than a head or a tail: of an object, or of all."""
        return [request for request in self.passed if request.fetches and key in ("", request.key)]

    def close(self) -> None:
        self.open()
        for connection in (self._listener, *self._sockets):
            connection.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                threading.Thread(target=_copy, args=(server, client), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        unread = b""
        with suppress(OSError):
            while data := client.recv(1 << 16):
                unread += data
                while b"\r\n\r\n" in unread:  # reading has requests without a body only
                    head, _, unread = unread.partition(b"\r\n\r\n")
                    if not self._lets_through(_request(head.decode("latin-1"))):
                        return _end(client, server)
                    server.sendall(head + b"\r\n\r\n")
        return _end(client, server)

    def _lets_through(self, request: Request) -> bool:
        with self._news:
            if self._hold(request):
                self._held.append(request)
                self._news.notify_all()
            if not self._news.wait_for(lambda: not self._hold(request), 20) or self._cut(request):
                return False
            self.passed.append(request)
            return True


@contextmanager
def gate_before(endpoint: str) -> Iterator[Gate]:
    """A gate in front of the server at `http://host:port`."""
    gate = Gate(int(endpoint.rpartition(":")[2]))
    try:
        yield gate
    finally:
        gate.close()


def _request(head: str) -> Request:
    method, path, _ = head.split(" ", 2)
    span = re.search(r"^range: bytes=(\d+)-(\d+)\r?$", head, re.IGNORECASE | re.MULTILINE)
    start, stop = (int(span[1]), int(span[2]) + 1) if span else (0, 0)
    return Request(method, path.partition("?")[0].rpartition("/")[2], start, stop)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 18):
            target.sendall(data)
    _end(source, target)


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
