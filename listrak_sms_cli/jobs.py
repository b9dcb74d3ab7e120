"""Jobs: what goes where, by name in a file (`lsms.toml`) that is reviewed like code.

A job holds an audience, options of the commands by their names, and what is expected of the audience. Its paths are
relative to its file, its `{date:…}` local. It holds no address and no credential.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from listrak_sms_cli.errors import LsmsError, SettingsError
from listrak_sms_cli.options import (
    Duration,
    Expecting,
    ExpectingOfColumn,
    File,
    FileName,
    Option,
    Options,
    Output,
    job_options,
    values_by_name,
)
from listrak_sms_cli.profiles import replace_file
from listrak_sms_cli.settings import SettingsOfJob, is_setting, read_toml, refuse_unreadable

_FILES = (File, FileName, Output)  # kinds of options that name files
JOB_FILE = "lsms.toml"
VARIABLE = "LSMS_JOB_FILE"
_NEVER = {
    **dict.fromkeys(("api_url", "token_url"), "an address"),
    **dict.fromkeys(("client_id", "client_secret", "client_secret_file", "keyring"), "a credential"),
    "notify": "an address",
}
_PLACEHOLDER = re.compile(r"\{date(?::([^{}\0]+))?\}")


@dataclass(frozen=True)
class Expectation:
    """What the job of that name expects of its audience, and of its columns by name. `max_age`: as it is written."""

    job: str
    audience: Expecting
    columns: Mapping[str, ExpectingOfColumn]
    max_age: str = ""


@dataclass(frozen=True)
class Job:
    """`values`: of options by name, as the commands work with them; `written`: the same as the file has them."""

    name: str
    file: Path
    values: Mapping[str, Any]
    written: Mapping[str, Any] = field(default_factory=dict)
    expect: Expectation | None = None

    @property
    def settings(self) -> SettingsOfJob:
        """Those of its values that are settings."""
        named = {name: value for name, value in self.values.items() if is_setting(name)}
        return SettingsOfJob(named, f"job {self.name} in {self.file}")


def job_file(option: str | None, environ: Mapping[str, str] | None = None) -> Path:
    """The file of jobs: that of the option, else of the environment, else `lsms.toml` in the current folder. Raises
    SettingsError where a variable cannot be read."""
    env = os.environ if environ is None else environ
    refuse_unreadable(env)
    return Path(option or env.get(VARIABLE) or JOB_FILE).expanduser()


def find_job(name: str, file: Path, now: datetime | None = None) -> Job:
    """The job of that name. `now`: when its dates are, None = now. Raises SettingsError when there is none, or when it
    holds what a job cannot hold; other jobs of the file are not looked at."""
    tables = _tables(file)
    if tables is None:
        raise SettingsError(
            f"There is no job file {file}.",
            hint=f"Write one ({file.name}, with a table [jobs.{_key(name)}]), or name it: --job-file FILE",
            code="no_job_file",
        )
    if name not in tables:
        raise SettingsError(f"The job file {file} has no job {name}.", hint=_near(name, tables), code="no_job")
    return _Reader(file, name, now or datetime.now()).job(tables[name])  # local


def all_jobs(file: Path, now: datetime | None = None) -> list[Job]:
    """Every job of the file, in its order; none where there is no file. Raises SettingsError."""
    return [find_job(name, file, now) for name in _tables(file) or ()]


def job_names(file: Path) -> list[str]:
    """The names of the jobs of the file, whatever they hold. Raises SettingsError."""
    return list(_tables(file) or ())


def _tables(file: Path) -> Mapping[str, Any] | None:
    document = read_toml(file, "job")
    if document is None:
        return None
    jobs = document.get("jobs", {})
    others = [name for name in document if name != "jobs"]
    if others or not isinstance(jobs, dict) or not all(isinstance(table, dict) for table in jobs.values()):
        wrong = others[0] if others else "a value in place of a job"
        raise SettingsError(
            f"The job file {file} has {wrong} outside of a job.",
            hint="Every job is a table of its own: [jobs.NAME]",
            code="bad_job",
        )
    return jobs


@dataclass(frozen=True)
class _Reader:
    file: Path
    name: str
    now: datetime

    def job(self, table: Mapping[str, Any]) -> Job:
        written = {key: value for key, value in table.items() if key != "expect"}
        self._refuse_addresses(written)
        values = self._values(written, job_options(), "")
        expect = self._expectation(table["expect"]) if "expect" in table else None
        return Job(self.name, self.file, values, table, expect)

    def _refuse_addresses(self, written: Mapping[str, Any]) -> None:
        for key in written:
            if key in _NEVER:
                raise self._wrong(
                    f"{key} is {_NEVER[key]}, and a job holds no address and no credential.",
                    "Write it into a profile of the config file, and name that: profile = …"
                    if key != "notify"
                    else "Name a file that holds it: notify_file = …",
                )

    def _expectation(self, table: object) -> Expectation:
        if not isinstance(table, dict):
            raise self._wrong("expect is not a table.", f"Such as [jobs.{_key(self.name)}.expect]")
        given = {key: value for key, value in table.items() if key != "columns"}
        columns = table.get("columns", {})
        if not isinstance(columns, dict) or not all(isinstance(column, dict) for column in columns.values()):
            raise self._wrong("expect.columns is not a table of tables.", "Such as Tier = { min_filled = 80 }")
        of_audience = Expecting(**self._values(given, _by_name(Expecting), "expect.", ("columns",)))
        of_columns = {
            column: ExpectingOfColumn(
                **self._values(of_column, _by_name(ExpectingOfColumn), f"expect.columns.{column}.")
            )
            for column, of_column in columns.items()
        }
        self._refuse_contradictions(of_audience, of_columns)
        return Expectation(self.name, of_audience, of_columns, given.get("max_age", ""))

    def _refuse_contradictions(self, audience: Expecting, columns: Mapping[str, ExpectingOfColumn]) -> None:
        """Raise SettingsError for what no audience could fulfil."""
        least, most = audience.min_rows, audience.max_rows
        if least is not None and most is not None and least > most:
            raise self._wrong(
                f"expect.min_rows {least:,} is more than expect.max_rows {most:,}.", "Correct one of them."
            )
        for column, of_column in columns.items():
            if of_column.values == () and of_column.min_filled:
                raise self._wrong(
                    f"expect.columns.{column}.values is empty, and expect.columns.{column}.min_filled is not 0.",
                    "Write the values that the cells may hold, or leave values out.",
                )

    def _values(
        self, given: Mapping[str, Any], known: Mapping[str, Option[Any]], where: str, more: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The values of what is given, and of nothing else. Raises SettingsError, with the nearest name."""
        for key in given:
            if key not in known:
                raise self._wrong(f"there is no option {where}{key}.", _near(key, [*known, *more]), "unknown_key")
        placed = {key: self._placed(known[key], value) for key, value in given.items()}
        try:
            values = values_by_name([known[key] for key in given], placed)
        except LsmsError as error:
            raise self._wrong(f"{where}{error.message}", error.hint) from None
        return values

    def _placed(self, option: Option[Any], value: object) -> object:
        """A path with its dates, seen from here instead of from the file. A duration has its unit."""
        if isinstance(option.kind, Duration) and not isinstance(value, str):
            hint = 'Write it with its unit, in quotes: "90s", "10m", "1h" or "7d".'
            raise self._wrong(f"{option.name} is not {option.kind.wanted}.", hint, option.kind.code)
        if not isinstance(option.kind, _FILES) or not isinstance(value, str):
            return value
        path = _PLACEHOLDER.sub(lambda date: self.now.strftime(date[1] or "%Y-%m-%d"), value)
        if "{" in path or "}" in path:
            raise self._wrong(
                f"{option.name} has braces that are no date.",
                "A date is written {date:%Y%m%d}, with codes of strftime.",
            )
        if path in ("", "-") or "://" in path:
            return path
        return str(self.file.parent / os.path.expanduser(path))  # noqa: PTH111 (keeps a user who is not there)

    def _wrong(self, what: str, hint: str, code: str | None = None) -> SettingsError:
        return SettingsError(f"Job {self.name} in {self.file}: {what}", hint=hint, code=code or "bad_job")


