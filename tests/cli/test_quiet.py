"""`--quiet`: a good night says nothing, and a bad one everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.world import World

GOOD = "phone,first_name,email\n" + "".join(f"21255501{n:02d},N{n},n{n}@example.com\n" for n in range(30))
EMPTY = "phone,first_name,email\n" + "".join(f"21255501{n:02d},,n{n}@example.com\n" for n in range(30))
BOTH_EMPTY = "phone,first_name,email\n" + "".join(f"21255501{n:02d},,\n" for n in range(30))


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(import_seconds=0.0)


def test_a_good_night_is_silent(world: World) -> None:
    """Notes are no warnings."""
    first = world.lsms("push", world.audience(GOOD), "--quiet")
    assert (first.code, first.out, first.err) == (0, "", "")


def test_a_warning_is_written_once(world: World) -> None:
    """To standard error, when the baseline did not have it, or not of this column; --no-warn silences it."""
    push = ("push", world.home / "audience.csv", "-q")
    world.audience(GOOD)
    world.lsms(*push)
    world.audience(EMPTY)
    dry = world.lsms(*push, "--dry-run", "--no-warn", "nearly_empty").err
    assert ("[nearly_empty]" in dry, "[fill_dropped]" in dry) == (False, True)
    new = world.lsms(*push)
    assert (new.code, new.out) == (0, "")
    assert [line.split()[:2] for line in new.err.splitlines()] == [["lsms:", "warning:"]] * 2
    assert "[nearly_empty]" in new.err
    again = world.lsms(*push)
    assert (again.out, again.err) == ("", "")
    world.audience(BOTH_EMPTY)
    assert "email" in world.lsms(*push, "--json").err


def test_a_bad_night_says_everything(world: World) -> None:
    """The summary and the error are those of a push without --quiet."""
    world.audience(GOOD)
    stopped = world.lsms(
        "push", world.audience("phone,first_name\n1,Ann\n2125550100,Bob\n"), "-q", "--max-drop-rate", 1
    )
    assert stopped.code == 3
    assert "max-drop-rate" in stopped.err
    assert "invalid_phone" in stopped.out


def test_the_other_commands_are_quiet_too(world: World) -> None:
    """validate, verify, pull and status write nothing when all is well."""
    audience = world.audience(GOOD)
    world.lsms("push", audience, "-q")
    commands = (("validate", audience), ("verify", audience), ("pull", "-o", world.home / "pulled.csv"), ("status",))
    for command in commands:
        ended = world.lsms(*command, "--quiet")
        assert (ended.code, ended.out, ended.err) == (0, "", ""), command
