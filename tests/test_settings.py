"""Settings: where each comes from, which one wins, and which files and secrets are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.cli.commands import COMMANDS
from listrak_sms_cli.databases import find_database
from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.jobs import job_file
from listrak_sms_cli.listrak.routes import Endpoint
from listrak_sms_cli.options import options_of
from listrak_sms_cli.settings import ENVIRONMENT, Settings, SettingsOfJob, load_settings, parse_duration
from tests.support.memory_keyring import memory_keyring

SECRET = "s3cr3t-canary"
# Setting -> (value by option, by profile, by environment); what Settings then holds is `held` of it.
VALUES = {
    "sender_code": ("1", "2", "3"),
    "api_url": ("https://o.test", "https://p.test", "https://e.test"),
    "token_url": ("https://o.test/t", "https://p.test/t", "https://e.test/t"),
    "state_dir": ("/o", "/p", "/e"),
    "give_up_after": ("1s", "2s", "3s"),
}
BY_FILE = '[default]\nclient_id = "me"\nsender_code = 9\n'
DEFAULT = {
    "sender_code": None,
    "api_url": "https://api.listrak.com/sms",
    "token_url": "https://auth.listrak.com/OAuth2/Token",
    "state_dir": platformdirs.user_state_path("lsms"),
    "give_up_after": 900.0,
}


def held(name: str, text: str) -> object:
    if name == "sender_code":
        return int(text)
    if name == "state_dir":
        return Path(text)
    return float(text[:-1]) if name == "give_up_after" else text


def config(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def load(folder: Path, environ: dict[str, str] | None = None, **options: str | int) -> Settings:
    """Settings with the config file in `folder`, which need not be there."""
    path = folder / "config.toml"
    found = {"LSMS_CONFIG": str(path)} if path.exists() else {}
    return load_settings(options, {**found, **(environ or {})})


def refusal(folder: Path, environ: dict[str, str] | None = None, **options: str | int) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(folder, environ, **options)
    assert SECRET not in str(caught.value)
    return caught.value


def test_defaults() -> None:
    """Without any setting the published addresses, the platform's folders and a quarter of an hour stand."""
    settings = load_settings({}, {})
    assert (settings.client_id, settings.client_secret, settings.profile) == (None, None, "default")
    assert {name: getattr(settings, name) for name in DEFAULT} == DEFAULT
    assert settings.config == platformdirs.user_config_path("lsms") / "config.toml"
    assert settings.sources["api_url"] == "default"


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("named", [None, "option", "environment"])
@pytest.mark.parametrize("given_by", range(8))
def test_precedence(tmp_path: Path, name: str, named: str | None, given_by: int) -> None:
    """Option, then a profile named explicitly, then environment, then profile `default`, then the default; the source
    says which it was."""
    by_option, by_profile, by_environment = (bool(given_by & bit) for bit in (4, 2, 1))
    profile = "acme" if named else "default"
    path = config(tmp_path, f'[{profile}]\n{name} = "{VALUES[name][1]}"\n' if by_profile else f"[{profile}]\n")
    environ = {ENVIRONMENT[name]: VALUES[name][2]} if by_environment else {}
    options = {name: VALUES[name][0]} if by_option else {}
    if named == "option":
        options["profile"] = profile
    elif named == "environment":
        environ["LSMS_PROFILE"] = profile
    settings = load(tmp_path, environ, **options)

    layers = [(by_option, 0, f"--{name.replace('_', '-')}")]
    in_profile = (by_profile, 1, f"profile {profile} in {path}")
    in_environment = (by_environment, 2, ENVIRONMENT[name])
    layers += [in_profile, in_environment] if named else [in_environment, in_profile]
    for there, which, source in layers:
        if there:
            assert getattr(settings, name) == held(name, VALUES[name][which])
            assert settings.sources[name] == source
            break
    else:
        assert getattr(settings, name) == DEFAULT[name]
    assert settings.profile == profile


