"""What `--changed-only` remembers, lost or damaged: then nobody is unchanged, and nothing else happens."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest
import xxhash

from listrak_sms_cli.runs.remember.keyed_digests import Key
from listrak_sms_cli.runs.remember.memory import Lasting, Memory
from listrak_sms_cli.runs.remember.notes import Note, Notes, Stretch, packed
from listrak_sms_cli.runs.remember.run_digests import write_digests
from tests.support.changed_only import NEW, OLD, held, noted, remembered, sent
from tests.support.in_process import pushed, resumed
from tests.support.world import World


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_bits(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(40, len(data) - 8, 40):
        data[place] ^= 1
    path.write_bytes(data)


def of_another_version(path: Path) -> None:
    if path.suffix == ".note":
        text = msgspec.msgpack.encode({"version": 2})
        path.write_bytes(xxhash.xxh3_64_hexdigest(text).encode() + text)
    else:
        path.write_bytes(path.read_bytes().replace(b"phone", b"phony"))


def rubbish(path: Path) -> None:
    path.write_bytes(b"rubbish" * 1000)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [Path.unlink, cut_in_half, flip_bits, of_another_version, rubbish, emptied], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("suffix", [".note", ".arrow"])
def test_what_cannot_be_read_is_as_nothing(world: World, damage: Callable[[Path], None], suffix: str) -> None:
    """Everybody is sent again, and remembered again; what a push without the option brings afterwards holds as well."""
    pushed(world, OLD)
    damage(noted(world, suffix))
    assert sent(pushed(world, OLD, changed_only=True)) == (3, 0)
    assert sent(pushed(world, OLD, changed_only=True)) == (0, 3)
    damage(noted(world, suffix))
    pushed(world, NEW)
    assert sent(pushed(world, OLD, changed_only=True)) == (1, 2)
    assert held(world, OLD)


def test_a_lost_key_forgets_everybody(world: World) -> None:
    """Without the key nobody is unchanged, also when it comes back; the new one begins anew. A key that is cut off is
    refused by name, and the hint is the way on."""
    pushed(world, OLD)
    key = remembered(world) / "key"
    whole = key.read_bytes()
    key.unlink()
    pushed(world, NEW)
    key.write_bytes(whole)
    assert sent(pushed(world, OLD, changed_only=True)) == (3, 0)
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
    (remembered(world) / "key").unlink()
    new = world.audience(NEW).rename(world.home / "new.csv")
    pushed(world, OLD, changed_only=True)
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
    """Eighty notes and digests with bits flipped or ends cut off are read as nothing, or as what they were."""
    draw, memory = random.Random(20261124), Memory(tmp_path, Key(bytes(32)))
    phones = memory.key.phones(np.arange(12125550100, 12125550400))
    rows, everybody = np.arange(10, 310).astype(np.uint64), np.ones(300, np.bool_)
    notes = Notes(tmp_path, memory.key.name)
    notes.add(
        Note("run", "", (Stretch(300, 1026, int(time.time()), False),), packed(everybody)),
        lambda place: write_digests(place, memory.key.name, [(phones, rows)]),
    )
    notes.tell("run", everybody)
    assert read(memory, phones, 1026) == rows.tolist()
    for place in tmp_path.glob("0*"):
        good = place.read_bytes()
        for _ in range(40):
            data = bytearray(good)
            if draw.random() < 0.2:
                del data[draw.randrange(len(data)) :]
            for _ in range(draw.choice([1, 1, 3, 30])):
                if data:
                    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            place.write_bytes(data)
            assert set(read(memory, phones, 1026)) <= {0, *rows.tolist()}
            assert set(read(memory, phones, 1027)) <= {0, 1}
        place.write_bytes(good)


def read(memory: Memory, phones: np.ndarray, sender_code: int) -> list[int]:
    rows = np.zeros(len(phones), np.uint64)
    memory.read(phones, Lasting(sender_code, time.time(), only_known=False), rows)
    return rows.tolist()
