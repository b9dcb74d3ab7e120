"""CSV audiences: every cell as it was written, every row with its number, or one clear sentence."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path

import numpy as np
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


def opened(content: bytes, delimiter: str = ",", block_size: int = 4 << 20) -> Audience:
    spool = SourceSpool()
    try:
        reader = CsvReader(spool.keep("members.csv", [content]), Dialect(delimiter), "CSV", block_size=block_size)
    except AudienceError:
        spool.close()
        raise
    return Audience("members.csv", [AudienceFile(reader, range(len(reader.columns)))], spool)


def rows_of(audience: Audience) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    for chunk in audience.chunks():
        batch = chunk.read()
        rows += [list(row) for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
    return rows


def by_csv_module(content: bytes, delimiter: str = ",") -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows, and the record number of each row."""
    records = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    filled = [(number, record) for number, record in enumerate(records, 1) if record]
    return filled[0][1], [record for _, record in filled[1:]], [number for number, _ in filled[1:]]


def same_as_csv_module(content: bytes, delimiter: str = ",", block_size: int = 4 << 20) -> None:
    header, rows, numbers = by_csv_module(content, delimiter)
    with opened(content, delimiter, block_size) as audience:
        assert list(audience.columns) == header
        assert rows_of(audience) == rows
        files, found = audience.locate(np.arange(len(rows)))
        assert found.tolist() == numbers
        assert not files.any()


def refused(content: bytes, **options: str) -> AudienceError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "members.csv"
        path.write_bytes(content)
        with pytest.raises(AudienceError) as caught, open_audience(path, ReadOptions(**options)) as audience:
            rows_of(audience)
    return caught.value


CELLS = st.text(st.sampled_from('ab",\n\r é\t;'), max_size=6)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])


@given(st.data())
@examples(300)
def test_written_by_the_csv_module(data: st.DataObject) -> None:
    """Whatever the csv module writes is read back cell for cell, with blank lines counted, at any block size."""
    width = data.draw(st.integers(1, 4))
    out = io.StringIO()
    for _ in range(data.draw(st.integers(1, 8))):
        end = data.draw(ENDS)
        cells = data.draw(st.lists(CELLS, min_size=width, max_size=width))
        breaks = any("\n" in cell or "\r" in cell for cell in cells)  # an older csv module leaves some unquoted
        quoting = csv.QUOTE_ALL if breaks else data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        csv.writer(out, lineterminator=end, quoting=quoting).writerow(cells)
        out.write(end * data.draw(st.sampled_from([0, 0, 0, 1, 2])))
    content = out.getvalue()
    if data.draw(st.booleans()):
        content = content.rstrip("\r\n") or content
    same_as_csv_module(content.encode(), block_size=data.draw(st.sampled_from([1, 2, 3, 7, 16, 64, 4096])))


def by_strict_reader(content: bytes, delimiter: str = ",", **dialect: object) -> list[list[str]] | None:
    """All records but blank lines; None where a strict reader refuses the file, or a row has another width."""
    text = io.StringIO(content.decode(), newline="")
    try:
        records = [row for row in csv.reader(text, strict=True, delimiter=delimiter, **dialect) if row]  # type: ignore[arg-type]
    except csv.Error:
        return None
    width = len(records[0])
    if len(records) > 1 and all(len(row) == width + 1 and not row[-1] for row in records[1:]):
        return [records[0], *(row[:-1] for row in records[1:])]
    return records if all(len(row) == width for row in records) else None


@given(
    st.text(st.sampled_from('a1"\n\r,'), max_size=40),
    st.sampled_from(["x,y", "phone,y", '"x","y"']),
    st.sampled_from([1, 2, 5, 64, 4096]),
)
@examples(1500)
def test_no_member_disappears(text: str, header: str, block_size: int) -> None:
    """Whatever stands in a file: its records are those of an independent strict reader, or the file is refused."""
    content = f"{header}\n{text}\n".encode()
    expected = by_strict_reader(content)
    try:
        with opened(content, block_size=block_size) as audience:
            found = [list(audience.columns), *rows_of(audience)]
    except AudienceError as error:
        if error.code == "swallowed_rows":
            return
        assert expected is None, error.message
        assert error.code in ("unclosed_quote", "text_behind_quote", "ragged_row")
    else:
        assert found == expected


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(end: str, last: bool) -> None:
    """CR, LF and CRLF end a row, with or without one at the end of the file."""
    same_as_csv_module((end.join(["phone,x", "1,a", "", "2,b"]) + end * last).encode(), block_size=8)


def test_byte_order_mark() -> None:
    """A byte order mark is not part of the first column's name, nor does it hide a quote."""
    with opened(b'\xef\xbb\xbf"ph\none",x\n1,2\n') as audience:
        assert audience.columns == ("ph\none", "x")


def test_header_only() -> None:
    """A header alone is an audience of no rows."""
    with opened(b"phone,x") as audience:
        assert rows_of(audience) == []
        assert audience.columns == ("phone", "x")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\r\n"])
def test_empty_file(content: bytes) -> None:
    """A file without a header row is refused as empty."""
    assert refused(content).code == "empty_file"


