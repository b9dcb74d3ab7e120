"""A check of what the functions of Python are given without a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from listrak_sms_cli.errors import UsageError

_Function = TypeVar("_Function", bound=Callable[..., Any])


def arguments_checked(function: _Function) -> _Function:
    """The same function, which raises UsageError instead of TypeError when an argument without a name is missing or
    None, too many, or given twice. Keywords are checked by the function."""
    name = function.__name__
    taken = function.__code__.co_varnames[: function.__code__.co_argcount]
    needed = taken[: len(taken) - len(function.__defaults__ or ())]

    @wraps(function)
    def checked(*values: Any, **keywords: Any) -> Any:
        if len(values) > len(taken):
            raise UsageError(
                f"{name} takes {' and '.join(taken)} without a name, and was given {len(values)} arguments.",
                hint=f"Name the others: {name}({', '.join(taken)}, NAME=VALUE).",
            )
        given = dict(zip(taken, values, strict=False))
        if twice := [argument for argument in given if argument in keywords]:
            raise UsageError(f"{twice[0]} is given twice: with its name and without.", hint="Leave one of them out.")
        for argument in needed:
            if {**keywords, **given}.get(argument) is None:
                call = f"{name}({', '.join(needed)}, …)"
                raise UsageError(f"{argument} is missing.", hint=f"Give it: {call}.", code="missing")
        return function(*values, **keywords)

    return cast(_Function, checked)
