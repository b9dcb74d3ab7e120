"""Random fault schedules, and the proof that a push survived one.

A schedule is an audience, the options of a push and a list of fault rules, all drawn from one seed. The push is
resumed for as long as it says that something is left; at some point the faults end. After every command the counts
have to add up and the exit code has to be true; at the end every contact has to be right.
"""

from __future__ import annotations

import json
import random
import threading
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.runs.options import PushOptions
from listrak_sms_cli.runs.push import push_audience
from listrak_sms_cli.runs.resume import ResumeOptions, resume_run
from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from listrak_sms_cli.settings import load_settings

KNOWN = [f"{area}5550{number}" for area in (212, 415, 718) for number in range(100, 200)]  # the sandbox's contacts
ENDED_BADLY = ("fail", "error", "cancel", "reject")
ROUNDS = 8  # commands with faults; then the faults end

Command = Callable[[str | None], tuple[int, dict[str, Any]]]
"""Pushes (None) or resumes (a run id); returns exit code and the document of `--json`."""


@dataclass(frozen=True)
class Schedule:
    """`expected`: contact (ten digits) -> the first name it has to have in the end."""

    seed: int
    audience: str
    sendable: int
    dropped: int
    batch_rows: int
    concurrency: int
    rules: list[dict[str, Any]]
    expected: dict[str, str]


def draw(seed: int) -> Schedule:
    rng = random.Random(seed)
    large = rng.random() < 0.1
    known = rng.sample(KNOWN, rng.randint(5, 60))
    strangers = [f"646555{n:04d}" for n in rng.sample(range(100, 200), rng.randint(0, 20))]
    if large:  # so large that a file is halved
        strangers = [f"{area}{n:07d}" for area in (646, 917) for n in range(2550000, 2551200 + rng.randint(0, 400))]
    names = {phone: f"N{seed}x{index}" for index, phone in enumerate(known)}
    rows = [f"{phone},{names.get(phone, 'X')}" for phone in known + strangers]
    broken = rng.randint(0, 4)
    rows += [f"{n},Y" for n in range(broken)]
    rng.shuffle(rows)
    return Schedule(
        seed=seed,
        audience="phone,first_name\n" + "".join(row + "\n" for row in rows),
        sendable=len(known) + len(strangers),
        dropped=broken,
        batch_rows=5000 if large else rng.randint(2, 25),
        concurrency=rng.randint(1, 4),
        rules=_rules(rng, large),
        expected=names,
    )


def _rules(rng: random.Random, large: bool) -> list[dict[str, Any]]:
    rules = [_import_rule(rng) if rng.random() < 0.6 else _other_rule(rng) for _ in range(rng.randint(1, 6))]
    if any(rule["fault"] == "import_fails" for rule in rules):  # whose word another rule must not turn into success
        rules = [rule for rule in rules if rule["fault"] != "import_word"]
    if large:
        rules.append({"route": "start_import", "fault": "max_rows", "rows": rng.randint(1000, 1500), "count": None})
        rules[-1]["status"] = rng.choice([404, 413])
    return rules


def _when(rng: random.Random) -> dict[str, Any]:
    when: dict[str, Any] = {"skip": rng.choice([0, 0, 1, 2, 5]), "count": rng.choice([1, 1, 2, 3, 6, 40])}
    if rng.random() < 0.4:
        when |= {"probability": rng.choice([0.3, 0.6]), "seed": rng.randint(0, 999)}
    return when


def _broken(rng: random.Random) -> dict[str, Any]:
    """What can go wrong with any request."""
    applied = {"applied": rng.random() < 0.5}
    kinds: list[dict[str, Any]] = [
        {"fault": "status", "status": rng.choice([500, 502, 503, 504]), **applied},
        {"fault": "status", "status": rng.choice([408, 425, 429])},
        {"fault": "status", "status": 429, "retry_after": rng.choice([0, 0.1, 1, 5]), "retry_after_form": "seconds"},
        {"fault": "status", "status": 503, "retry_after": rng.choice([0, 1]), "retry_after_form": "date"},
        {"fault": "html", "status": rng.choice([200, 502]), **applied},
        {"fault": "truncated_json"},
        {"fault": "wrong_shape"},
        {"fault": rng.choice(["reset_before_body", "reset_mid_body", "reset_after_body", "lost_reply"])},
        {"fault": rng.choice(["hang", "hang_reply"]), "seconds": rng.choice([0.1, 0.2, 2])},
        {"fault": "revoke_tokens"},
        {"fault": "status", "status": rng.choice([400, 401, 404])},
    ]
    return rng.choice(kinds)


