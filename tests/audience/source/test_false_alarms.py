"""What looks like something else and is an audience; what looks like an audience and is none."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience.columns import find_phone
from listrak_sms_cli.audience.source import ReadOptions, open_audience
from listrak_sms_cli.audience.source.locate import locate
from listrak_sms_cli.errors import AudienceError

CASES = Path(__file__).parents[2] / "cases"
ROWS = "2125550100,a\n"


def read(source: object, columns: list[int] | None = None, **options: str) -> list[dict[str, str | None]]:
    with open_audience(source, ReadOptions(**options)) as audience:
        return [row for chunk in audience.chunks() for row in chunk.read(columns).to_pylist()]


def refused(source: object, **options: str) -> AudienceError:
    with pytest.raises(AudienceError) as raised:
        read(source, **options)
    return raised.value


@pytest.mark.parametrize(
    "name", ["PARENT_ID", "ORCHARD", "PAR1", "PAR1_ID", "PARE", "ORC", "BZhCode", "BZh9", "OBJ", "7z"]
)
def test_headers_that_begin_like_a_format(tmp_path: Path, name: str) -> None:
    """A text is a text, whatever its header begins with."""
    path = tmp_path / "a.csv"
    path.write_text(f"{name},phone\n{ROWS}")
    assert list(read(path)[0]) == [name, "phone"]


def test_files_of_other_formats_are_still_seen(tmp_path: Path) -> None:
    """Real ones are told by what they are, also without their end."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"ORC\n\x03\x00\x01" + bytes(90) + b"ORC\x12")
    assert refused(path).code == "wrong_format"
    buffer = io.BytesIO()
    pq.write_table(pa.table({"phone": ["2125550100"]}), buffer)
    path.write_bytes(buffer.getvalue()[:-20])
    assert refused(path).code == "bad_parquet"


def test_a_format_named_wins(tmp_path: Path) -> None:
    """What only looks like another format is read as the one named."""
    path = tmp_path / "a.csv"
    path.write_text('{"phone"|x\n2125550100|a\n')
    assert refused(path).code == "wrong_format"
    assert read(path, format="csv", delimiter="|")[0]["x"] == "a"


@pytest.mark.parametrize(
    "table_format, parts",
    [
        ("Delta Lake", ["_delta_log/0.json"]),
        ("Apache Hudi", [".hoodie/hoodie.properties"]),
        ("Apache Iceberg", ["metadata/v1.metadata.json"]),
        ("Apache Iceberg", ["metadata/00000-1a.gz.metadata.json"]),
    ],
)
@pytest.mark.parametrize(
    "named", ["", "*.parquet", "dt=1", "dt=1/*.parquet", "dt=1/b.parquet", "..", "../**/*.parquet"]
)
def test_tables_are_refused(tmp_path: Path, table_format: str, parts: list[str], named: str) -> None:
    """A folder of a table format, what is in it, and what holds one are refused by the format's name, with a way on."""
    table = tmp_path / "tables" / "members"
    for part in parts:
        (table / part).parent.mkdir(parents=True)
        (table / part).write_text("{}")
    (table / "dt=1").mkdir()
    for name in ("a.parquet", "dt=1/b.parquet"):
        pq.write_table(pa.table({"phone": ["2125550100"], "x": ["a"]}), table / name)
    error = refused(str(table / named).replace("members/..", "").rstrip("/"))
    assert (error.code, table_format in error.message) == ("table_format", True)
    assert "DuckDB" in error.hint


def test_the_delta_case() -> None:
    """The table of two files, one of them superseded, is refused; a folder like it without a log is read."""
    assert refused(CASES / "delta").code == "table_format"
    assert refused(f"{CASES}/delta/*.parquet").code == "table_format"


def test_a_folder_of_metadata_is_no_table(tmp_path: Path) -> None:
    """A folder named metadata makes no table."""
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "readme.txt.json").write_text("{}")
    (tmp_path / "a.csv").write_text(f"phone,x\n{ROWS}")
    assert len(read(tmp_path / "a.csv")) == 1


def test_headers_that_differ_in_case_and_underscores(tmp_path: Path) -> None:
    """Files whose headers differ in case, blanks and underscores only are one audience."""
    (tmp_path / "a.csv").write_text("phone,First Name,Zip\n1,Ana,2\n")
    (tmp_path / "b.csv").write_text("ZIP,Phone,first_name\n5,3,Bo\n")
    rows = [{"phone": "1", "First Name": "Ana", "Zip": "2"}, {"phone": "3", "First Name": "Bo", "Zip": "5"}]
    assert read(tmp_path) == rows
    (tmp_path / "b.csv").write_text("ZIP,zip,first_name\n5,3,Bo\n")
    assert refused(tmp_path).code == "different_columns"


@pytest.mark.parametrize(
    ("header", "row", "kept"),
    [("phone,x,,", "2125550100,a,,", ["phone", "x"]), (",phone,x", " ,2125550100,a", ["phone", "x"])],
)
def test_unnamed_empty_columns_are_left_out(tmp_path: Path, header: str, row: str, kept: list[str]) -> None:
    """Columns without a name and without a cell are left out, with a note; a filled one stays."""
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{row}\n")
    assert list(read(path)[0]) == kept
    with open_audience(path) as audience:
        assert [note.code for note in audience.notes] == ["columns_left_out"]
    path.write_text(f"phone,x,\n{ROWS.strip()},\n2125550101,b,c\n")
    assert list(read(path)[0]) == ["phone", "x", ""]


