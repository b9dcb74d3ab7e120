"""Profiles and secrets, written: the config file keeps what it holds, comments too."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import SettingsError, UsageError
from listrak_sms_cli.settings import SOURCES, read_toml


def save_profile(config: Path, profile: str, values: Mapping[str, Any], without: Collection[str] = ()) -> None:
    """Set these settings of a profile, and take those `without` out; all else of the file stays to the letter. A new
    file is readable by its owner alone. Raises SettingsError for a file that is unsafe, no TOML, or cannot be
    written."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    unwritable = SettingsError(
        f"The config file {config} cannot be written.", hint="Name another: --config FILE", code="config_unwritable"
    )
    exists = read_toml(config, "config") is not None
    try:
        document = tomlkit.parse(config.read_text("utf-8-sig") if exists else "")
        table = document.get(profile)
        if table is None:
            if document.body:
                document.add(tomlkit.nl())
            document.add(profile, tomlkit.table())
            table = document[profile]
        for name, value in values.items():
            if table.get(name) != value:
                table[name] = value
        for name in without:
            table.pop(name, None)
        config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(config, tomlkit.dumps(document), 0o600)
    except (OSError, ValueError, TypeError, TOMLKitError):  # UTF-16, a folder in its place, a full disk
        raise unwritable from None


def save_secret(file: Path, secret: str) -> None:
    """Write a secret to a file that its owner alone can read. Raises SettingsError."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            file.chmod(0o600)
        replace_file(file, f"{secret}\n", 0o600)
    except (OSError, UnicodeError):
        raise SettingsError(
            f"The secret file {file} cannot be written.", hint="Name another: --config FILE", code="secret_unwritable"
        ) from None


def secret_file_of(config: Path, profile: str) -> Path:
    """Where the secret of a profile is kept: beside the config file. Raises UsageError for a name that is no part of a
    file's."""
    if "/" in profile or profile.startswith(".") or not profile.isprintable() or profile == SOURCES:
        raise UsageError(
            "The name of a profile is a word, such as default or production.", hint="--profile NAME", code="bad_profile"
        )
    return config.parent.absolute() / f"{profile}.secret"


def replace_file(file: Path, text: str, mode: int = 0o666) -> None:
    """Put a text in the place of a file, whole and with the same rights; a new one gets `mode`, less the umask. Raises
    OSError, also where something else than a file is there, and UnicodeError."""
    target = file.resolve()
    if target.exists() and not target.is_file():
        raise OSError
    whole = target.with_name(f".{file.name}-{os.getpid()}")
    try:
        whole.touch(mode)
        whole.write_text(text, "utf-8")
        if target.exists():
            whole.chmod(target.stat().st_mode & 0o777)
        whole.replace(target)
    finally:
        whole.unlink(missing_ok=True)
