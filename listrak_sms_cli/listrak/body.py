"""The body of a *Start a Contact Update Import* request: re-iterable, of known length, never whole in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pybase64


class Content(Protocol):
    """The bytes of an import file. `chunks` can be called again, and gives the same `size` bytes each time."""

    @property
    def size(self) -> int: ...

    def chunks(self) -> Iterator[bytes | memoryview]: ...


@dataclass(frozen=True)
class ColumnMapping:
    """A column of the import file after the phone, by the profile field it updates."""

    field_id: int


@dataclass
class ImportBody:
    """One import file as JSON with the file in base64 (`fileStream`), encoded chunk by chunk on the way out.

    `columns` are those after the phone, which is column 0. `on_bytes` is told how many bytes of the file are on
    their way in this try. `complete` says whether the last byte of the body has been handed over.
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
        return len(self._head) + 4 * ((self.content.size + 2) // 3) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self.complete = False
        yield self._head
        done = 0
        rest = b""  # base64 takes three bytes at a time; what is left over goes in front of the next chunk
        for chunk in self.content.chunks():
            done += len(chunk)
            data = rest + bytes(chunk) if rest else chunk
            cut = len(data) - len(data) % 3
            yield pybase64.b64encode(memoryview(data)[:cut])
            rest = bytes(memoryview(data)[cut:])
            self.on_bytes(done)
        if rest:
            yield pybase64.b64encode(rest)
        self.complete = True
        yield self._tail
