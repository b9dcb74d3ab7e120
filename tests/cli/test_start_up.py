"""Start-up: a command imports what it uses and nothing else, and the list of commands is true without importing any."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.cli.commands import COMMANDS, load_command
from tests.support.world import World

TEN = "phone,First Name,Loyalty Tier,SMS Consent\n" + "".join(f"2125550{n},N{n},Gold,yes\n" for n in range(100, 110))
NEVER = ("pandas", "pyarrow.compute", "pyarrow.dataset", "pydantic", "rich.console", "pygments", "numpy.ma", "asyncio")


def imported(world: World, *commands: list[object]) -> list[str]:
    """The names of all modules that these commands, which end with exit 0, have imported in a process of their own."""
    program = (
        "import sys\n"
        "from listrak_sms_cli.__main__ import main\n"
        f"for arguments in {[[*map(str, command)] for command in commands]!r}:\n"
        "    sys.argv = ['lsms', *arguments]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as ended:\n"
        "        assert not ended.code, arguments\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=world.env, capture_output=True, text=True, check=True)
    return ended.stderr.splitlines()[-1].split()


def test_small_pushes_do_without_pandas_and_the_other_commands(world: World) -> None:
    """Ten members are pushed in three ways, and pushed again, then columns of floats, whole and not and missing:
    without pandas or pydantic, or what imports them, without the documents of all of Arrow's functions, and without the
    options of the other commands."""
    floats = world.home / "audience.parquet"
    table = {"phone": [2125550100.0, 2125550101.0], "First Name": ["Ann", "Bob"], "Lifetime Value": [1.5, None]}
    pq.write_table(pa.table(table), floats)
    ways = [[], ["--changed-only"], ["--consent-column", "SMS Consent"]] * 2
    pushes = [["push", world.audience(TEN), *options] for options in ways] + [["push", floats]]
    modules = imported(world, *([*push, "--skip-unmatched", "--json"] for push in pushes))
    assert "pyarrow.csv" in modules
    assert not set(NEVER) & set(modules)
    assert {name for name, _ in COMMANDS.values() if f"listrak_sms_cli.cli.{name}" in modules} == {"push"}
    assert [world.contacts()[f"+1212555{n}"]["First Name"] for n in ("0101", "0109")] == ["Bob", "N109"]


def test_validate_does_without_pandas(world: World) -> None:
    """Its profile of the columns too: one Python value among Arrow's functions would import it."""
    assert "pandas" not in imported(world, ["validate", world.audience(TEN), "--offline", "--json"])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_its_docstrings_first_paragraph(name: str) -> None:
    """What the list of commands says of a command is what its own help begins with."""
    command = load_command(name)
    assert command.name == name
    assert COMMANDS[name][1] == inspect.cleandoc(command.callback.__doc__).split("\n\n")[0].replace("\n", " ")


def test_the_help_imports_no_command(world: World) -> None:
    """`lsms --help` names every command, in order, and imports none of them."""
    modules = imported(world, ["--help"])
    assert not {f"listrak_sms_cli.cli.{module}" for module, _ in COMMANDS.values()} & set(modules)
    lines = [line.strip().partition("  ") for line in world.lsms("--help").out.splitlines()]
    listed = {word: line.strip() for word, _, line in lines if word in COMMANDS}
    assert list(listed.items()) == [(name, line) for name, (_, line) in COMMANDS.items()]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("psuh", "No such command 'psuh'. Did you mean 'push'?"),
        ("sender-code", "No such command 'sender-code'. Did you mean 'sender-codes'?"),
        ("xyz", "No such command 'xyz'."),
    ],
)
def test_a_misspelt_command_is_told_the_nearest(world: World, typed: str, told: str) -> None:
    """A command that is not there is a usage error that names the one that was meant."""
    ended = world.lsms(typed)
    assert (ended.code, ended.out, ended.err) == (2, "", f"Error: {told}\nType: lsms --help\n")


def test_completion_knows_commands_and_their_options(world: World) -> None:
    """The shell is offered the commands, and the options of the one that was typed."""
    shell = {"_LSMS_COMPLETE": "complete_bash", "PATH": "/bin"}
    offered = world.process(env={**shell, "COMP_WORDS": "lsms p", "COMP_CWORD": "1"}).out.split()
    assert offered == [name for name in COMMANDS if name.startswith("p")]
    offered = world.process(env={**shell, "COMP_WORDS": "lsms push --chan", "COMP_CWORD": "2"}).out.split()
    assert offered == ["--changed-only"]
