"""The first push of an account that somebody types is confirmed."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.support.push_command import THREE
from tests.support.terminal import on_a_terminal
from tests.support.webhook import webhook
from tests.support.world import World

QUESTION = "Update these members in Listrak?"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_is_exit_3_and_nothing_is_sent(world: World, width: int) -> None:
    """The question shows account, sender code and members, within the terminal; no run is left behind."""
    audience = world.audience(THREE)
    screen = on_a_terminal("push", audience, env=world.env, answers=[(QUESTION, "n")], width=width)
    assert screen.code == 3, screen.text
    asked = screen.text.partition(QUESTION)[0]
    assert max(map(cell_len, screen.text.split("\n"))) <= width
    for shown in (
        "client id sandbox at",
        "1026 (71856, Larkspur Outfitters, US)",
        "3 of 3",
        "First Name, Loyalty Tier",
    ):
        assert shown in asked
    assert "Not confirmed: nothing was sent." in screen.text
    assert world.admin("imports") == []
    assert world.lsms("runs", "--json").json["runs"] == []


def test_yes_is_remembered_for_the_account(world: World) -> None:
    """It is asked once, whatever the sender code; another account is asked about again."""
    audience = world.audience(THREE)
    push = ("push", audience, "--no-wait")
    assert on_a_terminal(*push, env=world.env, answers=[(QUESTION, "y")]).code == 0
    again = on_a_terminal(*push, "--sender-code", "1027", "--region", "US", env=world.env)
    assert (again.code, QUESTION in again.text) == (0, False)
    assert len(world.admin("imports")) == 2
    elsewhere = {**world.env, "LISTRAK_API_URL": world.sandbox.api_url.replace("127.0.0.1", "localhost")}
    assert on_a_terminal(*push, env=elsewhere, answers=[(QUESTION, "")]).code == 3


def test_a_plan_is_confirmed_as_well(world: World) -> None:
    """`apply` asks what `push` asks; --yes answers it, and is remembered."""
    audience, plan = world.audience(THREE), world.home / "a.plan"
    assert world.lsms("plan", audience, "--save", plan).code == 0
    assert on_a_terminal("apply", plan, env=world.env, answers=[(QUESTION, "n")]).code == 3
    assert on_a_terminal("apply", plan, "--yes", env=world.env).code == 0
    assert QUESTION not in on_a_terminal("push", audience, "--no-wait", env=world.env).text


def test_a_no_is_told_to_nobody(world: World) -> None:
    """Whoever said it was there: no notification goes out."""
    with webhook() as hook:
        env = {**world.env, "LSMS_NOTIFY": hook.url}
        assert on_a_terminal("push", world.audience(THREE), env=env, answers=[(QUESTION, "n")]).code == 3
        assert hook.received == []
        assert world.lsms("push", "nowhere.csv", env=env).code == 2
        assert len(hook.received) == 1


def test_who_is_not_there_and_what_goes_nowhere_is_not_asked(world: World) -> None:
    """Without a terminal, in a dry run and with --sandbox there is no question, and nothing is remembered."""
    audience = world.audience(THREE)
    assert world.lsms("push", audience).code == 0
    for rehearsal in ("--dry-run", "--sandbox"):
        screen = on_a_terminal("push", audience, rehearsal, env=world.env)
        assert (screen.code, QUESTION in screen.text) == (0, False)
    assert not (world.home / "state/confirmed").exists()
