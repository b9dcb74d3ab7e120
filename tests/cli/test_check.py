"""`lsms check`: whether the connection is ready, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len

from tests.support.terminal import on_a_terminal
from tests.support.world import World, run_lsms


def test_check_says_where_each_setting_came_from(world: World) -> None:
    """A ready connection is exit 0; the secret is named and never shown; the next command is named."""
    ended = world.lsms("check")
    assert ended.code == 0, ended.err
    assert "LISTRAK_CLIENT_ID" in ended.out
    assert world.sandbox.config.client_secret not in ended.out
    assert ended.out.splitlines()[-1] == "Ready. Next: lsms validate AUDIENCE"
    document = world.lsms("check", "--json").json
    assert document["ready"] is True
    assert {"token", "sender code", "profile fields"} <= {check["check"] for check in document["checks"]}


def test_check_stops_at_what_is_missing(world: World) -> None:
    """Missing settings are exit 2, wrong credentials exit 4, and the reason stands in its line, what to do below."""
    nothing = run_lsms("check", env={"HOME": str(world.home)})
    assert nothing.code == 2
    assert "LISTRAK_CLIENT_ID" in nothing.out
    wrong = world.lsms("check", "--json", env={"LISTRAK_CLIENT_SECRET": "wrong"})
    assert (wrong.code, wrong.json["ready"], wrong.json["exit_code"]) == (4, False, 4)
    unknown = world.lsms("check", "--sender-code", "9")
    assert unknown.code == 2
    *_, reason, hint = unknown.out.splitlines()
    assert reason == "✗ sender code     There is no sender code 9."
    assert hint.startswith(" " * 18 + "The credential may use: 1026 (US)")


def test_without_a_sender_code_the_token_is_tried_and_the_codes_are_listed(world: World) -> None:
    """It is no failure, and the next step is one of them."""
    env = {**world.env, "LISTRAK_SENDER_CODE": ""}
    ended = world.lsms("check", env=env)
    assert ended.code == 0, ended.out
    assert "✓ token           issued" in ended.out
    assert "· sender code     not set" in ended.out
    assert ended.out.endswith("Ready. Next, with one of them: lsms check --sender-code ID\n")
    document = world.lsms("check", "--json", env=env).json
    assert {code["id"] for code in document["sender_codes"]} >= {1026, 1028}
    assert world.lsms("check", "--phone", "2125550100", env=env).code == 2


def test_check_finds_the_spelling_of_phones(make_world: Callable[..., World]) -> None:
    """`--phone` tries every spelling and names the --phone-format to push with."""
    world = make_world(phone_spellings=("national",))
    ended = world.lsms("check", "--phone", "+1 212 555 0100")
    assert ended.code == 0
    assert "found as national; push with --phone-format national" in ended.out
    assert "5550100" not in ended.out
    assert world.lsms("check", "--phone", "+1 303 555 0199").code == 2
    assert world.lsms("check", "--phone", "12", "--json").json["error"]["code"] == "bad_phone"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_any_encoding_keeps_the_columns(world: World, encoding: str) -> None:
    """Where the marks cannot be written there are words in their place, as wide as each other."""
    lines = world.lsms("check", "--sender-code", "9", encoding=encoding).out.splitlines()
    assert "?" not in "".join(lines)
    assert [line[:3] for line in lines[1:7]] == ["ok "] * 6
    assert lines[7].startswith("NO sender code     There is no")


def test_the_path_of_the_config_is_said_once(world: World) -> None:
    """The first line has it; settings of the profile name the profile alone."""
    folder = world.home / ".config/lsms"
    folder.mkdir(parents=True)
    (folder / "secret").write_text(world.sandbox.config.client_secret, "utf-8")
    (folder / "secret").chmod(0o600)
    (folder / "config.toml").write_text(
        f'[acme]\nclient_id = "{world.sandbox.config.client_id}"\nclient_secret_file = "{folder}/secret"\n', "utf-8"
    )
    ended = world.lsms("check", "--profile", "acme")
    assert ended.code == 0, ended.out
    assert ended.out.count(f"{folder}/config.toml") == 1
    assert f"set{' ' * (len(world.sandbox.token_url) - 1)}{folder}/secret (profile acme)" in ended.out
    assert ended.out.endswith("Next: lsms validate AUDIENCE --profile acme\n")


@pytest.mark.parametrize("command", ["check", "fields", "sender-codes"])
def test_an_account_that_cannot_be_reached_is_said(world: World, command: str) -> None:
    """Exit 5, and the last reason; who only looks gives up after ten seconds."""
    there = {"LISTRAK_TOKEN_URL": "http://127.0.0.1:9/token"}
    ended = world.lsms(command, "--give-up-after", "0.2s", "--json", env=there)
    assert (ended.code, ended.json["error"]["code"]) == (5, "unavailable")
    assert world.lsms("check", "--json").json["give_up_after"] == 10.0
    assert world.lsms("check", "--json", env={"LSMS_GIVE_UP_AFTER": "20s"}).json["give_up_after"] == 20.0


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_terminal_the_lines_are_aligned_and_fit(world: World, width: int) -> None:
    """A spinner turns while Listrak is asked, and is gone; no line is wider than the terminal."""
    screen = on_a_terminal("check", env={**world.env, "LISTRAK_SENDER_CODE": ""}, width=width)
    assert screen.code == 0, screen.text
    assert "token …" in screen.raw
    lines = screen.text.split("\n")
    assert max(map(cell_len, lines)) <= width
    marked = [line for line in lines if line.startswith(("✓", "·"))]
    assert len(marked) == 7
    assert {line[17] for line in marked} == {" "}
    assert " " not in {line[18] for line in marked}