@pytest.mark.parametrize("named", [None, "option", "job", "environment"])
@pytest.mark.parametrize("given_by", range(8))
def test_precedence_of_a_job(tmp_path: Path, named: str | None, given_by: int) -> None:
    """A job goes before the environment, before profile `default`, and before a profile that it or the environment
    names; behind a profile named on the command line."""
    by_job, by_profile, by_environment = (bool(given_by & bit) for bit in (4, 2, 1))
    profile = "acme" if named else "default"
    path = config(tmp_path, f"[{profile}]\nsender_code = {2}\n" if by_profile else f"[{profile}]\n[other]\n")
    options = {"config": str(path), **({"profile": profile} if named == "option" else {})}
    environ = {"LISTRAK_SENDER_CODE": "3"} if by_environment else {}
    if named in ("job", "environment"):
        environ["LSMS_PROFILE"] = profile if named == "environment" else "other"
    of_job = {**({"sender_code": 1} if by_job else {}), **({"profile": profile} if named == "job" else {})}
    found = load_settings(options, environ, SettingsOfJob(of_job, "job x")).sender_code
    in_job, in_profile, in_environment = (by_job, 1), (by_profile, 2), (by_environment, 3)
    order = [in_job, in_profile, in_environment]
    if named in ("option", None):
        order = [in_profile, in_job, in_environment] if named else [in_job, in_environment, in_profile]
    assert found == next((code for there, code in order if there), None)


def test_the_profile_default_named_explicitly_goes_before_the_environment(tmp_path: Path) -> None:
    """Naming the profile `default` makes it count as much as any other that is named."""
    config(tmp_path, "[default]\nsender_code = 7\n")
    environ = {"LISTRAK_SENDER_CODE": "8"}
    assert load(tmp_path, environ).sender_code == 8
    assert load(tmp_path, environ, profile="default").sender_code == 7


def test_the_config_file_is_named_by_option_or_environment(tmp_path: Path) -> None:
    """--config goes before LSMS_CONFIG, and a file that is named has to be there."""
    config(tmp_path, "[default]\nsender_code = 7\n")
    settings = load_settings({"config": str(tmp_path / "config.toml")}, {"LSMS_CONFIG": "/nowhere"})
    assert settings.sender_code == 7
    for options, environ in (
        ({"config": "/nowhere/c.toml"}, {}),
        ({}, {"LSMS_CONFIG": "/nowhere/c.toml"}),
        ({"profile": "acme", "config": "/nowhere/c.toml"}, {}),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(options, environ)
        assert caught.value.code == "no_config"


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    """A profile that was named and is not in the file is refused with those that are; `default` may be missing."""
    config(tmp_path, "[acme]\nsender_code = 7\n[beta]\n")
    error = refusal(tmp_path, profile="gamma")
    assert (error.code, error.hint) == ("no_profile", "It has: acme, beta.")
    assert load(tmp_path).sender_code is None


def test_empty_settings_are_not_set(tmp_path: Path) -> None:
    """An empty variable or setting counts as not there."""
    config(tmp_path, '[default]\nsender_code = "9"\nclient_id = ""\n')
    environ = {"LISTRAK_SENDER_CODE": "", "LISTRAK_CLIENT_ID": "", "LISTRAK_CLIENT_SECRET": ""}
    settings = load(tmp_path, environ)
    assert (settings.sender_code, settings.client_id, settings.client_secret) == (9, None, None)


def test_numbers_in_a_profile_become_what_the_setting_is(tmp_path: Path) -> None:
    """A client id or folder written without quotes is text all the same."""
    config(tmp_path, "[default]\nclient_id = 4711\nstate_dir = 12\n")
    settings = load(tmp_path)
    assert (settings.client_id, settings.state_dir) == ("4711", Path("12"))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("sender_code = \n", "config_not_toml", "line 1"),
        ("[default\n", "config_not_toml", "not TOML"),
        (f'[default]\nclient_secret = "{SECRET}"\n', "secret_in_config", "client_secret_file"),
        ('[default]\nsender_cod = "7"\n', "unknown_setting", "Did you mean sender_code?"),
        ("[default]\nzzz = 1\n", "unknown_setting", "Known: client_id"),
        ("[default]\nsender_code = true\n", "bad_setting", "sender_code"),
        ("[default]\nsender_code = [7]\n", "bad_setting", "sender_code"),
        ("[default]\nsender_code = 7.5\n", "bad_setting", "sender_code"),
        ("sender_code = 7\n", "loose_setting", "[default]"),
        (f'client_secret = "{SECRET}"\n[default]\n', "loose_setting", "client_secret"),
        ('default = "x"\n', "loose_setting", "default"),
        ('[default]\ngive_up_after = "soon"\n', "bad_duration", "give_up_after in profile default in"),
        ("[default]\nkeep_runs = 7\n", "bad_duration", "keep_runs in profile default in"),
        ('[default]\nsender_code = "0"\n', "bad_sender_code", "positive whole number"),
    ],
)
def test_config_files_that_are_refused(tmp_path: Path, text: str, code: str, words: str) -> None:
    """A config file that is wrong is refused in words that say where, and never by the value it holds."""
    config(tmp_path, text)
    error = refusal(tmp_path)
    assert error.code == code
    assert words in str(error)


