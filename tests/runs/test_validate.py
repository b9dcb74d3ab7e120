"""`lsms validate`: a person understands a file, and gets the command that pushes it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli import validate
from listrak_sms_cli.audience.phones.read import read_phones
from tests.support.lsms import SAMPLES, Ended, call_lsms
from tests.support.world import World

MESSY = SAMPLES / "messy.csv"
HEADER = "phone,first_name,tier\n"


def lines(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["column"]: line for line in report["profile"]}


def validated(*arguments: object, home: Path, **more: Any) -> Ended:
    return call_lsms("validate", *arguments, env={"HOME": str(home), "LSMS_STATE_DIR": str(home)}, **more)


def audience(home: Path, cells: list[str], header: str = "phone,x", name: str = "a.csv") -> Path:
    """Members with phones of their own and these cells."""
    path = home / name
    rows = [f"+121255{50000 + n},{cell}" for n, cell in enumerate(cells)]
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def codes(path: Path, **options: Any) -> list[str]:
    return [warning.code for warning in validate(path, offline=True, **options).warnings]


def test_every_column_has_its_line(tmp_path: Path) -> None:
    """The phone, attributes, the consent column and skipped ones are all shown, in their order."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER.strip() + ",ok,notes\n2125550100,Ann,Gold,yes,\n2125550101,Bob,Gold,no,x\n", "utf-8")
    ended = validated(path, "--consent-column", "ok", "--skip-column", "notes", "--json", home=tmp_path)
    roles = {line["column"]: line["role"] for line in ended.json["profile"]}
    assert list(roles.items()) == [
        ("phone", "phone"),
        ("first_name", "attribute"),
        ("tier", "attribute"),
        ("ok", "consent"),
        ("notes", "skipped"),
    ]
    assert lines(ended.json)["notes"]["readable"] is False  # what is skipped is never read
    assert lines(ended.json)["tier"]["distinct"] == 1


def test_fields_types_and_problems_of_an_account(world: World) -> None:
    """With an account the field and its type are told, and the cells it cannot hold are counted for each column."""
    fields = world.lsms("fields", "--json").json["fields"]
    date = next(one for one in fields if one["type"] == "Date" and one["state"] == "Active")
    text = next(one for one in fields if one["type"] == "Text" and one["max_length"])
    rows = [
        "phone,a,b",
        "2125550100,2024-02-29,ok",
        "2125550101,2023-02-29," + "x" * (int(text["max_length"]) + 1),
        "2125550102,soon,ok",
    ]
    path = world.audience("\n".join(rows) + "\n")
    options = ("--map", f"a={date['id']}", "--map", f"b={text['id']}")
    told = lines(world.lsms("validate", path, *options, "--json").json)
    assert (told["a"]["field"], told["a"]["type"], told["a"]["problems"]["bad"]) == (date["name"], "Date", 2)
    assert (told["b"]["max_length"], told["b"]["problems"]["too_long"]) == (text["max_length"], 1)
    shown = world.lsms("validate", path, *options).out
    assert "2 not dates" in shown
    assert "1 too long" in shown


def test_warnings_name_columns_in_their_order(tmp_path: Path) -> None:
    """So that two runs say the same."""
    names = [f"c{number}" for number in range(20)]
    path = tmp_path / "a.csv"
    path.write_text(",".join(["phone", *names]) + "\n2125550100" + ",NULL" * len(names) + "\n", "utf-8")
    (warning,) = (one for one in validate(path, offline=True).warnings if one.code == "null_words")
    assert list(warning.columns) == names


def test_problems_of_phones_are_counted_by_kind() -> None:
    """Missing, invalid, destroyed and duplicate phones of the messy sample add up with its drop reasons."""
    report = validate(MESSY, offline=True)
    assert report.profile is not None
    phone = report.profile[0]
    assert phone.problems["missing"] == report.dropped["missing_phone"]
    assert phone.problems["invalid"] == report.dropped["invalid_phone"] > phone.problems["exponent_form"] > 0
    assert phone.problems["duplicate"] == report.dropped["duplicate_phone"]
    assert phone.distinct == phone.rows - sum(report.dropped.values())


