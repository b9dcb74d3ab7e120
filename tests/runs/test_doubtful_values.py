"""What looks like a value, or like a phone of somebody else: read as it is meant, dropped, or said; in `validate` as in
`push`, whatever part of the audience shows it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.support.push_command import pushed
from tests.support.world import World

CASES = Path(__file__).parents[1] / "cases"
FIELDS = """id,name,type,max_length,status
1,First Name,Text,,Active
2,Points,Number,,Active
3,Birthday,Date,,Active
4,Postal Code,Text,,Active
5,Member ID,Text,,Active
6,Last Visit,Date,,Active
7,Email Address,Text,,Active
"""


@pytest.fixture
def account(world: World) -> World:
    """An account with a field of each kind that these files fill."""
    world.admin("fields?replace=true", FIELDS)
    return world


def both(world: World, path: Path, *options: object) -> dict[str, Any]:
    """The document of the dry run of a push, after `validate` has been found to say the same."""
    report = pushed(world, path, "--dry-run", *options)
    validated = world.lsms("validate", path, *options, "--json").json
    assert validated["dropped"] == report["dropped"]
    codes = [warning["code"] for warning in report["warnings"]]
    assert [w["message"] for w in validated["warnings"] if w["code"] in codes] == [
        warning["message"] for warning in report["warnings"]
    ]
    return report


def message(report: dict[str, Any], code: str) -> str:
    return next((warning["message"] for warning in report["warnings"] if warning["code"] == code), "")


def test_a_number_whose_first_group_is_zero_has_no_thousands(account: World) -> None:
    """`0,999` is dropped, `1,000` is a thousand."""
    assert both(account, CASES / "numbers.csv")["dropped"]["bad_value"] == 3


@pytest.mark.parametrize("place", [0, 4999])
def test_one_decimal_comma_makes_the_thousands_of_its_column_doubtful(account: World, place: int) -> None:
    """Wherever in the audience the decimal comma stands, `1,500` in that column is dropped, and the file names both."""
    cells = ["1,500"] * 5000
    cells[place] = "12,50"
    rows = [f"{2125550000 + n};{cell}" for n, cell in enumerate([*cells, "7"])]
    path = account.audience("\n".join(["phone;Points", *rows]))
    rejects = account.home / "rejects.csv"
    assert both(account, path, "--rejects", rejects)["dropped"]["bad_value"] == 5000
    assert both(account, path)["dropped"]["bad_value"] == 5000
    details = {row["detail"] for row in csv.DictReader(rejects.read_text("utf-8").splitlines())}
    assert details == {
        "Points: a decimal comma? write it as 1234.56",
        "Points: thousands? other cells of the column have a decimal comma; write it as 1234.56",
    }


def test_birthdays_fall_before_today(account: World) -> None:
    """Two digits of a year are the last such year; a birthday in the future is dropped, and its reject says so."""
    path = account.audience("phone,Birthday\n2125550100,05/12/45\n2125550101,05/12/88\n2125550102,2045-05-12\n")
    rejects = account.home / "rejects.csv"
    report = both(account, path, "--date-format", "%m/%d/%y", "--rejects", rejects)
    assert report["dropped"]["bad_value"] == 1
    assert "Birthday: in the future" in rejects.read_text("utf-8")
    pushed(account, CASES / "yy.csv", "--date-format", "%m/%d/%y")


def test_other_dates_in_the_future_are_warned_of(account: World) -> None:
    """A visit in 2045 is sent, and said; dates that are all in the future are meant so."""
    path = account.audience("phone,Last Visit\n2125550100,05/12/45\n2125550101,05/12/88\n")
    assert "Last_Visit 1" in message(both(account, path, "--date-format", "%m/%d/%y"), "dates_in_future")
    path = account.audience("phone,Last Visit\n2125550100,2145-05-12\n2125550101,2001-01-01\n")
    assert "Last_Visit 1" in message(both(account, path), "dates_in_future")
    path = account.audience("phone,Last Visit\n2125550100,2145-05-12\n2125550101,2145-01-01\n")
    assert message(both(account, path), "dates_in_future") == ""


def test_zips_without_their_zeros_are_warned_of_behind_a_float_too(account: World) -> None:
    """`7030.0` has lost its zero before it became a float."""
    assert "Postal_Code 1" in message(both(account, CASES / "zipfloat.csv"), "zip_zeros_lost")


def test_a_national_phone_of_another_country_is_invalid_whatever_the_region(account: World) -> None:
    """A British phone without its country code would be somebody in the United States."""
    path = account.audience("phone,First Name\n07911 123456,A\n+12125550100,B\n")
    report = both(account, path, "--region", "GB", "--phone-format", "national")
    assert report["dropped"]["invalid_phone"] == 1


def test_foreign_phones_are_counted_by_country_and_keep_their_plus_where_they_need_it(account: World) -> None:
    """A plus before national digits makes phones of other countries; some of them only differ by the plus."""
    assert "BE 2" in message(both(account, CASES / "plus10.csv"), "foreign_phones")
    path = account.audience("phone,First Name\n+65 9234 5678,A\n+44 7911 123456,B\n")
    report = both(account, path)
    assert message(report, "foreign_phones") == ""
    assert message(report, "plus_kept").startswith("1 phones")
    assert message(both(account, path, "--phone-format", "e164"), "plus_kept") == ""


def test_two_phones_in_a_cell_are_invalid(account: World) -> None:
    """Nobody knows which of them is meant; the reject says that there are two."""
    rejects = account.home / "rejects.csv"
    path = account.audience((CASES / "two.csv").read_text("utf-8") + "2125550103,C\n")
    assert both(account, path, "--rejects", rejects)["dropped"]["invalid_phone"] == 2
    assert rejects.read_text("utf-8").count("two phones in one cell") == 2


def test_words_for_an_empty_cell_are_said_with_the_option(account: World) -> None:
    r"""`\N` in a text field is sent as it stands, and the warning names --null-value; with it there is none."""
    report = both(account, CASES / "slashN.csv")
    assert r"First_Name \N 2" in message(report, "null_words")
    assert r"--null-value '\N'" in message(report, "null_words")
    assert message(both(account, CASES / "slashN.csv", "--null-value", r"\N"), "null_words") == ""


def test_a_padded_column_is_warned_of(account: World) -> None:
    """Where every value ends in blanks they are no part of it; one that does not shows that they may be."""
    path = account.audience("phone,First Name,Member ID\n2125550100,Ann  ,a \n2125550101,,b\n2125550102,Bo ,c\n")
    assert "First_Name begins" in message(both(account, path), "padded_values")


def test_consents_that_are_neither_yes_nor_no_are_said_by_shape(account: World) -> None:
    """Who says `Opted-In` is not sent, and the shape of the word is shown with its count."""
    path = account.audience("phone,First Name,ok\n2125550100,A,Opted-In\n2125550101,B,yes\n2125550102,C,\n")
    report = both(account, path, "--consent-column", "ok")
    assert report["dropped"]["no_consent"] == 2
    assert "Xxxxx-Xx 1" in message(report, "unknown_consent")


def test_a_length_below_zero_is_no_limit(account: World) -> None:
    """A field that says -1 characters holds any text."""
    account.admin("fields", "id,name,type,max_length,status\n9,Nick,Text,-1,Active\n")
    assert both(account, account.audience("phone,Nick\n2125550100,Annabel\n"))["rows_sendable"] == 1


def stored(world: World, path: Path, *options: object) -> dict[str, dict[str, Any]]:
    """What the members of an audience have in Listrak, by phone, once all of them exist and are updated."""
    members = [row[0] for row in csv.reader(path.read_text("utf-8").splitlines())][1:]
    phones = ["+1" + "".join(filter(str.isdigit, phone))[-10:] for phone in members]
    world.admin("contacts?sender_code=1026", "phone\n" + "\n".join(phones) + "\n")
    pushed(world, path, *options)
    return {phone: contact for phone, contact in world.contacts().items() if phone in phones}


def values(contacts: dict[str, dict[str, Any]], field: str) -> list[str]:
    return [contacts[phone][field] for phone in sorted(contacts)]


def test_what_a_spreadsheet_puts_around_a_value_is_not_stored(account: World) -> None:
    """Apostrophes, formulas, tabs, a float's end, and blanks around e-mail addresses and ZIPs are taken off."""
    contacts = stored(account, CASES / "shopify.csv")
    assert values(contacts, "Postal Code") == ["07030", "10001"]
    contacts = stored(account, CASES / "zipfloat.csv")
    assert values(contacts, "Postal Code")[0] == "10001"
    assert values(contacts, "Member ID")[:2] == ["100234", "100235"]
    text = 'phone,Postal Code,Email Address,First Name\n2125550100,"=""07030""", a@example.com ," Ann"\n'
    contacts = stored(account, account.audience(text + "2125550101,\t07030,b@example.com\u00a0,Bo\n"))
    assert values(contacts, "Postal Code") == ["07030", "07030"]
    assert values(contacts, "Email Address") == ["a@example.com", "b@example.com"]
    assert values(contacts, "First Name") == [" Ann", "Bo"]


