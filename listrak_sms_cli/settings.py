"""Settings, each with where it came from.

Precedence: option > a profile named on the command line > job > a profile named by a job or by LSMS_PROFILE >
environment > profile `default` > default. A profile is a table of the config file and holds the same settings by the
same names, never the secret itself; a table [sources.NAME] is a database that queries run in. The secret comes from the
environment, else from `client_secret_file`, else, where the profile says `keyring = true`, from the keyring. A byte
order mark, and blanks and line ends around a setting, are left out.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import SettingsError
from listrak_sms_cli.options import Duration, nearest, seconds_of

API_URL = "https://api.listrak.com/sms"
TOKEN_URL = "https://auth.listrak.com/OAuth2/Token"

ENVIRONMENT = {
    "client_id": "LISTRAK_CLIENT_ID",
    "client_secret_file": "LISTRAK_CLIENT_SECRET_FILE",
    "sender_code": "LISTRAK_SENDER_CODE",
    "api_url": "LISTRAK_API_URL",
    "token_url": "LISTRAK_TOKEN_URL",
    "notify_file": "",
    "state_dir": "LSMS_STATE_DIR",
    "give_up_after": "LSMS_GIVE_UP_AFTER",
    "keep_runs": "LSMS_KEEP_RUNS",
}
IN_PROFILES = (*ENVIRONMENT, "keyring")  # what a profile may hold
DEFAULTS = {"api_url": API_URL, "token_url": TOKEN_URL, "give_up_after": "15m", "keep_runs": "90d"}
SOURCES = "sources"  # a table of the config file that is no profile: the databases that queries run in
OF_A_LOOK = {"give_up_after": "10s"}  # in place of a default, for commands that only look
_PATHS = frozenset({"client_secret_file", "notify_file", "state_dir"})  # in which a blank may be meant
_TEXTS = {variable for name, variable in ENVIRONMENT.items() if variable and name not in _PATHS} | {
    *("LISTRAK_CLIENT_SECRET", "LSMS_PROFILE", "LSMS_NOTIFY")
}  # variables of no path, which may be of any bytes


def without_secrets(url: str) -> str:
    """The address without user, password, query and fragment, where somebody may have put a secret."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "not an address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def parse_duration(text: str, where: str) -> float:
    """`90s`, `10m`, `1h`, `7d` -> seconds. Raises SettingsError; `where` names the setting in it."""
    try:
        return seconds_of(text)
    except ValueError:
        raise SettingsError(f"{where} is not a duration.", hint=Duration.hint, code=Duration.code) from None


@dataclass(frozen=True)
class SettingsOfJob:
    """The settings that a job holds, by name; `source`: the job, for people."""

    values: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Settings:
    """The settings of a command. `give_up_after` and `keep_runs` (how long runs that ended well are remembered) in
    seconds; `notify`: whom to tell how a push ended, which may hold secrets; `sources`: where each setting came from
    ("LISTRAK_CLIENT_ID", "--sender-code", "profile acme in /…/config.toml", "default"). `in_keyring`: the secret is in
    the keyring, which is opened when it is needed."""

    client_id: str | None
    client_secret: str | None = field(repr=False)
    sender_code: int | None
    api_url: str
    token_url: str
    state_dir: Path
    give_up_after: float
    keep_runs: float
    notify: str | None = field(repr=False)
    profile: str
    config: Path
    sources: Mapping[str, str]
    in_keyring: bool = False

    @property
    def has_credentials(self) -> bool:
        """Whether there are a client id and a secret."""
        return bool(self.client_id and (self.client_secret or self.in_keyring))

    def credentials(self) -> tuple[str, str]:
        """Client id and secret. Raises SettingsError that names what is missing."""
        if self.client_id and self.in_keyring and not self.client_secret:
            from listrak_sms_cli.keyrings import secret_in_keyring

            return self.client_id, secret_in_keyring(self.client_id)
        missing = [
            name
            for name, value in (
                ("client id (LISTRAK_CLIENT_ID)", self.client_id),
                ("client secret (LISTRAK_CLIENT_SECRET)", self.client_secret),
            )
            if not value
        ]
        if missing or not self.client_id or not self.client_secret:
            raise SettingsError(
                f"No {' and no '.join(missing)}.",
                hint="Listrak shows both under Integrations > Integration Management (type SMS). Type lsms init, or "
                "export LISTRAK_CLIENT_ID and LISTRAK_CLIENT_SECRET, or try without an account: add --sandbox to push.",
                code="no_credentials",
            )
        return self.client_id, self.client_secret

    def require_sender_code(self) -> int:
        """The sender code. Raises SettingsError where there is none."""
        if self.sender_code is None:
            raise SettingsError(
                "No sender code.",
                hint="Add --sender-code ID (`lsms sender-codes` lists them) or export LISTRAK_SENDER_CODE.",
                code="no_sender_code",
            )
        return self.sender_code


