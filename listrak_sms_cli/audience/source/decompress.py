"""Streams of bytes: compression taken off, text of other encodings turned into UTF-8, piece by piece."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from listrak_sms_cli.audience.source.content import PIECE
from listrak_sms_cli.audience.source.sniff import SAMPLE, compression_of
from listrak_sms_cli.errors import AudienceError

_TOOLS = {"gzip": "gzip -dc", "zstd": "zstd -dc", "bz2": "bzip2 -dc"}


class Readable(Protocol):
    """All that is needed of a stream."""

    def read(self, size: int, /) -> bytes | None:
        """Up to `size` bytes; none at the end."""


class PeekedStream(io.RawIOBase):
    """A stream of which the first bytes are known as `head`; reading starts with them."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.head = _read_up_to(stream, SAMPLE)
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target` with the next bytes and return how many; 0 at the end."""
        view = memoryview(target).cast("B")
        piece = self.head[self._position : self._position + len(view)]
        self._position += len(piece)
        if not piece:
            piece = self._stream.read(len(view)) or b""
        view[: len(piece)] = piece
        return len(piece)


def decompressed(name: str, stream: PeekedStream) -> tuple[str | None, PeekedStream]:
    """How the stream is compressed (None: not at all) and its content. Raises AudienceError (`wrong_format`) for
    content that is compressed once more; reading the content raises AudienceError (`bad_compression`)."""
    codec = compression_of(stream.head)
    if codec is None:
        return None, stream
    buffered = io.BufferedReader(stream, PIECE)
    content: Any
    if codec == "gzip":
        content = gzip.GzipFile(fileobj=buffered)
    elif codec == "bz2":
        content = bz2.BZ2File(buffered)
    else:
        content = pa.CompressedInputStream(pa.PythonFile(buffered, "r"), "zstd")
    peeked = PeekedStream(_Decompressor(name, codec, content))
    if again := compression_of(peeked.head):
        raise AudienceError(
            f"{name} is compressed twice: {again} inside {codec}.",
            hint=f"Take one of them off ({_TOOLS[codec]}), or export the file again.",
            code="wrong_format",
        )
    return codec, peeked


class _Decompressor:
    """Translates what a decompressor raises."""

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


def pieces(stream: PeekedStream) -> Iterator[bytes]:
    """The rest of a stream."""
    while piece := stream.read(PIECE):
        yield piece


class UndecodableError(Exception):
    """Some bytes of a stream are not text in its encoding; all text before them has been yielded."""


def as_utf8(stream: PeekedStream, encoding: str) -> Iterator[bytes]:
    """The text of a stream as UTF-8, without byte order mark. Raises UndecodableError."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at_start = True
    for piece in chain(pieces(stream), [b""]):
        before = decoder.getstate()
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            decoder.setstate(before)
            pending = len(error.object) - len(piece)  # bytes of earlier pieces that the decoder had kept back
            yield decoder.decode(piece[: max(0, error.start - pending)]).encode()
            raise UndecodableError from None
        except UnicodeError:
            raise UndecodableError from None
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        yield text.encode()


def _read_up_to(stream: Readable, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    return bytes(data)