def test_no_value_is_shown(tmp_path: Path) -> None:
    """Samples are shapes: neither names, mails, digits nor letters of any script come out."""
    path = tmp_path / "a.csv"
    path.write_text("phone,who,mail\n(718) 555-0142,Zoë Ørsted 李,zoe.q7@example.org\n", "utf-8")
    for extra in ((), ("--json",)):
        ended = validated(path, *extra, home=tmp_path)
        assert ended.code == 0
        shown = ended.out.replace(str(path), "") + ended.err.replace(str(path), "")
        for secret in ("718)", "718555", "-0142", "50142", "Zo", "rsted", "李", "zoe", "q7", "example.org"):
            assert secret not in shown
    assert lines(ended.json)["phone"]["sample"] == ["(999) 999-9999"]
    assert lines(ended.json)["who"]["sample"] == ["Xxx Xxxxxx x"]


def test_many_distinct_values_are_counted_to_a_cap(tmp_path: Path) -> None:
    """Ten thousand distinct cells are exact; of more it is said that there are at least so many."""
    for count, exact, shown in ((10_000, True, "10,000 "), (10_001, False, "10,000+")):
        path = audience(tmp_path, [f"v{n}" for n in range(count)])
        line = lines(validated(path, "--json", home=tmp_path).json)["x"]
        assert (line["distinct"], line["distinct_is_exact"]) == (10_000, exact)
        assert shown in validated(path, home=tmp_path).out


def test_lost_zeros_of_zips_are_noticed(tmp_path: Path) -> None:
    """ZIPs of four digits cause a warning where the region is the United States and not for a stray one in hundreds."""
    lost = audience(tmp_path, ["2134", "2135", "6010"], "phone,Postal Code")
    assert "zip_zeros_lost" in codes(lost)
    assert "zip_zeros_lost" not in codes(lost, region="GB")
    assert "zip_zeros_lost" not in codes(lost, no_warn=["zip_zeros_lost"])
    assert "zip_zeros_lost" not in codes(audience(tmp_path, ["02134", "02135-1234"], "phone,zip"))
    assert "zip_zeros_lost" not in codes(audience(tmp_path, ["02134"] * 200 + ["2134"], "phone,zip"))
    assert "zip_zeros_lost" not in codes(audience(tmp_path, ["2134"] * 3, "phone,points"))


def test_phones_in_exponent_form_are_noticed(tmp_path: Path) -> None:
    """Phones that a spreadsheet damaged cause a warning of `validate` and by `push`."""
    path = tmp_path / "a.csv"
    path.write_text("phone,x\n7.18E+10,a\n2125550100,b\n", "utf-8")
    assert "phones_in_exponent_form" in codes(path)
    pushed = call_lsms("push", path, "--sandbox", "--json", env={"HOME": str(tmp_path)}).json
    assert "phones_in_exponent_form" in [warning["code"] for warning in pushed["warnings"]]


def test_one_value_and_nearly_empty_columns_are_noticed(tmp_path: Path) -> None:
    """A column that says the same of everybody, and one that says nothing of nearly everybody, by name."""
    assert "one_value" in codes(audience(tmp_path, ["Gold"] * 30))
    assert "one_value" not in codes(audience(tmp_path, ["Gold"] * 29 + [""]))
    assert "one_value" not in codes(audience(tmp_path, ["Gold"] * 3))
    assert "nearly_empty" in codes(audience(tmp_path, ["Gold"] + [""] * 29))
    assert "nearly_empty" in codes(audience(tmp_path, [""] * 30))
    assert "nearly_empty" in codes(audience(tmp_path, ["Gold"] + ["NULL"] * 29), null_value=["NULL"])
    assert "nearly_empty" not in codes(audience(tmp_path, ["Gold"] * 2 + [""] * 38))


def test_many_dropped_members_are_noticed(tmp_path: Path) -> None:
    """More than one in twenty cause a warning; one in twenty do not."""
    for good, told in ((19, False), (18, True)):
        path = audience(tmp_path, [f"v{n}" for n in range(good)])
        path.write_text(path.read_text("utf-8") + "call me,x\n", "utf-8")
        assert ("many_dropped" in codes(path)) is told


