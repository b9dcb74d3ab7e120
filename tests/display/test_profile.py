"""The columns of an audience, as they are read on a terminal and in a pipe."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from listrak_sms_cli import display
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.report import ProfiledColumn, Report

TIER = ProfiledColumn(
    column="Loyalty_Tier",
    role="attribute",
    problems={"bad": 0, "too_long": 12, "cleaned": 3},
    field="Loyalty Tier",
    field_id=7,
    type="Text",
    max_length=20,
    rows=1_000_000,
    filled=999_999,
    distinct=10_000,
    distinct_is_exact=False,
    longest=31,
    looks_like="text",
    sample=("Xxxx", "Xxxxxxxx"),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(*lines: ProfiledColumn, terminal: bool, command: str | None = None) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=terminal, no_color=True, highlight=False)
    report = Report("run", "a.csv", None, dry_run=True, profile=lines, command=command)
    display.summary(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().replace("\x1b[2m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_column_in_words() -> None:
    """Field, type with its length, filled, distinct, longest, shapes, and what is wrong."""
    for terminal in (True, False):
        text = drawn(TIER, terminal=terminal)
        for word in (
            "Loyalty Tier",
            "Text(20)",
            "> 99.9 %",
            "10,000+",
            "31",
            "Xxxx | Xxxxxxxx",
            "12 too long, 3 tidied",
        ):
            assert word in text


def test_a_guess_and_a_field_that_is_needed() -> None:
    """Both are told apart from a field that was found; a long name that is needed stands whole below the table."""
    guess = replace(TIER, column="Zip", field="Postal Code", field_id=0, type=None, guessed=True)
    needed = replace(TIER, field="Loyalty_Tier_of_the_Year", field_id=0, type=None, needs_field=True)
    phone = replace(TIER, column="Cell", role="phone", guessed=True)
    wide = drawn(guess, needed, phone, terminal=False)
    for word in ("Postal Code, guessed", "the phone, guessed", "needs a field named Loyalty_Tier_of_the_Year"):
        assert word in wide
    narrow = drawn(guess, needed, phone, terminal=True)
    for word in ("Postal Code, guessed", "needs a field  ", "fields named Loyalty_Tier_of_the_Year:"):
        assert word in narrow


def test_a_command_to_copy_is_one_line() -> None:
    """However long the command of a hint is, a terminal gets it unbroken, and what follows on a line of its own."""
    problem = AudienceError("No field.", hint=f"Type: lsms push {'x' * 200}\nOther ways on.")
    stream = Terminal()
    display.error(problem, stream)
    assert stream.getvalue().splitlines()[1:] == [f"Type: lsms push {'x' * 200}", "Other ways on."]


@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.text(max_size=24), max_size=3))
def test_eighty_columns_are_enough(column: str, field: str, sample: list[str]) -> None:
    """Whatever columns and fields are called, no line is wider than the terminal and nothing controls it."""
    line = ProfiledColumn(
        column=column, role="attribute", problems={"bad": 7_000_000}, field=field, type="Checkbox", sample=tuple(sample)
    )
    text = drawn(line, TIER, terminal=True)
    assert "\x1b]" not in text
    assert all(cell_len(one) <= 80 for one in text.split("\n"))


def test_in_a_pipe_a_column_is_a_line() -> None:
    """Every column has one line, however many there are; a terminal shows the first of them and says so."""
    assert drawn(*[TIER] * 2_000, terminal=False).count("Loyalty_Tier") == 2_000
    text = drawn(*[TIER] * 2_000, terminal=True)
    assert text.count("Loyalty_Tier") == 60
    assert "1,940 columns more" in text


def test_the_command_is_never_cut() -> None:
    """The command is one line to copy, however long it is."""
    command = "lsms push " + " ".join(f"--skip-column c{n}" for n in range(40))
    for terminal in (True, False):
        assert command in drawn(TIER, terminal=terminal, command=command)
