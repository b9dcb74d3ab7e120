"""Jobs as the job file holds them: values, paths, dates, what is refused, and what is written there."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.jobs import all_jobs, find_job, job_file, save_job

NOW = datetime(2026, 11, 28, 23, 59)
NIGHTLY = """
[jobs.nightly]
audience = "exports/audience_{date:%Y%m%d}.csv"
profile = "production"
phone_column = "Mobile Phone"
max_drop_rate = 5
refresh_after = "3d"
changed_only = true
rejects = "~/rejects_{date}.csv"
skip_column = ["notes"]
map = { Zip = "Postal Code", DOB = 9 }

[jobs.nightly.expect]
min_rows = 50_000
max_age = "26h"
[jobs.nightly.expect.columns]
Loyalty_Tier = { field_id = 7, min_filled = 80, values = ["Gold", 3, true] }
"""


def write(folder: Path, text: str, mode: int = 0o644) -> Path:
    path = folder / "lsms.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_job_holds_values_as_the_commands_work_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options by their names, durations in seconds, paths seen from the job file, dates local, ~ the home folder."""
    monkeypatch.setenv("HOME", "/home/ann")
    job = find_job("nightly", write(tmp_path, NIGHTLY), NOW)
    assert job.values == {
        "audience": f"{tmp_path}/exports/audience_20261128.csv",
        "profile": "production",
        "phone_column": "Mobile Phone",
        "max_drop_rate": 5.0,
        "refresh_after": 259_200.0,
        "changed_only": True,
        "rejects": Path("/home/ann/rejects_2026-11-28.csv"),
        "skip_column": ("notes",),
        "map": {"Zip": "Postal Code", "DOB": "9"},
    }
    assert dict(job.settings.values) == {"profile": "production"}
    assert job.expect is not None
    assert (job.expect.audience.min_rows, job.expect.audience.max_age) == (50_000, 93_600.0)
    assert job.expect.columns["Loyalty_Tier"].values == ("Gold", "3", "true")


@pytest.mark.parametrize("path", ["-", "s3://bucket/a_{date:%d}.parquet", "/data/a.csv"])
def test_a_path_that_is_not_relative_stays(tmp_path: Path, path: str) -> None:
    """Standard input, URLs and whole paths are not led through the folder of the job file; dates are filled in."""
    job = find_job("x", write(tmp_path, f'[jobs.x]\naudience = "{path}"\n'), NOW)
    assert job.values["audience"] == path.replace("{date:%d}", "28")


REFUSED = [
    ("api_url = 'https://x.example'", "bad_job", "api_url is an address", "profile = "),
    ("token_url = 'https://x.example'", "bad_job", "token_url is an address", "profile = "),
    ("client_id = 'x'", "bad_job", "client_id is a credential", "profile = "),
    ("client_secret = 'hunter2'", "bad_job", "client_secret is a credential", "profile = "),
    ("client_secret_file = 'x'", "bad_job", "client_secret_file is a credential", "profile = "),
    ("notify = 'https://hooks.example/key'", "bad_job", "notify is an address", "notify_file = "),
    ("max_droprate = 5", "unknown_key", "there is no option max_droprate", "max_drop_rate"),
    ("max-drop-rate = 5", "unknown_key", "there is no option max-drop-rate", "max_drop_rate"),
    ("json = true", "unknown_key", "there is no option json", ""),
    ("anyway = true", "unknown_key", "there is no option anyway", ""),
    ("max_drop_rate = '5'", "bad_job", "max_drop_rate is not a number from 0 to 100", ""),
    ("changed_only = 'yes'", "bad_job", "changed_only is not True or False", ""),
    ("keep = 'both'", "bad_job", "keep is not one of first, last", ""),
    ("refresh_after = 7", "bad_duration", "refresh_after is not a duration", "7d"),
    ("expect = { max_age = 26 }", "bad_duration", "max_age is not a duration", "7d"),
    ("audience = ''", "bad_job", "audience is empty", ""),
    ("consent_column = ''", "bad_job", "consent_column is empty", ""),
    ("rejects = ''", "bad_job", "rejects is empty", ""),
    ("audience = 'a_{day}.csv'", "bad_job", "audience has braces", "{date:%Y%m%d}"),
    ("expect = 5", "bad_job", "expect is not a table", "[jobs.x.expect]"),
    ("expect = { min_row = 5 }", "unknown_key", "there is no option expect.min_row", "min_rows"),
    (
        "expect = { min_rows = 3, max_rows = 1 }",
        "bad_job",
        "expect.min_rows 3 is more than expect.max_rows 1",
        "Correct",
    ),
    (
        "expect = { columns = { T = { min_filled = 1, values = [] } } }",
        "bad_job",
        "expect.columns.T.values is empty",
        "leave values out",
    ),
    ("expect = { columns = { T = 5 } }", "bad_job", "expect.columns is not", "min_filled"),
    (
        "expect = { columns = { T = { value = [] } } }",
        "unknown_key",
        "there is no option expect.columns.T.value",
        "values",
    ),
    (
        "expect = { columns = { T = { type = 'Words' } } }",
        "bad_job",
        "expect.columns.T.type is not one of Text, Number",
        "",
    ),
]


