"""What an import does in the sandbox: decoded, parsed, applied to the contacts that exist, nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json

import pytest

from listrak_sms_cli.sandbox import SandboxConfig
from tests.support.sandbox_caller import Caller, import_body

ADA, BEN = "+12125550100", "+12125550101"
EMAIL, BIRTHDAY, TIER, PURCHASE, WORTH, VIP = 1, 4, 7, 8, 9, 10


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_an_import_changes_what_it_names_and_nothing_else(caller: Caller) -> None:
    """Values of contacts that exist change, unknown phones are dropped, no other value and no opt status changes."""
    with caller:
        before = caller.stored()
        opted_out = next(phone for phone, row in before.items() if row["opted_out"])
        content = f"phone,tier\n{ADA},Gold\n19995550100,Gold\n{opted_out},Silver\n"
        report = caller.run(content, [TIER])
        assert (report["rows"], report["updated"], report["unknown"]) == (3, 2, 1)
        assert report["sha256"] == hashlib.sha256(content.encode()).hexdigest()
        assert (report["file_name"], report["status"]) == ("audience.csv", "Completed")
        before[ADA]["Loyalty Tier"] = "Gold"
        before[opted_out]["Loyalty Tier"] = "Silver"
        assert caller.stored() == before


def test_a_value_shows_on_every_sender_code(caller: Caller) -> None:
    """Fields belong to the company: a contact's value is the same on each sender code that has it."""
    with caller:
        caller.run(f"phone,tier\n{ADA},Gold\n", [TIER])
        assert caller.stored(1027)[ADA]["Loyalty Tier"] == "Gold"


def test_a_contact_of_another_sender_code_is_unknown(caller: Caller) -> None:
    """A phone that only another sender code has is dropped, although the company knows it."""
    with caller:
        only_us = "+12125550199"
        report = caller.run(f"phone,tier\n{only_us},Gold\n", [TIER], 1027)
        assert (report["updated"], report["unknown"]) == (0, 1)
        assert caller.stored()[only_us]["Loyalty Tier"] is None


def test_values_are_stored_by_type(caller: Caller) -> None:
    """A value of its type is stored in one form; one that is none is ignored and counted."""
    with caller:
        lines = [
            "phone,birthday,tier,purchase,worth,vip",
            "12125550100,2/9/1990,Gold,12/31/2023,0012.50,TRUE",
            "12125550101,02/30/1990," + "x" * 51 + ',2023-12-31,"1,200",maybe',
            "12125550102,,,,-0.00,0",
        ]
        report = caller.run("\n".join(lines), [BIRTHDAY, TIER, PURCHASE, WORTH, VIP])
        names = ("Birthday", "Loyalty Tier", "Last Purchase", "Lifetime Value", "VIP")
        stored = caller.stored()
        assert [stored[ADA][name] for name in names] == ["1990-02-09", "Gold", "2023-12-31", "12.5", "on"]
        assert [stored[BEN][name] for name in names] == [None] * 5
        assert [stored["+12125550102"][name] for name in names] == [None, None, None, "0", "off"]
        assert report["values_ignored"] == 5
        contact = caller.get("ShortCode/1026/Contact/12125550100")["data"]
        assert contact["birthday"] == "1990-02-09T00:00:00"


def test_a_system_field_is_the_contacts_attribute(caller: Caller) -> None:
    """What an import writes to Email Address is read as emailAddress."""
    with caller:
        caller.run(f"phone,email\n{ADA},new@example.com\n", [EMAIL])
        assert caller.get("ShortCode/1026/Contact/12125550100")["data"]["emailAddress"] == "new@example.com"


@pytest.mark.parametrize(("empty", "expected"), [("clear", None), ("keep", "Gold")])
def test_an_empty_cell_clears_or_keeps(empty: str, expected: str | None) -> None:
    """An empty cell clears the stored value, or keeps it where told so."""
    with Caller(SandboxConfig(empty_cells=empty)) as caller:  # type: ignore[arg-type]
        caller.run(f"phone,tier\n{ADA},Gold\n", [TIER])
        caller.run(f'phone,tier\n{ADA},""\n', [TIER])
        assert caller.stored()[ADA]["Loyalty Tier"] == expected


def test_a_default_value_fills_empty_cells(caller: Caller) -> None:
    """A mapping's defaultValue is used where a cell is empty."""
    with caller:
        mappings = import_body("", [TIER])["fileMappings"]
        mappings[1]["defaultValue"] = "Bronze"
        caller.run(f"phone,tier\n{ADA},\n{BEN},Gold\n", [TIER], fileMappings=mappings)
        assert [caller.stored()[one]["Loyalty Tier"] for one in (ADA, BEN)] == ["Bronze", "Gold"]


@pytest.mark.parametrize("qualifier", ['"', "'", ""])
def test_the_text_qualifier_is_obeyed(caller: Caller, qualifier: str) -> None:
    """Commas, line breaks and doubled qualifiers inside qualified cells are text; with none, quotes are text."""
    cell = f"a,{qualifier}\nb" if qualifier else '"it\'s"'
    written = qualifier + cell.replace(qualifier, qualifier * 2) + qualifier if qualifier else cell
    with caller:
        report = caller.run(f"phone,tier\n{ADA},{written}\n", [TIER], textQualifier=qualifier)
        assert report["rows"] == 1
        assert caller.stored()[ADA]["Loyalty Tier"] == cell


