"""`--changed-only`: who has arrived just so before stays at home, and nobody else does."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any

from tests.support.changed_only import NEW, OLD, held, sent
from tests.support.world import World


def pushed(world: World, text: str, *options: object, code: int = 0, **more: Any) -> dict[str, Any]:
    """The report of `lsms push … --changed-only` of this audience, or of other options."""
    options = options or ("--changed-only",)
    ended = world.lsms("push", world.audience(text), *options, "--json", **more)
    assert ended.code == code, (ended.code, ended.out, ended.err)
    report = ended.json
    assert (
        report["rows_read"]
        == report["rows_sendable"] + report["rows_dropped"] + report["rows_unchanged"] + (report["rows_beyond_limit"])
    )
    assert report["rows_sendable"] == report["rows_sent"] + report["rows_refused"] + report["rows_pending"]
    return report


def test_only_what_has_changed_is_sent(world: World) -> None:
    """The first push sends all, the second nobody and is success, the third those that changed or are new."""
    assert sent(pushed(world, OLD)) == (3, 0)
    assert sent(pushed(world, OLD)) == (0, 3)
    assert sent(pushed(world, NEW)) == (2, 2)
    assert sent(pushed(world, NEW)) == (0, 4)
    assert held(world, NEW)
    assert [one["rows"] for one in world.admin("imports")] == [3, 2]


def test_a_push_without_the_option_is_remembered_and_strikes(world: World) -> None:
    """What a plain push brought need not be sent again, and what it replaced must be."""
    pushed(world, OLD, "--batch-rows", 2)
    assert sent(pushed(world, OLD)) == (0, 3)
    pushed(world, NEW, "--batch-rows", 2)
    assert sent(pushed(world, OLD)) == (1, 2)
    assert held(world, OLD)


def test_full_and_refresh_after_send_again(world: World) -> None:
    """`--full` ignores what is remembered, `--refresh-after` forgets it after its time."""
    pushed(world, OLD)
    assert sent(pushed(world, OLD, "--changed-only", "--full")) == (3, 0)
    assert sent(pushed(world, OLD, "--changed-only", "--refresh-after", "1h")) == (0, 3)
    assert sent(pushed(world, OLD, "--changed-only", "--refresh-after", "0s")) == (3, 0)


def test_what_is_remembered_holds_no_phone_and_is_for_its_owner_alone(world: World) -> None:
    """Files in the state folder are 0600, hold no phone in any spelling, and digests of a good run are removed."""
    pushed(world, OLD)
    files = [path for path in (world.home / "state").rglob("*") if path.is_file()]
    assert {"key"} < {path.name for path in files}
    assert not [path for path in files if path.name == "digests.arrow"]
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        data = path.read_bytes()
        assert b"2125550100" not in data
        assert (12125550100).to_bytes(8, "little") not in data


def test_a_half_delivered_push_then_the_old_audience_again(make_world: Callable[..., World]) -> None:
    """Members a broken push was about to send are sent again, though the old audience had arrived before."""
    world = make_world()
    pushed(world, OLD)
    many = NEW + "".join(f"21255501{n},N,Gold\n" for n in range(10, 40))
    world.admin("faults", [{"route": "start_import", "skip": 1, "fault": "status", "status": 400}])
    broken = pushed(world, many, "--changed-only", "--batch-rows", 2, "--concurrency", 1, code=1)
    assert broken["rows_sent"] == 2 and broken["rows_refused"] == 2
    again = pushed(world, OLD)
    assert again["rows_sent"] >= 1 and again["rows_sent"] + again["rows_unchanged"] == 3
    assert held(world, OLD)


def test_a_push_that_did_not_wait_is_remembered_once_somebody_asks(world: World) -> None:
    """After `--no-wait` it is `status --wait` that finds out who has arrived."""
    pushed(world, OLD, "--no-wait")
    assert world.lsms("status", "--wait", "--json").code == 0
    assert sent(pushed(world, OLD, "--changed-only", "--dry-run"))[1] == 3


def test_other_phones_or_columns_in_the_file_are_a_change(world: World) -> None:
    """The same audience in another phone format, or with other columns mapped, is sent."""
    pushed(world, OLD)
    for other in (("--phone-format", "e164"), ("--skip-column", "first_name")):
        assert sent(pushed(world, OLD, "--changed-only", "--dry-run", *other)) == (0, 0)


def test_remembering_needs_no_pandas(world: World) -> None:
    """Neither a first push nor one that looks at what is remembered waits for pandas to be imported."""
    for audience in (OLD, NEW):
        ended = world.process(
            "push", world.audience(audience), "--changed-only", "--json", env={"PYTHONPROFILEIMPORTTIME": "1"}
        )
        assert "pyarrow.ipc" in ended.err
        assert "pandas.core" not in ended.err
        assert ended.code == 0
