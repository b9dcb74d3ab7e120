"""Workbooks to the last cell: errors, formulas, formats, sheets, and cells that stray."""

from __future__ import annotations

import datetime
import io
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from listrak_sms_cli.audience.columns import FieldKind
from listrak_sms_cli.audience.phones import INVALID, explain_phones, read_phones
from listrak_sms_cli.audience.source import Audience, ReadOptions, open_audience
from listrak_sms_cli.audience.values.clean import ValueRules, blank_nulls, clean_values, explain_values
from listrak_sms_cli.errors import AudienceError
from tests.support.lsms import call_lsms

CASES = Path(__file__).parents[2] / "cases"
ERRORS = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"]
TABLE = [["phone", "x"], ["2125550100", "a"]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
Opened = Callable[..., Audience]


@pytest.fixture
def opened() -> Iterator[Opened]:
    audiences = []

    def open_it(path: Path, sheet: str | None = None) -> Audience:
        audiences.append(open_audience(path, ReadOptions(sheet=sheet)))
        return audiences[-1]

    yield open_it
    for audience in audiences:
        audience.close()


def saved(path: Path, *sheets: tuple[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def rewritten(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """The workbook with one part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def with_cell(path: Path, reference: str, cell: str) -> Path:
    """The workbook with another cell in that place: its type, and its content."""
    pattern = rf'<c r="{reference}".*?</c>'
    return rewritten(
        path, "xl/worksheets/sheet1.xml", lambda xml: re.sub(pattern, f'<c r="{reference}" {cell}</c>', xml)
    )


def with_shared_texts(path: Path) -> Path:
    """The workbook as Excel itself writes it: the texts of its cells in a part of their own."""
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(f"<si>{found[2]}</si>")
        return f'<c r="{found[1]}" t="s"><v>{len(texts) - 1}</v></c>'

    pattern = r'<c r="(\w+)"[^>]*t="inlineStr"><is>(.*?)</is></c>'
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: re.sub(pattern, shared, xml))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    entry = f'<Relationship Id="rId99" Type="{kind}" Target="/xl/sharedStrings.xml"/></Relationships>'
    rewritten(path, "xl/_rels/workbook.xml.rels", lambda xml: xml.replace("</Relationships>", entry))
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry_of_type = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{content_type}"/></Types>'
    rewritten(path, "[Content_Types].xml", lambda xml: xml.replace("</Types>", entry_of_type))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{"".join(texts)}</sst>')
    return path


def test_shared_texts(tmp_path: Path, opened: Opened) -> None:
    """Texts in a part of their own are those of the cells; a number that no text has is damage."""
    path = with_shared_texts(saved(tmp_path / "a.xlsx", ("A", [*TABLE, ["x", "é & <b>"]])))
    assert rows_of(opened(path)) == [{"phone": "2125550100", "x": "a"}, {"phone": "x", "x": "é & <b>"}]
    assert refused(rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v>3", "<v>99"))).code == (
        "bad_workbook"
    )


def rows_of(audience: Audience, columns: list[int] | None = None) -> list[dict[str, str | None]]:
    return [row for chunk in audience.chunks() for row in chunk.read(columns).to_pylist()]


def refused(path: Path, sheet: str | None = None) -> AudienceError:
    with pytest.raises(AudienceError) as raised, open_audience(path, ReadOptions(sheet=sheet)) as audience:
        rows_of(audience)
    return raised.value


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", FieldKind)
def test_error_cells_are_bad_values(tmp_path: Path, opened: Opened, error: str, kind: FieldKind) -> None:
    """An error cell is a bad value in a field of every type, and says so; nothing is emptied."""
    audience = opened(with_cell(saved(tmp_path / "a.xlsx", ("A", TABLE)), "B2", f't="e"><v>{error}</v>'))
    column = next(iter(audience.chunks())).read().column(1)
    rules = ValueRules(kind, None, "US", None)
    assert clean_values(column, rules).bad.tolist() == [True]
    assert explain_values(column, rules).to_pylist() == [f"the cell holds the Excel error {error}"]
    assert blank_nulls(column, (error,)).to_pylist() == [""]  # where the person says that it means nothing


@pytest.mark.parametrize("error", ERRORS)
def test_error_cells_are_invalid_phones(tmp_path: Path, opened: Opened, error: str) -> None:
    """An error in the phone column is an invalid phone, not a missing one."""
    audience = opened(with_cell(saved(tmp_path / "a.xlsx", ("A", TABLE)), "A2", f't="e"><v>{error}</v>'))
    column = next(iter(audience.chunks())).read().column(0)
    assert read_phones(column, "US").tolist() == [INVALID]
    assert explain_phones(column, "US").to_pylist() == [f"the cell holds the Excel error {error}"]


def test_a_text_like_an_error_is_text(tmp_path: Path, opened: Opened) -> None:
    """Only a cell that Excel calls an error is one: the same words, typed as text, are a text."""
    path = with_cell(saved(tmp_path / "a.xlsx", ("A", TABLE)), "B2", 't="str"><v>#N/A</v>')
    column = next(iter(opened(path).chunks())).read().column(1)
    assert clean_values(column, ValueRules(FieldKind.TEXT, None, "US", None)).text.to_pylist() == ["#N/A"]


def test_formulas_without_a_value_are_refused_by_column_and_row(opened: Opened) -> None:
    """A formula that nobody has calculated is no empty cell; the columns beside it can be read."""
    error = refused(CASES / "formula_without_value.xlsx")
    assert error.code == "unreadable_column"
    assert "Loyalty Tier" in error.message
    assert "row 2" in error.message
    assert "save it again" in error.message
    audience = opened(CASES / "formula_without_value.xlsx")
    assert rows_of(audience, [0, 1])[1] == {"phone": "2125550101", "First Name": "bo"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("<f>A2</f><v>Gold</v>", "Gold"),
        ("<f>A2</f><v></v>", None),  # the formula gave an empty text
        ('<f t="shared" si="0"/><v>Gold</v>', "Gold"),
        ('<f>A2&amp;"&lt;"</f><v>&lt;b&#233;&gt; &amp; _x0041_</v>', "<bé> & A"),
    ],
)
def test_formulas_with_a_value_have_it(tmp_path: Path, opened: Opened, cell: str, value: str | None) -> None:
    """A calculated formula is its value."""
    path = saved(tmp_path / "a.xlsx", ("A", [["phone", "x"], ["2125550100", 1]]))
    wanted = f'<c r="B2" t="str">{cell}</c>'
    audience = opened(
        rewritten(path, "xl/worksheets/sheet1.xml", lambda x: x.replace('<c r="B2" t="n"><v>1</v></c>', wanted))
    )
    assert rows_of(audience)[0]["x"] == value


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("00000", "501", "00501"),
        ("00000", "123456", "123456"),
        ("00000", "501.5", "501.5"),
        ("000000000", "12345", "000012345"),
        ("00000-0000", "70300001", "07030-0001"),
        ("00000\\-0000", "70300001", "07030-0001"),
        ('00000"-"0000', "70300001", "07030-0001"),
        ("[<=99999]00000;00000\\-0000", "501", "00501"),
        ("[<=99999]00000;00000\\-0000", "70300001", "07030-0001"),
        ("00000_)", "501", "00501"),
        ("[$-409]00000", "501", "00501"),
        ("00000;-00000", "-501", "-00501"),
        ("0", "501", "501"),
        ("0.00", "501", "501"),
        ("#,##0", "1501", "1501"),
        ("General", "7030", "7030"),
        ("@", "7030", "7030"),
        ("yyyy-mm-dd", "29221", "1980-01-01"),
        ("[Red]dd/mm/yyyy hh:mm", "29221.5", "1980-01-01 12:00:00"),
        ("hh:mm", "0.5", "12:00:00"),
        ('0 "days"', "3", "3"),
        ("[h]:mm", "1.5", "36:00"),
        ("[hh]:mm:ss", "0.0628587963", "01:30:31"),
        ("[h]:mm:ss", "1000.75", "24018:00:00"),
        ("[mm]:ss", "0.0628587963", "90:31"),
        ("[mm]:ss.00", "0.000011574", "00:01.00"),
        ("[ss]", "0.5", "43200"),
        ("[$-409][h]:mm;@", "1.5", "36:00"),
        ("[h]:mm", "-0.5", "-12:00"),
        ('[h] "hours"', "1.5", "36:00:00"),
    ],
)
def test_number_formats(tmp_path: Path, opened: Opened, code: str, number: str, shown: str) -> None:
    """Formats of zeros, of dates and of elapsed time are applied, others are not."""
    book = openpyxl.Workbook()
    book.active.append(["x"])
    book.active.append([float(number)])
    book.active["A2"].number_format = code
    book.save(tmp_path / "a.xlsx")
    assert rows_of(opened(tmp_path / "a.xlsx")) == [{"x": shown}]


@pytest.mark.parametrize(
    ("code", "number", "read"),
    [
        ("0" * 10, 2125550100, "2125550100"),
        ("000-000-0000", 2125550100, "212-555-0100"),
        ("0" * 11, 2125550100, "2125550100"),
        ("0" * 14, 2125550100, "2125550100"),
        ("0" * 14, 12125550100, "12125550100"),
        ('"0"0000000000', 2125550100, "2125550100"),
        ("0000 000 0000", 2125550100, "2125550100"),
        ("0" * 14, 442071838750, "00442071838750"),  # two zeros are a plus
        ("0" * 10, 707123456, "0707123456"),  # in Ivory Coast phones begin with a zero
    ],
)
def test_zeros_that_fill_a_phone(tmp_path: Path, opened: Opened, code: str, number: int, read: str) -> None:
    """Zeros with which a format longer than the phone fills it up are no digits of it; in other columns they are."""
    book = openpyxl.Workbook()
    book.active.append([None, "Mobile Phone", "id"])
    book.active.append([None, number, number])
    for cell in ("B2", "C2"):
        book.active[cell].number_format = code
    book.save(tmp_path / "a.xlsx")
    (row,) = rows_of(opened(tmp_path / "a.xlsx"))
    assert row["Mobile Phone"] == read
    assert len(re.sub(r"\D", "", row["id"] or "")) == max(code.count("0"), len(str(number)))


def test_zips_have_their_zeros(opened: Opened) -> None:
    """A ZIP in the format 00000 is read as the sheet shows it."""
    assert [row["Postal Code"] for row in rows_of(opened(CASES / "zip_number_format.xlsx"))] == ["00501", "07030"]


def test_cells_are_read_as_they_stand(tmp_path: Path, opened: Opened) -> None:
    """Numbers, dates, times, truth values, accents and line breaks; row numbers are those of the sheet."""
    cells = [2125550100, 0.1, 1e21, datetime.date(1900, 1, 1), datetime.datetime(2026, 1, 31, 8, 30, 15), True]
    path = saved(tmp_path / "a.xlsx", ("A", [list("abcdef"), [], cells, [" é\n", None, "x", "", "_x0041_", "a & <b>"]]))
    audience = opened(path)
    first, second = (list(row.values()) for row in rows_of(audience))
    assert first == [
        "2125550100", "0.1", "1000000000000000000000", "1900-01-01", "2026-01-31 08:30:15", "true"
    ]  # fmt: skip
    assert second[:3] == [" é\n", None, "x"]
    assert second[5] == "a & <b>"
    assert audience.locate([0, 1])[1].tolist() == [3, 4]


def test_many_rows_and_gaps(tmp_path: Path, opened: Opened) -> None:
    """Chunks, empty cells at the ends of rows and rows without cells change nothing."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["phone", "x", "y"])
    for number in range(20_000):
        sheet.append([str(number), None if number % 3 else "x", number if number % 5 == 0 else None])
    book.save(tmp_path / "a.xlsx")
    rows = rows_of(opened(tmp_path / "a.xlsx"))
    assert rows == [
        {"phone": str(n), "x": None if n % 3 else "x", "y": str(n) if n % 5 == 0 else None} for n in range(20_000)
    ]


def test_other_ways_to_write_the_same_sheet(tmp_path: Path, opened: Opened) -> None:
    """Prefixes, comments, single quotes, other orders of attributes and cells without a reference mean the same."""
    path = saved(tmp_path / "a.xlsx", ("A", [["phone", "x"], ["2125550100", 7]]))
    rows = (
        "<x:row><x:c t='inlineStr'><x:is><x:t>phone</x:t></x:is></x:c><x:c t='inlineStr'><x:is><x:r><x:t>na</x:t></x:r>"
        "<x:r><x:t>me</x:t></x:r></x:is></x:c></x:row><!-- <x:row><x:c><x:v>1</x:v></x:c></x:row> -->"
        '<x:row r="5" ><x:c t="n" r="B5"><x:v>7</x:v></x:c></x:row>'
        '<x:row><x:c s="0"><x:v>2125550100</x:v></x:c><x:c t="inlineStr"><x:is><x:t><![CDATA[a<b]]></x:t></x:is></x:c>'
        "</x:row>"
    )
    xml = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    audience = opened(rewritten(path, "xl/worksheets/sheet1.xml", lambda _: xml))
    assert rows_of(audience) == [{"phone": None, "name": "7"}, {"phone": "2125550100", "name": "a<b"}]
    assert audience.locate([0, 1])[1].tolist() == [5, 6]


def test_other_sheets_are_named(opened: Opened, tmp_path: Path) -> None:
    """Of several sheets with cells the first is read, and a warning names the others; not when one was chosen."""
    audience = opened(CASES / "two_sheets.xlsx")
    assert [note.code for note in audience.notes] == ["other_sheets"]
    assert "Customers B" in audience.notes[0].message
    assert opened(CASES / "two_sheets.xlsx", "customers b").notes == ()
    assert opened(saved(tmp_path / "a.xlsx", ("A", TABLE), ("Empty", []))).notes == ()


def test_hidden_sheets_are_passed_over(opened: Opened, tmp_path: Path) -> None:
    """A hidden sheet is neither read nor named, unless it is asked for."""
    path = saved(tmp_path / "a.xlsx", ("Codes", [["code"], ["z"]]), ("A", TABLE), hidden=("Codes",))
    audience = opened(path)
    assert audience.columns == ("phone", "x")
    assert audience.notes == ()
    assert opened(path, "Codes").columns == ("code",)


def test_hidden_rows_are_read_and_counted(tmp_path: Path, opened: Opened) -> None:
    """Rows that a filter or a person has hidden are members like others, and a note counts them; neither the header nor
    rows without a cell count."""
    path = saved(tmp_path / "a.xlsx", ("A", [*TABLE, ["2125550101", "b"], [], ["2125550102", "c"]]))
    assert opened(path).notes == ()
    book = openpyxl.load_workbook(path)
    for row in (1, 3, 4, 5):
        book.active.row_dimensions[row].hidden = True
    book.active.auto_filter.ref = "A1:B5"
    book.save(path)
    audience = opened(path)
    assert [row["x"] for row in rows_of(audience)] == ["a", "b", "c"]
    (note,) = audience.notes
    assert (note.code, "“A”" in note.message, ": 2." in note.message) == ("hidden_rows", True, True)
    assert "2125550101" not in note.message


@pytest.mark.parametrize("cell", ["XFD1048576", "XFD2", "ZZ1", "EZ900000"])
def test_a_stray_cell_is_named(tmp_path: Path, cell: str) -> None:
    """A cell far from the table is refused by name, and takes neither memory nor time."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    stray = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("</sheetData>", stray))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refused(path)
    assert (error.code, cell in error.message) == ("stray_cell", True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_cell_in_the_last_row_is_a_row(tmp_path: Path, opened: Opened) -> None:
    """A cell in a column of the table makes a row, wherever it is."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    far = '<row r="1048576"><c r="B1048576"><v>1</v></c></row></sheetData>'
    audience = opened(rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("</sheetData>", far)))
    assert rows_of(audience)[1] == {"phone": None, "x": "1"}
    assert audience.locate([1])[1].tolist() == [1048576]


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """A few hundred kilobytes that unpack to a gigabyte are refused in flat memory, as is a cell that Excel cannot
    hold."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    long = f'<row r="3"><c r="B3" t="str"><v>{"a" * 40_000}</v></c></row></sheetData>'
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("</sheetData>", long))
    assert (refused(path).code, "B3" in refused(path).message) == ("cell_too_long", True)
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("a" * 40_000, "a" * 80_000_000))
    assert refused(path).code == "workbook_too_large"


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace('t="inlineStr"', 't="n"').replace("<is><t>", "<v>x").replace("</t></is>", "</v>"),
        lambda xml: xml.replace('r="B2"', 'r="XFE2"'),
        lambda xml: xml.replace('<row r="2"', '<row r="1048577"'),
        lambda xml: xml.replace('r="B2"', 'r="A2"'),
        lambda xml: xml.replace('t="inlineStr"', 't="zz"'),
    ],
)
def test_damaged_sheets_are_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    """What no program writes is refused as damaged."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    assert refused(rewritten(path, "xl/worksheets/sheet1.xml", change)).code == "bad_workbook"


def test_binary_workbooks_are_refused(tmp_path: Path) -> None:
    """Old and binary workbooks are refused with the way on."""
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.bin", "")
    (tmp_path / "a.xlsb").write_bytes(buffer.getvalue())
    for name in ("a.xls", "a.xlsb"):
        error = refused(tmp_path / name)
        assert (error.code, "as CSV" in error.hint) == ("bad_workbook", True)


@pytest.mark.parametrize("options", [(), ("--rejects", "r.csv")])
def test_the_command_says_the_same(tmp_path: Path, options: tuple[str, ...]) -> None:
    """`lsms validate` drops members with error cells, refuses formulas without a value, and names the sheet that has a
    phone column."""

    def validated(path: Path) -> tuple[int, dict[str, Any]]:
        ended = call_lsms("validate", path, "--offline", "--json", *options, env={"HOME": str(tmp_path)}, cwd=tmp_path)
        return ended.code, ended.json

    code, report = validated(CASES / "errors.xlsx")
    assert (code, report["dropped"]["bad_value"]) == (2, 2)
    if options:
        first = (tmp_path / "r.csv").read_text().splitlines()[1]
        assert first.startswith('2,"bad_value","First_Name: the cell holds the Excel error #N/A",')
        assert first.endswith(',"2125550100","#N/A","Gold"')
    code, report = validated(CASES / "formula_without_value.xlsx")
    assert (code, report["error"]["code"]) == (2, "unreadable_column")
    code, report = validated(saved(tmp_path / "a.xlsx", ("Notes", [["title"], ["x"]]), ("Members", TABLE)))
    assert (code, report["error"]["code"]) == (2, "no_phone_column")
    assert "--sheet 'Members'" in report["error"]["hint"]
    code, report = validated(CASES / "two_sheets.xlsx")
    assert (code, "other_sheets" in [warning["code"] for warning in report["warnings"]]) == (0, True)


@pytest.mark.long
def test_a_row_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    """A row of millions of empty cells packs to some kilobytes."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    row = "<row>" + "<c/>" * 2_200_000 + "</row></sheetData>"
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("</sheetData>", row))
    assert refused(path).code == "workbook_too_large"


def test_strict_workbooks_are_not_empty(tmp_path: Path) -> None:
    """A workbook with other names for its elements is refused, not read as an empty one."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(MAIN, strict))
    assert refused(path).code == "bad_workbook"


def test_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the error says how to install it."""
    path = saved(tmp_path / "a.xlsx", ("A", TABLE))
    monkeypatch.delitem(sys.modules, "listrak_sms_cli.audience.source.workbook", raising=False)
    monkeypatch.setitem(sys.modules, "openpyxl.reader.excel", None)
    error = refused(path)
    assert (error.code, "listrak-sms-cli[excel]" in error.hint) == ("extra_missing", True)
