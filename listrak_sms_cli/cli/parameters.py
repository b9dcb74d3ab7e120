"""The parameters that Typer reads the words of a command into, made from the declarations in `listrak_sms_cli.options`.

Typer sorts the words, completes them and draws the help; what a value means is checked by its declaration.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from listrak_sms_cli.cli.complete import completion_of
from listrak_sms_cli.options import Option, options_of


def signature_of(command: str) -> Signature:
    """The signature that Typer makes a command of: the context, and each option of the command by its name."""
    context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    options = options_of(command)
    takes_jobs = any(option.name == "job" for option in options)
    return Signature([context, *(_parameter(option, takes_jobs) for option in options)])


def _parameter(option: Option[Any], takes_jobs: bool) -> Parameter:
    """`takes_jobs`: what is not typed may stand in a job, so Typer misses nothing."""
    kind = option.kind
    shown: dict[str, Any] = {"metavar": kind.metavar, "help": option.help}
    shown["autocompletion"] = completion_of(option.name)
    if option.positional:
        described = typer.Argument(**shown)
    else:
        shown.update(min=kind.low, max=kind.high, rich_help_panel=option.group or None)
        described = typer.Option(*option.words, **shown)
    default = option.default
    if default is ...:
        default = None if takes_jobs else Parameter.empty
    return Parameter(
        option.name,
        Parameter.KEYWORD_ONLY,
        default=None if kind.typed == list[str] else default,
        annotation=Annotated[kind.typed, described],
    )
