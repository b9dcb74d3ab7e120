"""Canaries: a secret and members' values, seeded into everything that can go wrong, appear nowhere afterwards."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.webhook import webhook
from tests.support.world import Ended, World

SECRET = "canary-secret-7f3a91"
PHONES = ["2125550187", "4155550176"]
VALUES = ["Canaryvalue", "Zebrafinch"]
CANARIES = [SECRET, *PHONES, *(phone[3:] for phone in PHONES), *VALUES]
GOOD = f"phone,first_name\n{PHONES[0]},{VALUES[0]}\n{PHONES[1]},{VALUES[1]}\n"
MakeWorld = Callable[..., World]


def rule(route: str, fault: str, **more: object) -> dict[str, object]:
    return {"route": route, "fault": fault, "count": None, **more}


FAULTS = {
    "refused": rule("start_import", "status", status=400, error="ERROR_INVALID_PARAMETER"),
    "unauthorized": rule("start_import", "status", status=401),
    "gateway": rule("start_import", "html", status=502),
    "truncated": rule("start_import", "truncated_json"),
    "lost": rule("start_import", "lost_reply"),
    "reset": rule("start_import", "reset_mid_body"),
    "shape": rule("import_status", "wrong_shape"),
    "failed": rule("start_import", "import_fails"),
    "token": rule("token", "status", status=400),
    "fields": rule("fields", "truncated_json"),
}
BAD = {
    "ragged": GOOD + f"{PHONES[0]},{VALUES[0]},{VALUES[1]}\n",
    "unclosed": GOOD + f'{PHONES[0]},"{VALUES[0]}\n',
    "dropped": GOOD.replace(PHONES[0], PHONES[0] + "99"),
    "unmatched": GOOD.replace("first_name", "nope"),
    "bad date": f"phone,birthday\n{PHONES[0]},{VALUES[0]}\n",
    "bytes": GOOD + "\udcff\udcfe,x\n",
}


@pytest.fixture
def canaries(make_world: MakeWorld) -> Iterator[World]:
    world = make_world(client_secret=SECRET)
    (world.home / "tmp").mkdir()
    yield world
    assert_private(world)


def run(world: World, *arguments: object, secret: str = SECRET) -> Ended:
    log = world.home / "lsms.log"
    env = {"TMPDIR": str(world.home / "tmp"), "LISTRAK_CLIENT_SECRET": secret}
    more = ("--log-file", log) if arguments[0] in ("push", "resume") else ()
    ended = world.lsms(*arguments, "--give-up-after", "0.5s", "--verbose", *more, env=env)
    assert_clean(ended.out + ended.err, f"the screen of {arguments[0]}")
    return ended


def assert_clean(text: str, where: str) -> None:
    assert not [canary for canary in CANARIES if canary in text], where


def assert_private(world: World) -> None:
    """No file that was made holds a canary; files are 0600, folders 0700; no temporary file is left."""
    state = world.home / "state"
    made = [*state.rglob("*"), *(world.home / "tmp").rglob("*"), *world.home.glob("*.log")]
    if state.exists():
        made.append(state)
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            assert_clean(path.read_bytes().decode("latin-1"), str(path))
    assert not list((world.home / "tmp").iterdir())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gives_nothing_away(canaries: World, fault: str) -> None:
    """Whatever Listrak does wrong: screen, log, journal and state folder hold no secret, phone or value, neither of
    the push nor of status and resume after it."""
    canaries.admin("faults", [FAULTS[fault]])
    assert run(canaries, "push", canaries.audience(GOOD), "--wait-timeout", "0.5s").code != 0
    run(canaries, "status")
    run(canaries, "resume", "--wait-timeout", "0.5s")
    canaries.admin("faults", [])
    run(canaries, "resume", "--json")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_audience_gives_nothing_away(canaries: World, kind: str) -> None:
    """An audience that cannot be read, or holds members that are dropped, is described without quoting it."""
    path = canaries.home / "audience.csv"
    path.write_bytes(BAD[kind].encode("utf-8", "surrogateescape"))
    run(canaries, "push", path)
    run(canaries, "push", path, "--json")


def test_wrong_credentials_give_nothing_away(canaries: World) -> None:
    """A secret that Listrak refuses is not shown either."""
    wrong = SECRET + "-wrong"
    ended = run(canaries, "push", canaries.audience(GOOD), secret=wrong)
    assert ended.code == 4


def refused_run(world: World) -> Path:
    """The folder of a run whose only import file was refused."""
    world.admin("faults", [FAULTS["refused"]])
    run(world, "push", world.audience(GOOD))
    (folder,) = (world.home / "state" / "runs").iterdir()
    return folder


def error_of(world: World, *arguments: object) -> str:
    """The code of the error that a command ends with; "internal" is one that lsms did not foresee."""
    ended = run(world, *arguments, "--json")
    assert ended.code != 0
    return str(ended.json["error"]["code"])


@pytest.mark.parametrize("command", [["resume"], ["status", "--members", "members.csv"]], ids=" ".join)
def test_a_run_without_its_row_map_gives_nothing_away(canaries: World, command: list[str]) -> None:
    """A run whose row map somebody has removed ends in an error that lsms foresaw, whoever needs the map."""
    (refused_run(canaries) / "parts.parquet").unlink()
    assert error_of(canaries, *command) != "internal"


@pytest.mark.parametrize("content", [f'{{"event": "{VALUES[0]}"}}\n', VALUES[0], "", "{"], ids=repr)
@pytest.mark.parametrize("command", ["resume", "status"])
def test_a_damaged_journal_gives_nothing_away(canaries: World, command: str, content: str) -> None:
    """A journal that somebody has damaged ends in an error that lsms foresaw, with exit 2, and is not quoted."""
    journal = refused_run(canaries) / "journal.jsonl"
    journal.write_text(content)
    errors = {error_of(canaries, command), error_of(canaries, command, journal.parent.name)}
    journal.unlink()  # it holds a canary of ours
    assert "internal" not in errors


def test_other_processes_see_nothing(make_world: MakeWorld) -> None:
    """While a push is under way its command line shows no secret, and no file of it holds a member, also after a
    SIGKILL."""
    world = make_world(client_secret=SECRET, fault_rules=(rule("start_import", "hang", seconds=30),))
    (world.home / "tmp").mkdir()
    process = world.start("push", world.audience(GOOD), env={"TMPDIR": str(world.home / "tmp")})
    while world.admin("faults")[0]["struck"] == 0:
        time.sleep(0.02)
    assert_clean(Path(f"/proc/{process.pid}/cmdline").read_text(), "the command line")
    assert_private(world)
    process.kill()
    out, err = process.communicate()
    assert_clean(out + err, "the screen")
    assert_private(world)


KEYED = [
    f"s3://AKIAABC:{SECRET}@bucket/a.csv",
    f"s3://bucket/a.csv?secret_key={SECRET}",
    f"abfs://container@account/a.csv?sig={SECRET}",
    f"https://example.com/a.csv?sig={SECRET}",
]


@pytest.mark.parametrize("url", KEYED)
@pytest.mark.parametrize("command", ["push", "validate", "plan", "verify", "pull"])
def test_the_key_in_a_url_gets_nowhere(canaries: World, url: str, command: str) -> None:
    """The audience is refused by its place alone: on the screen, in JSON, on the page and to whom is told."""
    made = [canaries.home / name for name in ("page.html", "metrics.prom", "rejects.csv", "lsms.log")]
    page, metrics, rejects, log = made
    with webhook() as hook:
        words: dict[str, tuple[object, ...]] = {
            "push": ("--report", page, "--metrics-file", metrics, "--notify", hook.url, "--rejects", rejects),
            "validate": ("--report", page),
            "plan": ("--report", page),
            "pull": ("-o", canaries.home / "pulled.csv", "--audience"),
        }
        ended = canaries.lsms(command, *words.get(command, ()), url, "--json", "--log-file", log)
        assert (ended.code, ended.json["error"]["code"]) == (2, "url_with_key")
        assert_clean(ended.out + ended.err + str(hook.received), "what is told")
        assert len(hook.received) == (command == "push")
    for file in made:
        assert not file.exists() or SECRET not in file.read_text("utf-8")


def test_the_key_in_a_url_of_a_job_gets_nowhere(canaries: World) -> None:
    """A job that holds one is refused, listed or run."""
    (canaries.home / "lsms.toml").write_text(f'[jobs.x]\naudience = "{KEYED[0]}"\n', "utf-8")
    for words in (("jobs",), ("push", "--job", "x")):
        ended = canaries.lsms(*words, "--json", cwd=canaries.home)
        assert (ended.code, ended.json["error"]["code"]) == (2, "bad_job")
        assert "the URL holds a key" in ended.json["error"]["message"]
        assert_clean(ended.out + ended.err, "the refusal of a job")
