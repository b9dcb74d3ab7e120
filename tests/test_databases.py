"""The databases that queries run in: found by name, their addresses never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from listrak_sms_cli.databases import find_database
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.settings import load_settings, stored_profiles

SECRET = "s3cr3t-canary"
URI = f"postgresql://me:{SECRET}@host/db"


def config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def test_a_source_of_the_config(tmp_path: Path) -> None:
    """A source has a driver, an address from a file of its own, and options; the environment goes first."""
    (tmp_path / "uri").write_text(f"\ufeff{URI}\n", "utf-8")
    (tmp_path / "uri").chmod(0o600)
    text = f'[sources.w]\ndriver = "snowflake"\nuri_file = "{tmp_path}/uri"\ndriver_options = {{ a = "b" }}\n'
    database = find_database("w", config(tmp_path, text), {})
    assert (database.driver, database.uri, database.options) == ("snowflake", URI, {"a": "b"})
    assert SECRET not in repr(database)
    assert find_database("w", config(tmp_path, text), {"LSMS_SOURCE_W_URI": "other"}).uri == "other"
    path = config(tmp_path, text)
    assert stored_profiles(path) == {}
    with pytest.raises(SettingsError) as caught:
        load_settings({"config": path, "profile": "sources"}, {})
    assert caught.value.code == "no_profile"


def test_a_source_of_the_environment_alone(tmp_path: Path) -> None:
    """An address that names its driver needs no config file."""
    database = find_database("big-house", tmp_path / "none.toml", {"LSMS_SOURCE_BIG_HOUSE_URI": URI})
    assert (database.name, database.driver, database.uri) == ("big-house", "postgresql", URI)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[sources.other]\n", "no_source"),
        ("[sources.w]\n", "no_driver"),
        ('[sources.w]\ndriver = "sqlite"\n', "no_uri"),
        (f'[sources.w]\ndriver = "sqlite"\nuri = "{URI}"\n', "secret_in_config"),
        (f'[sources.w]\ndriver = "sqlite"\ndriver_options = {{ password = "{SECRET}" }}\n', "secret_in_config"),
        (f'[sources.w]\ndriver = "sqlite"\nurl = "{URI}"\n', "bad_source"),
        ('[sources.w]\ndriver = "oracle"\n', "bad_source"),
        (f'[sources]\nw = "{URI}"\n', "bad_source"),
        ('[sources.w]\ndriver = "sqlite"\nuri_file = "/none/uri"\n', "secret_unreadable"),
    ],
)
def test_a_source_that_is_wrong(tmp_path: Path, text: str, code: str) -> None:
    """What a source cannot be is named, and no address is shown."""
    with pytest.raises(SettingsError) as caught:
        find_database("w", config(tmp_path, text), {})
    assert caught.value.code == code
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(("mode", "code"), [(0o644, "unsafe_file"), (0o602, "unsafe_file")])
def test_an_address_is_nobody_elses(tmp_path: Path, mode: int, code: str) -> None:
    """The file of an address that others can read or write is refused."""
    (tmp_path / "uri").write_text(URI, "utf-8")
    (tmp_path / "uri").chmod(mode)
    with pytest.raises(SettingsError) as caught:
        find_database("w", config(tmp_path, f'[sources.w]\nuri_file = "{tmp_path}/uri"\n'), {})
    assert caught.value.code == code
