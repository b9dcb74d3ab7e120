"""How runs stand, told truly: import ids nobody can ask about, imports nobody knows any more, runs at work, clocks that
were wrong, and what is left of old runs."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs import push_audience, push_options
from listrak_sms_cli.runs.record import RunStore
from tests.support.in_process import pushed, resumed, settings_of, status
from tests.support.scripted_listrak import Script, Step, answer, created, data
from tests.support.world import World

NINE = "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(9))
GONE = {"route": "import_status", "fault": "status", "status": 404, "count": None}
CODE = data({"shortCodeId": 1026, "code": "74093", "country": "US", "merchantName": "N"})
FIELDS = data(
    [{"segmentationFieldId": 1, "segmentationFieldName": "First Name", "dataType": "Text", "statusFlag": "Active"}]
)
UNFIT = """phone,Birthday,VIP
2125550100,31/31/2000,yes
2125550101,2000-01-01,perhaps
2125550102,never,perhaps
2125550103,2000-01-01,yes
2125550103,never,no
"""


def stored(world: World) -> list[dict[str, object]]:
    return list(world.lsms("runs", "--json").json["runs"])


@pytest.mark.parametrize("import_id", ["", "..", ".", "50 01", "50/01", "a%2Fb", "5001?x=1", "é", None], ids=repr)
def test_an_import_id_that_cannot_be_asked_about(world: World, import_id: str | None) -> None:
    """The members are sent, the state of the import is unknown, `status` and `runs` say so, later pushes go on."""
    made: Step = created(import_id) if import_id is not None else answer(201, {"status": 201, "resourceId": None})
    with Script((CODE, FIELDS, made)) as listrak:
        here = {"LISTRAK_API_URL": listrak.api_url, "LISTRAK_TOKEN_URL": listrak.token_url}
        report = pushed(world, NINE, code=6, env=here)
        assert (report["rows_sent"], report["rows_pending"], report["resumable"]) == (9, 0, False)
        assert report["error"]["code"] == "import_untraceable"
        assert report["imports"][0]["status"] == "state unknown"
        assert "import_untraceable" in [warning["code"] for warning in report["warnings"]]
        assert stored(world)[0]["state"] == "state unknown"
        assert world.lsms("status", env=here).code == 0
    with Script((CODE, FIELDS, created("5002"))) as listrak:
        here = {"LISTRAK_API_URL": listrak.api_url, "LISTRAK_TOKEN_URL": listrak.token_url}
        assert pushed(world, NINE, wait=False, env=here)["rows_sent"] == 9


def test_an_import_that_listrak_no_longer_knows_is_named_after_a_few_looks(make_world: Callable[..., World]) -> None:
    """However little time there is to wait, and also where nobody waits: an import that is not found is said to be."""
    world = make_world(import_seconds=60)
    world.admin("faults", [GONE])
    report = pushed(world, NINE, code=6, wait_timeout="0.1s")
    assert report["error"]["code"] == "import_not_found"
    assert "goes on with them" not in report["error"]["hint"]
    assert report["imports"][0]["status"] == "not found"
    assert status(world, code=0)["imports"][0]["status"] == "not found"
    world.admin("faults", [])
    assert status(world, code=0)["imports"][0]["status"] not in ("not found", "accepted")


def test_nobody_found_is_no_matter_of_the_limit(world: World) -> None:
    """`--per-contact --limit` of whom Listrak has nobody says so; `runs` does not call it a good end."""
    text = "phone,first_name\n" + "".join(f"30355501{n:02d},N{n}\n" for n in range(9))
    report = pushed(world, text, code=2, per_contact=True, limit=3)
    assert (report["dropped"]["not_in_listrak"], report["rows_beyond_limit"]) == (3, 6)
    assert "--limit 0" not in report["error"]["message"]
    assert "not_in_listrak 3" in report["error"]["message"]
    assert "lsms status" in report["error"]["hint"]
    assert stored(world)[0]["state"] == "nobody in Listrak"
    assert "--limit 0" in pushed(world, NINE, code=2, limit=0)["error"]["message"]


def test_status_of_a_run_at_work(world: World) -> None:
    """While another process sends, `status` says how far it is, not that it ended, and is exit 0."""
    world.admin("faults", [{"route": "start_import", "fault": "hang", "seconds": 600, "count": None}])
    process = world.start("push", world.audience(NINE), "--json")
    try:
        while not any(run["state"] == "running" for run in stored(world)):
            assert process.poll() is None
            time.sleep(0.02)
        report = status(world)
        assert (report["running"], report["resumable"], report["rows_sent"]) == (True, False, 0)
        text = world.lsms("status").out
        assert "At work: 0 of 9 sent so far" in text and "lsms resume" not in text
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert status(world, code=5)["running"] is False


def test_a_guard_stops_and_nobody_is_pending_on_the_screen(world: World) -> None:
    """In JSON the counts add up; the table says that they were not sent."""
    audience = world.audience(NINE + "1,X\n")
    assert pushed(world, audience, code=3, max_drop_rate=5)["rows_pending"] == 9
    stopped = world.lsms("push", audience, "--max-drop-rate", 5)
    assert stopped.code == 3
    assert "pending" not in stopped.out
    assert ["not", "sent", "9"] in [line.split()[:3] for line in stopped.out.splitlines()]


@pytest.mark.parametrize("reject", [False, True])
def test_bad_values_are_counted_by_column(world: World, reject: bool) -> None:
    """A push, and a validate, name the columns whose values drop members; a duplicate's values do not count."""
    rejects = {"rejects": str(world.home / "rejects.csv")} if reject else {}
    more = [word for name, value in rejects.items() for word in (f"--{name}", value)]
    audience = world.audience(UNFIT)
    texts = [
        warning["message"]
        for report in (
            pushed(world, audience, keep="first", dry_run=True, **rejects),
            world.lsms("validate", audience, "--keep", "first", "--json", *more).json,
        )
        for warning in report["warnings"]
        if warning["code"] == "bad_values"
    ]
    assert len(texts) == 2 and texts[0] == texts[1]
    assert "Birthday 2, VIP 2" in texts[0]
    assert "--rejects FILE" not in texts[0] if reject else "--rejects FILE" in texts[0]