def test_the_command_pushes_the_same_members(world: World) -> None:
    """The command has the options that were given, quoted, and sends what `validate` found sendable."""
    path = world.audience("phone;First Name;o\n2125550100;-;1\n2125550101;Bob;2\n12;Eve;3\n", "it's here.csv")
    options = ("--delimiter", ";", "--null-value=-", "--skip-column", "o", "--keep", "first", "--offline")
    report = world.lsms("validate", path, *options, "--json").json
    words = shlex.split(report["command"])
    assert words[:3] == ["lsms", "push", str(path)]
    assert "--null-value=-" in words
    assert not {"--offline", "--json", "ID"} & set(words)
    pushed = world.lsms(*words[1:], "--json")
    assert pushed.code == 0, pushed.err
    assert pushed.json["rows_sent"] == report["rows_sendable"] == 2


def test_without_a_sender_code_the_command_says_where_it_goes(tmp_path: Path) -> None:
    """ID stands in the place of the sender code; an audience whose name begins with a dash comes last."""
    audience(tmp_path, ["a"], name="-x.csv")
    ended = validated("--keep", "first", "--json", "--", "-x.csv", home=tmp_path, cwd=tmp_path)
    assert ended.json["command"] == "lsms push --keep first --sender-code ID -- -x.csv"
    assert validated(SAMPLES / "smoke.csv", home=tmp_path).out.endswith(
        f"Push it with: lsms push {SAMPLES / 'smoke.csv'} --sender-code ID\n"
    )


def test_a_stopped_validate_shows_the_columns_too(tmp_path: Path) -> None:
    """A guard's or an unusable audience's error comes after the table, which says where the trouble is."""
    ended = validated(MESSY, "--max-drop-rate", "5", home=tmp_path)
    assert ended.code == 3
    assert "2 missing, 7 invalid (2 in exponent form), 3 duplicate" in ended.out
    path = tmp_path / "a.csv"
    path.write_text("phone,x\n123,a\n", "utf-8")
    ended = validated(path, "--json", home=tmp_path)
    assert (ended.code, lines(ended.json)["phone"]["problems"]["invalid"]) == (2, 1)


def test_the_phone_may_be_sent_to_a_field_too(tmp_path: Path) -> None:
    """A phone column that --map sends to a field as well is still the phone."""
    report = validate(audience(tmp_path, ["a"]), offline=True, map={"phone": "Home phone"})
    assert report.profile is not None
    assert [(line.role, line.filled) for line in report.profile] == [("phone", 1), ("attribute", 1)]


def test_a_column_without_text_is_told_of(tmp_path: Path) -> None:
    """A nested column that is left out has its line, and nothing is counted of it."""
    table = pa.table({"phone": ["2125550100"], "tags": [["a", "b"]], "x": ["y"]})
    pq.write_table(table, tmp_path / "a.parquet")
    report = validate(tmp_path / "a.parquet", offline=True, skip_column=["tags"])
    assert report.profile is not None
    assert [line.readable for line in report.profile] == [True, False, True]
    assert "not read" in validated(tmp_path / "a.parquet", "--skip-column", "tags", home=tmp_path).out


@pytest.mark.parametrize("rows", [0, 1])
def test_small_audiences_are_profiled(tmp_path: Path, rows: int) -> None:
    """No row at all, and a single one, have a profile that counts them."""
    path = audience(tmp_path, ["a"] * rows)
    report = validate(path, offline=True, allow_empty=True)
    assert report.profile is not None
    assert [line.filled for line in report.profile] == [rows, rows]


@pytest.mark.parametrize(
    ("spelling", "digits"),
    [
        ("212-555-0100 ext. 12", 12125550100),
        ("1-800-FLOWERS", 18003569377),
        ("call me 2125550100", 12125550100),
        ("2125550100.0", 12125550100),
        ("2125550100 or 2125550101", -1),
        ("7.18E+10", -1),
        ("2.125550100E9", -1),
    ],
)
def test_judgement_calls_of_the_readme(spelling: str, digits: int) -> None:
    """Extensions are dropped, letters are keys, two phones are none, and exponent form is never guessed at."""
    assert read_phones(pa.array([spelling]), "US").tolist() == [digits]
