"""Files that cannot be read as they are: the message says what they are, and what to type."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from listrak_sms_cli.audience import ColumnChoices, FieldKind, ProfileField, find_phone, plan_columns
from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError

CASES = Path(__file__).parents[2] / "cases"
TEXT = b"phone,First Name\n" + b"".join(b"21255501%02d,Ana\n" % number for number in range(100))


def tar(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


def packed(codec: str, data: bytes) -> bytes:
    return bytes(pa.Codec(codec).compress(data, asbytes=True))


def raw_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


def refused(path: Path, **options: str) -> AudienceError:
    with pytest.raises(AudienceError) as caught, open_audience(path, ReadOptions(**options)) as audience:
        for chunk in audience.chunks():
            chunk.read()
    return caught.value


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (tar(TEXT), "wrong_format", ("tar archive", "tar -xf")),
        (gzip.compress(tar(TEXT)), "wrong_format", ("tar archive", "tar -xf")),
        (bz2.compress(tar(TEXT)), "wrong_format", ("tar archive", "tar -xf")),
        (gzip.compress(gzip.compress(TEXT)), "wrong_format", ("twice", "gzip inside gzip", "gzip -dc")),
        (gzip.compress(packed("zstd", TEXT)), "wrong_format", ("twice", "zstd inside gzip", "gzip -dc")),
        (packed("brotli", TEXT), "wrong_format", ("brotli", "gzip")),
        (packed("brotli", b"phone,x\n1,2\n"), "wrong_format", ("brotli", "gzip")),
        (packed("lz4", TEXT), "wrong_format", ("lz4", "gzip")),
        (zlib.compress(TEXT), "wrong_format", ("deflate", "gzip")),
        (zlib.compress(TEXT, 1), "wrong_format", ("deflate", "gzip")),
        (raw_deflate(TEXT), "wrong_format", ("deflate", "gzip")),
        (b"\xff\x06\0\0sNaPpY" + bytes(20), "wrong_format", ("snappy", "gzip")),
        (b'"phone,First Name"\n"2125550100,Ana"\n', "quoted_lines", ("each line is in quotes",)),
        (b'"phone;First Name"\r\n"2125550100;Ana"\r\n', "quoted_lines", ("each line is in quotes",)),
        (b'phone,First Name\n"2125550100,Ana"\n', "ragged_row", ("row 2", "whole line is in quotes")),
        (b"phone\x01First Name\n2125550100\x01Ana\n", "unknown_delimiter", ("\\x01", "--delimiter '\\x01'")),
        (b"phone\x1fFirst Name\n2125550100\x1fAna\n", "unknown_delimiter", ("\\x1f", "--delimiter '\\x1f'")),
        (b"phone^First Name\n2125550100^Ana\n", "unknown_delimiter", ("“^”", "--delimiter '^'")),
        (b"phone~x\n2125550100~Ana\n2125550101~Bo\n3~c\n", "unknown_delimiter", ("“~”", "--delimiter '~'")),
        (b"Members of March\nphone,First Name\n1,Ana\n", "title_above_header", ("row 2", "title", "Delete")),
        (b"Members of March\n\n\nphone;First Name\n1;Ana\n", "title_above_header", ("row 4", "title", "Delete")),
        (b"Members,,\nMarch,2026,\nphone,First Name,x\n1,Ana,2\n", "title_above_header", ("row 3", "title")),
        (b'phone, Name\n1, "Doe, John"\n', "ragged_row", ("row 2", "behind a blank")),
    ],
)
def test_named_for_what_it_is(tmp_path: Path, content: bytes, code: str, words: tuple[str, ...]) -> None:
    """Archives, other compressions, other delimiters, quoted lines and titles are named, with the way on."""
    path = tmp_path / "members.csv"
    path.write_bytes(content)
    error = refused(path)
    assert error.code == code, error.message
    for word in words:
        assert word in f"{error.message} {error.hint}"
    assert "2125550100" not in f"{error.message} {error.hint}"


def arrow(make: Callable[..., Any], **options: Any) -> bytes:
    table, sink = pa.table({"phone": ["2125550100"]}), pa.BufferOutputStream()
    with make(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


OLD = pa.ipc.IpcWriteOptions(use_legacy_format=True)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (TEXT.decode().encode("utf-32-le"), "not_utf8", "UTF-32 without a byte order mark. Try --encoding utf-32-le"),
        (TEXT.decode().encode("utf-32-be"), "not_utf8", "UTF-32 without a byte order mark. Try --encoding utf-32-be"),
        (TEXT.decode().encode("utf-16-le"), "not_utf8", "UTF-16 without a byte order mark. Try --encoding utf-16-le"),
        (TEXT.decode().encode("utf-16-be"), "not_utf8", "UTF-16 without a byte order mark. Try --encoding utf-16-be"),
        (arrow(pa.ipc.new_stream), "wrong_format", "an Arrow stream, not an audience. Export it"),
        (arrow(pa.ipc.new_file), "wrong_format", "an Arrow (Feather) file, not an audience. Export it"),
        (arrow(pa.ipc.new_stream, options=OLD), "wrong_format", "no text. Export it"),
    ],
)
def test_bytes_of_another_kind(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    """Texts of two or four bytes a character are named for what they are, and so is what is no text."""
    path = tmp_path / "members.csv"
    path.write_bytes(content)
    error = refused(path)
    assert (error.code, words in str(error)) == (code, True), error
    if code == "not_utf8":
        with open_audience(path, ReadOptions(encoding=error.hint.split()[-1].rstrip("."))) as audience:
            assert audience.columns == ("phone", "First Name")


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_32_with_its_mark(tmp_path: Path, order: str) -> None:
    """The mark of UTF-32 begins like that of UTF-16."""
    path = tmp_path / "members.csv"
    path.write_bytes(("\ufeff" + TEXT.decode()).encode(f"utf-32-{order}"))
    with open_audience(path) as audience:
        assert (audience.columns, audience.described) == (("phone", "First Name"), "CSV, comma, UTF-32")
        assert sum(chunk.read().num_rows for chunk in audience.chunks()) == 100


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (TEXT, {"delimiter": "a"}, ("“a”", "commas", "--delimiter ','")),
        (TEXT, {"delimiter": ";"}, ("“;”", "commas", "--delimiter ','")),
        (TEXT, {"format": "tsv"}, ("delimiter tab", "commas", "--format out")),
        (TEXT.replace(b",", b"\t"), {"delimiter": ","}, ("“,”", "tabs", "--delimiter tab")),
        (b"\n" + TEXT.replace(b",", b";"), {"delimiter": "|"}, ("“|”", "semicolons", "--delimiter ';'")),
        (b"sep=;\n" + TEXT, {}, ("“;”", "commas", "--delimiter ','")),
    ],
)
def test_a_delimiter_that_does_not_fit(
    tmp_path: Path, content: bytes, options: dict[str, str], words: tuple[str, ...]
) -> None:
    """Where the header has a phone column by another delimiter than the one named, that is what is wrong."""
    path = tmp_path / "members.csv"
    path.write_bytes(content)
    error = refused(path, **options)
    assert error.code == "wrong_delimiter", error.message
    for word in words:
        assert word in f"{error.message} {error.hint}"


@pytest.mark.parametrize("named", ["\\x01", "\\u0001", "\x01"])
def test_a_control_character_as_delimiter(tmp_path: Path, named: str) -> None:
    """The delimiter of Hive can be typed by its number."""
    path = tmp_path / "members.csv"
    path.write_bytes(b"phone\x01First Name\n2125550100\x01Ana\n")
    with open_audience(path, ReadOptions(delimiter=named)) as audience:
        assert audience.columns == ("phone", "First Name")


@pytest.mark.parametrize("frames", [1, 2])
def test_zstd_behind_frames_without_content(tmp_path: Path, frames: int) -> None:
    """A zstd file that begins with skippable frames, as pzstd writes them, is read."""
    path = tmp_path / "members.csv"
    path.write_bytes(struct.pack("<II4s", 0x184D2A50, 4, b"abcd") * frames + packed("zstd", TEXT))
    with open_audience(path) as audience:
        assert sum(chunk.read().num_rows for chunk in audience.chunks()) == 100


@pytest.mark.parametrize("header", ["\u200bphone", "phone\ufeff", "pho\u00adne", "\x00Phone_Number", "phone\u2060"])
def test_a_phone_column_with_an_invisible_character(header: str) -> None:
    """A column that looks like the phone column is named with the character that nobody sees."""
    with pytest.raises(AudienceError) as caught:
        find_phone(("name", header), None)
    assert caught.value.code == "invisible_character"
    assert "column 2" in caught.value.message
    assert "U+" in caught.value.message
    with pytest.raises(AudienceError) as caught:
        find_phone((header.lower(), "x"), "phone_number" if "Number" in header else "phone")
    assert caught.value.code == "invisible_character"


def test_another_column_with_an_invisible_character() -> None:
    """A column without a profile field is named with the character in its name."""
    fields = [ProfileField(7, "First Name", FieldKind.TEXT)]
    with pytest.raises(AudienceError) as caught:
        plan_columns(("phone", "First Name\u200b"), fields, ColumnChoices())
    assert "First_Name (its name holds an invisible character, U+200B" in caught.value.message


def test_rows_with_one_empty_cell_more(tmp_path: Path) -> None:
    """Rows that all end in one more, empty cell are read, with a note; one that differs is refused."""
    with open_audience(CASES / "trail.csv") as audience:
        (chunk,) = audience.chunks()
        assert chunk.read().to_pydict() == {"phone": ["2125550100", "2125550101"], "First Name": ["Ana", "Bo"]}
        assert [note.code for note in audience.notes] == ["surplus_cell"]
    path = tmp_path / "members.csv"
    for row in ("3,c", "3,c,d", "3,c,,"):
        path.write_text(f"phone,x\n1,a,\n\n2,b,\n{row}\n4,d,\n")
        error = refused(path)
        assert (error.code, "row 5:" in error.message) == ("ragged_row", True)
    path.write_text('phone,x\n"1","a",""\n"2","b",""\n')
    with open_audience(path) as audience:
        (chunk,) = audience.chunks()
        assert chunk.read([1]).to_pydict() == {"x": ["a", "b"]}


def test_blanks_behind_delimiters(tmp_path: Path) -> None:
    """Columns whose values all begin with a blank, or with a quote behind one, are named in a note."""
    with open_audience(CASES / "space.csv") as audience:
        (note,) = audience.notes
    assert note.code == "blanks_behind_delimiters"
    assert "First Name, Loyalty Tier" in note.message
    path = tmp_path / "members.csv"
    path.write_text('phone,a,b\n1,x,"y, z"\n2, x,y\n')
    with open_audience(path) as audience:
        assert audience.notes == ()
    path.write_text('phone,a,b\n1,x, "y"\n2, x,y\n')
    with open_audience(path) as audience:
        assert "text; both are sent: b." in audience.notes[0].message
