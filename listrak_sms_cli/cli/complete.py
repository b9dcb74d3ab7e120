"""What the shell is offered for the value of an option: ids of runs, profiles, jobs, columns of the audience."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer


def completion_of(option: str) -> Callable[[typer.Context, str], list[str]] | None:
    """The function that Typer calls for words that complete the value of the option; None where there is none."""
    words_of = _WORDS_OF.get(option)
    if words_of is None:
        return None

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            # Behind an option without its value the words that belong to none are left over.
            words = words_of(ctx.params | ({"audience": ctx.args[0]} if ctx.args else {}))
        except Exception:  # no file, or one that cannot be read: the shell has nothing to offer, and shows no error
            return []
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _run_ids(given: dict[str, Any]) -> list[str]:
    from listrak_sms_cli.runs.record import RunStore
    from listrak_sms_cli.settings import state_dir_of

    return [run if isinstance(run, str) else run.run_id for run in RunStore(state_dir_of(given)).listed()]


def _profiles(given: dict[str, Any]) -> list[str]:
    import os

    from listrak_sms_cli.settings import config_path, stored_profiles

    return list(stored_profiles(config_path(given.get("config"), os.environ)))


def _jobs(given: dict[str, Any]) -> list[str]:
    from listrak_sms_cli.jobs import job_file, job_names

    return job_names(job_file(given.get("job_file")))


def _columns(given: dict[str, Any]) -> list[str]:
    """The columns of the audience that was typed, or of the job's, with underscores for blanks: both are the same."""
    from pathlib import Path

    from listrak_sms_cli.audience.source import ReadOptions, open_audience
    from listrak_sms_cli.jobs import find_job, job_file

    audience = given.get("audience") or find_job(given["job"], job_file(given.get("job_file"))).values["audience"]
    if not Path(audience).expanduser().exists():
        return []  # neither standard input nor an address is read for this
    read: dict[str, Any] = {
        name: given.get(name) for name in ("format", "delimiter", "encoding", "sheet", "quote", "escape")
    }
    with open_audience(audience, ReadOptions(**read)) as opened:
        return ["_".join(name.split()) for name in opened.columns]


def _mappings(given: dict[str, Any]) -> list[str]:
    return [f"{name}=" for name in _columns(given)]


_WORDS_OF: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "run": _run_ids,
    "profile": _profiles,
    "job": _jobs,
    "map": _mappings,
    **dict.fromkeys(("skip_column", "phone_column", "consent_column"), _columns),
}
