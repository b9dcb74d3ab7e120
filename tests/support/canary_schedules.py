"""Fault schedules for a push with a canary: as those of `fault_schedules.py`, with kills, and as `apply` or with
`--only-different` too. Whenever an import file of the rest is about to be sent, the canary must hold what was sent."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.runs import (
    ApplyOptions,
    Event,
    ImportChanged,
    PlanOptions,
    ResumeOptions,
    apply_plan,
    plan_changes,
    push_audience,
    push_options,
    resume_run,
)
from listrak_sms_cli.runs.readback import CONFIRM_ALL
from listrak_sms_cli.sandbox import EmbeddedSandbox
from listrak_sms_cli.settings import load_settings
from tests.support.fault_schedules import ROUNDS, Schedule, admin, check_command, check_end, contacts_of, draw

Outcome = tuple[int, dict[str, Any]]
WAYS = ("push", "only_different", "apply")


@dataclass(frozen=True)
class CanarySchedule:
    """`base`: with the counts that the way of sending leads to; `kills`: for each command None, or the event at which
    it is killed, and seconds that pass before."""

    base: Schedule
    way: str
    canary: int
    kills: list[tuple[int, float] | None]


def draw_canary(seed: int) -> CanarySchedule:
    base, rng = draw(seed), random.Random(f"canary {seed}")
    # Of many who are on no list only a sample is confirmed: then a contact that is on none may be missed.
    way = rng.choice(WAYS) if base.sendable < CONFIRM_ALL else "push"
    if way != "push":  # who is not in Listrak is dropped
        strangers = base.sendable - len(base.expected)
        # An answer that says that there is no such contact is the truth to whoever asks who exists.
        rules = [rule for rule in base.rules if rule.get("status") not in (400, 404) or "import" in rule["route"]]
        base = replace(base, sendable=len(base.expected), dropped=base.dropped + strangers, rules=rules)
    kills = [(rng.randint(1, 40), rng.choice([0.0, 0.01, 0.05])) if rng.random() < 0.4 else None for _ in range(ROUNDS)]
    return CanarySchedule(base, way, rng.randint(1, 8), kills)


@dataclass(frozen=True)
class Place:
    """Where a schedule is lived through. Sent to another process."""

    home: Path
    url: str
    settings: dict[str, Any]
    environ: dict[str, str]

    @classmethod
    def of(cls, schedule: CanarySchedule, sandbox: EmbeddedSandbox, home: Path) -> Place:
        home = home / f"canary-{schedule.base.seed}"
        home.mkdir()
        (home / "audience.csv").write_text(schedule.base.audience, "utf-8")
        environ = {
            "HOME": str(home),
            "LSMS_STATE_DIR": str(home / "state"),
            "LSMS_GIVE_UP_AFTER": "0.6s",
            "LISTRAK_CLIENT_ID": sandbox.config.client_id,
            "LISTRAK_CLIENT_SECRET": sandbox.config.client_secret,
        }
        account = {"api_url": sandbox.api_url, "token_url": sandbox.token_url, "sender_code": 1026}
        return cls(home, sandbox.url, account, environ)

    @property
    def run(self) -> str | None:
        """The run, once there is a journal."""
        found = sorted((self.home / "state" / "runs").glob("*/journal.jsonl"))
        return found[-1].parent.name if found else None

    @property
    def canary_files(self) -> set[str]:
        """The import files of the canary, by the lines of the journal."""
        journal = self.home / "state" / "runs" / str(self.run) / "journal.jsonl"
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        parts = [part for line in lines for part in (*line.get("parts", ()), *line.get("into", ()))]
        return {part["file_name"] for part in parts if part.get("canary")}


def watch(schedule: CanarySchedule, place: Place, event: Event) -> None:
    """Raises AssertionError when an import file of the rest is about to be sent before the canary is proved."""
    if not isinstance(event, ImportChanged) or event.state != "sending" or event.file_name in place.canary_files:
        return
    contacts = contacts_of(place.url)
    with (place.home / "undo.csv").open(newline="") as undo:
        drawn = [row["phone"].removeprefix("+1") for row in csv.DictReader(undo)]
    assert drawn
    assert {phone: contacts[phone] for phone in drawn} == {phone: schedule.base.expected[phone] for phone in drawn}


def carry_out(schedule: CanarySchedule, place: Place, run: str | None, tell: Callable[[Event], None]) -> Outcome:
    """One command: the push (or the plan and its `apply`), or a `resume`."""
    settings, audience = load_settings(place.settings, place.environ), str(place.home / "audience.csv")
    sending = {
        "batch_rows": schedule.base.batch_rows,
        "concurrency": schedule.base.concurrency,
        "wait_timeout": 0.6,
        "canary": schedule.canary,
        "undo": place.home / "undo.csv",
    }
    try:
        if run is not None:
            return 0, resume_run(settings, run, ResumeOptions(push_options(sending)), tell).as_json()
        if schedule.way == "apply":
            plan = place.home / "plan"
            if not plan.exists():
                plan_changes(audience, settings, PlanOptions(save=plan))
            # What an outage hides from the reading has moved, and comes back.
            return 0, apply_plan(plan, settings, ApplyOptions(sending, anyway=True), tell).as_json()
        different = {"only_different": schedule.way == "only_different"}
        return 0, push_audience(audience, settings, push_options({**sending, **different}), tell).as_json()
    except LsmsError as error:
        return error.exit_code, error.report.as_json()


def _in_child(
    schedule: CanarySchedule, place: Place, run: str | None, kill: tuple[int, float], answer: Connection
) -> None:
    left = [kill[0]]

    def end() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(event: Event) -> None:
        watch(schedule, place, event)
        left[0] -= 1
        if left[0] == 0:
            threading.Timer(kill[1], end).start() if kill[1] else end()

    try:
        answer.send(carry_out(schedule, place, run, tell))
    except AssertionError as error:
        answer.send(str(error) or "the rest was sent before the canary was proved")


def in_a_child(schedule: CanarySchedule, place: Place, run: str | None, kill: tuple[int, float]) -> Outcome | None:
    """As `carry_out`, in a process that is killed on its way; None when it was."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(schedule, place, run, kill, theirs))
    child.start()
    theirs.close()
    try:
        told = mine.recv()
    except EOFError:
        told = None
    child.join()
    assert not isinstance(told, str), told
    return told  # type: ignore[no-any-return]


