"""The screens of `lsms` on terminals of three widths, seen through a pseudo-terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from tests.support.screen import on_terminal, picture
from tests.support.world import SAMPLES, World

PROGRAM = """
import sys
from listrak_sms_cli.__main__ import main
for arguments in {commands!r}:
    print("=====", flush=True)
    sys.argv = ["lsms", *arguments]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (arguments, ended.code)
"""


def screens(world: World, width: int, *commands: list[str]) -> list[list[str]]:
    """The lines that stand on a terminal after each of the commands."""
    env = {**world.env, "COLORTERM": "", "PYTHONWARNINGS": "ignore"}
    written = on_terminal("-c", PROGRAM.format(commands=commands), width=width, height=50, **env)
    plain = re.sub(r"\x1b\[(?:[\d;]*m|\?\d+[hl])", "", written)
    return [screen.splitlines() for screen in "\n".join(picture(plain)).split("=====\n")[1:]]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_screen_fits(make_world: Callable[..., World], width: int) -> None:
    """A push, the runs, validate and the pages of help: no line is wider than the terminal but a command that is to be
    copied; ids, heads and numbers are whole, and the verdict is the first that a push says in the end."""
    world = make_world(import_seconds=0.0)
    audience = str(SAMPLES / "messy.csv")
    commands = [
        ["push", audience, "--yes", "--skip-column", "SMS_Consent", "--rejects", str(world.home / "rejects.csv")]
    ]
    commands += [["runs"], ["validate", audience, "--offline"], ["--help"], ["help", "push"]]
    pushed, runs, validated, overview, options = screens(world, width, *commands)
    for line in (line for screen in (pushed, runs, validated, overview, options) for line in screen):
        assert cell_len(line) <= width or "lsms " in line
    text = "\n".join(pushed)
    joined = " ".join(text.split())
    assert "39 of 58 sent. 19 dropped: 7 invalid phones (see" in joined
    assert "5 bad values (Last_Purchase 2, Birthdate 1, Lifetime_Value 1, VIP 1)" in joined
    assert joined.index("39 of 58 sent.") < joined.index("read 58") < joined.index("! ") < joined.index("note ")
    assert len(re.findall(r"^\s*sent +39", text, re.M)) == 1
    assert joined.count("[values_cleaned]") == joined.count("[empty_cells]") == 1
    run_id = re.search(r"lsms-(\d{8}-\d{6}-[0-9a-f]{8})-0001\.csv", text)
    assert run_id is not None and "import id" in text and re.search(r"\b5001 +Completed", text)
    listed = " ".join(" ".join(runs).split())
    assert run_id[1] in listed and re.search(r"run id started took .*sender code sendable sent state", listed)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d \d+\.\d s .*1026 39 39 ended well", listed)
    assert "46 of 58 members would be sent; nothing was." in " ".join(validated)
    for page in (overview, options):
        assert page[0].startswith("Usage: lsms") and "Help" in page


def test_the_screen_is_not_blank_while_listrak_is_silent(make_world: Callable[..., World]) -> None:
    """A command that asks Listrak first has a line before the answer, which is gone in the end."""
    world = make_world(import_seconds=0.0)
    written = on_terminal("-c", PROGRAM.format(commands=[["sender-codes"]]), **world.env)
    assert written.index("sender codes …") < written.index("Sender codes")
    assert "sender codes …" not in "\n".join(picture(re.sub(r"\x1b\[(?:[\d;]*m|\?\d+[hl])", "", written)))
