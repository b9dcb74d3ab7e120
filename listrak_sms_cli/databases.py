"""The databases that queries run in: tables [sources.NAME] of the config file, and the environment.

The address of a database may hold a password: it is in a file of its own (0600) or in the environment, nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import LsmsError, SettingsError
from listrak_sms_cli.options import InSources, values_by_name
from listrak_sms_cli.settings import SOURCES, config_path, read_toml, secret_text

_DRIVERS = dict.fromkeys(("postgres", "postgresql"), "postgresql") | {"snowflake": "snowflake", "bigquery": "bigquery"}
_SECRET = re.compile(r"^uri$|password|secret|token|credentials$|private_key|pkcs8|jwt", re.IGNORECASE)


@dataclass(frozen=True)
class Database:
    """A database that queries run in. `uri`: its address, which may hold a password; `options`: of its ADBC driver."""

    name: str
    driver: str
    uri: str | None = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


def find_database(name: str, config: str | Path | None, environ: Mapping[str, str] | None = None) -> Database:
    """The database of a table [sources.`name`] of the config file; the environment goes before its `uri_file`, and may
    stand alone where the address names the driver. Raises SettingsError."""
    env = os.environ if environ is None else environ
    path, variable = config_path(config, env), f"LSMS_SOURCE_{name.upper().replace('-', '_')}_URI"
    sources = (read_toml(path, "config") or {}).get(SOURCES, {})
    table, where = sources.get(name, {}), f"[{SOURCES}.{name}] in {path}"
    uri = (env.get(variable) or "").strip()
    if name not in sources and not uri:
        others = f" There are: {', '.join(sorted(sources))}." if sources else ""
        raise SettingsError(
            f"The config file {path} has no source {name}.",
            hint=f'Write a table [{SOURCES}.{name}] with driver = "postgresql" and uri_file = "…" (0600), or export '
            f"{variable}.{others}",
            code="no_source",
        )
    values = _source_values(table, where)
    if not uri and values["uri_file"] is not None:
        uri = secret_text(values["uri_file"], "uri file", where)
    driver = values["driver"] or _DRIVERS.get((uri or "").partition("://")[0])
    if driver is None:
        raise SettingsError(
            f"Nothing says which driver reads the source {name}.",
            hint=f'Write driver = "postgresql" into [{SOURCES}.{name}] of {path}.',
            code="no_driver",
        )
    if not uri and not values["driver_options"]:
        raise SettingsError(
            f"Nothing says where the database of the source {name} is.",
            hint=f"Write uri_file = … into [{SOURCES}.{name}] of {path}, or export {variable}.",
            code="no_uri",
        )
    return Database(name, driver, uri, values["driver_options"])


def _source_values(table: Any, where: str) -> dict[str, Any]:
    """The values of a table of a source. Raises SettingsError, also for an address or another secret in it."""
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table.", code="bad_source")
    options = table.get("driver_options")
    secrets = [key for key in (*table, *(options if isinstance(options, dict) else ())) if _SECRET.search(key)]
    if secrets:
        raise SettingsError(
            f"{where} holds {secrets[0]}, which may be a secret.",
            hint='Put the whole address into a file of its own (mode 0600) and name that file: uri_file = "…".',
            code="secret_in_config",
        )
    try:
        return values_by_name(InSources.options, table)
    except LsmsError as error:
        raise SettingsError(f"{where}: {error.message}", hint=error.hint, code="bad_source") from None
