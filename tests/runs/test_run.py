"""A Run owns what a run is: what goes on from it is proved, nobody else writes it, and whoever looks takes nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.events import silent
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.record import Journal, RunStore
from listrak_sms_cli.runs.run import Run
from tests.support.in_process import pushed, resumed, status
from tests.support.records import STARTED
from tests.support.world import World

NINE = "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(9))
REFUSE_SECOND = {"route": "start_import", "fault": "status", "status": 400, "skip": 1}
FLAWED = '"region":"US"', '"region":"GB"'  # phones without a country code are then read otherwise


def interrupted(world: World) -> Path:
    """The folder of a run of nine members in three files, of which the second is refused and the third never tried."""
    world.admin("faults", [REFUSE_SECOND])
    report = pushed(world, NINE, code=1, batch_rows=3, concurrency=1)
    return world.home / "state" / "runs" / report["run_id"]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def swap(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return change


def assert_nothing_was_sent(world: World, report: dict[str, Any], code: str) -> None:
    assert report["error"]["code"] == code
    assert report["rows_sent"] == 3
    assert len(world.admin("imports")) == 1


def test_a_rebuilt_import_file_that_differs_is_not_sent(world: World) -> None:
    """Where the same audience now gives another import file, `resume` refuses by name and sends nothing."""
    folder = interrupted(world)
    rewrite(folder / "journal.jsonl", swap(*FLAWED))
    assert_nothing_was_sent(world, resumed(world, code=2), "rebuilt_differs")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda _content: b"",
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        None,
    ],
    ids=["cut", "empty", "flipped bit", "gone"],
)
def test_a_damaged_row_map_is_refused_by_name(world: World, damage: Callable[[bytes], bytes] | None) -> None:
    """A row map that is gone, cut or has one flipped bit ends `resume` and `status --members` with its name."""
    folder = interrupted(world)
    if damage is None:
        (folder / "parts.parquet").unlink()
    else:
        rewrite(folder / "parts.parquet", damage)
    report = resumed(world, code=2)
    assert_nothing_was_sent(world, report, "damaged_record")
    assert "parts.parquet" in report["error"]["message"]
    ended = world.lsms("status", "--members", world.home / "members.csv", "--json")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "damaged_record"


def as_of_0_1_0(content: bytes) -> bytes:
    """A journal as lsms 0.1.0 wrote it: no digest of anything, no import id beside what Listrak says."""
    lines = [json.loads(line) for line in content.splitlines()]
    for line in lines:
        line.pop("row_map", None)
        if line["event"] == "seen":
            del line["import_file_id"]
        for part in line.get("parts", []):
            del part["digest"]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_a_run_of_the_version_before_is_not_resumed_unproved(world: World) -> None:
    """A journal of 0.1.0, which proves nothing, is read; what would have to be made again is refused by name."""
    folder = interrupted(world)
    rewrite(folder / "journal.jsonl", as_of_0_1_0)
    assert_nothing_was_sent(world, resumed(world, code=2), "old_record")
    assert status(world, code=5)["rows_pending"] == 3


def test_a_run_of_the_version_before_is_waited_for(make_world: Callable[..., World]) -> None:
    """Imports of a run of 0.1.0 that are open are waited for, and end it well."""
    world = make_world(import_seconds=0.3)
    report = pushed(world, NINE, wait=False)
    rewrite(world.home / "state" / "runs" / report["run_id"] / "journal.jsonl", as_of_0_1_0)
    assert resumed(world)["rows_sent"] == 9


def test_a_folder_that_exists_is_never_taken_or_removed(tmp_path: Path) -> None:
    """A push whose id another run has already is refused; the folder of that one stays as it is."""
    store = RunStore(tmp_path)
    (store.create(STARTED.run_id) / "parts.parquet").write_text("another's")
    findings = Findings(STARTED.run_id, "audience.csv", silent)
    with pytest.raises(UsageError) as caught:
        Run.begin(store, findings, STARTED, [], lambda _folder: "", None)
    assert caught.value.code == "run_exists"
    assert (tmp_path / "runs" / STARTED.run_id / "parts.parquet").read_text() == "another's"


def test_one_look_that_does_not_find_an_earlier_import_says_nothing(make_world: Callable[..., World]) -> None:
    """A passing 404 for an earlier import neither ends it nor lets newer data overtake it."""
    world = make_world(import_seconds=60)
    earlier = pushed(world, NINE, wait=False)
    world.admin("faults", [{"route": "import_status", "fault": "status", "status": 404, "count": 1}])
    report = pushed(world, NINE, code=5, wait_timeout="0.5s")
    assert report["error"]["code"] == "earlier_imports"
    (run,) = [run for run in world.lsms("runs", "--json").json["runs"] if run["run_id"] == earlier["run_id"]]
    assert run["state"] == "importing"


def test_an_earlier_import_that_listrak_has_forgotten_is_not_in_the_way(make_world: Callable[..., World]) -> None:
    """When Listrak does not know an import of an earlier run, look after look, a later push does not wait for it."""
    world = make_world(import_seconds=60)
    earlier = pushed(world, NINE, wait=False)
    world.admin("faults", [{"route": "import_status", "fault": "status", "status": 404, "count": None}])
    assert pushed(world, NINE, code=1, wait_timeout="5s", give_up_after="0.3s")["rows_sent"] == 9
    (run,) = [run for run in world.lsms("runs", "--json").json["runs"] if run["run_id"] == earlier["run_id"]]
    assert run["state"] == "import failed"


def test_who_looks_writes_nothing_while_the_run_is_at_work(make_world: Callable[..., World]) -> None:
    """`status` of a run that another process has open tells what Listrak says, and leaves the journal alone."""
    world = make_world(import_seconds=0.2)
    report = pushed(world, NINE, wait=False)
    folder = world.home / "state" / "runs" / report["run_id"]
    journal = Journal.reopen(folder)
    before = (folder / "journal.jsonl").read_bytes()
    time.sleep(0.3)
    assert status(world)["imports"][0]["ended"]
    assert (folder / "journal.jsonl").read_bytes() == before
    journal.close()
    assert status(world)["imports"][0]["ended"]
    assert (folder / "journal.jsonl").read_bytes() != before


def test_a_run_at_work_is_called_running(make_world: Callable[..., World]) -> None:
    """`runs` calls a live run running, and one whose process was killed importing."""
    world = make_world(import_seconds=60)
    process = world.start("push", world.audience(NINE), "--json")
    while not world.admin("imports"):
        time.sleep(0.02)
    (run,) = world.lsms("runs", "--json").json["runs"]
    assert run["state"] == "running"
    process.kill()
    process.communicate()
    (run,) = world.lsms("runs", "--json").json["runs"]
    assert run["state"] == "importing"


def test_superseded_is_looked_at_under_the_lock(world: World) -> None:
    """Whether a later run was accepted is asked once no other push can begin: a held lock is met first."""
    interrupted(world)
    pushed(world, NINE)
    listed = world.lsms("runs", "--json").json["runs"]
    store = RunStore(world.home / "state")
    with store.lock(1026, "another"):
        assert world.lsms("resume", listed[1]["run_id"], "--json").json["error"]["code"] == "locked"
    assert world.lsms("resume", listed[1]["run_id"], "--json").json["error"]["code"] == "superseded"


def test_pruning_keeps_what_is_pending(world: World) -> None:
    """`runs --prune 0` forgets no run of which members are pending, and says which stayed."""
    folder = interrupted(world)
    ended = world.lsms("runs", "--prune", "0", "--json").json
    assert (ended["pruned"], ended["kept"]) == ([], [folder.name])
    assert folder.name in world.lsms("runs", "--prune", "0").err
    resumed(world)
    assert world.lsms("runs", "--prune", "0", "--json").json["pruned"] == [folder.name]


@pytest.mark.parametrize("damage", [b"", b"hello\n" * 3], ids=["emptied", "overwritten"])
def test_a_damaged_journal_does_not_hide_its_run(world: World, damage: bytes) -> None:
    """A run whose journal was emptied or overwritten is listed as damaged, and going on with it names it."""
    folder = interrupted(world)
    (folder / "journal.jsonl").write_bytes(damage)
    (run,) = world.lsms("runs", "--json").json["runs"]
    assert (run["run_id"], run["state"]) == (folder.name, "damaged journal")
    for command in ("resume", "status"):
        assert world.lsms(command, folder.name, "--json").json["error"]["code"] == "damaged_journal"


FROM_OUTSIDE = """
import signal, sys, threading
from listrak_sms_cli import push

