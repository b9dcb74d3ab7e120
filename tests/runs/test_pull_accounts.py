"""`lsms pull` and `verify` where accounts are not as the usual ones, and files not in the usual places."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from listrak_sms_cli.audience.columns import FieldKind, ProfileField
from listrak_sms_cli.runs.output_file import output_at
from listrak_sms_cli.runs.readback import ResumableFile, column_names, readable_fields
from listrak_sms_cli.runs.readback.stored_values import file_text
from tests.support.in_process import pushed
from tests.support.world import World

SYSTEM = "phone,Email Address,First Name,Last Name,Birthday,Postal Code,Loyalty Tier\n"
STORED = SYSTEM + "+13035550101,a@example.com,Ann,Oak,1980-02-03,00501,Gold\n+13035550102,,Bob,,,,\n"
OTHER = SYSTEM + "+13035550101,b@example.com,Eve,Elm,1999-09-09,10001,Silver\n"


def account(make_world: Callable[..., World], text: str = STORED, **config: object) -> World:
    world = make_world(invented_contacts=False, **config)
    world.admin("contacts?sender_code=1026", text)
    return world


def test_system_fields_without_ids_are_in_the_file_and_can_be_brought_back(make_world: Callable[..., World]) -> None:
    """Where the listing has no ids for system fields a pulled file holds them all the same: `--per-contact` changes
    them, `verify` sees it, and pushing the file contact by contact restores every one."""
    world = account(make_world, system_fields=False)
    before, file = world.contacts(), world.home / "before.csv"
    other = world.audience(OTHER)
    assert world.lsms("pull", "-o", file).code == 0
    assert next(csv.DictReader(file.read_text("utf-8").splitlines()))["Birthday"] == "1980-02-03"
    assert world.lsms("push", other, "--per-contact").code == 0
    assert world.lsms("verify", other).code == 0
    differ = world.lsms("verify", file, "--json").json
    assert (differ["matching"], differ["different"]) == (1, 1)
    assert sum(differ["fields"].values()) == 6
    assert world.lsms("push", file, "--per-contact").code == 0
    assert {p: {k: v or "" for k, v in row.items()} for p, row in world.contacts().items()} == {
        p: {k: v or "" for k, v in row.items()} for p, row in before.items()
    }


def test_an_account_that_finds_one_spelling_of_phones_only(make_world: Callable[..., World]) -> None:
    """`--phone-format` is how the contacts of a small audience are asked for."""
    world = account(make_world, phone_spellings=("national",))
    audience = world.audience("phone\n+13035550101\n3035550102\n")
    asked = world.lsms("pull", "-o", world.home / "some.csv", "--audience", audience, "--phone-format", "national")
    assert asked.code == 0
    assert len((world.home / "some.csv").read_text("utf-8").splitlines()) == 3


def test_how_many_of_the_audience_nobody_has_is_on_the_screen(world: World) -> None:
    """The table of `lsms pull --audience` counts the phones that no contact has."""
    audience = world.audience("phone\n2125550100\n3035550199\n3035550198\n")
    shown = world.lsms("pull", "-o", world.home / "some.csv", "--audience", audience).out
    head, row = ([cell.strip() for cell in line.split("  ") if cell.strip()] for line in shown.splitlines()[:2])
    assert dict(zip(head, row, strict=True))["not found"] == "2"


@pytest.mark.parametrize("what", ["pull", "verify", "push"])
def test_files_go_to_places_for_files_only(world: World, what: str) -> None:
    """A pipe, a name too long and `-` are refused, and nothing is changed; behind a link the file is written, the link
    stays."""
    audience = world.audience("phone,First Name\n2125550100,A\nnonsense,B\n")
    command: dict[str, list[object]] = {
        "pull": ["pull", "--output"],
        "verify": ["verify", audience, "--out"],
        "push": ["push", audience, "--rejects"],
    }
    pipe, link, real = (world.home / name for name in ("pipe.csv", "link.csv", "real.csv"))
    os.mkfifo(pipe)
    link.symlink_to(real)
    for place in (pipe, world.home / ("x" * 252 + ".csv"), "-"):
        refused = world.lsms(*command[what], place, "--json", cwd=world.home)
        assert refused.code == 2, (place, refused.out)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert world.lsms(*command[what], link).code in (0, 1)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    files = sorted(path.name for path in world.home.iterdir() if path.is_file())
    assert files == ["audience.csv", "link.csv", "real.csv"]


def test_no_two_columns_of_a_pulled_file_have_one_name() -> None:
    """Fields whose names are one name in an audience, or a reserved one, get their ids behind them."""
    names = ["Tier", "tier_", "Tier 8", "Phone", "opted_out", ""]
    fields = [ProfileField(number, name, FieldKind.TEXT) for number, name in enumerate(names, 7)]
    found = column_names(fields)
    assert len({name.replace("_", " ").strip().casefold() for name in found}) == len(names)
    assert found[:2] == ["Tier", "tier_ 8"]
    assert found[3:] == ["Phone 10", "opted_out 11", "field 12"]


def test_what_is_no_date_is_empty_in_a_pulled_file() -> None:
    """Days are written as ISO days; the year 1 stands for none."""
    stored = ["2024-02-29T00:00:00", "02/29/2024", "0001-01-01T00:00:00", "2024-02-29T10:30:00", "", "someday"]
    read = file_text(pa.array(stored, pa.string()), FieldKind.DATE).to_pylist()
    assert read == ["2024-02-29", "2024-02-29", "", "2024-02-29T10:30:00", "", "someday"]


def test_what_another_question_left_behind_is_not_believed(tmp_path: Path) -> None:
    """A pull that is killed before it has noted its first page leaves nothing that an earlier question would take
    for its own."""
    schema, target = pa.schema([("phone", pa.string())]), output_at(tmp_path / "all.csv", "--output")
    for question, phones in (("one", ["+13035550101"]), ("another", ["+13035550102", "+13035550103"])):
        with ResumableFile(target, schema, question, tmp_path) as file:
            file.add(pa.RecordBatch.from_arrays([pa.array(phones)], schema=schema))
            if question == "one":
                file.note(current="a list", cursor="next")
    with ResumableFile(target, schema, "one", tmp_path) as file:
        assert file.progress.rows == 0
        assert list(file.batches()) == []


def test_disabled_fields_are_left_out_system_fields_too() -> None:
    """A system field that the listing has as disabled is not put back as one that it leaves out."""
    listed = (
        ProfileField(5, "Postal Code", FieldKind.TEXT, active=False),
        ProfileField(7, "Loyalty Tier", FieldKind.TEXT),
        ProfileField(12, "Old Segment", FieldKind.TEXT, active=False),
    )
    names = [one.name for one in readable_fields(listed)]
    assert names == ["Loyalty Tier", "Email Address", "First Name", "Last Name", "Birthday"]


def test_a_push_whose_verification_cannot_conclude_says_that_all_was_sent(make_world: Callable[..., World]) -> None:
    """When the lists do not hold everybody, `push --verify` ends with 1, not with the 2 that means nothing sent."""
    rows = "".join(f"+1303{2000000 + n},\n" for n in range(2600))
    world = account(make_world, "phone,list\n" + rows)
    audience = world.audience("phone,First Name\n" + rows.replace(",\n", ",N\n"))
    report = world.lsms("push", audience, "--verify", "--json").json
    assert (report["exit_code"], report["error"]["code"], report["rows_sent"]) == (1, "lists_incomplete", 2600)
    assert "Everything was sent" in report["error"]["hint"]


def test_contact_by_contact_those_who_were_updated_are_verified(world: World) -> None:
    """`--per-contact --verify` reads back whom Listrak said yes to; who is not in Listrak is dropped, and no
    difference."""
    text = "phone,first_name\n3035550199,A\n2125550100,B\n3035550198,C\n2125550101,D\n"
    report = pushed(world, text, per_contact=True, verify=True)
    assert (report["rows_sent"], report["dropped"]["not_in_listrak"]) == (2, 2)
    assert [report["verify"][key] for key in ("checked", "matching", "not_in_listrak")] == [2, 2, 0]
    assert pushed(world, text, per_contact=True, verify_sample=1)["verify"]["matching"] == 1


def test_an_outage_says_what_to_type(world: World) -> None:
    """Commands that read contacts end with 5 in an outage; the hint names the command that goes on, and never
    `resume` where there is nothing to resume."""
    audience = world.audience("phone,First Name\n2125550100,A\n")
    away = {"route": "/Contact(/|$)", "method": "GET", "fault": "status", "status": 503, "count": None}
    world.admin("faults", [away])
    again = "Type the same command again later"
    commands: list[tuple[list[object], str]] = [
        (["pull", "-o", world.home / "all.csv"], again),
        (["pull", "-o", world.home / "some.csv", "--audience", audience], again),
        (["verify", audience], again),
        (["push", audience, "--only-existing"], again),
        (["push", audience, "--verify"], "lsms verify AUDIENCE"),
        (["push", audience, "--per-contact"], "lsms resume "),
    ]
    for command, hint in commands:
        ended = world.lsms(*command, "--give-up-after", "0.3s", "--json")
        assert (ended.code, ended.json["error"]["code"]) == (5, "unavailable"), command
        assert hint in ended.json["error"]["hint"], command
        assert ("resume" in ended.json["error"]["hint"]) == ("resume" in hint)
        assert "2125550100" not in ended.out + ended.err
    assert not [path for path in world.home.iterdir() if "pull" in path.name or path.name in ("all.csv", "some.csv")]
