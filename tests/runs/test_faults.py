"""Five hundred random fault schedules, and thirty through real processes: each ends with every contact right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.sandbox import EmbeddedSandbox
from tests.support.storm import Command, Schedule, draw, in_process, live_through
from tests.support.world import run_lsms

AT_ONCE = 50  # schedules a test
SCHEDULES = 500
PROCESSES = range(10_000, 10_030)


def as_processes(schedule: Schedule, sandbox: EmbeddedSandbox, home: Path) -> Command:
    """Commands as people and cron run them."""
    audience = home / f"audience-{schedule.seed}.csv"
    audience.write_text(schedule.audience, "utf-8")
    env = {
        "HOME": str(home),
        "LSMS_STATE_DIR": str(home / f"state-{schedule.seed}"),
        "LISTRAK_CLIENT_ID": sandbox.config.client_id,
        "LISTRAK_CLIENT_SECRET": sandbox.config.client_secret,
        "LISTRAK_API_URL": sandbox.api_url,
        "LISTRAK_TOKEN_URL": sandbox.token_url,
    }
    common = ["--json", "--give-up-after", "0.6s", "--wait-timeout", "0.6s", "--concurrency", schedule.concurrency]

    def command(run: str | None) -> tuple[int, dict[str, Any]]:
        push = ["push", audience, "--sender-code", 1026, "--batch-rows", schedule.batch_rows]
        ended = run_lsms(*(push if run is None else ["resume", run]), *common, env=env)
        assert not ended.err, ended.err
        document: dict[str, Any] = json.loads(ended.out)
        return ended.code, document

    return command


@pytest.mark.parametrize("first", range(0, SCHEDULES, AT_ONCE))
def test_every_schedule_is_survived(tmp_path: Path, first: int) -> None:
    """Whatever goes wrong, resuming ends with every contact right, true counts and true exit codes on the way."""
    codes = live_through(range(first, first + AT_ONCE), in_process, tmp_path)
    assert codes[0] == AT_ONCE


@pytest.mark.parametrize("first", range(PROCESSES.start, PROCESSES.stop, 10))
def test_schedules_are_survived_by_real_processes(tmp_path: Path, first: int) -> None:
    """The same, each command a process of its own, with one JSON document on standard output and nothing else."""
    codes = live_through(range(first, first + 10), as_processes, tmp_path, at_once=3)
    assert codes[0] == 10


def test_the_schedules_hold_every_kind_of_fault() -> None:
    """Between them the schedules contain every fault the sandbox knows, but those that leave nothing to survive."""
    from listrak_sms_cli.sandbox.faults import KINDS

    drawn = {rule["fault"] for seed in range(SCHEDULES) for rule in draw(seed).rules}
    assert drawn == set(KINDS) - {"import_never_ends", "min_rows"}
