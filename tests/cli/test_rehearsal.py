"""`push --sandbox` fails where the real push would, and says what comes next."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.lsms import Ended, call_lsms
from tests.support.world import World

AUDIENCE = "phone,first_name,Tier,Shoe Size\n2125550100,A,Gold,42\n2125550101,B,Silver,43\n"


def rehearsed(home: Path, *options: object, text: str = AUDIENCE, code: int = 0) -> Ended:
    path = home / "audience.csv"
    path.write_text(text, "utf-8")
    ended = call_lsms("push", path, "--sandbox", *options, env={"HOME": str(home)})
    assert ended.code == code, ended.err + ended.out
    return ended


def test_fields_are_invented_for_columns_that_nothing_maps(tmp_path: Path) -> None:
    """A column without a field gets one, and a note says so; a mapped one gets none of its own name."""
    ended = rehearsed(tmp_path, "--map", "Tier=Postal Code", "--json")
    assert {column["column"]: column["field"] for column in ended.json["columns"]} == {
        "first_name": "First Name",
        "Tier": "Postal Code",
        "Shoe_Size": "Shoe_Size",
    }
    (note,) = [each for each in ended.json["warnings"] if each["code"] == "invented_fields"]
    assert note["message"].endswith("may lack: Shoe_Size.")


@pytest.mark.parametrize("target", ["Postal Cod", "Loyalty Tier", "VIP", "Tyer", "7"])
def test_a_typo_in_a_map_fails(tmp_path: Path, target: str) -> None:
    """A field that is no system field, no column and in no file is not there, whatever the sandbox itself invents."""
    ended = rehearsed(tmp_path, "--map", f"Tier={target}", "--json", code=2)
    assert ended.json["error"]["code"] == "unmatched_columns"
    assert f"Tier={target}" in ended.json["error"]["message"]
    assert "--sandbox-fields account" in ended.json["error"]["hint"]
    words = ended.json["error"]["hint"].split("\n")[0].removeprefix("Type: lsms ")
    assert call_lsms(*shlex.split(words), env={"HOME": str(tmp_path)}).code == 0


def test_a_map_may_name_what_is_there(tmp_path: Path) -> None:
    """A system field, a column of the audience, a field of the file."""
    rehearsed(tmp_path, "--map", "Tier=email_address", "--map", "Shoe Size=Tier")
    fields = tmp_path / "fields.csv"
    fields.write_text("id,name,type,max_length,status\n3,Level,Text,4,Active\n", "utf-8")
    ended = rehearsed(tmp_path, "--fields", fields, "--map", "Tier=3", "--json")
    columns = {column["column"]: (column["field"], column["field_id"]) for column in ended.json["columns"]}
    assert columns["Tier"] == ("Level", 3)
    assert ended.json["dropped"]["value_too_long"] == 1
    assert len({number for _, number in columns.values()}) == 3


def test_columns_with_fields_of_the_sandbox_keep_their_types(tmp_path: Path) -> None:
    """A birthday and a number are checked as such."""
    text = "phone,DOB,Lifetime Value\n2125550100,soon,1\n2125550101,1980-01-02,much\n2125550102,1980-01-02,3\n"
    assert rehearsed(tmp_path, "--json", text=text).json["dropped"]["bad_value"] == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--fields", "nowhere.csv"], "nowhere.csv"),
        (["--fields", "audience.csv"], "id,name,type"),
        (["--fields", "audience.csv", "--sandbox-fields", "account"], "--sandbox-fields"),
        (["--sandbox-fields", "account"], "LISTRAK_CLIENT_ID"),
    ],
)
def test_fields_that_cannot_be_had(tmp_path: Path, options: list[str], word: str) -> None:
    """A file that is none, two sources at once, an account without credentials: exit 2."""
    ended = rehearsed(tmp_path, *(tmp_path / each if each.endswith(".csv") else each for each in options), code=2)
    assert word in ended.err


def test_options_of_the_sandbox_want_a_sandbox(world: World) -> None:
    """A real push takes no fields from elsewhere."""
    for options in (["--sandbox-fields", "account"], ["--fields", "x.csv"]):
        ended = world.lsms("push", world.audience(AUDIENCE), *options)
        assert (ended.code, "add --sandbox" in ended.err) == (2, True)


def test_the_fields_of_the_account(world: World) -> None:
    """`--sandbox-fields account` rehearses with the account's fields, which it only reads; credentials alone do not."""
    path = world.audience("phone,Loyalty Tier,Old Segment\n2125550100,Gold,x\n")
    before = world.contacts()
    assert world.lsms("push", path, "--sandbox").code == 0
    assert world.admin("requests") == []
    ended = world.lsms("push", path, "--sandbox", "--sandbox-fields", "account", "--json")
    assert (ended.code, "disabled in Listrak" in ended.json["error"]["message"]) == (2, True)
    ended = world.lsms("push", path, "--sandbox", "--sandbox-fields", "account", "--skip-column", "old segment")
    assert ended.code == 0, ended.err
    assert "[invented_fields]" not in ended.out
    assert {request["method"] for request in world.admin("requests") if "Token" not in request["path"]} == {"GET"}
    assert (world.contacts(), world.admin("imports")) == (before, [])
    words = re.search(r"Next, with your account: lsms (.+)$", ended.out, re.MULTILINE)
    assert words is not None
    assert words[1] == f"push {path} --skip-column 'old segment'"
    assert world.lsms(*shlex.split(words[1])).code == 0


def test_the_next_step_is_named(world: World, tmp_path: Path) -> None:
    """After a rehearsal with invented fields comes the check against the account, with the options that were typed."""
    ended = rehearsed(tmp_path, "--skip-column", "Shoe Size", "--no-wait")
    line = ended.out.splitlines()[-1]
    assert line == (
        f"Next, with your account: lsms validate {tmp_path / 'audience.csv'} --skip-column 'Shoe Size' --sender-code ID"
    )
    assert world.lsms("validate", tmp_path / "audience.csv", "--skip-column", "Shoe Size", "--map", "Tier=7").code == 0


def test_a_rehearsal_leaves_no_run(tmp_path: Path) -> None:
    """`status` of a sandbox run, named or not, says why there is none."""
    run_id = rehearsed(tmp_path, "--json").json["run_id"]
    for arguments in ([run_id], []):
        ended = call_lsms("status", *arguments, env={"HOME": str(tmp_path)})
        assert (ended.code, "--sandbox leave none" in ended.err) == (2, True)
