"""The screens of `lsms` on terminals of three widths, seen through a pseudo-terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from listrak_sms_cli.cli.commands import COMMANDS
from tests.support.screen import on_terminal, picture
from tests.support.world import SAMPLES, World

PROGRAM = """
import os, sys
from listrak_sms_cli.__main__ import main
os.chdir({home!r})
for arguments in {commands!r}:
    print("=====", flush=True)
    sys.argv = ["lsms", *arguments]
    try:
        main()
    except SystemExit as ended:
        print("exit", ended.code, flush=True)
"""
PUSH = "push messy.csv --yes --skip-column SMS_Consent"
# What is typed, one after the other, the exit code, and words that stand on the screen, line ends aside.
SCREENS = [
    (
        "push members.csv --yes --canary 5 --canary-seed 7 --undo undo.csv",
        1,
        [
            "The canary does not hold what was sent: of 5 members 0 match, 5 differ (Loyalty_Tier 5).",
            "Undo it: lsms push",
        ],
    ),
    ("resume --skip-canary", 0, ["All 12 sent.", "5 differ (Loyalty_Tier 5)"]),
    (
        "plan messy.csv --skip-column SMS_Consent --save a.plan",
        0,
        ["emptied as they are", "Do it with: lsms apply a.plan"],
    ),
    ("apply a.plan --yes", 0, ["38 of 58 sent. 20 dropped:", "[many_dropped]"]),
    (f"{PUSH} --rejects rejects.csv", 0, ["39 of 58 sent. 19 dropped: 7 invalid phones (see"]),
    ("verify messy.csv --skip-column SMS_Consent", 1, ["read checked matching different not in Listrak opted out"]),
    ("status", 0, ["39 of 58 sent.", "5004 Completed"]),
    ("runs", 0, ["run id started took", "sender code sendable sent state"]),
    ("runs --audience-name messy.csv", 0, ["the last 2 good pushes", "Loyalty_Tier"]),
    ("validate messy.csv --offline", 0, ["46 of 58 members would be sent; nothing was."]),
    ("validate stores.csv --offline", 0, ["Email Address", "needs a field", "fields named Loyalty_Teir, Notes"]),
    ("check", 0, ["Ready. Next: lsms validate AUDIENCE"]),
    ("fields", 0, ["Loyalty Tier Text 50 Active"]),
    ("pull -o pulled.csv", 0, ["contacts opted out columns bytes file 287 17"]),
    ("health --max-age 26h", 0, ["The last good push was run"]),
    ("explain bad_value", 0, ["What to do:"]),
    ("psuh", 2, ["Did you mean 'push'?", "Type: lsms --help"]),
    ("push mesy.csv", 2, ["There is no file mesy.csv. Did you mean messy.csv?"]),
    ("push messy.csv --dryrun", 2, ["No such option: --dryrun Did you mean --dry-run?", "Type: lsms push --help"]),
    ("push stores.csv", 2, ["(nearest: Loyalty Tier)", "--map 'Loyalty_Teir=Loyalty Tier' --skip-column Notes"]),
    ("--help", 0, ["Usage: lsms [OPTIONS] COMMAND", "Examples"]),
    *((f"help {name}", 0, [f"Usage: lsms {name}", f"Example: lsms {name}"]) for name in COMMANDS),
]


def screens(world: World, width: int, *commands: str) -> list[str]:
    """What stands on a terminal after each of the commands."""
    env = {**world.env, "COLORTERM": "", "PYTHONWARNINGS": "ignore"}
    program = PROGRAM.format(home=str(world.home), commands=[command.split() for command in commands])
    written = on_terminal("-c", program, width=width, height=50, **env)
    plain = re.sub(r"\x1b\[(?:[\d;]*m|\?\d+[hl])", "", written)
    return "\n".join(picture(plain)).split("=====\n")[1:]


def too_wide(screen: str, width: int) -> list[str]:
    """The lines that are wider than the terminal, but a command that is to be copied."""
    copied = re.compile(r"( +|[\w ]+: )lsms .*[^.]")
    return [line for line in screen.splitlines() if cell_len(line) > width and not copied.fullmatch(line)]


@pytest.mark.parametrize("width", [60, pytest.param(80, marks=pytest.mark.long), 120])
def test_every_screen_fits(make_world: Callable[..., World], width: int) -> None:
    """The results of the commands, their pages of help and what is said of a misspelt word: no line is wider than the
    terminal, and words, ids, heads and numbers are whole."""
    world = make_world(import_seconds=0.0)
    world.admin("faults", [{"route": "start_import", "fault": "import_alters"}])
    for name, sample in (("messy.csv", "messy.csv"), ("stores.csv", "store_export.csv")):
        world.audience((SAMPLES / sample).read_text("utf-8"), name)
    world.audience("phone,Loyalty Tier\n" + "".join(f"21255501{n:02d},Gold\n" for n in range(12)), "members.csv")
    shown = screens(world, width, *(command for command, *_ in SCREENS))
    for (command, code, words), screen in zip(SCREENS, shown, strict=True):
        assert too_wide(screen, width) == [], command
        assert screen.rstrip().endswith(f"\nexit {code}"), screen
        joined = " ".join(screen.replace("─", "").split())
        assert [word for word in words if word not in joined] == [], screen
    by_command = dict(zip((command for command, *_ in SCREENS), shown, strict=True))
    pushed, listed = by_command[f"{PUSH} --rejects rejects.csv"], " ".join(by_command["runs"].split())
    joined = " ".join(pushed.split())
    assert "5 bad values (Last_Purchase 2, Birthdate 1, Lifetime_Value 1, VIP 1)" in joined
    assert joined.index("39 of 58 sent.") < joined.index("read 58") < joined.index("! ") < joined.index("note ")
    assert len(re.findall(r"^\s*sent +39", pushed, re.M)) == 1
    assert joined.count("[values_cleaned]") == joined.count("[empty_cells]") == 1
    run_id = re.search(r"lsms-(\d{8}-\d{6}-[0-9a-f]{8})-0001\.csv", pushed)
    assert run_id is not None and "import id" in pushed and re.search(r"\b5004 +Completed", pushed)
    assert run_id[1] in listed
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d \d+\.\d s .*1026 39 39 ended well", listed)


def test_the_screen_is_not_blank_while_listrak_is_silent(make_world: Callable[..., World]) -> None:
    """A command that asks Listrak first has a line before the answer, which is gone in the end."""
    world = make_world(import_seconds=0.0)
    written = on_terminal("-c", PROGRAM.format(home=str(world.home), commands=[["sender-codes"]]), **world.env)
    assert written.index("sender codes …") < written.index("Sender codes")
    assert "sender codes …" not in "\n".join(picture(re.sub(r"\x1b\[(?:[\d;]*m|\?\d+[hl])", "", written)))
