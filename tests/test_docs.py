"""The README and its pages are true: every command in them runs, and what they show is what comes out."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.cli.commands import COMMANDS
from listrak_sms_cli.options import options_of
from listrak_sms_cli.settings import API_URL, TOKEN_URL
from tests.screenshots import PICTURED, PICTURES, picture_of
from tests.support.databases import source, sqlite_file
from tests.support.lsms import call_lsms
from tests.support.object_store import ObjectStore
from tests.support.readme import GUIDE, PAGES, README, code, without_times
from tests.support.world import PROJECT, SAMPLES, World, run_lsms

CONSOLE = re.findall(r"^ *\$ (.+)$", PAGES.replace(GUIDE, ""), re.MULTILINE)
TABLED = re.findall(r"^\| `(lsms [^`]+)` \|", README, re.MULTILINE)
JOB = code("toml", "# lsms.toml")
SQL = code("sql", "-- audience.sql")
OPTIONS = sorted(set(re.findall(r"`(--[a-z-]+)", PAGES)))


def members(count: int, tier: str = "Gold") -> str:
    """An audience of so many, all known to the sandbox."""
    return "phone,first_name,Loyalty Tier\n" + "".join(f"21255501{n:02d},N{n},{tier}\n" for n in range(count))


AUDIENCE = members(12)


def job(world: World, audience: str) -> None:
    """The README's job file, the profiles it speaks of, and an audience of today."""
    world.audience(JOB, "lsms.toml")
    (world.home / "exports").mkdir()
    world.audience(audience, f"exports/audience_{datetime.now():%Y%m%d}.csv")
    (world.home / ".config/lsms").mkdir(parents=True)
    world.audience("[production]\n[sandbox]\n", ".config/lsms/config.toml")


def database(world: World) -> None:
    """A database that the README's query can run in, as the source it speaks of."""
    rows = [(f"21255501{n:02d}", f"N{n}", "Gold", True, n) for n in range(12)]
    columns = "phone text, first_name text, tier text, consent boolean, updated_at integer"
    config = source(world.home, "sqlite", sqlite_file(world.home / "members.db", columns, rows))
    world.audience(f"{config.read_text('utf-8')}[production]\n[sandbox]\n", ".config/lsms/config.toml")
    world.audience(SQL, "audience.sql")


def shown(marker: str) -> tuple[list[str], str]:
    """The words of the command behind a marker of the README, and the output that it shows."""
    block = re.search(rf"<!-- {marker}: lsms (.+?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert block is not None
    return shlex.split(block[1]), without_times(block[2])


@pytest.fixture
def ready(make_world: Callable[..., World]) -> World:
    """What the README's reader has: an account, an audience, and a run to look at."""
    world = make_world(import_seconds=0.0)
    world.audience(AUDIENCE)
    world.audience(AUDIENCE, "before.csv")
    (world.home / "sample_audiences").symlink_to(SAMPLES)
    job(world, AUDIENCE.replace("Loyalty Tier", "Tier"))
    database(world)
    rejects = "row,reason,detail,run,phone,first_name\n2,invalid_phone,,20261128-010203-1e24f7a3,2125550100,N0\n"
    world.audience(rejects, "rejects.csv")
    assert world.lsms("push", "audience.csv", "--no-wait", cwd=world.home).code == 0
    return world


@pytest.mark.parametrize("line", [line for line in CONSOLE if line.startswith("lsms ")])
def test_each_command_runs(ready: World, line: str) -> None:
    """Every `lsms` command of the README ends with exit 0 for somebody who has done what stands before it."""
    if line.startswith("lsms sandbox"):
        line += " --help"
    if line.startswith("lsms resume"):
        line = line.replace("lsms resume", "lsms status")
    if line.startswith(("lsms health", "lsms verify")):
        assert ready.lsms("status", "--wait").code == 0
    if line.startswith("lsms apply"):
        assert ready.lsms("status", "--wait").code == 0
        assert ready.lsms("plan", "audience.csv", "--save", line.split()[2], cwd=ready.home).code == 0
    if line.startswith("lsms pull"):
        (ready.home / "before.csv").unlink()
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    ended = ready.lsms(*words, cwd=ready.home, env={"PYTHONPATH": str(PROJECT)})
    assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize("line", [line for line in CONSOLE if not line.startswith("lsms ")])
def test_the_other_commands_exist(line: str) -> None:
    """make targets are there, extras to install are declared, variables to export are ours."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        assert subprocess.run(["make", "-n", *words[1:]], cwd=PROJECT, capture_output=True, check=False).returncode == 0
    elif words[:2] != ["pipx", "install"]:
        assert words[0] == "export"
        assert words[1].startswith(("LISTRAK_", "LSMS_"))


def test_each_extra_is_declared() -> None:
    """The extras that somebody is told to install are those of pyproject.toml."""
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"'(?:\.|listrak-sms-cli)\[([a-z,]+)\]", PAGES)
    assert named and {extra for extras in named for extra in extras.split(",")} <= set(declared)


@pytest.mark.parametrize("command", TABLED)
def test_each_command_of_the_table_has_help_that_ends_with_an_example(command: str, tmp_path: Path) -> None:
    """`lsms COMMAND --help` is there for every command of the table, and shows an example."""
    name = command.split()[1]
    ended = call_lsms(name, "--help", env={"HOME": str(tmp_path), "COLUMNS": "200"})
    assert ended.code == 0
    assert f"Example: lsms {name}" in ended.out


def test_the_table_names_every_command(tmp_path: Path) -> None:
    """No command is missing from the README's table."""
    shown = call_lsms("--help", env={"HOME": str(tmp_path), "COLUMNS": "200"}).out
    commands = re.findall(r"^  ([a-z][a-z-]*) {2,}\S", shown, re.MULTILINE)
    assert {command.split()[1] for command in TABLED} == set(commands)


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page: those of its headings, as GitHub makes them, and those it sets itself."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads} | set(
        re.findall('id="(.+?)"', text)
    )


