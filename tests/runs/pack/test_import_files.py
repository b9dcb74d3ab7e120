"""Packing: every member in exactly one import file, in order, within its limits."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack import ImportFile, ImportSpool, header_line, write_lines
from listrak_sms_cli.runs.pack.import_files import Packer
from tests.support.import_files import HEADER, MEMBER, bytes_of, lines_of

ROOMY = 1 << 20


def packed(batches: list[list[str | None]], rows: int, limit: int, spool: ImportSpool) -> list[ImportFile]:
    packer = Packer(spool, HEADER, rows, limit)
    for batch in batches:
        packer.add(pa.array(batch, pa.string()))
    return packer.import_files()


BATCHES = st.lists(st.lists(st.none() | MEMBER, max_size=12), max_size=6)


@given(BATCHES, st.integers(2, 7))
def test_packing_loses_and_repeats_no_member(batches: list[list[str | None]], rows: int) -> None:
    """The members come out as they went in, at most `rows` a part, parts numbered from 1, nobody alone."""
    members = [line.encode() for batch in batches for line in batch if line is not None]
    with closing(ImportSpool()) as spool:
        parts = packed(batches, rows, ROOMY, spool)
        assert [line for part in parts for line in lines_of(part.content)] == members
        assert [part.rows for part in parts] == [len(lines_of(part.content)) for part in parts]
        assert [(part.number, part.origin, part.skip) for part in parts] == [
            (n, n, 0) for n in range(1, len(parts) + 1)
        ]
        assert all(part.rows >= 2 for part in parts) or len(members) == 1
        most = 3 if rows == 2 and len(members) % 2 and len(members) > 1 else rows
        assert all(part.rows <= most for part in parts)
        assert len(parts) <= -(-len(members) // rows)


@given(BATCHES, st.integers(2, 7), st.integers(1, 80))
def test_the_byte_limit_holds(batches: list[list[str | None]], rows: int, room: int) -> None:
    """No part is ever larger than the limit, header included; where that and nobody alone cannot both be had, the
    audience is refused and no part is made."""
    members = [line.encode() for batch in batches for line in batch if line is not None]
    limit = len(HEADER) + room
    with closing(ImportSpool()) as spool:
        try:
            parts = packed(batches, rows, limit, spool)
        except AudienceError as error:
            assert error.code == "member_too_large"
            assert 3 * max(map(len, members)) > room
        else:
            assert [line for part in parts for line in lines_of(part.content)] == members
            assert all(part.content.size <= limit for part in parts)
            assert all(part.rows >= 2 for part in parts) or len(members) == 1


@pytest.mark.parametrize(
    ("members", "rows", "sizes"),
    [(1, 5, [1]), (6, 5, [4, 2]), (5, 5, [5]), (3, 2, [3]), (5, 2, [2, 3]), (7, 3, [3, 2, 2]), (0, 5, [])],
)
def test_no_member_is_alone_in_a_file(members: int, rows: int, sizes: list[int]) -> None:
    """A last member alone gets company from the part before; only an audience of one is a part of one."""
    with closing(ImportSpool()) as spool:
        assert [part.rows for part in packed([[f"{n}\n" for n in range(members)]], rows, ROOMY, spool)] == sizes


def test_the_last_member_finds_company_across_batches() -> None:
    """The member that keeps the last one company may have come in an earlier batch."""
    with closing(ImportSpool()) as spool:
        parts = packed([["aa\n", "b\n"], ["cccc\n"], [None], ["d\n"]], 3, ROOMY, spool)
        assert [lines_of(part.content) for part in parts] == [[b"aa\n", b"b\n"], [b"cccc\n", b"d\n"]]


def test_a_member_larger_than_an_import_file() -> None:
    """A member that fits into no import file is refused before anything is sent, without a word of its content."""
    with closing(ImportSpool()) as spool:
        with pytest.raises(AudienceError) as caught:
            packed([["short\n", "private " * 20 + "\n"]], 10, len(HEADER) + 100, spool)
        assert caught.value.code == "member_too_large"
        assert "private" not in str(caught.value)


def test_slices_are_packed_as_they_are_seen() -> None:
    """Of a slice only its own members are packed."""
    with closing(ImportSpool()) as spool:
        packer = Packer(spool, HEADER, 10, ROOMY)
        packer.add(pa.array(["a\n", None, "bb\n", "c\n", "d\n"]).slice(1, 3))
        (part,) = packer.import_files()
        assert lines_of(part.content) == [b"bb\n", b"c\n"]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)


@given(st.lists(st.tuples(st.none() | st.integers(1, 10**14).map(str), CELL, CELL), max_size=12))
def test_csv_readers_see_the_members(rows: list[tuple[str | None, str, str]]) -> None:
    """Each member is one line that a CSV reader reads as its phone and cells, quoted where they need it and nowhere
    else; who has no phone has no line."""
    assume(all("\x00" not in cell for row in rows for cell in row[1:]))
    phones, *columns = (pa.array([row[n] for row in rows], pa.string()) for n in range(3))
    lines = write_lines(phones, columns)
    for line, (phone, *cells) in zip(lines.to_pylist(), rows, strict=True):
        written = [f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\r\n') else c for c in cells]
        assert line == (",".join([phone, *written]) + "\n" if phone else "")
    with closing(ImportSpool()) as spool:
        packer = Packer(spool, header_line(["phone", "a", "b"]), 1000, ROOMY)
        packer.add(lines)
        text = b"".join(bytes_of(part.content) for part in packer.import_files()).decode()
        kept = [list(row) for row in rows if row[0] is not None]
        assert list(csv.reader(io.StringIO(text, newline=""))) == ([["phone", "a", "b"], *kept] if kept else [])


def test_more_text_than_a_column_holds() -> None:
    """Lines that no column could hold are refused by name, before anything is written."""
    phones = pa.array(["12125550100"] * 2)
    column = pa.array(["," * (40 << 20)] * 2)
    with pytest.raises(AudienceError, match="more than a gigabyte"):
        write_lines(phones, [column] * 13)


def test_header_lines() -> None:
    """Names with commas, quotes and line breaks are quoted, so that a CSV reader reads them as they are."""
    names = ["phone", "a,b", 'say "hi"', "two\nlines", "é"]
    (read,) = csv.reader(io.StringIO(header_line(names).decode(), newline=""))
    assert read == names