@pytest.mark.parametrize("more", [(), ("--per-contact",), ("--per-contact", "--rejects", "rejects.csv")], ids=" ".join)
def test_members_that_did_not_arrive_are_named_by_file_and_row(world: World, more: tuple[str, ...]) -> None:
    """`status --members` names the file of each member, and itself in the result."""
    folder = world.home / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("phone,email\n2125550100,a@example.com\n\n2125550101,no\n", "utf-8")
    (folder / "b.csv").write_text("phone,email\n\n2125550102,no\n", "utf-8")
    if not more:
        world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    assert world.lsms("push", folder, "--concurrency", 1, *more, cwd=world.home).code == 1
    members = world.home / "members.csv"
    report = world.lsms("status", "--members", members, "--json").json
    assert report["members"] == str(members)
    assert str(members) in world.lsms("status", "--members", members).out
    places = [(Path(row["file"]).name, row["row"]) for row in csv.DictReader(members.read_text("utf-8").splitlines())]
    assert places == ([] if more else [("a.csv", "2")]) + [("a.csv", "4"), ("b.csv", "3")]


def test_a_bad_place_for_members_is_a_warning(world: World) -> None:
    """The exit code and the result of `status` are those of the run."""
    pushed(world, NINE)
    for place in (world.home / "no" / "members.csv", world.home, "x" * 300, world.home / "members.xlsx"):
        ended = world.lsms("status", "--members", place, "--json")
        assert (ended.code, ended.json["rows_sent"], ended.json["members"]) == (0, 9, None)
        assert [warning["code"] for warning in ended.json["warnings"]] == ["members_place"]


def test_a_run_of_the_future_is_the_oldest(world: World) -> None:
    """After one push with the clock ahead `runs`, `status` and `resume` go by the runs made since; nobody is
    superseded by it."""
    ahead = pushed(world, NINE, batch_rows=3)["run_id"]
    runs = world.home / "state" / "runs"
    future = f"{datetime.now(UTC) + timedelta(days=400):%Y%m%d-%H%M%S}{ahead[15:]}"
    journal = (runs / ahead / "journal.jsonl").read_text().replace(ahead, future)
    (runs / ahead).rename(runs / future)
    (runs / future / "journal.jsonl").write_text(journal)
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "skip": 1}])
    later = pushed(world, NINE, code=1, batch_rows=3, concurrency=1)["run_id"]
    assert [run["run_id"] for run in stored(world)] == [later, future]
    assert status(world, code=5)["run_id"] == later
    assert resumed(world)["run_id"] == later


def test_runs_that_ended_well_are_forgotten_in_time(world: World) -> None:
    """A real push forgets runs that ended well longer ago than `keep_runs`, none that can be resumed; a dry run forgets
    nobody."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400}])
    broken = pushed(world, NINE, code=1)["run_id"]
    good = pushed(world, NINE)["run_id"]
    old = f"{datetime.now(UTC) - timedelta(days=91):%Y%m%d-%H%M%S}"
    for run_id in (broken, good):
        (world.home / "state" / "runs" / run_id).rename(world.home / "state" / "runs" / f"{old}{run_id[15:]}")
    pushed(world, NINE, dry_run=True)
    pushed(world, NINE, env={"LSMS_KEEP_RUNS": "92d"})
    assert len(stored(world)) == 3
    last = pushed(world, NINE)["run_id"]
    left = {path.name for path in RunStore(world.home / "state")._folders()}
    assert f"{old}{good[15:]}" not in left
    assert {f"{old}{broken[15:]}", last} < left


def test_the_shrinking_of_a_frame_wants_a_name(world: World) -> None:
    """Frames have no name of their own: which were compared could not be said."""
    frame = pa.table({"phone": ["2125550100"], "first_name": ["A"]})
    settings = settings_of(world, {})
    with pytest.raises(UsageError) as caught:
        push_audience(frame, settings, push_options({"max_shrink": 10.0}))
    assert caught.value.code == "audience_name"
    assert not stored(world)
    assert push_audience(frame, settings, push_options({"max_shrink": 10.0, "audience_name": "x"})).rows_sent == 1


def test_a_log_file_that_is_a_pipe(world: World) -> None:
    """A pipe that nobody reads is refused at once; one that is read gets the lines."""
    pipe = world.home / "pipe"
    os.mkfifo(pipe)
    ended = world.lsms("push", world.audience(NINE), "--log-file", pipe, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "log_file")
    assert "nobody reads" in ended.json["error"]["message"]
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert world.lsms("push", world.audience(NINE), "--log-file", pipe, "--log-format", "json").code == 0
        assert json.loads(os.read(reader, 1 << 20).splitlines()[0])["event"] == "RunStarted"
    finally:
        os.close(reader)
