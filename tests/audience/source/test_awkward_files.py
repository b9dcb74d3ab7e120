"""Files as people really have them, through the real command: read exactly right, or refused in one sentence."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.cli.app import main

CANARY = "Qzk7xKanarie"
GOOD = "2125550100,fine"
BAD = f"no phone,{CANARY}"  # an invalid phone: the row comes back in the rejects file as it was read


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Lsms = Callable[..., Ended]


@pytest.fixture
def lsms(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Lsms]:
    """`lsms validate`, from the command line it is given to its exit code."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["lsms", "validate", "--offline", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ended(left.value.code, told.out, told.err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def xlsx(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("audience.csv", text)
    return buffer.getvalue()


TWO = f"phone,note\n{GOOD}\n{BAD}\n"
PARQUET = parquet(phone=["2125550100", "no phone"], note=["fine", CANARY])

# What it is: file name, content, options; then the row number and the cells of the member that is dropped.
READ: dict[str, tuple[str, bytes, tuple[str, ...], int, list[str]]] = {
    "plain": ("a.csv", TWO.encode(), (), 3, ["no phone", CANARY]),
    "byte order mark": ("a.csv", TWO.encode("utf-8-sig"), (), 3, ["no phone", CANARY]),
    "UTF-16 with its mark": ("a.csv", TWO.encode("utf-16"), (), 3, ["no phone", CANARY]),
    "latin-1": ("a.csv", f"{TWO}x,Bjørn\n".encode("latin-1"), ("--encoding", "latin-1"), 4, ["x", "Bjørn"]),
    "cp1252": ("a.csv", f"{TWO}x,“Zoë” €\n".encode("cp1252"), ("--encoding", "cp1252"), 4, ["x", "“Zoë” €"]),
    "carriage returns": ("a.csv", TWO.replace("\n", "\r").encode(), (), 3, ["no phone", CANARY]),
    "CRLF": ("a.csv", TWO.replace("\n", "\r\n").encode(), (), 3, ["no phone", CANARY]),
    "mixed line ends": ("a.csv", f"phone,note\r\n{GOOD}\r{BAD}\n".encode(), (), 3, ["no phone", CANARY]),
    "no last line end": ("a.csv", TWO.rstrip().encode(), (), 3, ["no phone", CANARY]),
    "blank lines": ("a.csv", f"phone,note\n\n{GOOD}\n\n\n{BAD}\n".encode(), (), 6, ["no phone", CANARY]),
    "line breaks in cells": (
        "a.csv",
        f'phone,note\n{GOOD}\nx,"one\ntwo\r\n{CANARY}"\n'.encode(),
        (),
        3,
        ["x", f"one\ntwo\r\n{CANARY}"],
    ),
    "doubled quotes": ("a.csv", f'phone,note\n{GOOD}\nx,"say ""hi"", Ann"\n'.encode(), (), 3, ["x", 'say "hi", Ann']),
    "stray quotes": ("a.csv", f'phone,note\n{GOOD}\nx,5" nail\n'.encode(), (), 3, ["x", '5" nail']),
    "quotes that are text": ("a.csv", f'phone,note\n{GOOD}\nx,"5\n'.encode(), ("--quote", "none"), 3, ["x", '"5']),
    "quotes behind backslashes": (
        "a.csv",
        f'phone,note\n{GOOD}\nx,"say \\"hi\\""\n'.encode(),
        ("--escape", "\\"),
        3,
        ["x", 'say "hi"'],
    ),
    "one empty cell more": ("a.csv", f"phone,note\n{GOOD},\n{BAD},\n".encode(), (), 3, ["no phone", CANARY]),
    "semicolons, commas in quotes": (
        "a.csv",
        f'phone;note\n{GOOD.replace(",", ";")}\nx;"a,b,c;d"\n'.encode(),
        (),
        3,
        ["x", "a,b,c;d"],
    ),
    "tabs": ("a.tsv", TWO.replace(",", "\t").encode(), (), 3, ["no phone", CANARY]),
    "bars": ("a.txt", TWO.replace(",", "|").encode(), (), 3, ["no phone", CANARY]),
    "a delimiter nobody guesses": (
        "a.csv",
        TWO.replace(",", "^").encode(),
        ("--delimiter", "^"),
        3,
        ["no phone", CANARY],
    ),
    "Excel's separator line": ("a.csv", f"sep=;\n{TWO.replace(',', ';')}".encode(), (), 4, ["no phone", CANARY]),
    "a column without a name": ("a.csv", TWO.replace("note", "").encode(), (), 3, ["no phone", CANARY]),
    "NUL bytes": ("a.csv", f"phone,note\n{GOOD}\nx,a\0b\n".encode(), (), 3, ["x", "a\0b"]),
    "gzip": ("a.csv.gz", gzip.compress(TWO.encode()), (), 3, ["no phone", CANARY]),
    "bz2 called csv": ("a.csv", bz2.compress(TWO.encode()), (), 3, ["no phone", CANARY]),
    "leading zeros": ("a.csv", f"phone,note\n{GOOD}\nx,00501\n".encode(), (), 3, ["x", "00501"]),
    "null words": ("a.csv", f"phone,note\n{GOOD}\nx,NULL\n".encode(), (), 3, ["x", "NULL"]),
    "a big cell": ("a.csv", f"phone,note\n{GOOD}\nx,{'y' * 10_000_000}\n".encode(), (), 3, ["x", "y" * 10_000_000]),
    "Parquet": ("a.parquet", PARQUET, (), 2, ["no phone", CANARY]),
    "Parquet called csv": ("a.csv", PARQUET, (), 2, ["no phone", CANARY]),
    "Excel": ("a.xlsx", xlsx([["phone", "note"], [2125550100, "fine"], ["x", CANARY]]), (), 3, ["x", CANARY]),
}

