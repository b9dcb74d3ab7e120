"""Where audiences come from: compressed, piped, from folders, URLs, workbooks, frames; and what is not an audience."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import asdict

from listrak_sms_cli.audience.source import Audience, ReadOptions, open_audience
from listrak_sms_cli.errors import AudienceError

TEXT = b'phone,name\n1,"a\nb"\n\n2,c\n'
ROWS = [["1", "a\nb"], ["2", "c"]]


def rows_of(audience: Audience) -> list[list[str | None]]:
    batches = [chunk.read() for chunk in audience.chunks()]
    return [list(row) for batch in batches for row in zip(*batch.to_pydict().values(), strict=True)]


def read(source: Any, **options: str) -> list[list[str | None]]:
    with open_audience(source, ReadOptions(**options)) as audience:
        return rows_of(audience)


def refused(source: Any, **options: str) -> AudienceError:
    with pytest.raises(AudienceError) as caught:
        read(source, **options)
    return caught.value


def zstd(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


PACKERS = {"gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstd}


@pytest.mark.parametrize("codec", PACKERS)
def test_compressed(tmp_path: Path, codec: str) -> None:
    """Compressed files are known by their content, whatever they are called."""
    path = tmp_path / "members.csv"
    path.write_bytes(PACKERS[codec](TEXT))
    with open_audience(path) as audience:
        assert rows_of(audience) == ROWS
        assert codec in audience.described
        assert audience.locate(np.arange(2))[1].tolist() == [2, 4]


@pytest.mark.parametrize("codec", PACKERS)
@pytest.mark.parametrize("size", [100, 3_000_000])
def test_compressed_and_cut_off(tmp_path: Path, codec: str, size: int) -> None:
    """A compressed file that was cut off is refused, never read as a shorter one."""
    rng = np.random.default_rng(1)
    data = b"phone,x\n" + b"\n".join(b"%d,%d" % (n, m) for n, m in enumerate(rng.integers(0, 2**60, size // 25)))
    packed = PACKERS[codec](data)
    path = tmp_path / "members.csv"
    for lost in (1, 5, len(packed) // 2):
        path.write_bytes(packed[:-lost])
        assert refused(path).code == "bad_compression"


def test_gzip_of_several_members(tmp_path: Path) -> None:
    """A gzip file put together from several, as by `cat`, is read to its end; so is one of zstd frames."""
    for pack in PACKERS.values():
        path = tmp_path / "members.csv"
        path.write_bytes(pack(b"phone\n1\n") + pack(b"2\n"))
        assert read(path) == [["1"], ["2"]]


def test_damaged_gzip(tmp_path: Path) -> None:
    """A gzip file with a wrong checksum is refused."""
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    path = tmp_path / "members.csv.gz"
    path.write_bytes(data)
    assert refused(path).code == "bad_compression"


def test_compressed_parquet(tmp_path: Path) -> None:
    """A Parquet file in a gzip file is read."""
    out = io.BytesIO()
    pq.write_table(pa.table({"phone": ["1"]}), out)
    path = tmp_path / "members.parquet.gz"
    path.write_bytes(gzip.compress(out.getvalue()))
    assert read(path) == [["1"]]


PIPED = """
import sys
from listrak_sms_cli.audience.source import open_audience
with open_audience(sys.argv[1]) as audience:
    for _ in range(2):
        batches = [chunk.read() for chunk in audience.chunks()]
    print(audience.name, [batch.to_pydict() for batch in batches], audience.identity[0].digest)
"""


@pytest.mark.parametrize("source", ["-", "/dev/stdin"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(source: str, pack: Any) -> None:
    """Standard input is read twice from the spool; its identity is its content."""
    run = subprocess.run(
        [sys.executable, "-c", PIPED, source], input=pack(TEXT), capture_output=True, check=True, timeout=60
    )
    out = run.stdout.decode()
    assert "{'phone': ['1', '2'], 'name': ['a\\nb', 'c']}" in out
    assert out.startswith("standard input" if source == "-" else source)
    assert len(out.split()[-1]) == 32


def test_folder_of_csv_files(tmp_path: Path) -> None:
    """The files of a folder are one audience, columns by name, rows numbered in each file; notes are left out."""
    (tmp_path / "b.csv").write_text("name,phone\nx,3\n")
    (tmp_path / "a.csv").write_text("phone,name\n1,u\n\n2,v\n")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden.csv").write_text("nothing")
    with open_audience(tmp_path) as audience:
        assert rows_of(audience) == [["1", "u"], ["2", "v"], ["3", "x"]]
        assert [Path(name).name for name in audience.files] == ["a.csv", "b.csv"]
        files, numbers = audience.locate(np.arange(3))
        assert (files.tolist(), numbers.tolist()) == ([0, 0, 1], [2, 4, 2])


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the folder `.` every visible data file is read, however short its name, and no hidden one."""
    for name in ("a.csv", "bc.csv", ".d.csv", "_e.csv"):
        (tmp_path / name).write_text(f"phone\n{name}\n")
    monkeypatch.chdir(tmp_path)
    assert read(".") == read(tmp_path) == [["a.csv"], ["bc.csv"]]


