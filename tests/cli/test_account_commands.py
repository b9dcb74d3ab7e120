"""`lsms fields`, `sender-codes`, `check`: what the account has, and whether the connection is ready."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.world import World, run_lsms


def test_fields_are_listed_with_the_column_an_audience_would_use(world: World) -> None:
    """Id, name, type, maximal length, state, column; as a table and as JSON."""
    listed = world.lsms("fields", "--json").json["fields"]
    tier = next(field for field in listed if field["name"] == "Loyalty Tier")
    assert tier == {
        "id": 7,
        "name": "Loyalty Tier",
        "type": "Text",
        "max_length": 50,
        "state": tier["state"],
        "column": "Loyalty_Tier",
    }
    assert "Loyalty_Tier" in world.lsms("fields").out


def test_sender_codes_are_listed(world: World) -> None:
    """Those the credential may use, with their countries."""
    listed = world.lsms("sender-codes", "--json").json["sender_codes"]
    assert {(code["id"], code["country"]) for code in listed} >= {(1026, "US"), (1028, "GB")}
    assert "1026" in world.lsms("sender-codes").out


def test_check_says_where_each_setting_came_from(world: World) -> None:
    """A ready connection is exit 0; the secret is named and never shown."""
    ended = world.lsms("check")
    assert ended.code == 0, ended.err
    assert "LISTRAK_CLIENT_ID" in ended.out
    assert world.sandbox.config.client_secret not in ended.out
    document = world.lsms("check", "--json").json
    assert document["ready"] is True
    assert {"token", "sender code", "profile fields"} <= {check["check"] for check in document["checks"]}


def test_check_stops_at_what_is_missing(world: World) -> None:
    """Missing settings are exit 2, wrong credentials exit 4, and the reason stands in its line."""
    nothing = run_lsms("check", env={"HOME": str(world.home)})
    assert nothing.code == 2
    assert "LISTRAK_CLIENT_ID" in nothing.out
    wrong = world.lsms("check", "--json", env={"LISTRAK_CLIENT_SECRET": "wrong"})
    assert (wrong.code, wrong.json["ready"], wrong.json["exit_code"]) == (4, False, 4)


def test_check_finds_the_spelling_of_phones(make_world: Callable[..., World]) -> None:
    """`--phone` tries every spelling and names the --phone-format to push with."""
    world = make_world(phone_spellings=("national",))
    ended = world.lsms("check", "--phone", "+1 212 555 0100")
    assert ended.code == 0
    assert "--phone-format national" in ended.out
    assert "5550100" not in ended.out
    assert world.lsms("check", "--phone", "+1 303 555 0199").code == 2