# What it is: file name, content, options; then what the error must name.
REFUSED: dict[str, tuple[str, bytes, tuple[str, ...], tuple[str, ...]]] = {
    "an empty file": ("a.csv", b"", (), ("a.csv", "empty")),
    "blank lines only": ("a.csv", b"\n\n\n", (), ("a.csv", "empty")),
    "a header only": ("a.csv", b"phone,note\n", (), ("no members", "--allow-empty")),
    "no phone column": (
        "a.csv",
        f"home_phone,note\n1,{CANARY}\n".encode(),
        (),
        ("no column phone", "--phone-column home_phone"),
    ),
    "two columns of one name": ("a.csv", f"phone,note,Note\n1,{CANARY},b\n".encode(), (), ("note", "Note", "Rename")),
    "too few cells": ("a.csv", f"{TWO}{CANARY}\n".encode(), (), ("row 4", "1 cell", "2")),
    "too many cells": ("a.csv", f"{TWO}1,2,{CANARY}\n".encode(), (), ("row 4", "3 cells", "2")),
    "a quote never closed": ("a.csv", f'{TWO}1,"{CANARY}\n3,4\n'.encode(), (), ("row 4", "quote")),
    "text behind a quote": ("a.csv", f'{TWO}1,"{CANARY}\n3,"4\n'.encode(), (), ("row 4", "row 5", "--quote none")),
    "a backslash before a quote": ("a.csv", f'{TWO}1,"{CANARY} \\"b\\""\n'.encode(), (), ("row 4", "--escape '\\'")),
    "members in a cell": (
        "a.csv",
        f'{TWO}1,"{CANARY}\n2125550101,b\n2125550102,12"\n'.encode(),
        (),
        ("row 4", "row 6", "--quote none", "--quote '\"'"),
    ),
    "latin-1 unnamed": ("a.csv", f"{TWO}1,{CANARY}\xe9\n".encode("latin-1"), (), ("row 4", "note", "--encoding")),
    "latin-1 in the header": ("a.csv", f"phone,caf\xe9\n1,{CANARY}\n".encode("latin-1"), (), ("header", "--encoding")),
    "UTF-16 without its mark": ("a.csv", TWO.encode("utf-16-le"), (), ("--encoding utf-16-le",)),
    "the wrong encoding": ("a.csv", f"{TWO}1,{CANARY}é\n".encode("latin-1"), ("--encoding", "utf-8"), ("row 4",)),
    "no such encoding": ("a.csv", TWO.encode(), ("--encoding", "utf-99"), ("--encoding",)),
    "a delimiter of two": ("a.csv", TWO.encode(), ("--delimiter", "||"), ("--delimiter",)),
    "a cell over 16 MiB": ("a.csv", f"{TWO}1,{CANARY * 1_500_000}\n".encode(), (), ("row 4", "16 MiB")),
    "a truncated gzip": ("a.csv.gz", gzip.compress(TWO.encode() * 999)[:-12], (), ("a.csv.gz", "gzip")),
    "a zip archive": ("a.zip", zipped(TWO), (), ("zip archive",)),
    "HTML called csv": ("a.csv", f"<!DOCTYPE html><table><tr><td>{CANARY}</td></tr></table>".encode(), (), ("HTML",)),
    "JSON called csv": ("a.csv", f'[{{"phone": "1", "note": "{CANARY}"}}]'.encode(), (), ("JSON",)),
    "an old Excel file": (
        "a.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + CANARY.encode() * 99,
        (),
        ("a.xls", "Excel", "as CSV"),
    ),
    "Excel, a sheet it has not": ("a.xlsx", xlsx([["phone"], [CANARY]]), ("--sheet", "May"), ("no sheet", "Sheet")),
    "Excel cut off": ("a.xlsx", xlsx([["phone"], [CANARY]])[:2000], (), ("a.xlsx",)),
    "Excel, an empty sheet": ("a.xlsx", xlsx([]), (), ("empty",)),
    "Parquet cut off": ("a.parquet", PARQUET[:-9], (), ("a.parquet",)),
    "Parquet without rows": (
        "a.parquet",
        parquet(phone=pa.array([], pa.string()), note=pa.array([], pa.string())),
        (),
        ("no members",),
    ),
    "a nested column": ("a.parquet", parquet(phone=["1"], tags=[[CANARY]]), (), ("tags", "--skip-column")),
    "a nested phone": ("a.parquet", parquet(phone=[[CANARY]], note=["x"]), (), ("phone",)),
    "bytes that are no text": (
        "a.parquet",
        parquet(phone=["1"], note=[CANARY.encode() + b"\xff"]),
        (),
        ("note", "UTF-8"),
    ),
    "CSV said to be Parquet": ("a.csv", TWO.encode(), ("--format", "parquet"), ("a.csv", "Parquet")),
    "Parquet said to be CSV": ("a.parquet", PARQUET, ("--format", "csv"), ("Parquet",)),
    "no phone that is one": ("a.csv", f"phone,note\nx,{CANARY}\n".encode(), (), ("invalid_phone 1", "--rejects")),
    "phones alone": ("a.csv", b"phone\n2125550100\n", (), ("no column but the phone",)),
    "a column it has not": ("a.csv", TWO.encode(), ("--skip-column", "nota"), ("nota", "note")),
    "no such file": ("b.csv", b"", ("",), ("a.csv", "There is no")),
}


