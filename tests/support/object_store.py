"""A real S3 server behind a socket: moto's, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyarrow import fs

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "Qzk7xSecret", "AWS_EC2_METADATA_DISABLED": "true"}


class ObjectStore:
    """The server at `endpoint`. `bucket`: one of its own for each test."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.bucket = ""
        self._files = fs.S3FileSystem(
            access_key="test",
            secret_key="test",
            region="us-east-1",
            endpoint_override=endpoint,
            allow_bucket_creation=True,
            allow_bucket_deletion=True,
        )

    @property
    def env(self) -> dict[str, str]:
        """What leads there."""
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}

    def make_bucket(self, name: str) -> None:
        self.bucket = name
        self._files.create_dir(name)

    def delete_bucket(self) -> None:
        self._files.delete_dir(self.bucket)

    def put(self, key: str, content: str | bytes) -> str:
        """Put an object there, and return its URL."""
        with self._files.open_output_stream(f"{self.bucket}/{key}", compression=None) as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
        return f"s3://{self.bucket}/{key}"

    def copy(self, key: str, *copies: str) -> None:
        """Put an object there again, under other keys."""
        for copy in copies:
            self._files.copy_file(f"{self.bucket}/{key}", f"{self.bucket}/{copy}")

    def get(self, key: str) -> bytes:
        with self._files.open_input_stream(f"{self.bucket}/{key}", compression=None) as stream:
            return bytes(stream.read())

    def listed(self) -> list[str]:
        """Of all objects in the bucket, those for empty folders too."""
        found = self._files.get_file_info(fs.FileSelector(self.bucket, recursive=True))
        return sorted(file.path.partition("/")[2] for file in found if file.is_file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody has access."""
        self._tell("reset-auth", "0")
        try:
            yield
        finally:
            self._tell("reset-auth", "inf")

    def _tell(self, route: str, body: str) -> Any:
        url = f"{self.endpoint}/moto-api/{route}"
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Starts the server, and ends it."""
    with server(
        sys.executable, "-m", "moto.server", "-p", "{port}", env={"INITIAL_NO_AUTH_ACTION_COUNT": "inf"}
    ) as port:
        yield ObjectStore(f"http://127.0.0.1:{port}")


@contextmanager
def server(*command: str | Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Runs a server on a free port, which is put in the place of `{port}`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [str(word).replace("{port}", str(port)) for word in command]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdout=quiet, stderr=quiet, env={**os.environ, **(env or {})})
    try:
        _wait_for(port)
        yield port
    finally:
        process.kill()  # nothing of it is kept; azurite waits for open connections when it is asked to end
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not start")
