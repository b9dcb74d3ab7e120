"""The parameters that Typer reads the words of a command into, made from the declarations in `listrak_sms_cli.options`.

Typer sorts the words, completes them and draws the help. What a value means is checked by its declaration: Typer's own
checks import pydantic, which takes a tenth of the time of a push of ten members, or more.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from listrak_sms_cli.options import Option, options_of


def signature_of(command: str) -> Signature:
    """The signature that Typer makes a command of: the context, and each option of the command by its name."""
    context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    return Signature([context, *(_parameter(option) for option in options_of(command))])


def _parameter(option: Option[Any]) -> Parameter:
    kind = option.kind
    shown: dict[str, Any] = {"metavar": kind.metavar, "help": option.help}
    if option.positional:
        described = typer.Argument(**shown)
    else:
        shown.update(min=kind.low, max=kind.high, rich_help_panel=option.group or None)
        described = typer.Option(*option.words, **shown)
    default = Parameter.empty if option.default is ... else option.default
    return Parameter(
        option.name,
        Parameter.KEYWORD_ONLY,
        default=None if kind.typed == list[str] else default,
        annotation=Annotated[kind.typed, described],
    )


def leave_as_typed(parameters: Iterable[Any]) -> None:
    """Lets the values of a Typer command pass as they were typed. Typer 0.29 fetches what checks a value from each
    parameter; a Typer that does not would check them, and pass the same values."""
    for parameter in parameters:
        parameter.get_runtime_param = _AsTyped


class _AsTyped:
    """Stands for what Typer checks a value with."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 (as Typer calls it)
        return () if value is None and param.multiple else value
