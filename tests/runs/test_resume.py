"""`resume`, `status`, `runs`: going on from whatever is left, and saying no by name where that would do harm."""

from __future__ import annotations

import csv
import json
import resource
import stat
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.in_process import pushed, status
from tests.support.world import Ended, World

MakeWorld = Callable[..., World]
NINE = "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(9))
IN_THREES = ("--batch-rows", 3, "--concurrency", 1)
REFUSE_SECOND = {"route": "start_import", "fault": "status", "status": 400, "skip": 1}


def told(ended: Ended, code: int) -> dict[str, Any]:
    """The document of a command that ended with `code`; its counts add up."""
    assert ended.code == code, ended.out + ended.err
    report = ended.json
    assert report["exit_code"] == code
    assert report["rows_sendable"] == report["rows_sent"] + report["rows_refused"] + report["rows_pending"]
    return report


def interrupted(world: World, *options: object) -> dict[str, Any]:
    """A push of nine members in three files, of which the second is refused and the third never tried."""
    world.admin("faults", [REFUSE_SECOND])
    return told(world.lsms("push", world.audience(NINE), "--json", *IN_THREES, *options), 1)


def test_what_was_refused_or_never_tried_is_sent_and_nothing_twice(world: World) -> None:
    """A resumed run sends only what Listrak has not accepted, and its counts cover the whole run."""
    report = interrupted(world)
    assert (report["rows_sent"], report["rows_refused"], report["rows_pending"]) == (3, 3, 3)
    assert f"lsms resume {report['run_id']}" in report["error"]["hint"]
    resumed = told(world.lsms("resume", "--json"), 0)
    assert (resumed["run_id"], resumed["rows_read"], resumed["rows_sent"]) == (report["run_id"], 9, 9)
    assert sorted(one["file_name"][-8:] for one in world.admin("imports")) == ["0001.csv", "0002.csv", "0003.csv"]


def test_a_failed_import_is_sent_again_on_resume(world: World) -> None:
    """The members of an import that ended badly are sent again by `resume`, those of the others are not."""
    world.admin("faults", [{"route": "start_import", "fault": "import_fails", "skip": 1}])
    report = told(world.lsms("push", world.audience(NINE), "--json", *IN_THREES), 1)
    assert (report["rows_sent"], report["rows_import_failed"]) == (9, 3)
    assert "import file 2" in report["error"]["message"]
    assert told(world.lsms("resume", "--json"), 0)["rows_import_failed"] == 0
    assert [one["rows"] for one in world.admin("imports")].count(3) == 3


def test_a_run_that_ended_well_has_nothing_to_resume(world: World) -> None:
    """`resume` of a run that ended well says so and is exit 0, named or not; without any run it is exit 2."""
    assert told(world.lsms("resume", "--json"), 2)["error"]["code"] == "no_run"
    run = told(world.lsms("push", world.audience(NINE), "--json"), 0)["run_id"]
    for arguments in ((), (run,)):
        report = told(world.lsms("resume", *arguments, "--json"), 0)
        assert "nothing_to_resume" in [warning["code"] for warning in report["warnings"]]
    assert len(world.admin("imports")) == 1


def test_a_changed_audience_is_refused_by_name(world: World) -> None:
    """An audience that has changed since is refused; the old content under another name is taken."""
    run = interrupted(world)["run_id"]
    world.audience(NINE.replace("N7", "changed"))
    report = told(world.lsms("resume", "--json"), 2)
    assert report["error"]["code"] == "audience_changed"
    assert run in report["error"]["message"]
    assert "audience.csv" in report["error"]["message"]
    old = world.audience(NINE, "old.csv")
    assert told(world.lsms("resume", "--audience", old, "--json"), 0)["rows_sent"] == 9


def test_another_account_is_refused_by_name(world: World) -> None:
    """Another API base, or another client id, is refused before anything is sent."""
    interrupted(world)
    other = world.sandbox.api_url.replace("127.0.0.1", "localhost")
    assert told(world.lsms("resume", "--api-url", other, "--json"), 2)["error"]["code"] == "other_api"
    named = world.lsms("resume", "--json", env={"LISTRAK_CLIENT_ID": "somebody-else"})
    assert told(named, 2)["error"]["code"] == "other_client"
    assert len(world.admin("imports")) == 1


def test_a_superseded_run_is_refused_unless_asked_for(world: World) -> None:
    """Once a later run was accepted the earlier one is refused by both names; `--anyway` sends it."""
    first = interrupted(world)["run_id"]
    time.sleep(1.1)  # run ids tell seconds apart
    later = told(world.lsms("push", world.audience(NINE, "later.csv"), "--json"), 0)["run_id"]
    report = told(world.lsms("resume", first, "--json"), 2)
    assert report["error"]["code"] == "superseded"
    assert first in report["error"]["message"]
    assert later in report["error"]["message"]
    assert told(world.lsms("resume", first, "--anyway", "--json"), 0)["rows_sent"] == 9


