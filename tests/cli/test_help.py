"""The pages of help, what the shell is offered, and what is said of a misspelt word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from listrak_sms_cli.cli.commands import COMMANDS
from listrak_sms_cli.options import options_of
from tests.support.lsms import SAMPLES, call_lsms
from tests.support.world import World


def page(*words: str) -> str:
    ended = call_lsms(*words, env={"HOME": "/nowhere", "COLUMNS": "100"})
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def test_there_are_three_ways_to_the_page_of_a_command() -> None:
    """`-h`, `--help` and `lsms help COMMAND` are one page; so are those of `lsms` itself."""
    assert page("push", "-h") == page("push", "--help") == page("help", "push")
    assert page("-h") == page("--help") == page("help")
    unknown = call_lsms("help", "psuh", env={"HOME": "/nowhere"})
    assert (unknown.code, unknown.err.splitlines()[0]) == (2, "Error: No such command 'psuh'. Did you mean 'push'?")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_on_the_page_once(command: str) -> None:
    """No option is missing, none is there twice, and none has a type in place of what is typed."""
    shown = page(command, "--help")
    for option in options_of(command):
        word = option.words[0] if option.positional else option.words[0].partition("/")[0]
        assert len(re.findall(rf"^  (?:-\w, )?{re.escape(word)}(?=[ /\n])", shown, re.M)) == 1, word
    assert not re.search(r"<(?:bool|str|int|float|path)>|\[default", shown)


def test_the_page_of_push_begins_with_what_people_use() -> None:
    """The ten options that most people use come first, then the groups; defaults are shown."""
    heads = re.findall(r"^(?! )(\w[\w ]*)$", page("push", "--help"), re.M)
    assert heads == [
        *("Arguments", "Used most", "Job", "Reading the audience", "Columns", "Members", "Sending and checking"),
        *("Settings", "Output", "Help"),
    ]
    used_most = page("push", "--help").split("Used most\n")[1].split("\n\n")[0]
    assert len(re.findall(r"^  -", used_most, re.M)) == 10
    for default in ("file. Default: digits.", "file. Default: 250,000.", "Default: --wait.", "Default: 1h."):
        assert default in " ".join(page("push", "--help").split())


def test_n_is_a_dry_run(world: World) -> None:
    """`push -n` sends nothing."""
    ended = world.lsms("push", world.audience("phone,First Name\n2125550100,Ann\n"), "-n", "--json")
    assert ended.json["dry_run"] and world.admin("imports") == []


def offered(world: World, line: str) -> list[str]:
    """What the shell is offered for the last word of the line."""
    words = line.split(" ")
    shell = {"_LSMS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return world.lsms(env=shell, cwd=world.home).out.split()


def test_values_are_completed(world: World) -> None:
    """Ids of runs, profiles, jobs, and the columns of the audience that was typed; nothing where there are none."""
    audience = world.audience("phone,First Name,Tier\n2125550100,Ann,Gold\n")
    assert offered(world, "lsms push nothing.csv --map ") == offered(world, "lsms status ") == []
    run = world.lsms("push", audience, "--skip-column", "Tier", "--json").json["run_id"]
    world.audience("[jobs.nightly]\naudience = 'audience.csv'\n", "lsms.toml")
    (world.home / ".config/lsms").mkdir(parents=True)
    world.audience("[production]\n[sandbox]\n", ".config/lsms/config.toml")
    assert offered(world, "lsms status 2") == [run]
    assert offered(world, "lsms push --profile p") == ["production"]
    assert offered(world, "lsms push --job n") == ["nightly"]
    assert offered(world, "lsms push audience.csv --map F") == ["First_Name="]
    assert offered(world, "lsms push --job nightly --skip-column ") == ["phone", "First_Name", "Tier"]
    assert offered(world, "lsms help val") == ["validate"]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("--dryrun", "Did you mean --dry-run?"),
        ("--max-drop", "Did you mean --max-drop-rate or --max-fill-drop or --map?"),
        ("--sender", "Did you mean --sender-code or --sheet or --state-dir?"),
    ],
)
def test_a_misspelt_option_is_told_the_nearest_first(typed: str, hint: str) -> None:
    """What was typed is how the best of them begins, or the most alike."""
    ended = call_lsms("push", "a.csv", typed, "5", env={"HOME": "/nowhere"})
    assert ended.code == 2
    assert ended.err.splitlines() == [f"Error: No such option: {typed}", hint, "Type: lsms push --help"]


def test_a_misspelt_file_is_told_the_nearest(tmp_path: Path) -> None:
    """By the names in its folder, whatever their case; a folder that is not there is said."""
    for name in ("aud.csv", "auk.csv", "other.parquet"):
        (tmp_path / name).write_bytes((SAMPLES / "smoke.csv").read_bytes())
    for typed, hint in (
        ("aud.cvs", "Did you mean aud.csv or auk.csv?"),
        ("OTHER.parquet", "Did you mean other.parquet?"),
        ("quite/else.csv", "There is no folder quite."),
        ("zzz", "Check the path."),
        ("others_of.csv", "Check the path."),
        (tmp_path / "zzz.csv", "Check the path."),
    ):
        ended = call_lsms("validate", typed, env={"HOME": str(tmp_path)}, cwd=tmp_path)
        assert (ended.code, ended.err.splitlines()[-2:]) == (2, [f"Error: There is no file {typed}.", hint])