@pytest.mark.parametrize("page", ["README.md", ".github/AUDIENCES.md"])
def test_each_link_leads_somewhere(page: str) -> None:
    """A link inside the project names a file that is there, and a heading of it."""
    here = PROJECT / page
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", here.read_text("utf-8"))
    assert links
    for file, anchor in links:
        there = (here.parent / file).resolve() if file else here
        assert there.is_file(), file
        assert not anchor or anchor in anchors_of(there), anchor


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_of_the_readme_exists(option: str) -> None:
    """An option the README speaks of is one of the commands'."""
    words = {word for name in COMMANDS for declared in options_of(name) for word in declared.words}
    names = {name for word in words for name in word.split("/")}
    flags = {f"--no-{word[2:]}" for word in names}
    assert option in names | flags | {"--help", "--version"}


def test_what_is_shown_of_object_stores(store: ObjectStore, ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands and the Python of the README's section run, and put the files there that they name."""
    section = PAGES.partition("<!-- object stores -->")[2].replace("my-bucket", store.bucket)
    commands, python = re.findall(r"```(?:sh|py)\n(.*?)```", section, re.DOTALL)[:2]
    member = pa.table({"phone": ["2125550101", "12"], "First Name": ["Ann", "Bad"]})
    pq.write_table(member, ready.home / "part.parquet")
    store.put("exports/dt=2026-11-28/part 0.parquet", (ready.home / "part.parquet").read_bytes())
    for line in commands.replace("\\\n", "").splitlines():
        ended = ready.lsms(*shlex.split(line)[1:], env=store.env)
        assert ended.code == 0, ended.err
    assert [key for key in store.listed() if key.startswith("lsms/")] == [
        f"lsms/{name}" for name in ("before.parquet", "differences.csv", "rejects.csv", "run.html")
    ]
    for name, value in ready.env.items():
        monkeypatch.setenv(name, value)
    exec(python, {})
    assert ready.contacts()["+12125550101"]["First Name"] == "Ann"


def test_a_job_stops_as_it_is_shown(world: World) -> None:
    """What the README's job expects, and what is said of an audience that is not so."""
    job(world, "phone,Tier\n2125550100,Gold\n2125550101,silver\n2125550102,\n")
    words, output = shown("output of the job")
    ended = world.lsms(*words, cwd=world.home)
    assert ended.code == 3
    assert without_times(ended.err) == output


def test_rejects_go_back_as_it_is_shown(world: World) -> None:
    """The members of a rejects file that has been repaired, and what the README shows of them."""
    rows = "phone,Loyalty Tier\n2125550100,Gold\n12,Gold\n2125550101,Gold\n2125550101,Silver\n"
    rejects = world.home / "rejects.csv"
    assert world.lsms("push", world.audience(rows), "--rejects", rejects).code == 0
    rejects.write_text(rejects.read_text("utf-8").replace('"12"', '"2125550102"'), "utf-8")
    words, output = shown("output of the rejects")
    ended = world.lsms(*words, cwd=world.home)
    assert ended.code == 0
    assert without_times(ended.out).startswith(output)


def test_consent_is_asked_for_as_it_is_shown(world: World) -> None:
    """The README's warning of a column that looks like consent, and who is left once it is named."""
    world.audience(
        "phone,first_name,SMS_Opt_In\n2125550100,A,yes\n2125550101,B,no\n2125550102,C,\n2125550103,D,yes\n",
        "members.csv",
    )
    blocks = re.findall(r"<!-- output of the consent: lsms (.+?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for command, output in blocks:
        ended = world.lsms(*shlex.split(command), cwd=world.home)
        assert ended.code == 0
        assert without_times(ended.out or ended.err).startswith(without_times(output))


def test_a_stale_plan_is_refused_as_it_is_shown(world: World) -> None:
    """What the README shows of a plan after somebody else has updated some of its members."""
    assert world.lsms("push", world.audience(AUDIENCE)).code == 0
    assert world.lsms("plan", "audience.csv", "--save", "spring.plan", cwd=world.home).code == 0
    assert world.lsms("push", world.audience(members(5, "Silver"), "other.csv")).code == 0
    words, output = shown("output of a stale plan")
    ended = world.lsms(*words, cwd=world.home)
    assert ended.code == 3
    assert without_times(ended.err) == output


def test_a_canary_stops_as_it_is_shown(world: World) -> None:
    """What the README shows of a canary of which Listrak stores other values, and what there is to choose from."""
    world.admin("faults", [{"route": "start_import", "fault": "import_alters"}])
    world.audience("phone,Loyalty Tier\n" + "".join(f"2125550{n},Gold\n" for n in range(100, 200)))
    words, output = shown("output of the canary")
    ended = world.lsms(*words, cwd=world.home)
    error = ended.json["error"]
    assert ended.code == 1
    assert without_times(f"{error['message']} {error['hint']}").replace(str(world.home), "/data") == output


@pytest.mark.parametrize(
    ("command", "shown"), re.findall(r"<!-- output: (lsms .+?) -->\n```text\n(.*?)```", README, re.DOTALL)
)
def test_the_output_shown_is_what_comes_out(ready: World, tmp_path: Path, command: str, shown: str) -> None:
    """What the README shows is what comes of the command above it, run ids and times aside."""
    words = shlex.split(command)[1:]
    if "--sandbox" in words:
        ended = run_lsms(*words, env={"HOME": str(tmp_path)})
    else:
        ended = ready.lsms(*words, cwd=ready.home)
    assert without_times(ended.out or ended.err) == without_times(shown)


def test_the_output_of_an_account_is_what_comes_out(world: World) -> None:
    """What the README shows of a command that asks an account is what it prints of the sandbox's."""
    blocks = re.findall(r"<!-- output of an account: (lsms .+?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert blocks
    (world.home / "sample_audiences").symlink_to(SAMPLES)
    assert world.lsms("init", "--profile", "production").code == 0
    for command, shown in blocks:
        ended = world.lsms(*shlex.split(command)[1:], cwd=world.home)
        assert ended.code == 0, ended.err
        out = ended.out.replace(world.sandbox.api_url, API_URL).replace(world.sandbox.token_url, TOKEN_URL)
        assert without_times(out.replace(str(world.home), "~")) == without_times(shown)


def test_the_drift_shown_is_what_comes_out(make_world: Callable[..., World]) -> None:
    """What the README shows of an audience whose tiers got lost is what its commands print, run ids and times aside."""
    world = make_world(import_seconds=0.0)
    blocks = re.findall(
        r"\$ (lsms [^\n]+)\n```\n\n```text\n(.*?)```", README[README.index("<!-- drift -->") :], re.DOTALL
    )
    pushed, listed = blocks[:2]

    def audience(tiers: int) -> None:
        rows = "".join(f"2125550{n:03d},{'Gold' if n < tiers else ''}\n" for n in range(100, 300))
        world.audience(f"phone,Loyalty Tier\n{rows}")

    for tiers in (300, 296, 298):
        audience(tiers)
        assert world.lsms("push", "audience.csv", cwd=world.home).code == 0
    audience(101)
    ended = world.lsms(*pushed[0].split()[1:], cwd=world.home)
    assert ended.code == 3
    runs = world.lsms(*listed[0].split()[1:], cwd=world.home)

    def plain(text: str) -> str:
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d s", "WHEN", text)
        return " ".join(re.sub(r"\d{8}-\d{6}-[0-9a-f]{8}", "RUN", text).split())

    assert plain(pushed[1]) in plain(ended.err)
    assert plain(listed[1]) == plain(runs.out)


def words_of(svg: str) -> str:
    """What can be read on a picture, without blanks, times and paces."""
    text = without_times("".join(ElementTree.fromstring(svg).itertext()).partition("lsms push")[2].replace("\xa0", " "))
    return re.sub(r"[\d.,]+([kM]B?)?(/s|s\b)", "T", "".join(text.split()))


@pytest.mark.parametrize("name", PICTURED)
def test_a_picture_is_what_comes_out(name: str) -> None:
    """Each picture shows what its command shows on a terminal, needs nothing from elsewhere, and is in the README."""
    svg = (PICTURES / f"{name}.svg").read_text("utf-8")
    assert words_of(svg) == words_of(picture_of(PICTURED[name]))
    assert re.findall(r"https?://[^\s\"]+", svg.partition("<style>")[2]) == []
    assert f'src="{(PICTURES / name).relative_to(PROJECT)}.svg"' in README


def python_example(word: str) -> str:
    """The one Python example of the README that holds this word."""
    (found,) = (text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if word in text)
    return str(found)


def test_the_python_example_runs(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python recipe runs with a frame, and prints what was sent."""
    import pandas as pd

    for name, value in ready.env.items():
        monkeypatch.setenv(name, value)
    example = python_example("push(frame, sender_code=1026, max_drop_rate=5)")
    frame = pd.DataFrame({"phone": ["2125550100", "2125550101"], "first_name": ["Ann", "Bob"]})
    scope: dict[str, object] = {"frame": frame}
    exec(example, scope)
    assert scope["report"].rows_sent == 2  # type: ignore[attr-defined]


def test_the_other_functions_of_python_run(
    ready: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The README's way back, push and verify run as they stand there; what differs is printed."""
    import pandas as pd

    for name, value in ready.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    phones = ["2125550100", "2125550101", "3035550199"]
    frame = pd.DataFrame({"phone": phones, "first_name": ["Ann", "Bob", "Nobody"]})
    exec(python_example("MembersDiffer"), {"frame": frame})
    assert capsys.readouterr().out == "2 1\n0 {'first_name': 0}\n"
    assert len(Path("before.csv").read_text().splitlines()) == 3
    assert Path("differences.csv").is_file()


def test_the_other_sources_of_python_run(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's lazy frame and its cursor are pushed as they stand there."""
    import adbc_driver_sqlite.dbapi
    import polars

    for name, value in ready.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ready.home)
    (ready.home / "members").mkdir()
    frame = polars.DataFrame(
        {"phone": ["2125550100", "2125550101"], "first_name": ["A", "B"], "consent": ["yes", "no"]}
    )
    frame.write_parquet(ready.home / "members/a.parquet")
    example = python_example("scan_parquet")
    uri = f"file:{ready.home}/members.db"
    with adbc_driver_sqlite.dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        exec(example, {"cursor": cursor})
    runs = ready.lsms("runs", "--json").json["runs"]
    assert [run["sent"] for run in runs[:2]] == [12, 1]