def test_config_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder, or bytes that are no UTF-8, in the place of the config file are refused."""
    (tmp_path / "config.toml").mkdir()
    assert refusal(tmp_path).code == "config_unreadable"
    other = tmp_path / "other.toml"
    other.write_bytes(b"[default]\nclient_id = '\xff'\n")
    other.chmod(0o600)
    assert refusal(tmp_path, config=str(other)).code == "config_unreadable"


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o642])
def test_a_world_writable_config_file(tmp_path: Path, mode: int) -> None:
    """A config file that anybody may change is refused with the command that mends it."""
    path = config(tmp_path, "[default]\n", mode)
    error = refusal(tmp_path)
    assert (error.code, error.hint) == ("unsafe_file", f"Type: chmod 600 {path}")


def test_a_readable_config_file(tmp_path: Path) -> None:
    """A config file that others may read is fine: it never holds a secret."""
    config(tmp_path, "[default]\nsender_code = 7\n", 0o644)
    assert load(tmp_path).sender_code == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["config.toml", "secret"])
def test_somebody_elses_file(tmp_path: Path, what: str) -> None:
    """A config or secret file that belongs to somebody else is refused."""
    config(tmp_path, "[default]\n")
    secret_file(tmp_path)
    os.chown(tmp_path / what, 54321, -1)
    error = refusal(tmp_path, {"LISTRAK_CLIENT_SECRET_FILE": str(tmp_path / "secret")})
    assert error.code == "unsafe_file"
    assert "somebody else" in error.message


def secret_file(folder: Path, text: str = f" {SECRET}\n", mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return str(path)


def test_a_file_that_is_missing_is_named_with_what_names_it(tmp_path: Path) -> None:
    """The job, where the job names it; the profile, where that does."""
    missing = str(tmp_path / "none")
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, SettingsOfJob({"notify_file": missing}, "job nightly in lsms.toml"))
    assert caught.value.hint == "It is named by job nightly in lsms.toml."
    config(tmp_path, f'[default]\nnotify_file = "{missing}"\n')
    assert "It is named by profile default in" in refusal(tmp_path).hint


PATHS = ["LISTRAK_CLIENT_SECRET_FILE", "LSMS_STATE_DIR"]
VARIABLES = [variable for variable in ENVIRONMENT.values() if variable and variable not in PATHS]


def test_a_path_may_be_of_any_bytes(tmp_path: Path) -> None:
    """As files are, and a variable that is none of ours."""
    environ = {"LISTRAK_CLIENT_ID": "an-id", "LSMS_STATE_DIR": f"{tmp_path}/caf\udce9", "LSMS_ELSE": "\udcff"}
    config(tmp_path, "[default]\nsender_code = 5\n")
    environ["LSMS_CONFIG"] = str(tmp_path / "config.toml")
    assert load_settings({}, environ).state_dir == Path(f"{tmp_path}/caf\udce9")


@pytest.mark.parametrize("variable", [*VARIABLES, "LISTRAK_CLIENT_SECRET", "LSMS_PROFILE", "LSMS_NOTIFY"])
def test_variables_that_are_not_utf8(tmp_path: Path, variable: str) -> None:
    """The variable is named, and never its value, before anything else is done with it."""
    environ = {variable: "s3cret\udcff"}
    error = refusal(tmp_path, environ)
    assert (error.code, variable in error.message, "s3cret" in str(error)) == ("bad_variable", True, False)
    with pytest.raises(SettingsError, match=variable):
        job_file(None, environ)
    with pytest.raises(SettingsError, match="LSMS_SOURCE_SHOP_URI"):
        find_database("shop", tmp_path / "config.toml", {"LSMS_SOURCE_SHOP_URI": "s3cret\udcff"})


def test_the_secret_by_environment() -> None:
    """The secret comes from LISTRAK_CLIENT_SECRET."""
    settings = load_settings({}, {"LISTRAK_CLIENT_ID": "me", "LISTRAK_CLIENT_SECRET": SECRET})
    assert settings.credentials() == ("me", SECRET)
    assert settings.has_credentials
    assert settings.sources["client_secret"] == "LISTRAK_CLIENT_SECRET"


def test_the_secret_by_file(tmp_path: Path) -> None:
    """The secret is the text of the file that LISTRAK_CLIENT_SECRET_FILE names, without the blanks around it."""
    path = secret_file(tmp_path)
    settings = load_settings({}, {"LISTRAK_CLIENT_SECRET_FILE": path})
    assert settings.client_secret == SECRET
    assert settings.sources["client_secret"] == f"{path} (LISTRAK_CLIENT_SECRET_FILE)"


def test_the_secret_of_a_named_profile_goes_before_the_environment(tmp_path: Path) -> None:
    """The secret file of a profile that was named wins over the environment, that of profile `default` does not."""
    path = secret_file(tmp_path)
    config(tmp_path, f'[default]\nclient_secret_file = "{path}"\n[acme]\nclient_secret_file = "{path}"\n[none]\n')
    environ = {"LISTRAK_CLIENT_SECRET": "other"}
    assert load(tmp_path, environ).client_secret == "other"
    assert load(tmp_path, environ, profile="acme").client_secret == SECRET
    assert load(tmp_path, environ, profile="none").client_secret == "other"
    assert load(tmp_path, {}, profile="none").client_secret is None


def test_two_secrets(tmp_path: Path) -> None:
    """A secret and a secret file in one environment are refused: nobody knows which is meant."""
    environ = {"LISTRAK_CLIENT_SECRET": SECRET, "LISTRAK_CLIENT_SECRET_FILE": secret_file(tmp_path)}
    assert refusal(tmp_path, environ).code == "two_secrets"


@pytest.mark.parametrize(("mode", "word"), [(0o604, "world-readable"), (0o644, "world-readable"), (0o602, "writable")])
def test_secret_files_that_others_may_touch(tmp_path: Path, mode: int, word: str) -> None:
    """A secret file that anybody may read or change is refused with the command that mends it."""
    path = secret_file(tmp_path, mode=mode)
    error = refusal(tmp_path, {"LISTRAK_CLIENT_SECRET_FILE": path})
    assert error.code == "unsafe_file"
    assert word in error.message
    assert error.hint == f"Type: chmod 600 {path}"


def test_secret_files_that_hold_no_secret(tmp_path: Path) -> None:
    """A secret file that is empty, missing, a folder or no text is refused; the message says who named it."""
    assert refusal(tmp_path, {"LISTRAK_CLIENT_SECRET_FILE": secret_file(tmp_path, " \n")}).code == "secret_empty"
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    for path in (str(tmp_path / "gone"), str(tmp_path), str(tmp_path / "secret")):
        error = refusal(tmp_path, {"LISTRAK_CLIENT_SECRET_FILE": path})
        assert error.code == "secret_unreadable"
        assert path in error.message


def test_the_secret_is_never_shown() -> None:
    """No text made of the settings holds the secret."""
    settings = load_settings({}, {"LISTRAK_CLIENT_ID": "me", "LISTRAK_CLIENT_SECRET": SECRET})
    for text in (repr(settings), str(settings), f"{settings}", repr(settings.sources)):
        assert SECRET not in text


def test_there_is_no_option_for_credentials() -> None:
    """No command has an option for the secret, which the process list would show; Python's keyword wins over all."""
    assert not [name for name in COMMANDS for option in options_of(name) if option.name == "client_secret"]
    environ = {"LISTRAK_CLIENT_ID": "me", "LISTRAK_CLIENT_SECRET": "another", "LISTRAK_CLIENT_SECRET_FILE": "/none"}
    settings = load_settings({"client_id": "you", "client_secret": SECRET}, environ)
    assert settings.credentials() == ("you", SECRET)
    assert SECRET not in f"{settings!r} {settings.sources}"


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["LISTRAK_CLIENT_ID", "LISTRAK_CLIENT_SECRET"]),
        ({"LISTRAK_CLIENT_ID": "me"}, ["LISTRAK_CLIENT_SECRET"]),
        ({"LISTRAK_CLIENT_SECRET": SECRET}, ["LISTRAK_CLIENT_ID"]),
    ],
)
def test_missing_credentials_are_named(environ: dict[str, str], missing: list[str]) -> None:
    """What is missing of the credentials is named, and only that, with the way to try without an account."""
    settings = load_settings({}, environ)
    assert not settings.has_credentials
    with pytest.raises(SettingsError) as caught:
        settings.credentials()
    assert caught.value.code == "no_credentials"
    assert [n for n in ("LISTRAK_CLIENT_ID", "LISTRAK_CLIENT_SECRET") if f"({n})" in caught.value.message] == missing
    assert "--sandbox" in caught.value.hint


