"""What an error or a `validate` offers to type next is one finished command, and it works."""

from __future__ import annotations

import re
import shlex

import pytest

from listrak_sms_cli import LsmsError, validate
from tests.support.lsms import Ended, call_lsms
from tests.support.world import World

OPEN = "Mobile Phone,Zip,Loyalty_Teir,Shoe Size,last purchse\n(212) 555-0100,07030,Gold,42,2026-01-02\n"


def offered(ended: Ended) -> list[str]:
    """The words of the command, behind `lsms`."""
    line = re.search(r"^(?:Type|Push it with): lsms (.+)$", ended.err + ended.out, re.MULTILINE)
    assert line is not None, ended.err
    return shlex.split(line[1])


@pytest.mark.parametrize("command", ["push", "validate", "verify"])
def test_what_stays_open_is_one_command(world: World, command: str) -> None:
    """The command that was typed comes back with a --map for each misspelt column, the others left out, and a typed
    --map that names no field replaced; other options stay as they were."""
    path = world.audience(OPEN, "it's.csv")
    ended = world.lsms(command, path, "--map", "SHOE SIZE=Shoe", "--keep", "first", "--null-value=-")
    assert ended.code == 2
    words = offered(ended)
    assert words[:2] == [command, str(path)]
    assert words[-6:] == [
        *("--map", "Loyalty_Teir=Loyalty Tier"),
        *("--map", "last_purchse=Last Purchase"),
        *("--skip-column", "Shoe_Size"),
    ]
    assert sorted(words[2:-6]) == ["--keep", "--null-value=-", "first"]
    assert world.lsms(*words).code == (1 if command == "verify" else 0)


def test_consent_that_nobody_has_named_is_offered_as_consent(world: World) -> None:
    """What looks like consent is not left out but decides, unless an option has named another column for it."""
    path = world.audience("phone,first_name,SMS Opt-In,consent_date\n2125550100,A,yes,x\n2125550101,B,no,x\n")
    words = offered(world.lsms("push", path))
    assert words[-4:] == ["--consent-column", "SMS_Opt-In", "--skip-column", "consent_date"]
    assert world.lsms(*words, "--json").json["dropped"]["no_consent"] == 1
    path = world.audience("phone,first_name,Ok,SMS Opt-In\n2125550100,A,yes,no\n")
    words = offered(world.lsms("push", path, "--consent-column", "Ok"))
    assert words[-2:] == ["--skip-column", "SMS_Opt-In"]


def test_flags_that_were_typed_stay(world: World) -> None:
    """Also one that switches something off, and the document of an error has the command too."""
    ended = world.lsms("push", world.audience(OPEN), "--no-wait", "--dry-run", "--exact-names", "--json")
    assert ended.json["error"]["code"] == "no_phone_column"
    ended = world.lsms(
        "push", world.audience(OPEN), "--no-wait", "--exact-names", "--phone-column", "mobile phone", "--json"
    )
    words = shlex.split(ended.json["error"]["hint"].split("\n")[0].removeprefix("Type: lsms "))
    assert {"--no-wait", "--exact-names", "Zip=Postal Code", "--json"} <= set(words)
    assert world.lsms(*words).json["rows_sent"] == 1


def test_two_columns_for_one_field_are_settled_by_a_command(world: World) -> None:
    """Both are named, and the command leaves one out, together with all else that is open."""
    ended = world.lsms("push", world.audience("phone,Zip,postal_code,nick\n2125550100,07030,07031,N\n"), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "unmatched_columns")
    ended = world.lsms("push", world.audience("phone,Zip,postal_code\n2125550100,07030,07031\n"))
    assert "postal_code and Zip both go to Postal Code" in ended.err
    assert world.lsms(*offered(ended)).code == 0
    assert world.contacts()["+12125550100"]["Postal Code"] == "07031"


def test_nothing_is_offered_that_would_send_nothing(world: World) -> None:
    """Where every column would be left out there is no command."""
    ended = world.lsms("push", world.audience("phone,Shoe Size\n2125550100,42\n"))
    assert (ended.code, "Type:" in ended.err, "--skip-unmatched" in ended.err) == (2, False, True)


def test_offline_a_column_needs_a_field(world: World) -> None:
    """Without an account a name that means no system field needs a field; the command that is offered pushes."""
    path = world.audience("Cell,Zip,Loyalty Tier\n2125550100,07030,Gold\n")
    ended = world.lsms("validate", path, "--offline")
    for line in ("Postal Code, guessed", "the phone, guessed", "needs a field named Loyalty_Tier"):
        assert line in ended.out
    assert "[guessed_columns]" in ended.out
    assert "profile fields named Loyalty_Tier:" in ended.out
    assert world.lsms(*offered(ended), "--quiet").code == 0
    exact = world.lsms("validate", path, "--offline", "--exact-names", "--phone-column", "cell")
    assert "needs a field named Zip" in exact.out
    assert "guessed" not in exact.out
    wanted = {line["column"]: line["needs_field"] for line in world.lsms("validate", path, "--json").json["profile"]}
    assert not any(wanted.values())


def test_python_gets_keywords(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python the same is said in words of Python, and can be passed as it stands."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    path = world.audience(OPEN)
    with pytest.raises(LsmsError) as caught:
        validate(path)
    first, rest = caught.value.hint.split("\n")
    assert first.startswith("Add: map={'Loyalty_Teir': 'Loyalty Tier', ")
    assert "skip_unmatched" in rest
    assert caught.value.report.error.hint == caught.value.hint
    options = eval(f"dict({first.removeprefix('Add: ')})")
    assert validate(path, **options).warnings[0].code == "guessed_columns"
    with pytest.raises(LsmsError, match="Add: consent_column='sms_consent'"):
        validate(world.audience("phone,Zip,sms_consent\n2125550100,07030,yes\n"))


def test_several_phones_name_the_ways_on(world: World) -> None:
    """Exit 2 before anything is asked of Listrak where the header alone decides it, and a home phone is never taken."""
    wrong = {"LISTRAK_CLIENT_SECRET": "wrong"}
    ended = world.lsms("push", world.audience("Cell,Mobile,email\n2125550100,2125550101,a@b.co\n"), "--json", env=wrong)
    assert (ended.code, ended.json["error"]["code"]) == (2, "several_phone_columns")
    ended = world.lsms("push", world.audience("Home Phone,Fax,email\n2125550100,2125550101,a@b.co\n"), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "no_phone_column")


def test_a_note_can_be_switched_off(world: World) -> None:
    """`--no-warn guessed_columns` leaves the note out; the line of the columns marks the guess all the same."""
    path = world.audience("phone,Zip\n2125550100,07030\n")
    told = call_lsms("push", path, "--dry-run", env=world.env)
    assert "Zip → Postal Code (guessed)" in told.out
    assert "[guessed_columns]" in told.out
    quiet = call_lsms("push", path, "--dry-run", "--no-warn", "guessed_columns", "--json", env=world.env).json
    assert quiet["warnings"] == []
    assert quiet["columns"][0].items() >= {"column": "Zip", "field": "Postal Code", "guessed": True}.items()
