"""Streams of bytes unpacked and turned into UTF-8, piece by piece."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from listrak_sms_cli.audience.source.content import PIECE
from listrak_sms_cli.audience.source.sniff import SAMPLE, compression_of
from listrak_sms_cli.errors import AudienceError


class Readable(Protocol):
    """All that is asked of a stream: bytes, and none at its end."""

    def read(self, size: int, /) -> bytes | None: ...


class Peeked(io.RawIOBase):
    """A stream whose first bytes (`head`) have been looked at and are read again."""

    def __init__(self, stream: Readable, size: int = SAMPLE) -> None:
        self._stream = stream
        self.head = _read_up_to(stream, size)
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        piece = self.head[self._at : self._at + len(view)]
        self._at += len(piece)
        if not piece:
            piece = self._stream.read(len(view)) or b""
        view[: len(piece)] = piece
        return len(piece)


def unpacked(name: str, stream: Peeked) -> tuple[str | None, Peeked]:
    """The codec found (None: none) and the content beneath it."""
    codec = compression_of(stream.head)
    if codec is None:
        return None, stream
    buffered = io.BufferedReader(stream, PIECE)
    opened: Any
    if codec == "gzip":
        opened = gzip.GzipFile(fileobj=buffered)
    elif codec == "bz2":
        opened = bz2.BZ2File(buffered)
    else:
        opened = pa.CompressedInputStream(pa.PythonFile(buffered, "r"), "zstd")
    return codec, Peeked(_Translated(name, codec, opened))


class _Translated:
    """A decompressor whose errors are ours."""

    def __init__(self, name: str, codec: str, stream: Readable) -> None:
        self._name, self._codec, self._stream = name, codec, stream

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size) or b""
        except (EOFError, OSError, ValueError, zlib.error, pa.ArrowException):
            raise AudienceError(
                f"{self._name}: the {self._codec} data is cut short or damaged.",
                hint="Fetch or write the file again.",
                code="bad_compression",
            ) from None


def pieces(stream: Peeked) -> Iterator[bytes]:
    """The rest of a stream."""
    while piece := stream.read(PIECE):
        yield piece


class UndecodableError(Exception):
    """A stream does not decode; what came before has been given."""


def as_utf8(stream: Peeked, encoding: str) -> Iterator[bytes]:
    """The text of a stream as UTF-8 without byte order mark. Raises UndecodableError."""
    decoder = codecs.getincrementaldecoder(encoding)()
    first = True
    for piece in _with_end(stream):
        before = decoder.getstate()
        try:
            text = decoder.decode(piece or b"", final=piece is None)
        except UnicodeDecodeError as error:
            decoder.setstate(before)
            held = len(error.object) - len(piece or b"")
            yield decoder.decode((piece or b"")[: max(0, error.start - held)]).encode()
            raise UndecodableError from None
        except UnicodeError:
            raise UndecodableError from None
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        yield text.encode()


def _with_end(stream: Peeked) -> Iterator[bytes | None]:
    yield from pieces(stream)
    yield None


def _read_up_to(stream: Readable, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (piece := stream.read(size - len(found))):
        found += piece
    return bytes(found)
