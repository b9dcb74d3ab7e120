"""From a command that was typed to the one to type next: the push that a `validate` was about, the real one after a
rehearsal, the same one with the options that settle its error."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import Any

import typer

from listrak_sms_cli.audience import column_key
from listrak_sms_cli.errors import LsmsError
from listrak_sms_cli.options import options_of

_ABOUT_THE_OUTPUT = frozenset({"json", "quiet", "verbose", "report"})
_ABOUT_THE_REHEARSAL = frozenset({"sandbox", "sandbox_fields", "fields"})


def push_command(context: typer.Context, sender_code: int | None) -> str:
    """The push with the options that were typed, quoted for a shell. `sender_code`: that of the settings; where there
    is none, ID stands in its place."""
    typed = _typed(context, "push", _ABOUT_THE_OUTPUT | _ABOUT_THE_REHEARSAL)
    return _written(context, "push", typed if sender_code is not None else [*typed, ("--sender-code", "ID")])


def validate_command(context: typer.Context, sender_code: int | None) -> str:
    """The validate against the account, with the options that were typed for a push."""
    typed = _typed(context, "validate", _ABOUT_THE_OUTPUT)
    return _written(context, "validate", typed if sender_code is not None else [*typed, ("--sender-code", "ID")])


def settle(error: LsmsError, context: typer.Context) -> None:
    """Make one finished command of the options that settle an error; the first line of its hint says it."""
    if not error.settled_by:
        return
    name = str(context.command.name)
    columns = {column_key(value.rpartition("=")[0] if option == "map" else value) for option, value in error.settled_by}
    typed = [
        (option, value)
        for option, value in _typed(context, name, ())
        if option != "--map" or column_key(str(value).rpartition("=")[0]) not in columns
    ]
    typed += [(f"--{option.replace('_', '-')}", value) for option, value in error.settled_by]
    error.hint = f"Type: {_written(context, name, typed)}\n{error.hint.partition(chr(10))[2]}"


def _typed(context: typer.Context, command: str, besides: Collection[str]) -> list[tuple[str, str | None]]:
    """The options that were typed and that the command has: their words, and values; None for a flag."""
    words: list[tuple[str, str | None]] = []
    for option in options_of(command):
        source = context.get_parameter_source(option.name)
        if option.positional or option.name in besides or source is None or source.name != "COMMANDLINE":
            continue
        typed: Any = context.params[option.name]
        word, _, negated = option.words[0].partition("/")
        for value in typed if isinstance(typed, list | tuple) else [typed]:
            if isinstance(value, bool):
                words.append((word if value else negated or f"--no-{word[2:]}", None))
            else:
                words.append((word, value))
    return words


def _written(context: typer.Context, command: str, options: list[tuple[str, str | None]]) -> str:
    words = []
    for option, value in options:
        joined = value is not None and value.startswith("-")
        words += [f"{option}={value}"] if joined else [option] if value is None else [option, value]
    named = (context.params.get(option.name) for option in options_of(command) if option.positional)
    arguments = [str(value) for value in named if value is not None]
    if any(argument.startswith("-") and argument != "-" for argument in arguments):
        return shlex.join(["lsms", command, *words, "--", *arguments])
    return shlex.join(["lsms", command, *arguments, *words])