def test_standard_input_has_to_be_named_again(world: World) -> None:
    """A run from standard input is resumed from a file with the same content."""
    world.admin("faults", [REFUSE_SECOND])
    told(world.lsms("push", "-", "--json", *IN_THREES, stdin=NINE), 1)
    assert told(world.lsms("resume", "--json"), 2)["error"]["code"] == "audience_gone"
    assert told(world.lsms("resume", "--audience", world.audience(NINE), "--json"), 0)["rows_sent"] == 9


def test_fields_that_are_called_otherwise_do_not_matter(world: World) -> None:
    """A run is resumed with the profile fields it began with, whatever they are called by now."""
    interrupted(world)
    fields = world.lsms("fields", "--json").json["fields"]
    one = next(field for field in fields if field["name"] == "First Name")
    row = f"{one['id']},Given Name,Text,,Active\n"
    world.admin("fields", "id,name,type,max_length,status\n" + row)
    assert told(world.lsms("resume", "--json"), 0)["rows_sent"] == 9


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("{id},First Name,Number,,Active", "type Text then, Number now"),
        ("{id},First Name,Text,4,Active", "4 now"),
        ("{id},First Name,Text,50,Disabled", "is gone or disabled"),
        ("907,First Name,Text,50,Active", "is gone or disabled"),
    ],
)
def test_a_field_that_cannot_hold_the_values_is_refused_by_name(world: World, field: str, words: str) -> None:
    """Nothing more is sent, and the members stay pending; with the field as it was the run goes on."""
    interrupted(world)
    known = world.lsms("fields", "--json").json["fields"]
    rows = {one["name"]: f"{one['id']},{one['name']},{one['type']},{one['max_length'] or ''},Active" for one in known}
    header = "id,name,type,max_length,status"
    changed = {**rows, "First Name": field.format(id=next(one["id"] for one in known if one["name"] == "First Name"))}
    world.admin("fields?replace=true", "\n".join([header, *changed.values(), ""]))
    report = told(world.lsms("resume", "--json"), 2)
    assert (report["error"]["code"], report["rows_sent"]) == ("fields_changed", 3)
    assert report["rows_pending"] + report["rows_refused"] == 6
    assert "First Name" in report["error"]["message"] and words in report["error"]["message"]
    assert len(world.admin("imports")) == 1
    world.admin("fields?replace=true", "\n".join([header, *rows.values(), ""]))
    assert told(world.lsms("resume", "--json"), 0)["rows_sent"] == 9


def test_status_tells_the_truth_of_a_run(world: World) -> None:
    """`status` is exit 5 while members are pending, and lists those that did not arrive by row; 0 once all have."""
    run = interrupted(world)["run_id"]
    members = world.home / "members.csv"
    report = told(world.lsms("status", "--members", members, "--json"), 5)
    assert (report["rows_refused"], report["rows_pending"]) == (3, 3)
    assert f"lsms resume {run}" in report["error"]["hint"]
    rows = list(csv.DictReader(members.read_text("utf-8").splitlines()))
    assert [(int(row["row"]), row["state"]) for row in rows] == [
        (n, "refused" if n < 8 else "pending") for n in range(5, 11)
    ]
    assert stat.S_IMODE(members.stat().st_mode) == 0o600
    told(world.lsms("resume", "--json"), 0)
    told(world.lsms("status", run, "--json"), 0)


def test_the_audience_is_no_place_for_members(world: World) -> None:
    """`status --members` never writes over the audience, nor to what is no plain file: a warning says so, the exit code
    is that of the run."""
    interrupted(world)
    audience = world.home / "audience.csv"
    before = audience.read_bytes()
    for place in (audience, "/dev/null", "-"):
        report = told(world.lsms("status", "--members", place, "--json"), 5)  # as without the option
        assert report["error"]["code"] == "refused" or report["rows_pending"]
        assert "members_place" in [warning["code"] for warning in report["warnings"]]
        assert report["members"] is None
    assert audience.read_bytes() == before


def test_status_waits_for_imports(make_world: MakeWorld) -> None:
    """`status --wait` waits until the imports have ended, and is exit 6 when they have not in time."""
    world = make_world(import_seconds=2)
    pushed(world, NINE, wait=False)
    late = told(world.lsms("status", "--wait", "--wait-timeout", "0.1s", "--json"), 6)
    assert "--wait" in late["error"]["hint"]
    assert world.lsms("runs", "--json").json["runs"][0]["state"] == "importing"
    status(world, wait=True)
    assert world.lsms("runs", "--json").json["runs"][0]["state"] == "ended well"


def test_a_push_waits_for_earlier_imports(make_world: MakeWorld) -> None:
    """Older data never lands after newer: a later push sends only once the earlier imports have ended; with
    `--no-wait` it warns instead; when they do not end in time nothing is sent and `resume` goes on."""
    world = make_world(import_seconds=1.5)
    newer = NINE.replace("N", "M")
    pushed(world, NINE, wait=False)
    late = pushed(world, newer, wait_timeout="0.1s", code=5)
    assert (late["error"]["code"], late["rows_sent"]) == ("earlier_imports", 0)
    assert f"lsms resume {late['run_id']}" in late["error"]["hint"]
    told(world.lsms("resume", late["run_id"], "--json"), 0)
    assert world.contacts()["+12125550100"]["First Name"] == "M0"
    pushed(world, newer, wait=False)
    warned = pushed(world, newer, wait=False)
    assert "earlier_imports" in [warning["code"] for warning in warned["warnings"]]