@pytest.mark.parametrize(("line", "code", "words", "hint"), REFUSED, ids=[line for line, *_ in REFUSED])
def test_what_a_job_cannot_hold_is_refused_by_name(tmp_path: Path, line: str, code: str, words: str, hint: str) -> None:
    """Addresses, credentials, unknown keys and values of the wrong kind: with job, file, name, and the way on; no
    value is repeated."""
    with pytest.raises(SettingsError) as caught:
        find_job("x", write(tmp_path, f"[jobs.x]\n{line}\n"), NOW)
    error = caught.value
    assert error.code == code
    assert error.message.startswith(f"Job x in {tmp_path / 'lsms.toml'}: ")
    assert words in error.message
    assert hint in error.hint
    assert "hunter2" not in str(error)
    assert "hooks" not in str(error)


FILES = [
    ("[jobs.other]\n", "no_job", "has no job x"),
    ("[job.x]\n", "bad_job", "has job outside of a job"),
    ("jobs = 5\n", "bad_job", "outside of a job"),
    ("[jobs]\nx = 5\n", "bad_job", "outside of a job"),
    ("[jobs.x\n", "job_not_toml", "(line 1)"),
]


@pytest.mark.parametrize(("text", "code", "words"), FILES)
def test_job_files_that_are_refused(tmp_path: Path, text: str, code: str, words: str) -> None:
    """No such job (the nearest is named), tables in a wrong place, no TOML."""
    with pytest.raises(SettingsError) as caught:
        find_job("x", write(tmp_path, text), NOW)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_job_file_anybody_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever may write it could send the audience elsewhere; that all may read it is what it is for."""
    with pytest.raises(SettingsError, match="chmod 600"):
        find_job("x", write(tmp_path, "[jobs.x]\n", 0o646), NOW)
    assert find_job("x", write(tmp_path, "[jobs.x]\n", 0o644), NOW).values == {}


def test_a_wrong_job_does_not_stop_the_others(tmp_path: Path) -> None:
    """Only the job that is run is checked; the list checks all."""
    path = write(tmp_path, "[jobs.good]\nlimit = 3\n[jobs.bad]\nlimits = 3\n")
    assert find_job("good", path).values == {"limit": 3}
    with pytest.raises(SettingsError, match="Did you mean limit"):
        all_jobs(path)
    assert all_jobs(tmp_path / "none.toml") == []
    with pytest.raises(SettingsError, match="Did you mean good"):
        find_job("goood", path)


def test_the_job_file_is_found() -> None:
    """By the option, else by the environment, else lsms.toml here."""
    assert job_file("a.toml", {"LSMS_JOB_FILE": "b.toml"}) == Path("a.toml")
    assert job_file(None, {"LSMS_JOB_FILE": "b.toml"}) == Path("b.toml")
    assert job_file(None, {}) == Path("lsms.toml")


def test_saving_keeps_what_the_file_holds(tmp_path: Path) -> None:
    """Comments, order, spelling and rights stay; a job of that name is never replaced, and the hint says what to do."""
    before = "# reviewed by Ann\n[jobs.'other']   # keep\nlimit = 3\n"
    path = write(tmp_path, before, 0o640)
    save_job(path, "nightly", {"audience": "a.csv", "limit": 5})
    assert path.read_text("utf-8") == f'{before}\n[jobs.nightly]\naudience = "{Path.cwd()}/a.csv"\nlimit = 5\n'.replace(
        f"{Path.cwd()}/a.csv", str(find_job("nightly", path).written["audience"])
    )
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(SettingsError) as caught:
        save_job(path, "nightly", {"audience": "b.csv"})
    assert (caught.value.code, "[jobs.nightly]" in caught.value.hint) == ("job_exists", True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["lsms.toml"]


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    """A path with braces would be a date in a job."""
    with pytest.raises(SettingsError, match="braces"):
        save_job(tmp_path / "lsms.toml", "x", {"audience": "a{b}.csv"})
    assert not (tmp_path / "lsms.toml").exists()


@pytest.mark.parametrize("place", ["/dev/null", ".", "none/lsms.toml", "x" * 300])
def test_a_place_where_no_job_file_can_be(tmp_path: Path, place: str) -> None:
    """A device is never replaced, nor is a folder."""
    before = Path("/dev/null").stat()
    with pytest.raises(SettingsError):
        save_job(tmp_path / place, "x", {"limit": 3})
    assert Path("/dev/null").stat().st_rdev == before.st_rdev


TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "phone_column": TEXTS.filter(bool),
    "null_value": st.lists(TEXTS, max_size=3),
    "map": st.dictionaries(TEXTS, TEXTS, max_size=3),
    "limit": st.integers(0, 10**9),
    "max_drop_rate": st.floats(0, 100),
    "dry_run": st.booleans(),
}


@given(name=TEXTS, values=st.fixed_dictionaries({}, optional=VALUES))
@hypothesis_settings(max_examples=60)
def test_what_is_saved_is_read(tmp_path_factory: pytest.TempPathFactory, name: str, values: dict[str, Any]) -> None:
    """Every name and value comes back, whatever characters it holds."""
    path = tmp_path_factory.mktemp("job") / "lsms.toml"
    save_job(path, "first", {})
    save_job(path, f"{name}.", values)
    assert tomllib.loads(path.read_text("utf-8"))["jobs"][f"{name}."] == values
    assert dict(find_job(f"{name}.", path).written) == values