def stop(*_):
    raise RuntimeError("the orchestrator stops this task")

signal.signal(signal.SIGTERM, stop)
try:
    push(sys.argv[1], sender_code=1026, batch_rows=3, concurrency=1)
except RuntimeError:
    print(*(thread.name for thread in threading.enumerate()))
"""


def test_an_exception_from_outside_leaves_the_record_true(make_world: Callable[..., World]) -> None:
    """An orchestrator's signal handler that raises passes through; no thread is left, and `resume` sends the rest."""
    world = make_world(fault_rules=({"route": "start_import", "fault": "hang", "seconds": 30, "skip": 1, "count": 1},))
    command = [sys.executable, "-c", FROM_OUTSIDE, str(world.audience(NINE))]
    process = subprocess.Popen(command, env=world.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not world.admin("faults")[0]["struck"]:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (out.split(), err) == (["MainThread"], "")
    (run,) = world.lsms("runs", "--json").json["runs"]
    assert (run["state"], run["sent"]) == ("pending", 3)
    assert resumed(world)["rows_sent"] == 9


def test_runs_that_ended_are_not_read_again(world: World) -> None:
    """A push reads the journals of runs of which something is left to do and of the one it is compared with, not those
    of the hundreds before."""
    for _ in range(5):
        baseline = pushed(world, NINE)["run_id"]
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).endswith("journal.jsonl"):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    pushed(world, NINE)
    watching = False
    assert {Path(path).parent.name for path in opened} == {baseline}
