"""From a `validate` that was typed to the `push` that does it."""

from __future__ import annotations

import shlex
from typing import Any

import typer

from listrak_sms_cli.options import options_of

_ABOUT_THE_OUTPUT = {"json", "quiet", "verbose"}


def push_command(context: typer.Context, sender_code: int | None) -> str:
    """The push with the options that were typed, quoted for a shell. `sender_code`: that of the settings; where there
    is none, ID stands in its place."""
    words = ["lsms", "push"]
    audience = context.params["audience"]
    for option in options_of("push"):
        source = context.get_parameter_source(option.name)
        if option.positional or option.name in _ABOUT_THE_OUTPUT or source is None or source.name != "COMMANDLINE":
            continue
        typed: Any = context.params[option.name]
        for value in typed if isinstance(typed, list | tuple) else [typed]:
            words += _written(option.words[0], value)
    if sender_code is None:
        words += ["--sender-code", "ID"]
    if audience is None:  # the job has it
        return shlex.join(words)
    if audience.startswith("-") and audience != "-":
        return shlex.join([*words, "--", audience])
    return shlex.join([*words[:2], audience, *words[2:]])


def _written(option: str, value: str | bool) -> list[str]:
    if isinstance(value, bool):
        return [option] if value else [f"--no-{option[2:]}"]
    return [f"{option}={value}"] if value.startswith("-") else [option, value]
