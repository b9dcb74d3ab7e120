"""Values of options that are what they should be already. Typer has pydantic look at each, also at those that were not
given; pydantic and what it builds for sixty options take a tenth of the time of a push of ten members, or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any


def pass_plain_values(parameters: Iterable[Any]) -> None:
    """Lets plain values of these options of a Typer command pass; Typer looks at the others and words the errors."""
    for parameter in parameters:
        look, described = getattr(parameter, "get_runtime_param", None), getattr(parameter, "type_descriptor", None)
        if look and hasattr(described, "annotation") and hasattr(described, "parameter_info"):
            parameter.get_runtime_param = _Gate(described, look).open


class _Gate:
    """Stands for what Typer (0.29) coerces the values of a parameter with. Another Typer that asks for something else
    does not meet it."""

    def __init__(self, described: Any, look: Callable[[], Any]) -> None:
        self._kind = described.annotation
        self._info = described.parameter_info
        self._look = look

    def open(self) -> _Gate:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if several and self._kind == list[str] and all(isinstance(item, str) for item in value):
            return list(value)
        if self._kind is str and isinstance(value, str):
            return value
        if isinstance(self._kind, type) and issubclass(self._kind, Enum) and isinstance(value, self._kind):
            return value
        if self._kind is int and (number := _whole_number(value)) is not None and self._allows(number):
            return number
        return self._look().coerce(value, param=param, ctx=ctx)

    def _allows(self, number: int) -> bool:
        low, high = self._info.min, self._info.max
        return (low is None or low <= number) and (high is None or number <= high)


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return value if type(value) is int else None