def test_ragged_row() -> None:
    """A row with too few or too many cells is refused with its number and both counts."""
    error = refused(b'phone,x\n1,2\n\n"3\n",4\n5\n')
    assert error.code == "ragged_row"
    assert "row 5: 1 cell where the header has 2" in error.message
    assert "row 2: 3 cells" in refused(b"phone,x\n1,2,3\n").message


def test_a_ragged_row_that_is_not_text(capfd: pytest.CaptureFixture[str]) -> None:
    """What such a row is not is named, with its number; Arrow, which cannot show it to anybody, stays silent."""
    error = refused(b"phone,name\n1,a\n\n2,Jos\xe9,Garcia\n")
    assert (error.code, "row 4" in error.message) == ("not_utf8", True)
    assert "--encoding cp1252" in error.hint
    assert capfd.readouterr() == ("", "")


def test_undecodable_cell() -> None:
    """Bytes that are not UTF-8 are refused with row and column, and --encoding is named; the bytes are not."""
    error = refused("phone,name\n1,a\n\n2,Jos\u00e9\n".encode("latin-1"))
    assert error.code == "not_utf8"
    assert "row 4, column “name”" in error.message
    assert "--encoding cp1252" in error.hint
    assert "Jos" not in str(error)


def test_bytes_that_nobody_reads_need_not_be_text() -> None:
    """A column that is left out may hold whatever it likes; the others are read around it."""
    with opened("phone,name,note\n1,Zo\u00eb,\u00e9\n".encode().replace(b"\xc3\xa9", b"\xff")) as audience:
        (chunk,) = audience.chunks()
        assert chunk.read([0, 1]).to_pylist() == [{"phone": "1", "name": "Zo\u00eb"}]


def test_undecodable_header() -> None:
    """A header that is not UTF-8 is refused and --encoding named."""
    assert "--encoding" in refused("phone,pr\u00e9nom\n1,a\n".encode("latin-1")).hint


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "shift_jis"])
def test_named_encoding(tmp_path: Path, encoding: str) -> None:
    """--encoding reads what it names."""
    name = "花子" if encoding == "shift_jis" else "José"
    path = tmp_path / "members.csv"
    path.write_bytes(f"phone,name\n1,{name}\n".encode(encoding))
    with open_audience(path, ReadOptions(encoding=encoding)) as audience:
        assert audience.columns == ("phone", "name")
        assert rows_of(audience) == [["1", name]]


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_by_its_mark(tmp_path: Path, order: str) -> None:
    """UTF-16 is known by its byte order mark."""
    path = tmp_path / "members.csv"
    path.write_bytes("\ufeffphone,name\r\n1,José\r\n".encode(order))
    with open_audience(path) as audience:
        assert rows_of(audience) == [["1", "José"]]


def test_unclosed_quote() -> None:
    """A quote that is never closed is refused with the row in which it opens."""
    error = refused(b'phone,x\n1,a\n2,"b\n3,c\n4,d\n')
    assert error.code == "unclosed_quote"
    assert "row 3:" in error.message
    assert refused(b'"phone,x\n1,a\n').code == "unclosed_quote"


def test_cell_over_the_limit() -> None:
    """A cell of 10 MB is read; one over 16 MiB is refused with the row in which it begins."""
    long = b"z" * 10_000_000
    with opened(b'phone,x\n1,"' + long + b'"\n2,' + long + b"\n", block_size=1 << 20) as audience:
        assert [len(row[1] or "") for row in rows_of(audience)] == [10_000_000, 10_000_000]
    error = refused(b'phone,x\n1,a\n2,"' + b"z\n" * 9_000_000 + b'"\n')
    assert error.code == "cell_too_long"
    assert "row 3:" in error.message
    assert refused(b"phone,x\n1," + b"z" * (17 << 20) + b"\n").code == "cell_too_long"


def test_row_without_end() -> None:
    """A row of small cells that never ends is refused too, before it fills the memory."""
    error = refused(b"phone,x\n" + b"1,a," * (20 << 20))
    assert (error.code, "row 2:" in error.message) == ("row_too_long", True)


def test_nul_bytes() -> None:
    """A NUL byte is a character like any other."""
    with opened(b"phone,x\n1,a\0b\n") as audience:
        assert rows_of(audience) == [["1", "a\0b"]]


