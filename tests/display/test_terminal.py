"""The live display, seen through a pseudo-terminal by what a terminal would show."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from rich.cells import cell_len

from tests.support import display_feed, screen
from tests.support.screen import picture, resize


def on_terminal(*arguments: str, **more: Any) -> str:
    """What the feed writes to a terminal."""
    return screen.on_terminal(display_feed.__file__, *arguments, **more)


@pytest.fixture(scope="module")
def written() -> str:
    return on_terminal("0.01")


def test_the_last_picture_accounts_for_the_run(written: str) -> None:
    """When it has ended there is a full bar for each phase; where no summary follows also the counts, and the imports
    by state."""
    shown = "\n".join(picture(written))
    for phase in ("Reading", "Checking", "Sending", "Importing"):
        assert re.search(rf"^{phase} +━{{20}} 100 % ", shown, re.M)
    assert re.search(r"^sent +4,059,169  of 4,059,169 members$", shown, re.M)
    assert re.search(r"^dropped +440,831  duplicate_phone 402,118 · invalid_phone 30,411 · 3 more$", shown, re.M)
    assert re.search(r"^imports +17  16 Completed, 1 Failed$", shown, re.M)


def test_the_heading_names_audience_and_target(written: str) -> None:
    """Above the bars stands what is read and where it goes."""
    first, second = picture(written)[:2]
    assert first == "spring_launch.csv  CSV, comma, UTF-8"
    assert second == "→ sender code 1026 (74093, Northwind Outfitters, US)"


def test_sent_and_dropped_grow(written: str) -> None:
    """While it works the display draws more than once, with counts that only grow."""
    text = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]", "", written)
    for name in ("sent", "dropped"):
        counts = [int(count.replace(",", "")) for count in re.findall(rf"^{name} +([\d,]+)", text, re.M)]
        assert len(set(counts)) > 2
        assert counts == sorted(counts)


def test_retries_are_seen_and_go(written: str) -> None:
    """A retry is a line while it waits, and is gone from the last picture."""
    assert "it answered 503; trying again in" in written
    assert "trying again" not in "\n".join(picture(written))


def test_warnings_are_seen_while_it_works_and_left_to_the_summary(written: str) -> None:
    """A warning stands above the bars while the run goes on, and the counts below; both are left to the summary, where
    one follows."""
    assert "! " in written and "Empty cells travel" in written
    assert "Empty cells" in "\n".join(picture(written))
    before_a_summary = on_terminal("0.005", "run", "a.csv", "summary")
    assert "Empty cells travel" in before_a_summary and "of 4,059,169 members" in before_a_summary
    shown = picture(before_a_summary)
    assert not [line for line in shown if line.startswith(("sent", "dropped", "imports", "!"))]
    assert [line.split()[0] for line in shown if "━" in line] == ["Reading", "Checking", "Sending", "Importing"]


def test_no_screen_is_blank(written: str) -> None:
    """Before the first event there is something to see, which is gone later."""
    assert "Getting ready" in written and written.index("Getting ready") < written.index("spring_launch")
    assert "Getting ready" not in "\n".join(picture(written))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Nothing the display draws is wrapped by the terminal."""
    text = on_terminal("0.005", width=width)
    lines = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")
    assert max(map(cell_len, lines)) <= width


def test_a_low_terminal_is_never_scrolled_by_the_imports() -> None:
    """On ten lines the picture is no higher than the terminal."""
    text = on_terminal("0.005", height=10)
    redrawn = [again.count("\x1b[1A") for again in re.findall(r"(?:\x1b\[1A|\x1b\[2K)+", text)]
    assert 0 < max(redrawn) < 10


def test_a_narrower_terminal_is_noticed() -> None:
    """After the terminal has become narrower no line drawn anew is wider than it is now."""
    resized_at: list[int] = []

    def watch(text: str, terminal: int, pid: int) -> None:
        if not resized_at and "Checking" in text:
            resize(terminal, 60, 20)
            os.kill(pid, signal.SIGWINCH)
            resized_at.append(len(text))

    text = on_terminal("0.02", watch=watch)
    after = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]", "", text[text.index("Sending", resized_at[0]) :])
    assert max(map(cell_len, after.replace("\r", "\n").split("\n"))) <= 60


def test_no_color_is_honoured() -> None:
    """With NO_COLOR set nothing is coloured."""
    coloured = re.compile(r"\x1b\[[\d;]*\b(?:3[0-7]|38|9[0-7]|4[0-7]|48)[\d;]*m")
    assert coloured.search(on_terminal("0"))
    assert not coloured.search(on_terminal("0", NO_COLOR="1"))


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(term: str) -> None:
    """TERM=dumb, unknown or unset means plain lines."""
    text = on_terminal("0", TERM=term)
    assert text.startswith("lsms: run ")
    assert "\x1b" not in text


def test_the_cursor_comes_back(written: str) -> None:
    """Whatever was hidden while drawing is shown again at the end."""
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_names_cannot_draw() -> None:
    """Escape sequences and markup in the name of an audience are shown as text."""
    shown = picture(on_terminal("0", "run", "[bold]x[/]\x1b[2J\x1b[31m.csv"))
    assert shown[0].startswith("[bold]x[/][2J[31m.csv  CSV")