def test_a_missing_sender_code() -> None:
    """Where a sender code is needed and there is none, the error says how to find and give one."""
    assert load_settings({"sender_code": 1026}, {}).require_sender_code() == 1026
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}).require_sender_code()
    assert "lsms sender-codes" in caught.value.hint


@pytest.mark.parametrize("text", ["x", "-1", "0", "1.5", "10 26"])
def test_sender_codes_are_positive_whole_numbers(tmp_path: Path, text: str) -> None:
    """Anything else is refused, and the message names where it came from instead of quoting it."""
    error = refusal(tmp_path, {"LISTRAK_SENDER_CODE": text})
    assert error.code == "bad_sender_code"
    assert "LISTRAK_SENDER_CODE" in error.message
    assert refusal(tmp_path, sender_code=0).code == "bad_sender_code"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("7d", 604800), ("1.5h", 5400), (" 2 m ", 120)]
)
def test_durations(text: str, seconds: float) -> None:
    """Durations are a number and s, m, h or d."""
    assert parse_duration(text, "--give-up-after") == seconds


@given(st.text(max_size=5).filter(lambda text: text.strip()[-1:] not in ("s", "m", "h", "d")))
def test_whatever_has_no_unit_is_no_duration(text: str) -> None:
    """A duration without a unit is refused, and the message names the option."""
    with pytest.raises(SettingsError, match="--wait-timeout is not a duration"):
        parse_duration(text, "--wait-timeout")


