"""Remembering begins with an account's first `--changed-only` push: before that nothing is kept, and nobody is ever
taken for arrived whom a push of that time may still overwrite."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from listrak_sms_cli.runs.record import RunStore, locked
from listrak_sms_cli.runs.remember import Memory
from tests.support.changed_only import HEADER, NEW, OLD, held, sent
from tests.support.in_process import pushed, resumed, status
from tests.support.world import World

MakeWorld = Callable[..., World]
REFUSAL = {"route": "start_import", "fault": "status", "status": 400}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(remembering=False)


def changed(world: World, text: str, **options: Any) -> tuple[int, int]:
    return sent(pushed(world, text, changed_only=True, **options))


def kept(world: World) -> list[str]:
    """Files in the state folder that only remembering makes."""
    files = (world.home / "state").rglob("*")
    return [file.name for file in files if "remembered" in file.parts or file.name == "digests.arrow"]


def test_nothing_is_kept_before_it_begins(world: World) -> None:
    """Neither a plain push, nor one that broke off, nor a dry run, a `resume` or a `status` leaves a digest; the first
    push with the option sends everybody, and from then on plain pushes are remembered, too."""
    pushed(world, OLD)
    world.admin("faults", [REFUSAL])
    pushed(world, NEW, code=1)
    resumed(world)
    pushed(world, OLD, wait=False)
    status(world, wait=True)
    assert pushed(world, OLD, changed_only=True, dry_run=True)["rows_unchanged"] == 0
    assert kept(world) == []
    assert changed(world, OLD) == (3, 0)
    assert changed(world, OLD) == (0, 3)
    pushed(world, NEW)
    assert changed(world, NEW) == (0, 4)


def test_a_push_that_was_refused_before_it_began_is_resumed(world: World) -> None:
    """Nobody knows whom a run of before sends when it goes on: everybody is forgotten."""
    world.admin("faults", [REFUSAL])
    pushed(world, NEW, code=1)
    new = world.audience(NEW).rename(world.home / "new.csv")
    assert changed(world, OLD) == (3, 0)
    assert changed(world, OLD) == (0, 3)
    resumed(world, audience=str(new), anyway=True)
    assert held(world, NEW)
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)


def test_imports_of_before_that_have_not_ended(world: World) -> None:
    """Whose values land last nobody knows: who is sent while they are open is sent once more."""
    world.admin("faults", [{"route": "start_import", "fault": "import_seconds", "seconds": 1}])
    pushed(world, NEW, wait=False)
    pushed(world, OLD, changed_only=True, wait=False)
    status(world, wait=True)
    while any(one["ended"] is None for one in world.admin("imports")):
        time.sleep(0.02)
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)
    assert changed(world, OLD) == (0, 3)


def test_a_push_of_before_that_sends_while_it_begins(make_world: MakeWorld) -> None:
    """A push under way when another, to another sender code, begins: who is in the latter is sent once more."""
    world = make_world(remembering=False, invented_contacts=False)
    for sender_code in (1026, 1027):
        world.admin(f"contacts?sender_code={sender_code}", "phone\n" + "".join(f"212555010{n}\n" for n in range(4)))
    world.admin("faults", [{"route": "start_import", "fault": "hang_reply", "seconds": 0.4, "count": None}])
    command = ["push", world.audience(NEW, "new.csv"), "--sender-code", 1027, "--batch-rows", 2, "--concurrency", 1]
    with world.start(*command) as process:
        while not world.admin("imports"):
            assert process.poll() is None
            time.sleep(0.01)
        pushed(world, OLD, changed_only=True)
        process.communicate(timeout=60)
    world.admin("faults", [])
    assert process.returncode == 0
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)


def test_it_begins_and_ends_while_a_push_is_prepared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain push that found nothing remembered looks again before its first request: it forgets whom it sends, though
    another push has begun to remember them since."""
    begin = RunStore.create
    began: list[str] = []

    def while_another_pushes(store: RunStore, run_id: str) -> Any:
        if not began:
            began.append(run_id)
            assert changed(world, OLD, sender_code=1027) == (3, 0)
        return begin(store, run_id)

    monkeypatch.setattr(RunStore, "create", while_another_pushes)
    pushed(world, NEW)
    assert began
    assert changed(world, OLD, sender_code=1027) == (3, 0)


def test_the_second_of_two_that_begin_at_once_sees_the_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may be in doubt is asked under the lock of the notes."""
    asked: list[bool] = []
    forget = Memory.forget

    def watched(memory: Memory, folder: Any, state: Any, in_doubt: Callable[[], Any]) -> None:
        def under_the_lock() -> Any:
            asked.append(_is_locked(memory))
            return in_doubt()

        forget(memory, folder, state, under_the_lock)

    monkeypatch.setattr(Memory, "forget", watched)
    changed(world, OLD)
    assert asked == [True]


def _is_locked(memory: Memory) -> bool:
    try:
        with locked(memory.folder / "lock", 0):
            return False
    except TimeoutError:
        return True


def test_many_pushes_become_one_note(world: World) -> None:
    """However many pushes there have been, few files are kept, and what they say holds: the newest of each member, who
    has not arrived, and how long ago."""
    assert changed(world, OLD) == (3, 0)
    for turn in range(12):
        text = HEADER + f"2125550103,Dan{turn},Gold\n" + f"2125550{turn + 110},Eve,Gold\n"
        pushed(world, text, limit=1 if turn == 3 else None)
        assert len(kept(world)) <= 2 * 7 + 2
    assert changed(world, OLD) == (0, 3)
    for turn in range(12):
        alone = HEADER + f"2125550{turn + 110},Eve,Gold\n"
        assert pushed(world, alone, changed_only=True, dry_run=True)["rows_unchanged"] == (turn != 3)
    assert changed(world, HEADER + "2125550103,Dan3,Gold\n2125550100,Ann,Gold\n") == (1, 1)
    assert changed(world, OLD, refresh_after="0s") == (3, 0)
