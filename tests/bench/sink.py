"""A sink on loopback that speaks just enough of Listrak for a push: `python -m tests.bench.sink` prints its port.

It swallows imports as fast as the socket gives them and says that each has ended. `POST /race/start` begins a count
(`keep`: a folder for the bodies; `megabytes_per_second`: throttle of all uploads together; `typed`: whether the two
date columns are Date fields; `more`: so many fields more, c0 and on), `GET /race/result` ends it. Standard library
only, so that its own CPU stays small.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SENDER_CODE = 1026
TEXT_FIELDS = ("Email Address", "First Name", "Last Name", "Birthday", "Postal Code", "Loyalty Tier", "Last Purchase")
DATE_FIELDS = ("Birthday", "Last Purchase")
IMPORTS = f"/sms/v1/ShortCode/{SENDER_CODE}/ContactImport"
PIECE = 1 << 20
THROTTLED_PIECE = 1 << 16


@dataclass(frozen=True)
class RaceResult:
    """What arrived in one run. `cpu`: seconds this process used; `first`, `last`: when the first upload began and the
    last one ended, on the machine's monotonic clock; `body_bytes` of all import requests."""

    imports: int
    body_bytes: int
    cpu: float
    first: float
    last: float


class Throttle:
    """Uploads of all connections together take at most so many bytes a second (None: as many as come)."""

    def __init__(self, bytes_per_second: float | None) -> None:
        self.bytes_per_second = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, amount: int) -> None:
        if self.bytes_per_second is None:
            return
        with self._lock:
            start = max(time.monotonic(), self._free_at)
            self._free_at = start + amount / self.bytes_per_second
        time.sleep(max(0.0, start - time.monotonic()))


class Count:
    """One run's imports, counted by many connections."""

    def __init__(self, keep: str | None, megabytes_per_second: float | None, typed: bool, more: int = 0) -> None:
        self.keep = Path(keep) if keep else None
        self.names = (*TEXT_FIELDS, *(f"c{number}" for number in range(more)))
        self.typed = typed
        self.throttle = Throttle(megabytes_per_second * 1e6 if megabytes_per_second else None)
        self._lock = threading.Lock()
        self._imports = 0
        self._bytes = 0
        self._cpu = time.process_time()
        self._first = self._last = 0.0

    def begin(self) -> int:
        with self._lock:
            self._first = self._first or time.monotonic()
            self._imports += 1
            return self._imports

    def end(self, body_bytes: int) -> None:
        with self._lock:
            self._bytes += body_bytes
            self._last = time.monotonic()

    def result(self) -> RaceResult:
        with self._lock:
            return RaceResult(self._imports, self._bytes, time.process_time() - self._cpu, self._first, self._last)


class SinkServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SinkHandler)
        self.count = Count(keep=None, megabytes_per_second=None, typed=False)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        super().server_bind()


class SinkHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SinkServer

    def do_POST(self) -> None:
        if self.path == IMPORTS:
            self._take_import()
        elif self.path == "/OAuth2/Token":
            self._body()
            self._answer(200, {"access_token": "race", "token_type": "Bearer", "expires_in": 3600})
        elif self.path == "/race/start":
            self.server.count = Count(**json.loads(self._body()))
            self._answer(200, {})
        else:
            self._body()
            self._refuse()

    def do_GET(self) -> None:
        if self.path == "/race/result":
            self._answer(200, asdict(self.server.count.result()))
        elif self.path == f"/sms/v1/ShortCode/{SENDER_CODE}":
            code = {"shortCodeId": SENDER_CODE, "code": "55555", "country": "US", "merchantName": "Race"}
            self._answer(200, {"status": 200, "data": code})
        elif self.path.startswith(f"/sms/v1/ShortCode/{SENDER_CODE}/SegmentationField"):
            self._answer(200, {"status": 200, "data": fields(self.server.count)})
        elif found := re.fullmatch(rf"{IMPORTS}/(\d+)", self.path):
            self._answer(200, {"status": 200, "data": ended_import(int(found[1]))})
        else:
            self._refuse()

    def log_message(self, *_: Any) -> None:
        """Nothing is logged: that would be work of its own."""

    def _take_import(self) -> None:
        count, left = self.server.count, int(self.headers["Content-Length"])
        number = count.begin()
        size = THROTTLED_PIECE if count.throttle.bytes_per_second else PIECE
        piece = memoryview(bytearray(size))
        kept = (count.keep / f"{number}.json").open("wb") if count.keep else None
        try:
            while left:
                got = self.rfile.readinto(piece[: min(size, left)])
                if not got:
                    raise ConnectionError("the upload broke off")
                count.throttle.take(got)
                if kept:
                    kept.write(piece[:got])
                left -= got
        finally:
            if kept:
                kept.close()
        count.end(int(self.headers["Content-Length"]))
        self._answer(201, {"status": 201, "resourceId": str(number)})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _refuse(self) -> None:
        message = "Unable to locate the resource."
        self._answer(404, {"status": 404, "error": "ERROR_UNABLE_TO_LOCATE_RESOURCE", "message": message})

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def fields(count: Count) -> list[dict[str, Any]]:
    return [
        {
            "segmentationFieldId": 1001 + position,
            "segmentationFieldName": name,
            "dataType": "Date" if count.typed and name in DATE_FIELDS else "Text",
            "maxLength": None,
            "statusFlag": "Active",
        }
        for position, name in enumerate(count.names)
    ]


def ended_import(number: int) -> dict[str, Any]:
    return {
        "importFileId": number,
        "smsSenderCodeId": SENDER_CODE,
        "fileName": f"{number}.csv",
        "startDate": "2026-01-01T00:00:00Z",
        "endDate": "2026-01-01T00:00:00Z",
        "status": "Completed",
    }


def main() -> None:
    server = SinkServer()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