@pytest.mark.parametrize("text", ["s", "-5m", "1e3s", "1h30m", "5M", "infs", "..s"])
def test_what_looks_like_a_duration(text: str) -> None:
    """Signs, exponents, sums and capital units are refused."""
    with pytest.raises(SettingsError):
        parse_duration(text, "x")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.listrak.com/sms",
        "ftp://x.test",
        "api.listrak.com",
        "https://",
        "https://me:pw@x.test",
        "https://x?k=1",
    ],
)
@pytest.mark.parametrize("which", ["api_url", "token_url"])
def test_addresses_that_are_refused(url: str, which: str) -> None:
    """Anything but https:// without user, query or fragment is refused for the API base and the token address."""
    addresses = {"api_url": "https://a.test", "token_url": "https://t.test", which: url}
    with pytest.raises(SettingsError):
        Endpoint(**addresses)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:9"])
def test_loopback_needs_no_https(host: str) -> None:
    """A server on this machine may be spoken to over http://."""
    Endpoint(f"http://{host}/sms", f"http://{host}/token")


@pytest.mark.parametrize("host", ["127.0.0.1.evil.test", "localhost.evil.test", "1270.0.0.1"])
def test_what_only_looks_like_loopback(host: str) -> None:
    """A name that begins like loopback is not loopback."""
    with pytest.raises(SettingsError):
        Endpoint(f"http://{host}/sms", "https://t.test")


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\ufeff{}", "\t{}\u00a0", "\ufeff{}\r\n\r\n"])
def test_what_nobody_means_to_write_around_a_secret_is_left_out(tmp_path: Path, around: str) -> None:
    """Blanks, line ends and a byte order mark around client id and secret are left out, wherever they stand."""
    given = {"LISTRAK_CLIENT_ID": around.format("me"), "LISTRAK_CLIENT_SECRET": around.format(SECRET)}
    assert load(tmp_path, given).credentials() == ("me", SECRET)
    by_file = {"LISTRAK_CLIENT_ID": "me", "LISTRAK_CLIENT_SECRET_FILE": secret_file(tmp_path, around.format(SECRET))}
    assert load(tmp_path, by_file).credentials() == ("me", SECRET)
    path = tmp_path / "secret"
    config(tmp_path, f"[default]\nclient_id = {json.dumps(around.format('me'))}\nclient_secret_file = '{path}'\n")
    assert load(tmp_path).credentials() == ("me", SECRET)