def survive_canary(schedule: CanarySchedule, sandbox: EmbeddedSandbox, home: Path) -> Counter[int]:
    """Lives through the schedule; returns how often each exit code was met (-9: killed). Raises AssertionError."""
    place, base = Place.of(schedule, sandbox, home), schedule.base
    admin(sandbox.url, "reset", "")
    admin(sandbox.url, "faults", json.dumps(base.rules))
    codes: Counter[int] = Counter()
    for attempt in range(3 * ROUNDS):
        if attempt == ROUNDS:
            admin(sandbox.url, "faults", "[]")
        kill, run = schedule.kills[attempt] if attempt < ROUNDS else None, place.run
        if kill is not None:
            outcome = in_a_child(schedule, place, run, kill)
        else:
            outcome = carry_out(schedule, place, run, lambda event: watch(schedule, place, event))
        codes[outcome[0] if outcome else -9] += 1
        if outcome is None:
            continue
        code, report = outcome
        check_canary_command(code, report, sandbox)
        if code == 0:
            break
    assert code == 0, f"still {code} without faults: {report['error']}"
    check_end(base, report, sandbox)
    return codes


def check_canary_command(code: int, report: dict[str, Any], sandbox: EmbeddedSandbox) -> None:
    """What has to be true after every command. A contact that an outage hides may stop the canary."""
    if code in (1, 3, 6) and report["error"]["code"] in ("canary_differs", "canary_unseen", "no_canary", "not_ended"):
        assert report["exit_code"] == code
        assert report["rows_sendable"] == report["rows_sent"] + report["rows_refused"] + report["rows_pending"]
        return
    check_command(code, report, sandbox)
