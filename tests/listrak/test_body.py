"""The body of an import request: what it says, its length, and that it can be sent twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.listrak.body import ColumnMapping, ContentChangedError, ImportBody
from tests.support.listrak_contract import check_request

MIB = 1 << 20


@dataclass(frozen=True)
class Chunks:
    """An import file that comes in these chunks."""

    parts: list[bytes]
    said: int | None = None

    @property
    def size(self) -> int:
        return sum(map(len, self.parts)) if self.said is None else self.said

    def chunks(self) -> Iterator[bytes | memoryview]:
        for number, part in enumerate(self.parts):
            yield memoryview(part) if number % 2 else part


def file_in(body: bytes) -> bytes:
    return base64.b64decode(json.loads(body)["fileStream"], validate=True)


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_any_file_in_any_chunks_arrives_as_it_is(parts: list[bytes]) -> None:
    """Length as announced, content as given, and the same bytes the second time."""
    body = ImportBody("a.csv", (ColumnMapping(7),), Chunks(parts))
    sent = b"".join(body)
    assert len(sent) == body.length
    assert file_in(sent) == b"".join(parts)
    assert b"".join(body) == sent


@pytest.mark.parametrize(
    "sizes",
    [[3 * MIB + 1], [30, MIB, MIB, MIB, 7], [MIB - 1, 1, MIB + 1, 786_432, 786_431, 1, 786_433], [1] * 5 + [5 * MIB]],
)
def test_large_files_leave_in_small_pieces(sizes: list[int]) -> None:
    """No piece is much larger than 1 MiB, however the file comes; the progress told ends at the size of the file."""
    told: list[int] = []
    content = Chunks([bytes([number]) * size for number, size in enumerate(sizes)])
    body = ImportBody("a.csv", (ColumnMapping(7),), content, on_bytes=told.append)
    pieces = list(body)
    assert max(map(len, pieces)) <= MIB + 1000
    assert file_in(b"".join(pieces)) == b"".join(content.parts)
    assert len(b"".join(pieces)) == body.length
    assert told == sorted(told) and told[-1] == content.size


def test_the_document_says_what_listrak_asks_for() -> None:
    """The phone is column 0 with field id 0, the others follow in order; awkward file names are escaped."""
    body = ImportBody('a "b"\\ é.csv', (ColumnMapping(7), ColumnMapping(3)), Chunks([b"phone,a,b\n"]))
    sent = b"".join(body)
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    check_request("POST", "/sms/v1/ShortCode/1026/ContactImport", headers, sent)
    document = json.loads(sent)
    assert document["fileName"] == 'a "b"\\ é.csv'
    columns = [
        (one["fileColumnType"], one["segmentationFieldId"], one["fileColumn"]) for one in document["fileMappings"]
    ]
    assert columns == [("Phone", 0, 0), ("SegmentationField", 7, 1), ("SegmentationField", 3, 2)]
    assert not any("defaultValue" in one for one in document["fileMappings"])


def test_a_body_is_complete_with_its_last_piece_only() -> None:
    """Until then Listrak cannot have got all of it; a second try begins anew."""
    body = ImportBody("a.csv", (), Chunks([b"x" * 3 * MIB]))
    seen = [body.complete for _piece in body]
    assert seen[-1] and not any(seen[:-1]) and len(seen) > 2
    next(iter(body))
    assert not body.complete


@pytest.mark.parametrize("said", [0, 5, 7, 2 * MIB])
def test_a_file_of_another_size_than_it_said_is_not_sent_whole(said: int) -> None:
    """A file that shrank or grew under our hands ends in an error, never in a complete body."""
    body = ImportBody("a.csv", (), Chunks([b"phone\n"], said))
    with pytest.raises(ContentChangedError):
        list(body)
    assert not body.complete
