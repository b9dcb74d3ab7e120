"""What is read back from Listrak while requests fail: the same as without faults, or exit 5 and the way on."""

from __future__ import annotations

import json
import re
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.errors import ListrakUnavailable
from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.in_process import pulled, pushed, verified
from tests.support.passing_faults import reading_faults
from tests.support.world import World, start_lsms

MAIN, OLD_LIST, NO_LIST = 10_600, 1_500, 40  # contacts; who is on the old list is on the main one as well
PHONES = [f"+1303{2000000 + n}" for n in range(MAIN + NO_LIST)]
HEAD = "phone,First Name,Loyalty Tier\n"
# The audience: contacts of every kind, some of them with other values, and twenty phones that nobody has.
MEMBERS = [*PHONES[::17], *PHONES[-NO_LIST:], *(f"+1303{4000000 + n}" for n in range(20))]
AUDIENCE = HEAD + "".join(
    f"{phone},{'X' if n % 97 == 5 else 'N'}{phone[-7:]},Gold\n" for n, phone in enumerate(dict.fromkeys(MEMBERS))
)
RUN = rb"\d{8}-\d{6}-[0-9a-f]{8}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[EmbeddedSandbox]:
    with EmbeddedSandbox(SandboxConfig(invented_contacts=False)) as sandbox:
        yield sandbox


@pytest.fixture
def world(sandbox: EmbeddedSandbox, tmp_path: Path) -> World:
    """The same contacts for every test: as the first left them, no faults, no requests yet."""
    world = World(sandbox, tmp_path)
    world.admin("reset", "")
    rows = [
        f"{phone},{'true' if n % 19 == 3 else 'false'},N{phone[-7:]},Gold\n" for n, phone in enumerate(PHONES[:MAIN])
    ]
    head = "phone,opted_out,First Name,Loyalty Tier\n"
    world.admin("contacts?sender_code=1026", head + "".join(rows))
    hidden = "".join(f"{phone},,N{phone[-7:]},Gold\n" for phone in PHONES[MAIN:])
    world.admin("contacts?sender_code=1026", "phone,list,First Name,Loyalty Tier\n" + hidden)
    old = [row.replace(",true,", ",true,10262,").replace(",false,", ",false,10262,") for row in rows[:OLD_LIST]]
    world.admin("contacts?sender_code=1026", "phone,opted_out,list,First Name,Loyalty Tier\n" + "".join(old))
    return world


def struck(world: World) -> int:
    return sum(one["struck"] for one in world.admin("faults"))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_passing_faults_change_nothing(world: World, seed: int, tmp_path: Path) -> None:
    """A pulled file is the same to the byte, of everybody and of an audience; so are what `verify` lists, and what a
    push with `--only-existing`, `--exclude-opted-out`, `--rejects` and `--verify` drops, sends and reads back."""
    audience = world.audience(AUDIENCE, "members.csv")
    undo(world)  # a first push, so that each time this is not the first
    found = []
    for rules in ([], reading_faults(seed)):
        world.admin("faults", rules)
        files = [tmp_path / name for name in ("all.csv", "some.csv", "differences.csv", "rejects.csv")]
        all_, some, differences, rejects = files
        patient: dict[str, Any] = {"give_up_after": "8s"}
        documents = [
            pulled(world, all_, force=True, **patient),
            pulled(world, some, audience=str(audience), force=True, **patient),
            verified(world, AUDIENCE, out=differences, code=1, **patient),
            pushed(
                world, AUDIENCE, only_existing=True, exclude_opted_out=True, rejects=rejects, verify=True, **patient
            ),
        ]
        if rules:
            assert struck(world) > 20
        world.admin("faults", [])
        undo(world)
        for one in documents:
            for key in ("seconds", "run_id", "imports", "started"):
                one.pop(key, None)
        found.append((documents, [re.sub(RUN, b"RUN", file.read_bytes()) for file in files]))
    for plain, disturbed in zip(*(documents + files for documents, files in found), strict=True):
        assert plain == disturbed


def undo(world: World) -> None:
    pushed(world, HEAD + "".join(f"{phone},N{phone[-7:]},Gold\n" for phone in dict.fromkeys(MEMBERS)))


