"""Five hundred random fault schedules, thirty through real processes, and two hundred with a canary and kills: each
ends with every contact right. `make test` lives through the first 40, 1 and 5 of them, `make test-all` all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.sandbox import EmbeddedSandbox
from tests.support.canary_schedules import draw_canary, survive_canary
from tests.support.fault_schedules import Command, Schedule, draw, in_process, live_through, surviving
from tests.support.world import run_lsms

IN_PROCESS, PROCESSES, CANARIES = range(500), range(10_000, 10_030), range(20_000, 20_200)
EVERY_TIME = {IN_PROCESS: 40, PROCESSES: 1, CANARIES: 5}  # the first so many: `make test`; all: `make test-all`
TOGETHER = {IN_PROCESS: 8, PROCESSES: 1, CANARIES: 5}  # schedules a test


def groups(seeds: range) -> list[Any]:
    """The seeds in groups of TOGETHER, each a parameter of a test; the later ones are marked `long`."""
    often, step = EVERY_TIME[seeds], TOGETHER[seeds]
    return [
        pytest.param(seeds[start : start + step], id=str(seeds[start]), marks=[pytest.mark.long] * (start >= often))
        for start in range(0, len(seeds), step)
    ]


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


@pytest.mark.parametrize("seeds", groups(IN_PROCESS))
def test_every_schedule_is_survived(tmp_path: Path, seeds: range) -> None:
    """Whatever goes wrong, resuming ends with every contact right, true counts and true exit codes on the way."""
    codes = live_through(seeds, surviving(in_process, tmp_path))
    assert codes[0] == len(seeds)


@pytest.mark.parametrize("seeds", groups(PROCESSES))
def test_schedules_are_survived_by_real_processes(tmp_path: Path, seeds: range) -> None:
    """The same, each command a process of its own, with one JSON document on standard output and nothing else."""
    codes = live_through(seeds, surviving(as_processes, tmp_path), at_once=3)
    assert codes[0] == len(seeds)


@pytest.mark.parametrize("seeds", groups(CANARIES))
def test_a_canary_is_proved_before_the_rest_whatever_happens(tmp_path: Path, seeds: range) -> None:
    """Through faults, kills and resumes no member outside the canary is sent before the canary holds what was sent, no
    import file that was accepted is sent again, and every contact is right in the end; as a push, with
    --only-different and as `apply`."""
    codes = live_through(seeds, lambda seed, sandbox: survive_canary(draw_canary(seed), sandbox, tmp_path), at_once=8)
    assert codes[0] == len(seeds)
    assert codes[-9] or seeds[0] != CANARIES[0]  # a few of the others are spared, by chance


@pytest.mark.parametrize("seeds", [IN_PROCESS[: EVERY_TIME[IN_PROCESS]], IN_PROCESS], ids=["make test", "all"])
def test_the_schedules_hold_every_kind_of_fault(seeds: range) -> None:
    """Between them the schedules contain every fault the sandbox knows, but those that leave nothing to survive,
    and those that only who reads back can tell."""
    from listrak_sms_cli.sandbox.faults import KINDS

    drawn = {rule["fault"] for seed in seeds for rule in draw(seed).rules}
    assert drawn == set(KINDS) - {"import_never_ends", "min_rows", "import_late", "import_alters"}
