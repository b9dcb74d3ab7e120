"""Locks on files."""

from __future__ import annotations

from pathlib import Path

import pytest

from listrak_sms_cli.runs.record import locked


def test_a_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """Whoever comes second waits as long as told and is refused; once it is let go of, anybody may have it."""
    path = tmp_path / "lock"
    with locked(path, 0), pytest.raises(TimeoutError), locked(path, 0.02):
        pass
    with locked(path, 0):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_holds_no_lock(tmp_path: Path) -> None:
    """A lock that cannot be made is an OSError, and not a holder's."""
    with pytest.raises(FileNotFoundError), locked(tmp_path / "none" / "lock", 0):
        pass