def test_a_setting_of_blanks_alone_is_none(tmp_path: Path) -> None:
    """A client id or secret of blanks is as one that is not set."""
    settings = load(tmp_path, {"LISTRAK_CLIENT_ID": " ", "LISTRAK_CLIENT_SECRET": "\n", "LISTRAK_SENDER_CODE": " 7\n"})
    assert not settings.has_credentials
    assert (settings.client_id, settings.client_secret, settings.sender_code) == (None, None, 7)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_settings_files_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str, line_end: str) -> None:
    """Config and secret file are read as editors on any system write them."""
    path = config(tmp_path, "")
    path.write_bytes(BY_FILE.replace("\n", line_end).encode(encoding))
    secret = tmp_path / "secret"
    secret.write_bytes(f"{SECRET}{line_end}".encode(encoding))
    secret.chmod(0o600)
    settings = load(tmp_path, {"LISTRAK_CLIENT_SECRET_FILE": str(secret)})
    assert (settings.credentials(), settings.sender_code) == (("me", SECRET), 9)


def test_how_long_runs_are_kept(tmp_path: Path) -> None:
    """`keep_runs` is 90 days, unless the profile or the environment says otherwise; it is no option."""
    assert load(tmp_path).keep_runs == 90 * 86400
    config(tmp_path, "[default]\nkeep_runs = '7d'\n")
    assert load(tmp_path).keep_runs == 7 * 86400
    assert load(tmp_path, {"LSMS_KEEP_RUNS": "1h"}).keep_runs == 3600
    assert refusal(tmp_path, {"LSMS_KEEP_RUNS": "long"}).code == "bad_duration"
    assert all(option.name != "keep_runs" for option in options_of("push"))


def test_the_secret_in_the_keyring_comes_last(tmp_path: Path) -> None:
    """Environment, then client_secret_file, then the keyring, where the profile says so; it is opened when the secret
    is needed. A profile that is named goes before the environment, with its keyring too."""
    secret = tmp_path / "secret"
    secret.write_text("of the file", "utf-8")
    secret.chmod(0o600)
    config(tmp_path, '[default]\nclient_id = "me"\nkeyring = true\n[other]\nclient_id = "me"\nkeyring = false\n')
    by_environment = {"LISTRAK_CLIENT_SECRET": "of the environment"}
    by_file = {"LISTRAK_CLIENT_SECRET_FILE": str(secret)}
    with memory_keyring() as ring:
        settings = load(tmp_path)
        assert settings.has_credentials
        assert settings.sources["client_secret"] == f"the keyring, profile default in {tmp_path / 'config.toml'}"
        with pytest.raises(SettingsError) as caught:
            settings.credentials()
        assert caught.value.code == "secret_not_in_keyring"
        ring.set_password("lsms", "me", "of the keyring")
        assert settings.credentials() == ("me", "of the keyring")
        assert load(tmp_path, by_environment).credentials()[1] == "of the environment"
        assert load(tmp_path, by_file).credentials()[1] == "of the file"
        for environ in (by_environment, by_file, by_environment | by_file):
            assert load(tmp_path, environ, profile="default").credentials()[1] == "of the keyring"
        assert not load(tmp_path, profile="other").has_credentials
        config(tmp_path, f'[default]\nclient_id = "me"\nkeyring = true\nclient_secret_file = "{secret}"\n')
        assert load(tmp_path).credentials()[1] == "of the file"
    config(tmp_path, '[default]\nkeyring = "yes"\n')
    assert refusal(tmp_path).code == "bad_setting"
