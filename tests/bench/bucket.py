"""An S3 server on loopback that serves the files of a folder from disk: `python -m tests.bench.bucket FOLDER` prints
its port. Every bucket is that folder.

It speaks just what Arrow's file system asks of an object: heads and ranges. A server such as moto's holds its objects
in memory, which an audience of 50 million members does not fit into. Standard library only.
"""

from __future__ import annotations

import re
import sys
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: Path

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def log_message(self, *_: Any) -> None:
        """Nothing is logged: that would be work of its own."""

    def _serve(self, *, body: bool) -> None:
        _bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        path = self.folder / key
        if path.is_file():
            self._send(path, body=body)
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, path: Path, *, body: bool) -> None:
        size = path.stat().st_size
        first, last = 0, size - 1
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or last), last)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns:x}"')
        self.send_header("Last-Modified", formatdate(path.stat().st_mtime, usegmt=True))
        self.end_headers()
        if body:
            self.wfile.flush()
            with path.open("rb") as file:
                self.connection.sendfile(file, first, last - first + 1)


def main() -> None:
    Bucket.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