def test_many_columns_some_alike_or_without_name() -> None:
    """2,000 columns are read by position, whatever their names."""
    names = ["phone", "", "phone", *(f"c{index}" for index in range(1997))]
    content = ",".join(names) + "\n" + ",".join(str(index) for index in range(2000)) + "\n"
    with opened(content.encode()) as audience:
        assert audience.columns == tuple(names)
        (chunk,) = audience.chunks()
        batch = chunk.read([2, 1999, 0])
        assert [column[0].as_py() for column in batch.columns] == ["2", "1999", "0"]
        assert batch.schema.names == ["phone", "c1996", "phone"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_told_from_the_file(tmp_path: Path, delimiter: str) -> None:
    """Comma, semicolon, tab and bar are told apart, others inside quotes notwithstanding."""
    path = tmp_path / "members.csv"
    lines = [["phone", "name; title", "a|b"], ["1", "x, y; z", "\t|"], ["2", ",,,", ";;;"]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    path.write_text(text)
    with open_audience(path) as audience:
        assert rows_of(audience) == lines[1:]


@pytest.mark.parametrize(("named", "meant"), [("tab", "\t"), ("\\t", "\t"), ("^", "^"), (" ", " ")])
def test_named_delimiter(tmp_path: Path, named: str, meant: str) -> None:
    """Any single character is a delimiter when it is named."""
    path = tmp_path / "members.csv"
    path.write_text(f"phone{meant}x\n1{meant}2,3\n")
    with open_audience(path, ReadOptions(delimiter=named)) as audience:
        assert rows_of(audience) == [["1", "2,3"]]


@pytest.mark.parametrize("named", ["ab", '"', "\n", "é", ""])
def test_impossible_delimiter(named: str) -> None:
    """A delimiter that cannot be one is refused."""
    assert refused(b"a,b\n1,2\n", delimiter=named).code == "bad_delimiter"


def test_separator_line(tmp_path: Path) -> None:
    """A first line `sep=;`, as Excel writes it, names the delimiter and is no header; it counts as a row."""
    path = tmp_path / "members.csv"
    path.write_bytes(b"\xef\xbb\xbfsep=;\r\nphone;a,b\r\n1;2,3\r\n")
    with open_audience(path) as audience:
        assert audience.columns == ("phone", "a,b")
        assert rows_of(audience) == [["1", "2,3"]]
        assert audience.locate(np.array([0]))[1].tolist() == [3]


def test_text_that_does_not_decode() -> None:
    """Bytes that the named encoding does not have are refused with their row, line breaks in cells notwithstanding."""
    content = 'phone,x\r1,"a\rb"\r2,'.encode("utf-16") + b"\x00\xdc" + "\r3,c\r".encode("utf-16-le")
    error = refused(content)
    assert (error.code, "row 3:" in error.message) == ("not_decodable", True)
    error = refused(b'phone,x\n1,"a\nb\x81"\n', encoding="cp1252")
    assert (error.code, "row 2:" in error.message) == ("not_decodable", True)


def test_utf16_without_mark() -> None:
    """UTF-16 without its mark is recognised, and the option to read it named."""
    assert "--encoding utf-16-le" in refused("phone,x\n1,2\n".encode("utf-16-le")).hint


@pytest.mark.parametrize("named", ["base64", "rot13", "klingon", "", "a\0"])
def test_encodings_that_are_none(named: str) -> None:
    """A name that is no text encoding is refused."""
    assert refused(b"phone\n1\n", encoding=named).code == "bad_encoding"


def test_byte_order_mark_within_the_file() -> None:
    """A byte order mark at a block's start, as in files put together by `cat`, changes no other row."""
    content = b'phone,x\n1,a\n\xef\xbb\xbf"q",b\n2,c\n'
    for size in (1, 4096):
        with opened(content, block_size=size) as audience:
            assert rows_of(audience) == [["1", "a"], ['\ufeff"q"', "b"], ["2", "c"]]


def test_locate_before_a_pass() -> None:
    """Row numbers are not given before the file has been read."""
    with opened(b"phone\n1\n") as audience, pytest.raises(RuntimeError):
        audience.locate(np.array([0]))


def test_single_column(tmp_path: Path) -> None:
    """A file of phones alone is read, whatever punctuation they have."""
    path = tmp_path / "members.csv"
    path.write_text('phone\n"+1 (212) 555-0100"\n212|5550101\n')
    with open_audience(path) as audience:
        assert audience.columns == ("phone",)
        assert rows_of(audience) == [["+1 (212) 555-0100"], ["212|5550101"]]


def test_changed_between_passes(tmp_path: Path) -> None:
    """A file that changes between two passes, even to the same size and time, is refused at the end of the second."""
    path = tmp_path / "members.csv"
    path.write_text("phone\n1\n")
    before = path.stat()
    with open_audience(path) as audience:
        rows_of(audience)
        path.write_text("phone\n2\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(AudienceError) as caught:
            rows_of(audience)
    assert caught.value.code == "audience_changed"


def test_replaced_during_a_pass(tmp_path: Path) -> None:
    """A file replaced by another while it is open is refused."""
    path, other = tmp_path / "members.csv", tmp_path / "other.csv"
    path.write_text("phone\n1\n")
    other.write_text("phone\n1\n")
    with open_audience(path) as audience:
        other.replace(path)
        with pytest.raises(AudienceError) as caught:
            rows_of(audience)
    assert caught.value.code == "audience_changed"


def test_identity(tmp_path: Path) -> None:
    """The identity of a file is the same in every process, and its digest that of its content."""
    path = tmp_path / "members.csv"
    path.write_text("phone\n1\n")
    identities = []
    for _ in range(2):
        with open_audience(path) as audience:
            rows_of(audience)
            identities.append(audience.identity)
    assert identities[0] == identities[1]
    (file,) = identities[0]
    assert (file.name, file.size, len(file.digest)) == (str(path), 8, 32)