def test_without_column_names_the_first_line_is_a_row(caller: Caller) -> None:
    """With hasColumnNames false every line is a member; a byte-order mark is none of its text."""
    with caller:
        report = caller.run(f"\ufeff{ADA},Gold\n{BEN},Silver", [TIER], hasColumnNames=False)
        assert (report["rows"], report["updated"]) == (2, 2)
        assert caller.stored()[ADA]["Loyalty Tier"] == "Gold"


def test_the_last_of_two_rows_wins_and_short_rows_are_skipped(caller: Caller) -> None:
    """Rows are applied in order; a row with another number of cells is counted as malformed."""
    with caller:
        report = caller.run(f"phone,tier\n{ADA},Gold\n2125550100,Silver\n{BEN}\n", [TIER])
        assert (report["rows"], report["rows_malformed"]) == (2, 1)
        assert caller.stored()[ADA]["Loyalty Tier"] == "Silver"


def test_a_file_that_is_not_text_ends_badly(caller: Caller) -> None:
    """A file that is not UTF-8 is accepted, and its import ends as Failed."""

    with caller:
        stream = base64.b64encode(b"phone,tier\n12125550100,\xff\xfe\n").decode()
        import_id = caller.start("", [TIER], fileStream=stream)
        assert caller.wait(import_id)["status"] == "Failed"
        assert caller.stored()[ADA]["Loyalty Tier"] is None


def test_a_file_of_column_names_only_is_an_import_of_nothing(caller: Caller) -> None:
    """A file without members ends well and changes nothing."""
    with caller:
        report = caller.run("phone,tier\n", [TIER])
        assert (report["rows"], report["status"]) == (0, "Completed")


def test_escaped_slashes_in_the_base64_are_understood(caller: Caller) -> None:
    """A body whose JSON writer escapes slashes holds the same file."""

    content = f"phone,tier\n{ADA},???>>>???\n"
    with caller:
        plain = json.dumps(import_body(content, [TIER]))
        assert "/" in import_body(content, [TIER])["fileStream"]
        escaped = plain.replace("/", "\\/").encode()
        headers = {"Content-Type": "application/json"}
        answer = caller.call("POST", "ShortCode/1026/ContactImport", content=escaped, headers=headers)
        caller.wait(answer.json()["resourceId"])
        assert caller.stored()[ADA]["Loyalty Tier"] == "???>>>???"


def test_values_appear_when_the_import_ends_and_in_order() -> None:
    """Until an import has ended it has no endDate and its values are not there; the next one follows it."""
    with Caller(SandboxConfig(import_seconds=0.3)) as caller:
        first = caller.start(f"phone,tier\n{ADA},Gold\n", [TIER])
        second = caller.start(f"phone,tier\n{ADA},Silver\n", [TIER])
        state = caller.status(second)
        assert (state["endDate"], state["status"]) == (None, "Pending")
        assert caller.stored()[ADA]["Loyalty Tier"] is None
        assert caller.wait(second)["status"] == "Completed"
        assert caller.status(first)["endDate"] is not None
        assert caller.stored()[ADA]["Loyalty Tier"] == "Silver"


@pytest.mark.parametrize("contacts", [20_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_a_large_account_is_imported_to_the_last_member(contacts: int) -> None:
    """Members are half of the contacts, a tenth of them under an unknown phone: each value is where it belongs."""
    with Caller(SandboxConfig(invented_contacts=False)) as caller:
        phones = [12_010_000_000 + 3 * index for index in range(contacts)]
        text = "phone\n" + "".join(f"+{phone}\n" for phone in phones)
        assert caller.http.post("/sandbox/contacts", content=text).json() == {"contacts": contacts}
        members = [phone + (index % 10 == 0) for index, phone in enumerate(phones[::2])]
        rows = "".join(f'{phone},"T{phone % 7}, {phone}",{phone % 100}.25\n' for phone in members)
        report = caller.run("phone,tier,worth\n" + rows, [TIER, WORTH])
        assert (report["updated"], report["unknown"], report["values_ignored"]) == (
            contacts * 9 // 20,
            contacts // 20,
            0,
        )
        dump = csv.DictReader(io.StringIO(caller.http.get("/sandbox/contacts?format=csv").text))
        expected = {
            f"+{phone}": (f"T{phone % 7}, {phone}", str(phone % 100) + ".25")
            for index, phone in enumerate(members)
            if index % 10
        }
        stored = {row["phone"]: (row["Loyalty Tier"], row["Lifetime Value"]) for row in dump}
        assert len(stored) == contacts
        assert {phone: row for phone, row in stored.items() if any(row)} == expected
        assert len(caller.pages("ShortCode/1026/PhoneList/10261/Contact?count=5000")) == contacts
