"""What a command does when its surroundings are odd: closed or full outputs, wrong words, no header."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lsms import PROJECT, SAMPLES, call_lsms, run_lsms, start_lsms
from tests.support.world import World

SMOKE = SAMPLES / "smoke.csv"


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full", "| head -c 1", "2>&-"])
def test_an_output_that_is_gone_does_not_change_what_the_push_did(tmp_path: Path, redirection: str) -> None:
    """Closed, full or abandoned: no traceback, and the exit code is that of the push."""
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    line = (
        f'{sys.executable} -m listrak_sms_cli push {SMOKE} --sandbox --quiet {redirection}; exit "${{PIPESTATUS[0]}}"'
    )
    ended = subprocess.run(
        ["bash", "-c", line], cwd=PROJECT, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("check", 2),
        ("check --json", 2),
        ("validate nowhere.csv --json", 2),
        ("push --help", 0),
        ("--help", 0),
        ("--version", 0),
        ("--show-completion bash", 0),
    ],
)
def test_a_reader_that_has_gone_leaves_the_exit_code(tmp_path: Path, command: str, code: int) -> None:
    """`lsms … | true` ends with the code that the command has come to, in silence."""
    line = f'{sys.executable} -m listrak_sms_cli {command} | true; exit "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (code, "")


def test_members_that_differ_are_no_success_without_a_reader(world: World) -> None:
    """`lsms verify … | true` ends with 1 where members differ."""
    audience = world.audience("phone,first_name\n2125550100,Nobody\n")
    line = f'{sys.executable} -m listrak_sms_cli verify {audience} | true; exit "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(["bash", "-c", line], env=world.env, cwd=PROJECT, capture_output=True, check=False)
    assert ended.returncode == 1


@pytest.mark.parametrize("code", ["0", "7", "None"])
def test_a_command_that_is_left_has_failed(code: str) -> None:
    """Something below a command that ends the process is an internal error, whatever its exit code was."""
    program = (
        "import sys\n"
        "from listrak_sms_cli import runs\n"
        f"runs.validate_audience = lambda *_, **__: sys.exit({code})\n"
        "sys.argv = ['lsms', 'validate', 'audience.csv']\n"
        "from listrak_sms_cli.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: Internal error (SystemExit).")


def test_a_file_without_a_header_is_refused_without_quoting_its_first_member(tmp_path: Path) -> None:
    """The first row holds a member: no cell of it is shown anywhere."""
    audience = tmp_path / "nohead.csv"
    for row in ("4155550101,Ann,ann@x.com", "4155550101,4155550101,Ann", "ann@x.com,Ann,+1 415 555 0101"):
        audience.write_text(f"{row}\n4155550102,Bob,bob@x.com\n", "utf-8")
        ended = call_lsms("validate", audience, "--json", "--verbose", env={"HOME": str(tmp_path)})
        assert (ended.code, ended.json["error"]["code"]) == (2, "no_header")
        assert not [cell for cell in row.split(",") if cell in ended.out + ended.err]


def test_a_delimiter_that_was_not_guessed_is_asked_for(tmp_path: Path) -> None:
    """One column with odd characters in its name is no phone column to offer."""
    audience = tmp_path / "caret.csv"
    audience.write_text("phone^first name\n4155550101^Ann\n", "utf-8")
    ended = call_lsms("validate", audience, env={"HOME": str(tmp_path)})
    assert ended.code == 2
    assert "--delimiter" in ended.err
    assert call_lsms("validate", audience, "--delimiter", "^", env={"HOME": str(tmp_path)}).code == 0


def test_a_region_is_understood_in_any_case(tmp_path: Path) -> None:
    """`--region us` reads dates as `--region US` does."""
    audience = tmp_path / "a.csv"
    audience.write_text("phone,Last Purchase\n4155550101,06/07/2025\n4155550102,06/14/2025\n", "utf-8")
    for region in ("US", "us"):
        ended = call_lsms("push", audience, "--sandbox", "--region", region, "--json", env={"HOME": str(tmp_path)})
        assert ended.json["rows_sent"] == 2


def test_a_limit_of_nothing_is_what_stops_the_push(tmp_path: Path) -> None:
    """With --limit 0 the message speaks of the limit, whatever else was dropped."""
    ended = call_lsms(
        "push", SAMPLES / "spring_launch.csv", "--sandbox", "--limit", 0, "--json", env={"HOME": str(tmp_path)}
    )
    assert ended.code == 2
    assert "--limit 0" in ended.json["error"]["message"]


def test_check_shows_no_secret_of_an_address(world: World) -> None:
    """A user, password or key in an address is refused and never printed."""
    ended = world.lsms("check", env={"LISTRAK_API_URL": "http://user:hush@127.0.0.1:9/sms?x=hush"})
    assert ended.code == 2
    assert "hush" not in ended.out + ended.err


def test_check_marks_what_is_not_set(tmp_path: Path) -> None:
    """A setting that is missing has no tick."""
    ended = run_lsms("check", env={"HOME": str(tmp_path)})
    assert "✗ client id       not set" in ended.out


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    """`lsms` alone is the help and exit 2, without an error message."""
    ended = run_lsms(env={"HOME": str(tmp_path)})
    assert (ended.code, ended.err) == (2, "")
    assert "push" in ended.out


def test_a_sandbox_without_its_file_names_it(tmp_path: Path) -> None:
    """A contacts file that is not there is named, not the port blamed."""
    ended = run_lsms("sandbox", "--port", 0, "--contacts", tmp_path / "nope.csv", env={"HOME": str(tmp_path)})
    assert ended.code == 2
    assert "nope.csv" in ended.err


@pytest.mark.parametrize(("empty_cells", "emptied"), [("keep", 1), ("clear", 0)])
def test_a_sandbox_can_be_an_account_of_either_kind(empty_cells: str, emptied: int, tmp_path: Path) -> None:
    """`lsms sandbox --empty-cells`: what an empty cell met is still stored after a push, or it is not."""
    contacts, audience = tmp_path / "contacts.csv", tmp_path / "audience.csv"
    contacts.write_text("phone,First Name\n+12125550100,Ann\n", "utf-8")
    audience.write_text("phone,First Name,Last Name\n2125550100,,Lee\n", "utf-8")
    options = ("--port", 0, "--import-seconds", 0, "--contacts", contacts, "--empty-cells", empty_cells)
    with start_lsms("sandbox", *options, "--json", env={"HOME": str(tmp_path)}) as process:
        assert process.stdout is not None
        settings = json.loads(process.stdout.readline())
        env = {name: value for name, value in settings.items() if name.startswith("LISTRAK_")} | {"HOME": str(tmp_path)}
        assert call_lsms("push", audience, "--sender-code", 1026, env=env).code == 0
        document = call_lsms("plan", audience, "--sender-code", 1026, "--json", env=env).json
        process.terminate()
    assert [change["emptied"] for change in document["changes"]] == [emptied, 0]


@pytest.mark.parametrize("option", [{"map": "tier=7"}, {"limit": "3"}, {"nope": 1}])
def test_a_wrong_option_from_python_is_one_of_our_errors(option: dict[str, object]) -> None:
    """From Python, too, wrong usage is an LsmsError that says what is wrong."""
    from listrak_sms_cli import UsageError, validate

    with pytest.raises(UsageError):
        validate(SMOKE, offline=True, **option)


def test_one_column_to_skip_may_be_a_word() -> None:
    """`skip_column="email"` is that column, not five letters."""
    from listrak_sms_cli import validate

    assert validate(SMOKE, offline=True, skip_column="email").skipped_columns == ("email",)