def is_setting(name: str) -> bool:
    """Whether an option of that name is one of the settings, in the order of which a job has its place."""
    return name == "profile" or name in ENVIRONMENT


def load_settings(
    options: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    job: SettingsOfJob = SettingsOfJob(),
    *,
    defaults: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings. `options`: values of options by name, of which those that are settings are read (see
    `options.Connection`); None = not given, `give_up_after` in seconds or as text. `defaults`: in place of the usual.

    Raises SettingsError for an unreadable or unsafe file, an unknown key, or a value of the wrong form.
    """
    env = os.environ if environ is None else environ
    config = config_path(options.get("config"), env)
    ways = (("option", options.get("profile")), ("job", job.values.get("profile")), ("env", env.get("LSMS_PROFILE")))
    named_by, profile_name = next(((way, str(name)) for way, name in ways if name), ("", "default"))
    explicit = bool(named_by)
    profile = _read_profile(config, profile_name, explicit, bool(options.get("config") or env.get("LSMS_CONFIG")))
    in_profile = f"profile {profile_name} in {config}"
    standing = {**DEFAULTS, **(defaults or {})}

    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, variable in ENVIRONMENT.items():
        between = [(job.values.get(name), job.source), (env.get(variable), variable)]
        between.insert({"option": 0, "": 2}.get(named_by, 1), (profile.get(name), in_profile))
        layers = [(options.get(name), f"--{name.replace('_', '-')}"), *between, (standing.get(name), "default")]
        trimmed = ((value if name in _PATHS else _trimmed(value), source) for value, source in layers)
        values[name], sources[name] = next((layer for layer in trimmed if layer[0] not in (None, "")), (None, ""))
    has_own = explicit and ("client_secret_file" in profile or profile.get("keyring") is True)
    direct = None if has_own else _trimmed(env.get("LISTRAK_CLIENT_SECRET"))
    if has_own and sources["client_secret_file"] == ENVIRONMENT["client_secret_file"]:  # it is another account's
        sources["client_secret_file"] = ""
    given = _trimmed(options.get("client_secret"))  # from Python alone
    secret, sources["client_secret"] = (given, "client_secret") if given else _secret(values, sources, direct)
    in_keyring = secret is None and profile.get("keyring") is True
    if in_keyring:
        sources["client_secret"] = f"the keyring, {in_profile}"
    client_id, sender_code = values["client_id"], values["sender_code"]
    return Settings(
        client_id=None if client_id is None else str(client_id),
        client_secret=secret,
        sender_code=None if sender_code is None else sender_code_of(sender_code, sources["sender_code"]),
        api_url=str(values["api_url"]).rstrip("/"),
        token_url=str(values["token_url"]),
        state_dir=_state_dir(values["state_dir"]),
        give_up_after=_seconds("give_up_after", values, sources),
        keep_runs=_seconds("keep_runs", values, sources),
        notify=_notify(options, env, values["notify_file"], sources["notify_file"], explicit=bool(explicit)),
        profile=profile_name,
        config=config,
        sources=sources,
        in_keyring=in_keyring,
    )


def notify_urls(options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> str | None:
    """Whom to tell where the settings cannot be read: what the option or the environment says."""
    env = os.environ if environ is None else environ
    return _trimmed(options.get("notify")) or _trimmed(env.get("LSMS_NOTIFY")) or None


def state_dir_of(options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Path:
    """The state folder where the settings cannot be read."""
    env = os.environ if environ is None else environ
    return _state_dir(options.get("state_dir") or env.get("LSMS_STATE_DIR"))


def _notify(
    options: Mapping[str, Any], env: Mapping[str, str], file: Any, source: str, *, explicit: bool
) -> str | None:
    """Whom to tell: the option, a file named by a profile that was named, the environment, or that of the default.
    `source`: what names the file."""
    direct = notify_urls(options, {} if explicit and file else env)
    return direct or (None if file is None else secret_text(file, "notify file", source))


def refuse_unreadable(env: Mapping[str, str]) -> None:
    """Raise SettingsError where an address, an id or a secret is not UTF-8."""
    for name, value in env.items():
        if (name in _TEXTS or name.startswith("LSMS_SOURCE_")) and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise SettingsError(
                f"The variable {name} of the environment is not UTF-8.",
                hint=f"Set it anew, or type: unset {name}",
                code="bad_variable",
            )


def config_path(option: Any, env: Mapping[str, str]) -> Path:
    """Where profiles are: the file of the option, else of the environment, else in the platform's config folder. Raises
    SettingsError where a variable cannot be read."""
    refuse_unreadable(env)
    given = option or env.get("LSMS_CONFIG")
    if given:
        return Path(str(given)).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_path("lsms")) / "config.toml"


def stored_profiles(config: Path) -> Mapping[str, Mapping[str, Any]]:
    """The profiles of the config file by name, each checked; none where there is no file. Raises SettingsError."""
    profiles = _read_config(config) or {}
    for name, profile in profiles.items():
        _check_keys(profile, f"profile {name} in {config}")
    return profiles


def _state_dir(given: Any) -> Path:
    if given:
        return Path(str(given)).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_path("lsms"))


def _read_profile(config: Path, name: str, explicit: bool, config_named: bool) -> Mapping[str, Any]:
    """The profile; empty where none was named and there is none."""
    profiles = _read_config(config)
    if profiles is None and (config_named or explicit):
        raise SettingsError(
            f"There is no config file {config}.",
            hint=f"Write one with a table [{name}], or leave --config and --profile out.",
            code="no_config",
        )
    profiles = profiles or {}
    if explicit and name not in profiles:
        raise SettingsError(
            f"The config file {config} has no profile {name}.",
            hint=f"It has: {', '.join(sorted(profiles)) or 'none'}.",
            code="no_profile",
        )
    profile: Mapping[str, Any] = profiles.get(name, {})
    _check_keys(profile, f"profile {name} in {config}")
    return profile


def _read_config(config: Path) -> Mapping[str, Any] | None:
    """The profiles of the config file by name; None where there is no such file."""
    document = read_toml(config, "config")
    if document is None:
        return None
    document.pop(SOURCES, None)
    loose = [key for key, value in document.items() if not isinstance(value, dict)]
    if loose:
        raise SettingsError(
            f"The config file {config} has {loose[0]} outside of a profile.",
            hint="Write the line [default] above it.",
            code="loose_setting",
        )
    return document


def read_toml(path: Path, what: str) -> dict[str, Any] | None:
    """Return what a config or job file holds; None where there is no such file. `what`: config, job. Raises
    SettingsError for one that is unsafe (of another owner only where it is a config file) or no TOML."""
    try:
        _refuse_unsafe(path, f"{what} file", secret=False, shared=what == "job")
        text = _text_of(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # a UnicodeDecodeError is a ValueError
        raise SettingsError(f"The {what} file {path} cannot be read.", code=f"{what}_unreadable") from None
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
        line = re.search(r"at line (\d+)", str(error))
        raise SettingsError(
            f"The {what} file {path} is not TOML{f' (line {line[1]})' if line else ''}.", code=f"{what}_not_toml"
        ) from None


def _check_keys(profile: Mapping[str, Any], where: str) -> None:
    if "client_secret" in profile:
        raise SettingsError(
            f"The {where} holds a client secret.",
            hint='Put it into a file of its own (mode 0600) and name that file: client_secret_file = "…".',
            code="secret_in_config",
        )
    for key, value in profile.items():
        if key not in IN_PROFILES:
            raise SettingsError(
                f"The {where} has an unknown setting {key}.", hint=nearest(key, IN_PROFILES), code="unknown_setting"
            )
        if key == "keyring" and not isinstance(value, bool):
            raise SettingsError(f"keyring in {where} is neither true nor false.", code="bad_setting")
        if key != "keyring" and (not isinstance(value, str | int) or isinstance(value, bool)):
            raise SettingsError(f"{key} in {where} is not a text or a number.", code="bad_setting")


def _secret(values: Mapping[str, Any], sources: Mapping[str, str], direct: str | None) -> tuple[str | None, str]:
    """The secret and where it came from. `direct`: of the environment."""
    from_file = sources["client_secret_file"]
    if direct:
        if from_file == "LISTRAK_CLIENT_SECRET_FILE":
            raise SettingsError(
                "Both LISTRAK_CLIENT_SECRET and LISTRAK_CLIENT_SECRET_FILE are set.",
                hint="Unset one of them.",
                code="two_secrets",
            )
        return direct, "LISTRAK_CLIENT_SECRET"
    if not from_file:
        return None, ""
    path = values["client_secret_file"]
    return secret_text(path, "secret file", from_file), f"{Path(str(path)).expanduser()} ({from_file})"


def secret_text(name: Any, what: str, source: str) -> str:
    """The text of a file that holds a secret, named by `source`. Raises SettingsError."""
    path = Path(str(name)).expanduser()
    try:
        _refuse_unsafe(path, what, secret=True)
        text = str(_trimmed(_text_of(path)))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"The {what} {path} cannot be read.", hint=f"It is named by {source}.", code="secret_unreadable"
        ) from None
    if not text:
        raise SettingsError(f"The {what} {path} is empty.", code="secret_empty")
    return text


def _text_of(path: Path) -> str:
    """The text of a settings file without its byte order mark: UTF-8, or the UTF-16 that Windows writes. Raises OSError
    and UnicodeDecodeError."""
    content = path.read_bytes()
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def _trimmed(value: Any) -> Any:
    """A text without what nobody means to write around a setting."""
    return value.strip("\ufeff \t\r\n\v\f\u00a0") if isinstance(value, str) else value


def _refuse_unsafe(path: Path, what: str, *, secret: bool, shared: bool = False) -> None:
    about = path.stat()
    fix = None
    if about.st_uid not in (os.geteuid(), 0) and not shared:
        raise SettingsError(
            f"The {what} {path} belongs to somebody else.", hint="Use a file of your own.", code="unsafe_file"
        )
    if about.st_mode & stat.S_IWOTH:
        fix = "world-writable"
    elif secret and about.st_mode & stat.S_IROTH:
        fix = "world-readable"
    if fix:
        raise SettingsError(f"The {what} {path} is {fix}.", hint=f"Type: chmod 600 {path}", code="unsafe_file")


def _seconds(name: str, values: Mapping[str, Any], sources: Mapping[str, str]) -> float:
    value, source = values[name], sources[name]
    if isinstance(value, float):
        return value
    says_name = source == ENVIRONMENT[name] or source.startswith("--")
    return parse_duration(str(value), source if says_name else f"{name} in {source}")


def sender_code_of(value: Any, source: str) -> int:
    """The id. Raises SettingsError, which names the source, for what is none."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number <= 0:
        raise SettingsError(
            f"The sender code of {source} is not a positive whole number.",
            hint="`lsms sender-codes` lists the ids.",
            code="bad_sender_code",
        )
    return number