def _import_rule(rng: random.Random) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"fault": "lost_reply"},
        {"fault": "import_fails", "word": rng.choice(["Failed", "ERROR", "Cancelled"]), "applied": rng.random() < 0.5},
        {"fault": "import_seconds", "seconds": rng.choice([0.2, 1.0])},
        {"fault": "import_word", "word": "Working", "end_word": rng.choice(["Concluded", "Completed"])},
        {"fault": "status", "status": 400, "error": "ERROR_INVALID_PARAMETER"},
        {"fault": "status", "status": 413},
    ]
    rule = rng.choice(kinds) if rng.random() < 0.5 else _broken(rng)
    return {"route": "start_import", **rule, **_when(rng)}


def _other_rule(rng: random.Random) -> dict[str, Any]:
    route = rng.choice(["token", "sender_code", "fields", "import_status", "import_status", "api", "any"])
    return {"route": route, **_broken(rng), **_when(rng)}


def survive(schedule: Schedule, sandbox: EmbeddedSandbox, command: Command) -> Counter[int]:
    """Lives through the schedule; returns how often each exit code was met. Raises AssertionError."""
    admin(sandbox.url, "reset", "")
    admin(sandbox.url, "faults", json.dumps(schedule.rules))
    codes: Counter[int] = Counter()
    run: str | None = None
    for attempt in range(2 * ROUNDS):
        if attempt == ROUNDS:
            admin(sandbox.url, "faults", "[]")
        before = len(admin(sandbox.url, "imports"))
        code, report = command(run)
        codes[code] += 1
        check_command(code, report, sandbox)
        assert code != 2 or len(admin(sandbox.url, "imports")) == before
        if report["imports"] and code != 2:
            run = report["run_id"]
            assert (report["rows_sendable"], report["rows_dropped"]) == (schedule.sendable, schedule.dropped)
        if code == 0:
            break
    assert code == 0, f"still {code} without faults: {report['error']}"
    check_end(schedule, report, sandbox)
    return codes


def check_command(code: int, report: dict[str, Any], sandbox: EmbeddedSandbox) -> None:
    """What has to be true after every command."""
    assert code == report["exit_code"]
    assert report["rows_sendable"] == report["rows_sent"] + report["rows_refused"] + report["rows_pending"]
    kept_back = report["rows_dropped"] + report["rows_unchanged"] + report["rows_beyond_limit"]
    assert report["rows_read"] == report["rows_sendable"] + kept_back
    lines, stored = report["imports"], {str(one["id"]): one for one in admin(sandbox.url, "imports")}
    accepted = [line for line in lines if line["import_file_id"]]
    for line in accepted:
        one = stored[line["import_file_id"]]
        assert one["file_name"] == line["file_name"]
        assert one["rows"] in (line["rows"], 0, None)  # 0, None: not read yet, or never to be read
    assert (
        sum(line["rows"] for line in accepted if line["status"] not in ("refused", "not reached"))
        >= (report["rows_sent"])
    )
    failed = [line for line in accepted if _badly(line["status"])]
    assert report["rows_import_failed"] == sum(line["rows"] for line in failed)
    unsent, ended = report["rows_pending"] + report["rows_refused"], [stored[i["import_file_id"]] for i in accepted]
    match code:
        case 0:
            assert not unsent and not failed and report["error"] is None
            assert all(one["ended"] and not _badly(one["status"]) for one in ended)
        case 1:
            assert report["rows_refused"] or failed or not lines
        case 6:
            assert not unsent and not failed
        case _:
            assert code in (2, 4, 5), report["error"]


def _badly(word: str) -> bool:
    return any(sign in word.casefold() for sign in ENDED_BADLY)


