"""`--job NAME` on the command line, `lsms jobs`, `lsms schema`, `validate --save-job`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from listrak_sms_cli.cli.schema import SCHEMAS
from listrak_sms_cli.options import Subject, job_options
from listrak_sms_cli.runs import Report
from listrak_sms_cli.settings import IN_PROFILES
from tests.support.push_command import pushed
from tests.support.world import World

MEMBERS = "Mobile,first_name,tier\n" + "".join(f"21255501{n:02d},N{n},Gold\n" for n in range(6))
JOB = """
[jobs.nightly]
audience = "exports/a_{date:%Y%m%d}.csv"
phone_column = "Mobile"
map = { tier = "Loyalty Tier" }
max_shrink = 20
limit = 4
"""


def job(world: World, text: str, members: str = MEMBERS) -> Path:
    """A job file, and the audience of today beside it; not in the current folder."""
    (world.home / "exports").mkdir(exist_ok=True)
    (world.home / f"exports/a_{date.today():%Y%m%d}.csv").write_text(members, "utf-8")
    path = world.home / "lsms.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_job_is_what_its_options_are(world: World) -> None:
    """A push, a validate, a verify and a pull of a job do what they do with its options typed."""
    file = job(world, JOB)
    audience = world.home / f"exports/a_{date.today():%Y%m%d}.csv"
    typed = ("--phone-column", "Mobile", "--map", "tier=Loyalty Tier", "--limit", 4)
    by_hand = pushed(world, audience, *typed)
    by_job = pushed(world, "--job", "nightly", "--job-file", file)
    assert {key: by_job[key] for key in ("rows_sent", "rows_beyond_limit", "columns", "audience")} == {
        key: by_hand[key] for key in ("rows_sent", "rows_beyond_limit", "columns", "audience")
    }
    env = {"LSMS_JOB_FILE": str(file)}
    assert world.lsms("validate", "--job", "nightly", "--json", env=env).json["rows_sendable"] == 4
    assert world.lsms("verify", "--job", "nightly", "--json", env=env).json["matching"] == 4
    pulled = world.lsms("pull", "--job", "nightly", "-o", world.home / "before.csv", "--json", env=env)
    assert (pulled.code, pulled.json["contacts"]) == (0, 6)


def test_what_is_typed_beside_a_job_wins(world: World) -> None:
    """Options, also at the value that is their default, and the audience."""
    file = job(world, JOB + 'batch_rows = 2\nkeep = "first"\ndry_run = true\nwait = false\n')
    arguments = ("--job", "nightly", "--job-file", file, "--limit", 6, "--batch-rows", 250_000)
    assert pushed(world, *arguments)["dry_run"] is True
    report = pushed(world, *arguments, "--no-dry-run", "--wait")
    file = job(world, JOB)
    assert (report["rows_sent"], len(report["imports"])) == (6, 1)
    other = world.audience("Mobile,tier\n2125550100,Silver\n2125550101,Gold\n", "other.csv")
    assert pushed(world, other, "--job", "nightly", "--job-file", file)["rows_sent"] == 2


def test_the_baseline_of_a_job_is_found_by_the_job_whatever_the_date(world: World) -> None:
    """Yesterday's push of the job is what today's is compared with; an audience typed beside it has its own name."""
    whole = JOB.replace("limit = 4\n", "")
    file = job(world, whole.replace("{date:%Y%m%d}", "yesterday"))
    (world.home / "exports/a_yesterday.csv").write_text(MEMBERS, "utf-8")
    pushed(world, "--job", "nightly", "--job-file", file)
    job(world, whole, "\n".join(MEMBERS.split("\n")[:4]) + "\n")
    stopped = pushed(world, "--job", "nightly", "--job-file", file, code=3)
    assert (stopped["error"]["code"], stopped["rows_sent"]) == ("max_shrink", 0)
    other = world.audience("Mobile,tier\n2125550100,Silver\n", "other.csv")
    assert pushed(world, other, "--job", "nightly", "--job-file", file)["rows_sent"] == 1
    assert pushed(world, "--job", "nightly", "--job-file", file, code=3)["error"]["code"] == "max_shrink"


def test_a_profile_typed_beside_a_job_is_the_rehearsal(make_world: Callable[..., World]) -> None:
    """The profile that is typed goes before the job's own settings, and these before the job's profile and the
    environment."""
    world, rehearsal = make_world(), make_world()
    secret = world.home / "secret"
    secret.write_text(rehearsal.sandbox.config.client_secret, "utf-8")
    secret.chmod(0o600)
    config = world.home / "config.toml"
    config.write_text(
        f'[production]\nsender_code = 4711\n[sandbox]\nclient_id = "{rehearsal.sandbox.config.client_id}"\n'
        f'client_secret_file = "{secret}"\napi_url = "{rehearsal.sandbox.api_url}"\n'
        f'token_url = "{rehearsal.sandbox.token_url}"\n',
        "utf-8",
    )
    config.chmod(0o600)
    file = job(world, JOB + 'profile = "production"\nsender_code = 1026\n')
    env = {"LSMS_CONFIG": str(config), "LSMS_JOB_FILE": str(file), "LISTRAK_SENDER_CODE": "9"}
    assert pushed(world, "--job", "nightly", "--profile", "sandbox", env=env)["rows_sent"] == 4
    assert (len(rehearsal.admin("imports")), len(world.admin("imports"))) == (1, 0)
    assert pushed(world, "--job", "nightly", env=env)["sender_code"] == 1026
    assert (len(rehearsal.admin("imports")), len(world.admin("imports"))) == (1, 1)
    (file).write_text(file.read_text("utf-8").replace("sender_code = 1026\n", ""), "utf-8")
    assert pushed(world, "--job", "nightly", env=env, code=2)["sender_code"] == 4711
    assert pushed(world, "--job", "nightly", "--sender-code", 1026, env=env)["sender_code"] == 1026


def test_a_run_of_a_job_is_resumed_like_any_other(world: World) -> None:
    """The journal knows the audience with its date filled in, so that a later day does not matter."""
    file = job(world, JOB)
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 503, "count": None}])
    broken = world.lsms("push", "--job", "nightly", "--job-file", file, "--give-up-after", "0.2s", "--json")
    world.admin("faults", [])
    assert broken.code == 5, broken.out
    file.unlink()
    resumed = world.lsms("resume", broken.json["run_id"], "--json")
    assert (resumed.code, resumed.json["rows_sent"]) == (0, 4)


def test_without_audience_and_job_the_way_on_is_named(world: World) -> None:
    """AUDIENCE is missed by name; so is what a job does not hold either."""
    ended = world.lsms("push", "--json")
    assert (ended.code, ended.json["error"]["message"]) == (2, "AUDIENCE is missing.")
    assert "--job NAME" in ended.json["error"]["hint"]
    file = job(world, "[jobs.nightly]\nlimit = 3\n")
    assert world.lsms("push", "--job", "nightly", "--job-file", file).code == 2
    none = world.lsms("push", "--job", "nightly", "--json", cwd=world.home / "exports")
    assert (none.code, none.json["error"]["code"]) == (2, "no_job_file")


def test_jobs_are_listed(world: World) -> None:
    """Name, audience of today, profile, sender code and what is expected; the options in JSON."""
    text = JOB + 'profile = "production"\n[jobs.nightly.expect]\nmin_rows = 1\n[jobs.other]\naudience = "b.csv"\n'
    file = job(world, text)
    shown = world.lsms("jobs", cwd=world.home)
    assert shown.code == 0
    assert f"exports/a_{datetime.now():%Y%m%d}.csv" in shown.out
    document = world.lsms("jobs", "--job-file", file, "--json").json
    assert [(one["job"], one["profile"], one["expects"]) for one in document["jobs"]] == [
        ("nightly", "production", "min_rows"),
        ("other", None, None),
    ]
    assert document["jobs"][0]["options"]["limit"] == 4
    assert world.lsms("jobs", "--json", cwd=world.home / "exports").json["jobs"] == []


def test_validate_saves_the_job(world: World) -> None:
    """What was typed, and the fields that were found, are pushed by the job; the command to type is that of the job."""
    world.audience("phone,first_name,tier,DOB\n2125550100,Ann,Gold,1990-01-02\n2125550101,Bob,Gold,\n")
    words = ("validate", "audience.csv", "--map", "tier=Loyalty Tier", "--skip-column", "DOB", "--sender-code", "1026")
    saved = world.lsms(*words, "--give-up-after", "90s", "--save-job", "spring", cwd=world.home)
    assert saved.code == 0, saved.err
    assert "Push it with: lsms push --job spring" in " ".join(saved.out.split())
    assert (world.home / "lsms.toml").read_text("utf-8") == (
        '[jobs.spring]\naudience = "audience.csv"\nsender_code = 1026\nmap = { tier = "Loyalty Tier" }\n'
        'skip_column = ["DOB"]\ngive_up_after = "90s"\n'
    )
    assert world.lsms("push", "--job", "spring", cwd=world.home).code == 0
    assert world.lsms("validate", "--job", "spring", "--save-job", "summer", cwd=world.home).code == 0
    assert (world.home / "lsms.toml").read_text("utf-8").count('give_up_after = "90s"') == 2
    again = world.lsms(*words, "--save-job", "spring", "--json", cwd=world.home)
    assert (again.code, again.json["error"]["code"]) == (2, "job_exists")
    email = world.audience("phone,email\n2125550100,a@example.com\n", "email.csv")
    assert world.lsms("validate", email, "--save-job", "mail", cwd=world.home).code == 0
    assert 'map = { email = "Email Address" }' in (world.home / "lsms.toml").read_text("utf-8")


def test_a_schema_follows_from_the_declarations(world: World) -> None:
    """Each document there is a schema of has one; that of jobs knows just what a job may hold, that of the config just
    the settings, that of the report just its keys."""
    assert list(Subject.document.kind.words) == sorted(SCHEMAS)  # type: ignore[attr-defined]
    found: dict[str, Any] = {name: world.lsms("schema", name).json for name in SCHEMAS}
    of_job = found["job"]["properties"]["jobs"]["additionalProperties"]
    assert set(of_job["properties"]) == {*job_options(), "expect"}
    assert of_job["additionalProperties"] is False
    assert of_job["properties"]["max_drop_rate"]["maximum"] == 100
    assert of_job["properties"]["keep"]["enum"] == ["first", "last"]
    columns = of_job["properties"]["expect"]["properties"]["columns"]["additionalProperties"]
    assert set(columns["properties"]) == {"field_id", "type", "min_filled", "values"}
    assert set(found["config"]["additionalProperties"]["properties"]) == set(IN_PROFILES)
    keys = set(found["report"]["$defs"]["Report"]["properties"])
    assert keys == {one.encode_name for one in msgspec.structs.fields(Report)}
    assert world.lsms("schema", "nothing").code == 2


@pytest.mark.parametrize("key", ["api_url", "token_url", "client_id", "client_secret_file", "config", "keyring"])
def test_the_schema_of_jobs_has_no_address(key: str) -> None:
    """What a job refuses is not completed by an editor either."""
    assert f'"{key}"' not in json.dumps(SCHEMAS["job"]())


def test_a_typed_column_wins_over_that_of_a_job(world: World) -> None:
    """To leave a column out that the job maps, or to map one that it leaves out, is no contradiction: both typed is."""
    world.audience("phone,Vorname,Stufe\n2125550100,Ann,Gold\n")
    job = 'audience = "audience.csv"\nmap = { Vorname = "First Name", Stufe = "Loyalty Tier" }\n'
    other = 'audience = "audience.csv"\nmap = { Vorname = "First Name" }\nskip_column = ["Stufe"]\n'
    (world.home / "lsms.toml").write_text(f"[jobs.maps]\n{job}[jobs.skips]\n{other}", "utf-8")

    def sent(*words: str) -> Any:
        ended = world.lsms("push", *words, "--dry-run", "--json", cwd=world.home)
        return [one["column"] for one in ended.json["columns"] if one["field_id"]] if ended.code == 0 else ended.json

    assert sent("--job", "maps", "--skip-column", "stufe") == ["Vorname"]
    typed = ("--map", "Stufe=Loyalty Tier", "--map", "Vorname=First Name")
    assert sent("--job", "skips", *typed) == ["Vorname", "Stufe"]
    both = sent("audience.csv", *typed, "--skip-column", "Stufe")
    assert both["error"]["code"] == "mapped_and_skipped"