def test_the_index_of_pandas_is_left_out() -> None:
    """An index that has no name is no data of members, in a file or a frame."""
    assert list(read(CASES / "pandas_index.parquet")[0]) == ["phone", "First Name"]
    frame = pd.DataFrame({"phone": ["2125550100"], "x": ["a"]}, index=[7])
    for source in (frame, CASES / "pandas_index.parquet"):
        with open_audience(source) as audience:
            assert [note.code for note in audience.notes] == ["columns_left_out"]
            assert [chunk.read().num_rows for chunk in audience.chunks()] == [len(frame)] or source is not frame
            assert audience.locate([0])[1].tolist() == [1]


def test_extension_types_are_text() -> None:
    """UUIDs and JSON in Parquet are read as they are written."""
    row = read(CASES / "extension.parquet")[0]
    assert row["Member ID"] == "30303030-3030-3030-3030-303030303030"
    assert json.loads(row["Note"] or "") == {"a": 1}


@pytest.mark.parametrize("stored", [pa.binary(), pa.binary(16)])
def test_uuids_of_postgresql_are_text(stored: pa.DataType) -> None:
    """A database's own type `uuid`, nulls and slices included."""
    kind = pa.opaque(stored, "uuid", "PostgreSQL")
    values = pa.array([bytes(range(16)), None, bytes(16)], stored)
    table = pa.table({"phone": ["1", "2", "3"], "id": pa.ExtensionArray.from_storage(kind, values)})
    shown = ["00010203-0405-0607-0809-0a0b0c0d0e0f", None, "00000000-0000-0000-0000-000000000000"]
    assert [row["id"] for row in read(table)] == shown
    assert [row["id"] for row in read(table.slice(1))] == shown[1:]


UNKNOWN = """
import sys
from listrak_sms_cli.audience.source import open_audience
print({path: open_audience(path).unreadable for path in sys.argv[1:]})
"""


def test_extension_types_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    """Periods of pandas are stored as counts, which mean nothing to others: such a column is refused, wherever it comes
    from, also where pandas is not there to name its type. Texts and truth values are read."""
    frame = pd.DataFrame({"phone": ["1"], "since": pd.period_range("2020-01", periods=1, freq="M")})
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    for source in (frame, pa.table(frame), path):
        with open_audience(source) as audience:
            assert list(audience.unreadable) == [1]
            assert "pandas.period is not known" in audience.unreadable[1]
    run = subprocess.run([sys.executable, "-c", UNKNOWN, path], capture_output=True, check=True, timeout=60, text=True)
    assert "{1: 'its type pandas.period is not known" in run.stdout
    flag = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8()))
    shape = {b"ARROW:extension:name": b"geo.point"}
    text, count = (pa.field(name, kind, metadata=shape) for name, kind in (("t", pa.string()), ("n", pa.int64())))
    table = pa.table([flag, ["x"], [1]], pa.schema([pa.field("flag", pa.bool8()), text, count]))
    with open_audience(table) as audience:
        assert list(audience.unreadable) == [2]
        (chunk,) = audience.chunks()
        assert chunk.read([0, 1]).to_pylist() == [{"flag": "1", "t": "x"}]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+99:99", "Nowhere"])
def test_unknown_time_zones(tmp_path: Path, zone: str) -> None:
    """A column in a zone that nobody knows is named; without it the file is read."""
    times = pa.array([0], pa.int64()).cast(pa.timestamp("us", zone))
    table = pa.table({"phone": ["2125550100"], "seen": times})
    pq.write_table(table, tmp_path / "a.parquet")
    for source in (table, tmp_path / "a.parquet"):
        error = refused(source)
        assert (error.code, "seen" in error.message, "--skip-column" in error.hint) == ("unreadable_column", True, True)
        assert read(source, [0]) == [{"phone": "2125550100"}]


def test_a_skipped_column_is_not_read() -> None:
    """Bytes that are no text are an error of those who read them."""
    table = pa.table({"phone": ["2125550100"], "x": pa.array([b"\xff"])})
    assert read(table, [0]) == [{"phone": "2125550100"}]
    assert refused(table).code == "unreadable_column"


@pytest.mark.parametrize("url", ["abfs://c@acct.dfs.core.windows.net/a.csv", "abfss://c@acct/a.csv"])
def test_azure_urls_hold_no_password(url: str) -> None:
    """The container stands where other URLs have a user."""
    with pytest.raises(AudienceError) as raised:
        locate(url)
    assert raised.value.code != "url_with_key"


@pytest.mark.parametrize(
    "url", ["abfs://c:secretword@acct/a.csv", "s3://key@bucket/a.csv", "s3://key:secretword@b/a.csv"]
)
def test_urls_with_a_password_are_refused(url: str) -> None:
    """A password in a URL is refused and not shown."""
    with pytest.raises(AudienceError) as raised:
        locate(url)
    assert raised.value.code == "url_with_key"
    assert "secretword" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["cancelled_at", "excellent", "hotel", "parcel_id", "automobile", "phonetic_name", "miscellaneous"]
)
def test_what_is_no_phone(name: str) -> None:
    """A column is not taken for a phone because of a part of a word."""
    with pytest.raises(AudienceError) as raised:
        find_phone([name, "x"], None)
    assert "looks like" not in raised.value.hint


@pytest.mark.parametrize(
    "name",
    ["Home_Mobile", "Cell_2", "WorkPhone", "Home_Phone", "contactPhone", "tel", "sms", "PhoneNo", "Business_Phone"],
)
def test_what_looks_like_a_phone(name: str) -> None:
    """The words for a phone are found in names of every spelling."""
    with pytest.raises(AudienceError) as raised:
        find_phone([name, "x"], None)
    assert f"{name} looks like one" in raised.value.hint
