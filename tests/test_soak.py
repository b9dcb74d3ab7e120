"""`make soak` lives through as many schedules as it is asked for, counts them, and ends."""

from __future__ import annotations

import pytest

from tests.soak import main, seeds


def test_so_many_schedules_are_survived_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SOAK_SCHEDULES of them, from SOAK_SEED on, each once."""
    monkeypatch.setenv("SOAK_SCHEDULES", "2")
    monkeypatch.setenv("SOAK_SEED", "7")
    assert main() == 0
    first, last = capsys.readouterr().out.splitlines()
    assert "from seed 7 on" in first
    assert last.startswith("2 schedules were survived (commands by exit 0: 2")


def test_the_time_may_be_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is over first ends it: the schedules or the seconds."""
    monkeypatch.setenv("SOAK_SCHEDULES", "3")
    assert list(seeds(7)) == [7, 8, 9]
    monkeypatch.setenv("SOAK_SECONDS", "0")
    assert list(seeds(7)) == []
