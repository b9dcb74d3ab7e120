"""What a push relies on after a power cut is flushed in time: contents, and the names they are found by."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.in_process import pushed
from tests.support.push_command import THREE
from tests.support.world import World


@dataclass
class Flushed:
    """What the disk was told to keep, as the system sees it: files by their inode, whatever they are called by now."""

    sizes: dict[int, int] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)

    def note(self, handle: int) -> None:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            self.names[found.st_ino] = set(os.listdir(handle))
        else:
            self.sizes[found.st_ino] = found.st_size

    def holds_content(self, path: Path) -> bool:
        return self.sizes.get(path.stat().st_ino) == path.stat().st_size

    def holds_name(self, path: Path) -> bool:
        return path.name in self.names.get(path.parent.stat().st_ino, ())


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], Flushed]:
    """Begins to note what is flushed while a condition holds."""
    flush = os.fsync

    def watch(when: Callable[[], bool]) -> Flushed:
        flushed = Flushed()

        def noted(handle: int) -> None:
            flush(handle)
            if when():
                flushed.note(handle)

        monkeypatch.setattr(os, "fsync", noted)
        return flushed

    return watch


def test_a_run_is_on_disk_before_the_first_request(
    world: World, watched: Callable[[Callable[[], bool]], Flushed]
) -> None:
    """When the first import file leaves: the run's folder, its journal (that it is being sent, too) and all that stands
    beside it, and that its members are to be forgotten; each with its name."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    flushed = watched(lambda: world.admin("faults")[0]["struck"] == 0)
    state = world.home / "state"
    run = state / "runs" / pushed(world, THREE, code=1, skip_unmatched=True, changed_only=True)["run_id"]
    journal = run / "journal.jsonl"
    [note] = (state / "remembered").glob("*/*.note")
    # Digests need not be: those that a power cut took are found missing, and everybody is sent.
    others = [note, *(path for path in run.iterdir() if path.name not in ("digests.arrow", journal.name))]
    assert "parts.parquet" in {path.name for path in others}
    folders = (state, state / "runs", state / "remembered", note.parent)
    for path in (*folders, note.parent / "key", run, journal, *others):
        assert flushed.holds_name(path), path
    for path in others:
        assert flushed.holds_content(path), path
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"sending"' in lines[2]
    assert flushed.sizes[journal.stat().st_ino] == sum(map(len, lines[:3]))