def check_end(schedule: Schedule, report: dict[str, Any], sandbox: EmbeddedSandbox) -> None:
    """Every contact is right, and who was in two import files that may both have been carried out is named."""
    assert (report["rows_read"], report["rows_sent"]) == (schedule.sendable + schedule.dropped, schedule.sendable)
    contacts = contacts_of(sandbox.url)
    assert {phone: contacts[phone] for phone in schedule.expected} == schedule.expected
    others = [name for phone, name in contacts.items() if phone not in schedule.expected]
    assert not any(str(name).startswith(f"N{schedule.seed}x") for name in others)
    taken = Counter(one["file_name"] for one in admin(sandbox.url, "imports") if not _badly(one["status"]))
    lines = {line["file_name"]: line for line in report["imports"]}
    for name, times in taken.items():
        if name in lines:
            assert times == 1 or lines[name]["maybe_repeated"], f"{name} was taken {times} times, which nobody says"
        else:  # it was split; its pieces say so
            assert any(line["maybe_repeated"] for line in lines.values()), f"{name} was split and taken"
    assert set(lines) <= set(taken)
    codes = [warning["code"] for warning in report["warnings"]]
    repeated = any(line["maybe_repeated"] for line in lines.values())
    assert ("maybe_repeated" in codes) == repeated or codes == ["nothing_to_resume"]  # killed when all was done


def live_through(
    seeds: Iterable[int],
    live: Callable[[int, EmbeddedSandbox], Counter[int]],
    at_once: int = 4,
    on_end: Callable[[int, Counter[int]], None] = lambda _seed, _codes: None,
) -> Counter[int]:
    """Lives through the schedules of these seeds, several at a time, each worker with a sandbox of its own; `live`
    lives through one. Returns
    how often each exit code was met; raises AssertionError naming the seed that was not survived."""
    left = iter(seeds)
    lock = threading.Lock()
    met: Counter[int] = Counter()
    over = threading.Event()

    def work() -> None:
        with EmbeddedSandbox(SandboxConfig()) as sandbox:
            while not over.is_set():
                with lock:
                    seed = next(left, None)
                if seed is None:
                    return
                try:
                    codes = live(seed, sandbox)
                except Exception as error:
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    told = f"schedule {seed} was not survived: {error!r} in line {where.lineno}: {where.line}"
                    over.set()
                    raise AssertionError(f"{told}; its faults: {draw(seed).rules}") from error
                with lock:
                    met.update(codes)
                    on_end(seed, codes)

    with ThreadPoolExecutor(at_once) as pool:
        try:
            for done in [pool.submit(work) for _ in range(at_once)]:
                done.result()
        finally:
            over.set()
    return met


def surviving(
    make: Callable[[Schedule, EmbeddedSandbox, Path], Command], home: Path
) -> Callable[[int, EmbeddedSandbox], Counter[int]]:
    """Lives through the schedule of a seed, with the commands made so."""

    def live(seed: int, sandbox: EmbeddedSandbox) -> Counter[int]:
        schedule = draw(seed)
        return survive(schedule, sandbox, make(schedule, sandbox, home))

    return live


def in_process(schedule: Schedule, sandbox: EmbeddedSandbox, home: Path) -> Command:
    """Commands as function calls."""
    audience = home / f"audience-{schedule.seed}.csv"
    audience.write_text(schedule.audience, "utf-8")
    account = {"api_url": sandbox.api_url, "token_url": sandbox.token_url, "sender_code": 1026}
    environ = {
        "HOME": str(home),
        "LSMS_STATE_DIR": str(home / f"state-{schedule.seed}"),
        "LSMS_GIVE_UP_AFTER": "0.6s",
        "LISTRAK_CLIENT_ID": sandbox.config.client_id,
        "LISTRAK_CLIENT_SECRET": sandbox.config.client_secret,
    }
    settings = load_settings(account, environ)

    asked = PushOptions(batch_rows=schedule.batch_rows, concurrency=schedule.concurrency, wait_timeout=0.6)

    def command(run: str | None) -> tuple[int, dict[str, Any]]:
        try:
            if run is None:
                return 0, push_audience(str(audience), settings, asked).as_json()
            again = ResumeOptions(asked)
            return 0, resume_run(settings, run, again).as_json()
        except LsmsError as error:
            return error.exit_code, error.report.as_json()

    return command


def admin(url: str, route: str, body: str | None = None) -> Any:
    data = None if body is None else body.encode()
    kind = "application/json" if route == "faults" else "text/csv"
    request = urllib.request.Request(f"{url}/sandbox/{route}", data, {"Content-Type": kind})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def contacts_of(url: str) -> dict[str, str | None]:
    """The first name of each contact, by its ten digits."""
    with urllib.request.urlopen(f"{url}/sandbox/contacts?sender_code=1026&format=ndjson") as answer:
        rows = [json.loads(line) for line in answer.read().splitlines() if line.strip()]
    return {row["phone"][2:]: row["First Name"] for row in rows}