def test_readers_are_imported_where_they_are_used(tmp_path: Path) -> None:
    """A CSV is read without the modules that read Parquet files, sheets and streams."""
    path = tmp_path / "members.csv"
    path.write_bytes(TEXT)
    script = (
        PIPED
        + "    print([name for name in sys.modules if name.endswith(('parquet', 'source.excel', 'source.arrow'))])"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True, timeout=60, text=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_glob_of_parquet_files_in_hive_folders(tmp_path: Path) -> None:
    """key=value folders become columns at the end; one pattern names many files."""
    for region, phone in (("us", "1"), ("c%20a", "2"), ("__HIVE_DEFAULT_PARTITION__", "3")):
        folder = tmp_path / "dt=2026-01-01" / f"region={region}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"phone": [phone]}), folder / "part-0.parquet")
    expected = [["3", "2026-01-01", ""], ["2", "2026-01-01", "c a"], ["1", "2026-01-01", "us"]]
    for source in (tmp_path, str(tmp_path / "**" / "*.parquet")):
        with open_audience(source) as audience:
            assert audience.columns == ("phone", "dt", "region")
            assert rows_of(audience) == expected
            (chunk, *_) = audience.chunks()
            assert chunk.read([2]).to_pydict() == {"region": [""]}


def test_more_files_than_may_be_open(tmp_path: Path) -> None:
    """A folder of more files than the process may have open is read."""
    for number in range(400):
        (tmp_path / f"{number:04}.csv").write_bytes(b"phone\n%d\n" % number)
    for number in range(400, 450):
        (tmp_path / f"{number:04}.csv.gz").write_bytes(gzip.compress(b"phone\n%d\n" % number))
    script = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))\n" + PIPED
    run = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, check=True, timeout=120)
    assert b"'449'" in run.stdout


REFUSED = """
import sys
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.errors import AudienceError
for source in sys.argv[1:]:
    try:
        audience = open_audience(source)
        print(audience.files, *(note.code for note in audience.notes))
    except AudienceError as error:
        print(error.code, error)
"""


def as_anybody(*command: object) -> list[str]:
    """The lines that a command writes when it has no right to read what is closed to its user."""
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if without and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and there is no setpriv")
    run = subprocess.run([*without, *map(str, command)], capture_output=True, check=True, timeout=60, text=True)
    return run.stdout.splitlines()


def test_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    """A folder below the audience, or named in a pattern, that cannot be looked into is an error, and is named; a
    hidden one is not. Of those that a pattern leads to, as to many, a warning tells."""
    for day in (1, 2):
        (tmp_path / f"dt={day}").mkdir()
        (tmp_path / f"dt={day}" / "a.csv").write_text("phone\n1\n")
    closed, hidden = tmp_path / "dt=2", tmp_path / ".snapshot"
    hidden.mkdir(0)
    closed.chmod(0)
    of_many = ("*/*.csv", "**/*.csv", "dt=*/a.csv", "*/a.*")
    patterns = ("", "dt=2/*.csv", "dt=2/a.csv", *of_many, "dt=1/*.csv")
    try:
        told = as_anybody(sys.executable, "-c", REFUSED, *(tmp_path / pattern for pattern in patterns))
    finally:
        closed.chmod(0o700)
        hidden.chmod(0o700)
    read = f"('{tmp_path / 'dt=1' / 'a.csv'}',)"
    assert told[3:] == [f"{read} folders_passed_over"] * len(of_many) + [read]
    assert [line for line in told[:3] if not line.startswith(f"cannot_read {closed}")] == []
    assert "Permission denied" in told[0]


