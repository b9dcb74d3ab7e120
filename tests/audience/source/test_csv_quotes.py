"""Quotes in CSV audiences: no member disappears into a cell, however the file is quoted."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.audience.source import Audience, ReadOptions, open_audience
from listrak_sms_cli.audience.source.csv import CsvReader
from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.audience.source.open import AudienceFile
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.errors import AudienceError
from tests.support.examples import examples

CASES = Path(__file__).parents[2] / "cases"
PHONES = [f"2125550{number}" for number in range(100, 200)]


def rows_of(audience: Audience) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for chunk in audience.chunks():
        rows += [list(row) for row in zip(*(column.to_pylist() for column in chunk.read().columns), strict=True)]
    return rows


def read(source: Path | str, **options: str) -> list[list[Any]]:
    with open_audience(source, ReadOptions(**options)) as audience:
        return rows_of(audience)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "members.csv"
    path.write_text(text, newline="")
    return path


def refused(source: Path | str, **options: str) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        read(source, **options)
    return caught.value


def in_blocks(content: str, dialect: Dialect, block_size: int) -> list[list[Any]]:
    """The rows, read in small blocks."""
    spool = SourceSpool()
    try:
        reader = CsvReader(spool.keep("a.csv", [content.encode()]), dialect, "CSV", block_size=block_size)
        with Audience("a.csv", [AudienceFile(reader, range(len(reader.columns)))], spool) as audience:
            return rows_of(audience)
    finally:
        spool.close()


def test_cells_that_only_open() -> None:
    """Two cells that begin with a quote are refused with both rows and the option that reads them."""
    error = refused(CASES / "quoteopen.csv")
    assert error.code == "text_behind_quote"
    assert "row 2:" in error.message
    assert "row 3" in error.message
    assert "--quote none" in str(error.hint)
    assert read(CASES / "quoteopen.csv", quote="none") == [
        ["2125550100", '"Buzz'],
        ["2125550101", '"Ace'],
        ["2125550102", "plain"],
    ]


def test_quotes_doubled_around_a_cell() -> None:
    """`""Buzz""` is refused with its row."""
    error = refused(CASES / "doubled.csv")
    assert (error.code, "row 4:" in error.message) == ("text_behind_quote", True)


def test_quotes_behind_backslashes() -> None:
    """A file that escapes is refused and --escape named, with which it is read as it was meant."""
    error = refused(CASES / "backslash.csv")
    assert (error.code, "row 2:" in error.message) == ("text_behind_quote", True)
    assert "--escape '\\'" in str(error.hint)
    rows = read(CASES / "backslash.csv", escape="\\")
    assert [row[2] for row in rows] == ['says "hi" often', "C:\\dir"]


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block_size", [64, 1000, 1 << 20])
@pytest.mark.parametrize("last", [True, False], ids=["last column", "middle column"])
def test_text_behind_a_quote_wherever_it_is(delimiter: str, end: str, block_size: int, last: bool) -> None:
    """Between two stray quotes 70 rows apart stand members: refused with both rows, in any file and block."""
    rows = [["phone", "Note", "Tier"], *([phone, "x", "gold"] for phone in PHONES)]
    rows[11][2 if last else 1] = '"Buzz'
    rows[81][2 if last else 1] = '"Ace'
    with pytest.raises(AudienceError) as caught:
        in_blocks("".join(delimiter.join(row) + end for row in rows), Dialect(delimiter), block_size)
    assert caught.value.code == "text_behind_quote"
    assert "row 12:" in caught.value.message
    assert "row 82 " in caught.value.message


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block_size", [64, 1000, 1 << 20])
@pytest.mark.parametrize("places", [(0, 1), (1, 2), (2, 0)], ids=str)
@pytest.mark.parametrize("last_line_ends", [True, False])
def test_rows_swallowed_by_valid_quotes(
    delimiter: str, end: str, block_size: int, places: tuple[int, int], last_line_ends: bool
) -> None:
    """`"Buzz` opens a cell, `12"` closes it eighty rows later, by the rules: refused with both rows; a quote that was
    named accepts it."""
    phone, note = places
    rows = [["", "", ""] for _ in range(101)]
    for row, number in zip(rows, ["phone", *PHONES], strict=True):
        row[phone], row[note] = number, "x"
    rows[0] = ["Tier"] * 3
    rows[0][phone], rows[0][note] = "phone", "Note"
    rows[20][note], rows[100][note] = '"Buzz', '12"'
    text = end.join(delimiter.join(row) for row in rows) + end * last_line_ends
    with pytest.raises(AudienceError) as caught:
        in_blocks(text, Dialect(delimiter), block_size)
    assert caught.value.code == "swallowed_rows"
    assert "row 21:" in caught.value.message
    assert "row 101;" in caught.value.message
    assert "--quote '\"'" in str(caught.value.hint)
    assert len(in_blocks(text, Dialect(delimiter, quote_named=True), block_size)) == 20


def test_a_named_quote_accepts_lines_in_cells(tmp_path: Path) -> None:
    """--quote '"' reads a cell that holds lines like members."""
    path = written(tmp_path, 'phone,Note\n2125550100,"a\n2125550101,b"\n')
    assert refused(path).code == "swallowed_rows"
    assert read(path, quote='"') == [["2125550100", "a\n2125550101,b"]]


def test_swallowed_rows_among_them_one_without_a_phone(tmp_path: Path) -> None:
    """Blank lines, and a few rows whose phone is missing, do not hide that members were swallowed."""
    path = written(tmp_path, 'phone,Note\n1,"a\n2125550101,b\n\n,c\n2125550102,d\n+1 (212) 555-0103 ext 5,12"\n')
    assert refused(path).code == "swallowed_rows"


@pytest.mark.parametrize(
    "note",
    [
        "12 Main St\nSpringfield, IL",
        "Dear Ana,\nthanks, Bob",
        "call\nNote,2125550199",
        "2125550101\n2125550102",
        "line\n2125550101,b\nbye",
        "1\n\n2",
        "\n",
    ],
)
def test_line_breaks_in_cells_are_read(tmp_path: Path, note: str) -> None:
    """Addresses, letters and lists of phones in a cell are no members."""
    path = written(tmp_path, f'phone,Note\n2125550100,"{note}"\n2125550109,x\n')
    assert read(path) == [["2125550100", note], ["2125550109", "x"]]


def test_the_phone_column_that_was_named(tmp_path: Path) -> None:
    """Lines are compared with the phone column that the options name."""
    path = written(tmp_path, 'id,Note,Line 2\n1,"a,x\n2,b,2125550101\n3,12",2125550102\n')
    assert refused(path, phone_column="Line 2").code == "swallowed_rows"
    assert len(read(path)) == 1  # without it the audience will be refused for that


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is looked at as a file is."""
    for name, code in (("quoteopen.csv", "text_behind_quote"), ("backslash.csv", "text_behind_quote")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((CASES / name).read_bytes())))
        assert refused("-").code == code