def save_job(file: Path, name: str, values: Mapping[str, Any]) -> None:
    """Add a job to the file, which is made where there is none; what the file holds is kept to the letter. `values`: of
    options by name; paths as they are seen from here. Raises SettingsError, also where there is a job of that name."""
    tables = _tables(file) or {}
    if name in tables:
        raise SettingsError(
            f"The job file {file} has a job {name} already.",
            hint=f"Name another one, or take the table [jobs.{_key(name)}] out of the file first.",
            code="job_exists",
        )
    known = job_options()
    lines = [f"{key} = {_toml(_seen_from(file, known.get(key), value))}" for key, value in values.items()]
    table = "\n".join([f"[jobs.{_key(name)}]", *lines, ""])
    _Reader(file, name, datetime.now()).job(tomllib.loads(table)["jobs"][name])  # what cannot be read is not written
    try:
        before = file.read_text("utf-8-sig").rstrip() if file.exists() else ""
        replace_file(file, f"{before}\n\n{table}" if before else table)
    except (OSError, UnicodeError):
        raise SettingsError(f"The job file {file} cannot be written.", code="job_unwritable") from None


def _seen_from(file: Path, option: Option[Any] | None, value: Any) -> Any:
    if option is None or not isinstance(option.kind, _FILES) or str(value) == "-" or "://" in str(value):
        return value
    return os.path.relpath(value, file.parent) if not Path(value).is_absolute() else str(value)


def _toml(value: Any) -> str:
    """A value as TOML; JSON's texts are TOML's, but for one character."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name.replace("-", "_"), names, 1) or difflib.get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(names) or 'none'}."


def _by_name(group: type[Options]) -> dict[str, Option[Any]]:
    return {option.name: option for option in group.options}
