"""From a `validate` that was typed to the `push` that does it."""

from __future__ import annotations

import shlex
from enum import Enum
from typing import Any

import typer

_NOT_PUSHES = {"offline", "json", "quiet", "verbose"}  # of validate alone, or about its own output
_SENDER_CODE = "sender_code"


def push_command(context: typer.Context, sender_code: int | None) -> str:
    """The push with the options that were typed, quoted for a shell. `sender_code`: the one the settings found; where
    there is none, ID stands in its place."""
    words = ["lsms", "push"]
    audience = str(context.params["audience"])
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name in _NOT_PUSHES or name == "audience" or source is None or source.name != "COMMANDLINE":
            continue
        option = next(word for word in parameter.opts if word.startswith("--"))
        for value in _values(context.params[name]):
            words += _written(option, value)
    if sender_code is None:
        words += ["--sender-code", "ID"]
    if audience.startswith("-") and audience != "-":
        return shlex.join([*words, "--", audience])
    return shlex.join([*words[:2], audience, *words[2:]])


def _values(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None or value is False else [value]


def _written(option: str, value: Any) -> list[str]:
    if value is True:
        return [option]
    text = str(value.value) if isinstance(value, Enum) else str(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]