def test_a_pull_in_an_outage_goes_on_by_its_cursor(world: World) -> None:
    """It ends with 5 and says that the same command goes on; that reads only the pages that are missing, and the file
    is the same to the byte as one that nothing disturbed."""
    whole, file = world.home / "whole.csv", world.home / "all.csv"
    pulled(world, whole)
    pages = len(asked(world))
    away = {"route": "list_contacts", "fault": "status", "status": 503, "skip": 2, "count": None}
    world.admin("faults", [away])
    with pytest.raises(ListrakUnavailable, match="same command goes on"):
        pulled(world, file, give_up_after="0.3s")
    assert not file.exists()
    left = {path.name: stat.S_IMODE(path.stat().st_mode) for path in world.home.glob(".*")}
    assert left == {".all.csv-pull.part": 0o600, ".all.csv-pull.json": 0o600}
    world.admin("faults", [])
    before = len(asked(world))
    document = pulled(world, file)
    assert document["resumed"] == 10_000
    assert len(asked(world)) - before == pages - 2
    assert file.read_bytes() == whole.read_bytes()
    assert not list(world.home.glob(".*"))


def asked(world: World) -> list[str]:
    return [one["path"] for one in world.admin("requests") if "PhoneList/" in one["path"]]


def test_a_pull_that_is_killed_again_and_again(world: World) -> None:
    """Killed or interrupted after every page or so, it ends with the same file, and no page that was written down is
    asked for again."""
    whole, file = world.home / "whole.parquet", world.home / "all.parquet"
    pulled(world, whole)
    pages = len(asked(world))
    temporary = world.home / "tmp"
    temporary.mkdir()
    env = {**world.env, "TMPDIR": str(temporary)}
    for kills, how in enumerate((signal.SIGKILL, signal.SIGINT, signal.SIGKILL)):
        hang = {"route": "list_contacts", "fault": "hang", "skip": 1 + (kills == 1), "count": None, "seconds": 600}
        world.admin("faults", [hang])
        before = len(asked(world))
        with start_lsms("pull", "-o", file, env=env) as process:
            while world.admin("faults")[0]["struck"] == 0 and len(asked(world)) < before + 9:
                assert process.poll() is None
                time.sleep(0.03)
            until_noted(file)
            process.send_signal(how)
            process.communicate(timeout=60)
        assert not file.exists()
        assert not [path for path in temporary.iterdir() if path.stat().st_size > 4]
    world.admin("faults", [])
    before = len(asked(world))
    assert pulled(world, file)["contacts"] == MAIN
    assert len(asked(world)) - before <= pages - 3
    assert file.read_bytes() == whole.read_bytes()
    assert {path.name for path in world.home.iterdir()} == {whole.name, file.name, "tmp"}


def until_noted(file: Path) -> None:
    """Until the pages that came are written down."""
    side = file.with_name(f".{file.name}-pull.json")
    while not side.exists():
        time.sleep(0.03)


@pytest.mark.parametrize("fault", [{"fault": "status", "status": 503}, {"fault": "hang", "seconds": 600}], ids=str)
def test_ctrl_c_while_contacts_are_looked_up(world: World, fault: dict[str, Any]) -> None:
    """A push that asks who exists ends at once with 130, whatever the requests under way are waiting for."""
    world.admin("faults", [{"route": "contact", "count": None, **fault}])
    audience = world.audience(HEAD + "".join(f"{phone},N,Gold\n" for phone in PHONES[:30]))
    with start_lsms("push", audience, "--only-existing", "--json", env=world.env) as process:
        try:
            while not world.admin("faults")[0]["struck"]:
                assert process.poll() is None
                time.sleep(0.03)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
    assert world.admin("imports") == []


def test_a_killed_verify_leaves_nothing_behind(world: World) -> None:
    """What it had listed so far is in no file, under no name."""
    world.admin("faults", [{"route": "contact", "fault": "hang", "count": None, "seconds": 600}])
    temporary = world.home / "tmp"
    temporary.mkdir()
    audience = world.audience(AUDIENCE)
    out = world.home / "out.csv"
    with start_lsms("verify", audience, "--out", out, env={**world.env, "TMPDIR": str(temporary)}) as process:
        while not world.admin("faults")[0]["struck"]:
            assert process.poll() is None
            time.sleep(0.03)
        process.kill()
        process.communicate(timeout=60)
    assert {path.name for path in world.home.iterdir()} == {"audience.csv", "tmp"}
    assert not [path for path in temporary.iterdir() if path.stat().st_size > 4]