def test_files_of_a_folder_that_are_not_read(tmp_path: Path) -> None:
    """One note counts the files of a folder that are not read, and links to folders; what programs keep beside the
    files is not counted. A pattern that names all is not noted."""
    folder = tmp_path / "exp"
    for name in ("more", "sub.ok"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.csv").write_text("phone\n1\n")
    (folder / "more").rename(tmp_path / "more")
    for name in ("_SUCCESS", ".b.csv.crc", "a.csv.md5", "a.csv.sha256", "README.md", "sub.ok/_x.json"):
        (folder / name).write_text("x")
    with open_audience(folder) as audience:
        assert audience.notes == ()
    for name in ("b.csv.xz", "b.json", "sub.ok/b.xlsx", "b.csv.1"):
        (folder / name).write_text("x")
    (folder / "part-0001").write_text("phone\n2\n")
    (folder / "linked.csv").symlink_to(folder / "part-0001")
    (folder / "old").symlink_to(tmp_path / "more")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    with open_audience(folder) as audience:
        assert [Path(name).name for name in audience.files] == ["linked.csv", "a.csv"]
        (note,) = audience.notes
    assert note.code == "files_passed_over"
    assert f"{folder} that are not read: 8 (" in note.message
    assert "…" in note.message
    with open_audience(str(folder / "*.csv")) as audience:
        assert audience.notes == ()
    (folder / "linked.csv").unlink()
    (folder / "sub.ok" / "a.csv").unlink()
    error = refused(folder)
    assert (error.code, f'"{folder}/*"' in error.hint, "pipe.csv" in error.hint) == ("not_found", True, True)


@pytest.mark.parametrize("pattern", ["", "*", "*.csv", "**"])
def test_a_link_that_leads_nowhere(tmp_path: Path, pattern: str) -> None:
    """A link to a file that is not there is an error, in a folder and by a pattern."""
    (tmp_path / "a.csv").write_text("phone\n1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "nothing.csv")
    error = refused(str(tmp_path / pattern))
    assert (error.code, "b.csv is a link" in error.message) == ("not_found", True)
    (tmp_path / "b.csv").unlink()
    (tmp_path / "b.csv").symlink_to(tmp_path / "b.csv")
    assert refused(str(tmp_path / pattern)).code == "not_found"


def test_an_empty_parquet_file_among_others(tmp_path: Path) -> None:
    """A Parquet file without a byte is not one that was written whole."""
    (tmp_path / "a.parquet").write_bytes(b"")
    pq.write_table(pa.table({"phone": ["1"]}), tmp_path / "b.parquet")
    for source in (tmp_path, str(tmp_path / "*.parquet")):
        error = refused(source)
        assert (error.code, "a.parquet" in error.message) == ("empty_file", True)


def test_files_with_other_columns(tmp_path: Path) -> None:
    """A file whose columns differ from the first one's is named."""
    (tmp_path / "a.csv").write_text("phone,name\n1,u\n")
    (tmp_path / "b.csv").write_text("phone,zip\n1,u\n")
    error = refused(tmp_path)
    assert error.code == "different_columns"
    assert "b.csv" in error.message
    assert "“name”" in error.message


@pytest.mark.parametrize("header", ["'2125550100,Ann", "phone,name"])
def test_files_of_which_one_has_no_header(tmp_path: Path, header: str) -> None:
    """The file is named, and no cell of its first member."""
    (tmp_path / "a.csv").write_text(f"{header}\n'2125550101,Bob\n")
    (tmp_path / "b.csv").write_text("tel:2125550102,Cid\n'2125550103,Dan\n")
    error = refused(tmp_path)
    assert (error.code, "b.csv has no header" in error.message) == ("no_header", True)
    assert "21255501" not in str(error)


def test_empty_file_among_others(tmp_path: Path) -> None:
    """A file without a byte among others, as Spark writes it, is passed over; all empty is an error."""
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv").write_text("phone\n1\n")
    assert read(tmp_path) == [["1"]]
    (tmp_path / "b.csv").write_text("")
    assert refused(tmp_path).code == "empty_file"


@pytest.mark.parametrize("name", ["nothing.csv", "no*.csv", "folder"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    """What is not there is said to be not there."""
    (tmp_path / "folder").mkdir()
    assert refused(tmp_path / name).code == "not_found"


def test_from_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a working folder that was deleted a relative audience is not found; a whole path is read."""
    (tmp_path / "a.csv").write_bytes(TEXT)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for source in ("a.csv", "*.csv", "."):
        error = refused(source)
        assert (error.code, bool(error.hint)) == ("not_found", True)
    assert "whole path" in refused("a.csv").hint
    assert read(tmp_path / "a.csv") == ROWS


def test_a_name_with_brackets(tmp_path: Path) -> None:
    """A file whose name looks like a pattern is that file."""
    path = tmp_path / "members[1].csv"
    path.write_bytes(TEXT)
    assert read(path) == ROWS


def test_file_url(tmp_path: Path) -> None:
    """A file:// URL is a path."""
    path = tmp_path / "mem bers.csv"
    path.write_bytes(TEXT)
    assert read(path.as_uri()) == ROWS


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secretword@bucket/a.csv",
        "s3://bucket/a.csv?X-Amz-Signature=secretword",
        "s3://bucket/a.csv?access_key=secretword",
        "gs://bucket/a.csv?token=secretword",
        "https://account.blob.example/a.csv?sig=secretword",
    ],
)
def test_url_with_a_key(url: str) -> None:
    """A URL with a key in it is refused, and the key is not repeated."""
    error = refused(url)
    assert error.code == "url_with_key"
    assert "secretword" not in str(error)


def test_web_address() -> None:
    """A web address is refused with a way to pipe it in."""
    assert "curl" in refused("https://example.com/a.csv").hint


WRONG = {
    "HTML": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "JSON": b'{"phone": 1}',
    "zip": b"PK\x03\x04" + bytes(60),
    "Feather": b"ARROW1\0\0" + bytes(60),
    "PDF": b"%PDF-1.7",
    "XML": b'<?xml version="1.0"?><a/>',
}


@pytest.mark.parametrize("words", WRONG)
def test_csv_that_is_something_else(tmp_path: Path, words: str) -> None:
    """A `.csv` that is something else is called what it is."""
    path = tmp_path / "members.csv"
    path.write_bytes(WRONG[words])
    error = refused(path)
    assert error.code == "wrong_format"
    assert words in error.message


def test_csv_that_is_parquet(tmp_path: Path) -> None:
    """A `.csv` that is really Parquet is read as Parquet, but not when --format says CSV."""
    path = tmp_path / "members.csv"
    pq.write_table(pa.table({"phone": ["1"]}), path)
    assert read(path) == [["1"]]
    assert "Parquet" in refused(path, format="csv").message
    path.write_bytes(TEXT)
    assert "CSV" in refused(path, format="parquet").message
    assert refused(path, format="json").code == "bad_format"
    assert refused(path, encoding="klingon").code == "bad_encoding"


def test_tsv(tmp_path: Path) -> None:
    """--format tsv takes tabs for delimiters, however many commas there are."""
    path = tmp_path / "members.txt"
    path.write_text("phone\ta,b,c\n1\t2,3,4\n")
    with open_audience(path, ReadOptions(format="tsv")) as audience:
        assert audience.columns == ("phone", "a,b,c")


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["phone", "zip", "born", "at", "active", "spend"])
    sheet.append([2125550100, "01234", dt.date(1990, 5, 17), dt.datetime(2026, 1, 2, 3, 4, 5), True, 12.5])
    sheet.append([])
    sheet.append(["+1 212 555 0101", None, None, None, False, 3.0])
    other = book.create_sheet("Old members")
    other.append([])
    other.append(["phone"])
    other.append([7])
    book.create_sheet("Empty")
    path = tmp_path / "members.xlsx"
    book.save(path)
    return path


def test_workbook(workbook: Path) -> None:
    """The first sheet as shown: whole numbers without .0, dates ISO, rows numbered as the sheet does."""
    with open_audience(workbook) as audience:
        assert rows_of(audience) == [
            ["2125550100", "01234", "1990-05-17", "2026-01-02 03:04:05", "true", "12.5"],
            ["+1 212 555 0101", None, None, None, "false", "3"],
        ]
        assert audience.rows == 2
        assert audience.locate(np.arange(2))[1].tolist() == [2, 4]


def test_sheets(workbook: Path) -> None:
    """--sheet names one; a wrong name lists them; an empty one is refused."""
    assert read(workbook, sheet="old members") == [["7"]]
    error = refused(workbook, sheet="New")
    assert (error.code, "Old members" in error.hint) == ("unknown_sheet", True)
    assert refused(workbook, sheet="Empty").code == "empty_file"


def test_damaged_workbook(workbook: Path) -> None:
    """A workbook that was cut off is refused in one sentence."""
    workbook.write_bytes(workbook.read_bytes()[:-300])
    assert refused(workbook).code == "bad_workbook"


def test_zip_archive(tmp_path: Path) -> None:
    """A zip archive with a CSV in it is called a zip archive."""
    path = tmp_path / "members.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("members.csv", TEXT)
    assert "zip archive" in refused(path).message


TABLE = pa.table({"phone": [1, 2, None], "name": ["a", "b", "c"]})
EXPECTED = [["1", "a"], ["2", "b"], [None, "c"]]


@pytest.mark.parametrize("source", [TABLE, TABLE.to_reader(1), TABLE.to_pandas().set_index("name", drop=False)])
def test_anything_with_an_arrow_stream(source: Any) -> None:
    """Tables, readers that can be read once, and pandas frames (without their index) are audiences."""
    with open_audience(source) as audience:
        for _ in range(2):
            assert rows_of(audience) == EXPECTED
        assert audience.rows == 3
        assert audience.locate(np.array([2]))[1].tolist() == [3]
        json.dumps([asdict(file) for file in audience.identity])


def test_frame_with_an_index_of_strings() -> None:
    """A pandas frame filtered down keeps its rows and no index column."""
    frame = pd.DataFrame({"phone": ["1", "2", "3"], "x": [1.0, None, 2.5]})
    with open_audience(frame[frame["phone"] != "2"]) as audience:
        assert audience.columns == ("phone", "x")
        assert rows_of(audience) == [["1", "1"], ["3", "2.5"]]


def test_stream_that_breaks_off() -> None:
    """A stream that ends in an error is refused with how far it came, without its words."""

    def batches() -> Any:
        yield pa.RecordBatch.from_pydict({"phone": ["1"]})
        raise ValueError("secretword")

    error = refused(pa.RecordBatchReader.from_batches(pa.schema([("phone", pa.string())]), batches()))
    assert error.code == "bad_stream"
    assert "secretword" not in str(error)


def test_not_an_audience() -> None:
    """A thing that is neither path nor frame is called by its type."""
    assert "int" in refused(7).message


def test_disk_full(tmp_path: Path) -> None:
    """When the spool does not fit on its disk, the folder and TMPDIR are named."""
    path = tmp_path / "members.csv.gz"
    path.write_bytes(gzip.compress(b"phone\n" + b"2125550100\n" * 300_000))
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from listrak_sms_cli.audience.source import open_audience
from listrak_sms_cli.errors import AudienceError
try:
    open_audience({str(path)!r})
except AudienceError as error:
    print(error.code, error)
"""
    run = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, check=True, timeout=60, text=True)
    assert run.stdout.startswith("disk_full")
    assert "TMPDIR" in run.stdout


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool has no name in the temporary folder, and a folder that cannot be written to is named."""
    (tmp_path / "spool").mkdir()
    path = tmp_path / "members.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spool"))
    with open_audience(path) as audience:
        assert list((tmp_path / "spool").iterdir()) == []
        assert rows_of(audience) == ROWS
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    error = refused(path)
    assert (error.code, "TMPDIR" in error.hint) == ("temporary_folder", True)


def test_a_link_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """The message about it is UTF-8 all the same."""
    (tmp_path / "caf\udce9.csv").symlink_to("nowhere")
    with pytest.raises(AudienceError, match="caf\ufffd\\.csv is a link") as caught:
        open_audience(str(tmp_path))
    caught.value.message.encode()


def test_a_file_that_is_deleted_while_the_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as if it had never been there."""
    (tmp_path / "a.csv").write_text("phone\n1\n")
    walk = os.walk

    def stale(*arguments: Any, **named: Any) -> Any:
        for above, folders, names in walk(*arguments, **named):
            yield above, folders, [*names, "gone.csv"]

    monkeypatch.setattr(os, "walk", stale)
    assert open_audience(str(tmp_path)).files == (str(tmp_path / "a.csv"),)
