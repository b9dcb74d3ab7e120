"""A column with an ordinary name goes to the same field on every path that reads an audience."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from listrak_sms_cli import push
from listrak_sms_cli.errors import LsmsError
from tests.support.in_process import pulled, pushed, resumed, status, validated, verified
from tests.support.world import World

CASES = Path(__file__).parents[1] / "cases"
HEAD = ["Cell", "Zip", "DOB", "E-mail", "Surname"]
ROWS = [
    ["(212) 555-0100", "07030", "1980-01-02", "ana@example.com", "Rao"],
    ["(212) 555-0101", "10001", "1981-03-04", "bo@example.com", "Lee"],
]
TEXT = "\n".join(",".join(row) for row in [HEAD, *ROWS]) + "\n"
FIELDS = ["Postal Code", "Birthday", "Email Address", "Last Name"]


def fields_of(report: dict[str, object]) -> list[str]:
    return [column["field"] for column in report["columns"]]  # type: ignore[attr-defined]


def test_every_command_sees_the_same(world: World) -> None:
    """What validate says is what push sends, what status shows, and what verify and pull look for."""
    assert fields_of(validated(world, TEXT)) == FIELDS
    report = pushed(world, TEXT)
    assert (fields_of(report), report["rows_sent"]) == (FIELDS, 2)
    assert fields_of(status(world)) == FIELDS
    assert world.contacts()["+12125550100"]["Postal Code"] == "07030"
    assert verified(world, TEXT)["matching"] == 2
    found = pulled(world, world.home / "out.csv", audience=str(world.audience(TEXT)))
    assert (found["contacts"], [note["code"] for note in found["warnings"]]) == (2, ["guessed_columns"])
    with pytest.raises(LsmsError) as caught:
        pulled(world, world.home / "b.csv", audience=str(world.audience("phone,Cell\n2125550100,2125550101\n")))
    assert caught.value.code == "several_phone_columns"


def test_a_resumed_run_goes_on_with_the_mapping(world: World) -> None:
    """Also when the account has got a field since that would be meant now."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    assert pushed(world, TEXT, code=1)["rows_refused"] == 2
    world.admin("fields", "id,name,type\n40,Zip,Text\n41,Cell,Text\n")
    assert fields_of(resumed(world)) == FIELDS
    assert world.contacts()["+12125550101"]["Postal Code"] == "10001"


def test_members_are_remembered_by_their_fields(world: World) -> None:
    """The same values under other names of the same fields are not sent again."""
    pushed(world, TEXT, changed_only=True)
    renamed = TEXT.replace("Cell,Zip,DOB,E-mail,Surname", "phone,Postal Code,Birthday,email,last_name")
    assert pushed(world, renamed, changed_only=True)["rows_unchanged"] == 2


def test_frames_and_workbooks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame's columns and a workbook's first row are names as well; so is a Shopify export."""
    import pandas as pd

    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    frame = pd.DataFrame(ROWS, columns=HEAD)
    assert [column.field for column in push(frame).columns] == FIELDS
    book = openpyxl.Workbook()
    for row in [HEAD, *ROWS]:
        book.worksheets[0].append(row)
    book.save(world.home / "a.xlsx")
    assert fields_of(pushed(world, world.home / "a.xlsx")) == FIELDS
    assert pushed(world, CASES / "shopify.csv")["rows_sent"] == 2
    assert world.contacts()["+12125550100"]["Postal Code"] == "07030"
