"""What `--changed-only` remembers, lost or damaged: then nobody is unchanged, and nothing else happens."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.runs.remember.forget_notes import ForgetNote, RunMembers
from listrak_sms_cli.runs.remember.keyed_digests import Key
from listrak_sms_cli.runs.remember.run_digests import write_digests
from listrak_sms_cli.runs.remember.snapshot import Snapshot
from tests.support.changed_only import NEW, OLD, held, sent
from tests.support.in_process import pushed, resumed
from tests.support.world import World


def snapshot(world: World) -> Path:
    [path] = (world.home / "state" / "snapshots").glob("*.parquet")
    return path


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_bits(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(40, len(data) - 8, 40):
        data[place] ^= 1
    path.write_bytes(data)


def of_another_version(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.rename_columns([f"{name}_2" for name in table.column_names]), path)


def rubbish(path: Path) -> None:
    path.write_bytes(b"rubbish" * 1000)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [Path.unlink, cut_in_half, flip_bits, of_another_version, rubbish, emptied], ids=lambda one: one.__name__
)
def test_a_snapshot_that_cannot_be_read_is_as_none(world: World, damage: Callable[[Path], None]) -> None:
    """Everybody is sent again, and remembered again; a push without the option mends it as well."""
    pushed(world, OLD)
    damage(snapshot(world))
    assert sent(pushed(world, OLD, changed_only=True)) == (3, 0)
    assert sent(pushed(world, OLD, changed_only=True)) == (0, 3)
    damage(snapshot(world))
    pushed(world, NEW)
    assert sent(pushed(world, OLD, changed_only=True)) == (1, 2)
    assert held(world, OLD)


def test_a_lost_key_forgets_everybody(world: World) -> None:
    """Without the key nobody is unchanged; the new one begins anew. A key that is cut off is refused by name, and the
    hint is the way on."""
    pushed(world, OLD)
    key = world.home / "state" / "snapshots" / "key"
    key.unlink()
    assert sent(pushed(world, OLD, changed_only=True)) == (3, 0)
    assert sent(pushed(world, OLD, changed_only=True)) == (0, 3)
    key.write_bytes(key.read_bytes()[:7])
    refused = pushed(world, OLD, changed_only=True, code=2)
    assert refused["error"]["code"] == "snapshot"
    assert str(key.parent) in refused["error"]["hint"]


def test_an_old_run_that_goes_on_under_a_new_key_strikes_its_members(world: World) -> None:
    """A run begun under a key that is lost is resumed: who was remembered under the new key is sent again."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    pushed(world, NEW, code=1)
    (world.home / "state" / "snapshots" / "key").unlink()
    new = world.audience(NEW).rename(world.home / "new.csv")
    pushed(world, OLD)
    resumed(world, audience=str(new), anyway=True)
    assert held(world, NEW)
    again = sent(pushed(world, OLD, changed_only=True))
    assert again[0] >= 1
    assert held(world, OLD)


def flip_a_digest(path: Path) -> None:
    with pa.ipc.open_stream(path) as reader:
        first = reader.read_next_batch().column("phone")[0].as_py().to_bytes(8, "little")
    data = path.read_bytes()
    path.write_bytes(data.replace(first, bytes([first[0] ^ 1]) + first[1:]))


@pytest.mark.parametrize("damage", [Path.unlink, rubbish, flip_bits, flip_a_digest], ids=lambda one: one.__name__)
def test_digests_of_a_run_that_cannot_be_read(world: World, damage: Callable[[Path], None]) -> None:
    """When nobody knows any more whom a run that goes on sends, everybody is forgotten."""
    pushed(world, OLD)
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    pushed(world, NEW, changed_only=True, code=1)
    [digests] = (world.home / "state" / "runs").rglob("digests.arrow")
    damage(digests)
    resumed(world)
    assert held(world, NEW)
    assert sent(pushed(world, OLD, changed_only=True)) == (3, 0)
    assert held(world, OLD)


def test_whatever_a_disk_does_to_it_nobody_is_taken_for_arrived(tmp_path: Path) -> None:
    """Forty snapshots with bits flipped or ends cut off are read as nothing, or as what they were."""
    draw, place = random.Random(20261124), tmp_path / "snapshot.parquet"
    whole = Snapshot(place, Key(bytes(32)))
    phones = whole.key.phones(np.arange(12125550100, 12125550400))
    rows = np.arange(1, 301).astype(np.uint64)
    write_digests(tmp_path / "digests", place.name, [(phones, np.zeros(300, np.uint64))])
    whole.note_forgotten(
        ForgetNote("run", 1026, int(time.time()), False, RunMembers(300, [(0, 300)]), {}), tmp_path / "digests"
    )
    whole.remember(phones, rows, "run")
    good, members = place.read_bytes(), set(zip(phones.tolist(), rows.tolist(), strict=True))
    assert set(zip(*read(whole, 1026), strict=True)) == members
    for _ in range(40):
        data = bytearray(good)
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        for _ in range(draw.choice([1, 1, 3, 30])):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        place.write_bytes(data)
        assert set(zip(*read(whole, 1026), strict=True)) <= members
        assert read(whole, 1027) == ([], [])


def read(snapshot: Snapshot, sender_code: int) -> tuple[list[int], list[int]]:
    remembered = snapshot.remembered(sender_code, time.time(), only_known=False)
    return remembered.phones.tolist(), remembered.rows.tolist()