def test_an_unclosed_quote_names_the_option(tmp_path: Path) -> None:
    """A quote that is never closed leads to --quote none, and to --escape where backslashes stand before quotes."""
    assert "--quote none" in str(refused(written(tmp_path, 'phone,Note\n1,"a\n')).hint)
    assert "--escape" in str(refused(written(tmp_path, 'phone,Note\n1,"a\\""\n')).hint)


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"quote": "'"}, "1,'a,''b'''\n", "a,'b'"),
        ({"quote": "none"}, '1,"\n', '"'),
        ({"quote": "NONE"}, '1,5" 6"\n', '5" 6"'),
        ({"escape": "\\"}, '1,"a\\"\nb"\n', 'a"\nb'),
        ({"escape": "\\"}, "1,a\\,b\n", "a,b"),
        ({"escape": "\\"}, "1,a\\\nb\n", "a\nb"),
        ({"escape": "\\"}, '1,"a\\\\"\n', "a\\"),
        ({"escape": "\\"}, "1,\\N\n", "\\N"),
        ({"escape": "\\"}, '1,"say ""hi"""\n', 'say "hi"'),
        ({"escape": '"'}, '1,"say ""hi"""\n', 'say "hi"'),
        ({"escape": "^"}, '1,"a^"b"\n', 'a"b'),
        ({"quote": "none", "escape": "\\"}, '1,"a\\,b"\n', '"a,b"'),
    ],
)
def test_named_quotes_and_escapes(tmp_path: Path, options: dict[str, str], text: str, expected: str) -> None:
    """--quote and --escape read what they name; `\\N` stays itself, so that --null-value can name it."""
    assert read(written(tmp_path, f"phone,Note\n{text}"), **options) == [["1", expected]]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"quote": "''"}, "bad_quote"),
        ({"quote": ""}, "bad_quote"),
        ({"quote": "é"}, "bad_quote"),
        ({"escape": "\\\\"}, "bad_escape"),
        ({"escape": ""}, "bad_escape"),
        ({"escape": ",", "delimiter": ","}, "bad_quote"),
        ({"quote": ";", "delimiter": ";"}, "bad_delimiter"),
    ],
)
def test_impossible_quotes(tmp_path: Path, options: dict[str, str], code: str) -> None:
    """What cannot be a quote or an escape is refused."""
    assert refused(written(tmp_path, "phone,Note\n1,2\n"), **options).code == code


@given(st.text(st.sampled_from('a\\"\n,'), max_size=30), st.sampled_from([1, 3, 7, 64, 4096]))
@examples(600)
def test_escapes_lose_no_member(text: str, block_size: int) -> None:
    """With an escape, records are those of an independent reader, or the file is refused."""
    content = f"x,y\n{text}\n"
    records = csv.reader(io.StringIO(content, newline=""), escapechar="\\", strict=True)
    try:
        expected = [row for row in records if row][1:]
    except csv.Error:
        return
    try:
        found = in_blocks(content, Dialect(escape="\\"), block_size)
    except AudienceError:
        return
    assert len(found) == len(expected)
    if not any(len(row) == 3 for row in expected):
        assert found == expected


@given(st.text(st.sampled_from('a"\n,'), max_size=30), st.sampled_from([1, 3, 64]))
@examples(300)
def test_without_quotes_each_line_is_a_member(text: str, block_size: int) -> None:
    """With --quote none each line that is not blank is a row, or the file is refused."""
    content = f"x,y\n{text}\n"
    try:
        found = in_blocks(content, Dialect(quote=None), block_size)
    except AudienceError:
        return
    lines = [line for line in content.split("\n")[1:] if line]
    assert [",".join(row) for row in found] in (lines, [line.removesuffix(",") for line in lines])