@pytest.mark.parametrize("what", READ)
def test_read_exactly(lsms: Lsms, tmp_path: Path, what: str) -> None:
    """The members are counted, and the dropped one comes back cell by cell with the number of its row."""
    name, content, options, row, cells = READ[what]
    (tmp_path / name).write_bytes(content)
    ended = lsms(name, *options, "--rejects", "rejects.csv", "--json")
    assert ended.code == 0, ended.out + ended.err
    report = json.loads(ended.out)
    assert report["rows_sendable"] == 1
    limit = csv.field_size_limit(1 << 24)
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        rejected = list(csv.reader(line for line in file))[1:]
    csv.field_size_limit(limit)
    assert report["rows_read"] == 1 + len(rejected)
    assert rejected[-1][:2] == [str(row), "invalid_phone"]
    assert rejected[-1][4:] == cells


@pytest.mark.parametrize("what", READ)
def test_what_is_read_is_not_shown(lsms: Lsms, tmp_path: Path, what: str) -> None:
    """Neither the table nor its samples quote a cell."""
    name, content, options, _, _ = READ[what]
    (tmp_path / name).write_bytes(content)
    ended = lsms(name, *options)
    assert ended.code == 0
    assert CANARY not in ended.out + ended.err
    assert "2125550100" not in ended.out + ended.err


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_sentence(lsms: Lsms, tmp_path: Path, what: str) -> None:
    """Exit 2, one short message that says what and where and what to type, no value, no traceback, no foreign word."""
    name, content, options, named = REFUSED[what]
    (tmp_path / name).write_bytes(content)
    if options == ("",):
        name, options = "a.csv", ()
    for verbose in ((), ("--verbose",)):
        ended = lsms(name, *options, *verbose)
        assert ended.code == 2, ended.out + ended.err
        told = [line for line in ended.err.splitlines() if not line.startswith(("lsms: ", "  "))]
        assert told[0].startswith("Error: ")
        assert len(told) <= 2, ended.err
        for word in named:
            assert word in ended.err
        for word in (CANARY, "Traceback", "pyarrow", "ArrowInvalid", "arrow::", "Errno", "codec can't"):
            assert word not in ended.out + ended.err
        assert len(told[0]) < 300


@pytest.mark.parametrize("what", REFUSED)
def test_refused_as_json(lsms: Lsms, tmp_path: Path, what: str) -> None:
    """With --json the same sentence is in a document, and nothing was counted as sendable."""
    name, content, options, _ = REFUSED[what]
    (tmp_path / name).write_bytes(content)
    if options == ("",):
        name, options = "a.csv", ()
    ended = lsms(name, *options, "--json")
    document = json.loads(ended.out)
    assert (ended.code, document["exit_code"], document["rows_sendable"]) == (2, 2, 0)
    assert document["error"]["message"]
    assert document["rows_read"] == document["rows_dropped"]
    assert CANARY not in ended.out + ended.err
