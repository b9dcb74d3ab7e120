"""From what was typed to the values the rooms below work with. `params` is Typer's `Context.params`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.settings import Settings, load_settings

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Event, Listener

_SETTINGS = ("sender_code", "api_url", "token_url", "profile", "config", "state_dir", "give_up_after")


def settings(params: Mapping[str, Any]) -> Settings:
    return load_settings({name: params.get(name) for name in _SETTINGS})


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options by their own names, choices as words, `--map` as a mapping."""
    values = {name.rstrip("_"): value.value if isinstance(value, Enum) else value for name, value in params.items()}
    return {**values, "map": _mapping(values["map"] or [])}


@contextmanager
def display(params: Mapping[str, Any]) -> Iterator[Listener]:
    """The display the person asked for, and the log file beside it."""
    from listrak_sms_cli.display import choose

    with choose(json=params["json"], quiet=params["quiet"], stream=sys.stderr) as shown:
        if params["log_file"] is None:
            yield shown
            return

        from listrak_sms_cli.display import LogFile

        with LogFile(params["log_file"], params["log_format"].value, params.get("audience")) as log:

            def both(event: Event) -> None:
                shown(event)
                log(event)

            yield both


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.partition("=")
        if not equals or not column.strip() or not field.strip():
            raise UsageError(
                f"--map {pair} is not COLUMN=FIELD.", hint="Such as --map tier=Loyalty_Tier or --map tier=7."
            )
        if column in mapping:
            raise UsageError(f"--map names the column {column} twice.")
        mapping[column] = field
    return mapping