def test_two_at_once(make_world: MakeWorld) -> None:
    """A second push to the sender code is refused with the first one's run id, which the first then goes on with; a
    lock whose process was killed is not in the way."""
    world = make_world(import_seconds=60)
    audience = world.audience(NINE)
    first = world.start("push", audience, "--json")
    while not world.admin("imports"):
        time.sleep(0.02)
    run = world.lsms("runs", "--json").json["runs"][0]["run_id"]
    for command in (("push", audience), ("resume", run)):
        refused = told(world.lsms(*command, "--json"), 2)
        assert refused["error"]["code"] == "locked"
        assert run in refused["error"]["message"]
    assert world.lsms("runs", "--prune", "0", "--json").json["pruned"] == []
    first.kill()
    first.communicate()
    told(world.lsms("resume", run, "--wait-timeout", "0.1s", "--json"), 6)


def test_a_state_folder_that_cannot_be_made(world: World) -> None:
    """Where no state can be kept the push works and warns that it cannot be resumed."""
    (world.home / "file").write_text("")
    report = told(world.lsms("push", world.audience(NINE), "--state-dir", world.home / "file" / "x", "--json"), 0)
    assert "no_state" in [warning["code"] for warning in report["warnings"]]
    assert report["rows_sent"] == 9


def limited(size: int) -> dict[str, Any]:
    """For a process whose disk is full after `size` bytes of a file; Python would leave its bytecode cut there."""
    return {
        "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        "env": {"PYTHONDONTWRITEBYTECODE": "1"},
    }


def test_a_full_disk_for_the_state(world: World) -> None:
    """When the state no longer fits the push goes on and warns; nothing half made is left to resume."""
    report = told(world.process("push", world.audience(NINE), "--json", **limited(700)), 0)
    assert report["rows_sent"] == 9
    assert {warning["code"] for warning in report["warnings"]} & {"no_state", "state_lost"}


def test_a_full_disk_for_temporary_files(world: World) -> None:
    """When the import files do not fit, nothing was sent, and the message names the folder."""
    text = "phone,first_name\n" + "".join(f"21255501{n:02d},{'x' * 40}\n" for n in range(100))
    report = told(world.process("push", world.audience(text), "--json", **limited(2000)), 2)
    assert report["error"]["code"] == "disk_full"
    assert world.admin("imports") == []


def test_old_runs_are_pruned(world: World) -> None:
    """`runs --prune DAYS` forgets older runs and says which."""
    run = told(world.lsms("push", world.audience(NINE), "--json"), 0)["run_id"]
    assert world.lsms("runs", "--prune", "1", "--json").json["pruned"] == []
    assert world.lsms("runs", "--prune", "0", "--json").json["pruned"] == [run]
    assert world.lsms("runs", "--json").json["runs"] == []


def test_the_second_ctrl_c_ends_at_once(make_world: MakeWorld) -> None:
    """While the first Ctrl-C is still ending things, a second one does not wait for it."""
    world = make_world(fault_rules=({"route": "start_import", "fault": "hang", "seconds": 30},))
    process = world.start("push", world.audience(NINE), "--json")
    while not world.admin("requests") or world.admin("faults")[0]["struck"] == 0:
        time.sleep(0.02)
    process.send_signal(2)
    process.send_signal(2)
    process.communicate(timeout=20)
    assert process.returncode == 130
    told(world.lsms("resume", "--json"), 0)


def test_a_reader_that_leaves(world: World) -> None:
    """`lsms … | head -c 1`: the push does its work although nobody reads the summary."""
    process = world.start("push", world.audience(NINE))
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(json.dumps(world.admin("imports")))[0]["rows"] == 9


def test_the_smallest_half_says_so(make_world: MakeWorld) -> None:
    """A file too large is halved down to a thousand members; then the message says that this does not pass either."""
    world = make_world(fault_rules=({"route": "start_import", "fault": "status", "status": 413, "count": None},))
    text = "phone,first_name\n" + "".join(f"646{n:07d},N\n" for n in range(2550000, 2551600))
    report = told(world.lsms("push", world.audience(text), "--json"), 1)
    assert report["error"]["code"] == "import_too_large"
    assert "800 members" in report["error"]["message"]
    assert report["rows_sent"] == 0


def test_the_audience_is_read_again_with_the_same_quotes(world: World) -> None:
    """A resumed run reads the audience with the quote and the escape it was pushed with."""
    for number, (options, cell) in enumerate(((("--quote", "none"), '"'), (("--escape", "\\"), '"a \\"b\\""'))):
        world.admin("faults", [REFUSE_SECOND])
        text = "phone,first_name\n" + "".join(f"2125550{number}{n:02d},{cell}\n" for n in range(10, 19))
        told(world.lsms("push", world.audience(text), "--json", *IN_THREES, *options), 1)
        assert told(world.lsms("resume", "--json"), 0)["rows_sent"] == 9
