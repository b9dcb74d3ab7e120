"""The body of a *Start a Contact Update Import* request: re-iterable, of known length, never whole in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pybase64
from msgspec import Struct

MAX_FILE_BYTES = 195_000_000  # before base64 (Listrak's API description)
PIECE = 3 << 18  # bytes encoded at once, 1 MiB of base64; a multiple of 3, so that the pieces can be joined


class Content(Protocol):
    """The bytes of an import file. `chunks` can be called again, and gives the same `size` bytes each time."""

    @property
    def size(self) -> int:
        """Bytes."""

    def chunks(self) -> Iterator[bytes | memoryview]:
        """All of them, in pieces of any length."""


class ColumnMapping(Struct, frozen=True):
    """A column of the import file after the phone, by the profile field it updates."""

    field_id: int


@dataclass
class ImportBody:
    """One import file as JSON with the file in base64 (`fileStream`), encoded piece by piece while it is sent.

    `columns` are those after the phone, which is column 0. `on_bytes` is called with the bytes of the file that were
    sent in this try. `complete`: whether the last piece of the body was handed over in this try.
    """

    file_name: str
    columns: tuple[ColumnMapping, ...]
    content: Content
    on_bytes: Callable[[int], None] = field(default=lambda _done: None, repr=False)
    complete: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._head = f'{{"fileName":{json.dumps(self.file_name)},"fileStream":"'.encode()
        mappings = [{"fileColumnType": "Phone", "segmentationFieldId": 0, "fileColumn": 0}]
        mappings += [
            {"fileColumnType": "SegmentationField", "segmentationFieldId": column.field_id, "fileColumn": number}
            for number, column in enumerate(self.columns, 1)
        ]
        rest = {
            "importType": "UpdateSubscribers",
            "hasColumnNames": True,
            "textQualifier": '"',
            "fileMappings": mappings,
        }
        self._tail = ('",' + json.dumps(rest, separators=(",", ":"))[1:]).encode()

    @property
    def length(self) -> int:
        """The exact length of the body in bytes."""
        return len(self._head) + 4 * ((self.content.size + 2) // 3) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        """The body in pieces of about 1 MiB. Raises ContentChangedError when the file is not of its `size`."""
        self.complete = False
        ahead, held, done = self._head, memoryview(b""), 0
        for piece in _pieces(self.content.chunks()):
            if held:
                yield ahead + pybase64.b64encode(held)
                ahead = b""
                self.on_bytes(done)
            held = piece
            done += len(piece)
            if done > self.content.size:
                raise ContentChangedError
        if done < self.content.size:
            raise ContentChangedError
        self.complete = True
        yield ahead + pybase64.b64encode(held) + self._tail
        self.on_bytes(done)


class ContentChangedError(Exception):
    """A bug of the caller: an import file has fewer or more bytes than its `size`."""


def _pieces(chunks: Iterator[bytes | memoryview]) -> Iterator[memoryview]:
    """The same bytes in pieces of a multiple of 3 bytes, at most PIECE; only the last may be of another length."""
    rest = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        if rest:
            missing = PIECE - len(rest)
            rest += view[:missing]
            view = view[missing:]
            if len(rest) < PIECE:
                continue
            yield memoryview(rest)
        whole = len(view) - len(view) % PIECE
        for start in range(0, whole, PIECE):
            yield view[start : start + PIECE]
        rest = bytearray(view[whole:])
    if rest:
        yield memoryview(rest)