def test_birthdays_of_two_digits_are_stored_in_the_past(account: World) -> None:
    """`05/12/45` is a birthday of 1945."""
    contacts = stored(account, CASES / "yy.csv", "--date-format", "%m/%d/%y")
    assert values(contacts, "Birthday") == ["1945-05-12", "1988-05-12", "2003-05-12"]


@pytest.mark.parametrize("tail", ["", "4.5"])
def test_a_resumed_run_makes_the_same_import_files_again(account: World, tail: str) -> None:
    """What only the whole audience shows, the plus of a phone and the date of the push are in the run's record."""
    head = "phone;Points;Member ID;Birthday\n"
    rows = [f"{2125550100 + n};{7 + n};{n}.0;05/12/45\n" for n in range(8)] + ["+65 9234 5678;1;1.0;05/12/45\n"]
    path = account.audience(head + "".join(rows) + f"2125550150;12,50;{tail};\n2125550151;1,500;{tail};\n")
    account.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1, "count": 2}])
    options = ("--batch-rows", 3, "--concurrency", 1, "--date-format", "%m/%d/%y")
    report = pushed(account, path, *options, code=1)
    assert (report["dropped"]["bad_value"], report["rows_pending"] + report["rows_refused"]) == (2, 6)
    account.admin("faults", [])
    resumed = account.lsms("resume", "--json").json
    assert (resumed["error"], resumed["rows_sent"]) == (None, 9)
