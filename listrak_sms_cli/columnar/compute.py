"""Arrow's compute functions, as `pyarrow.compute` has them, each made when it is first used.

`pyarrow.compute` gives all its 286 functions a signature and a document when it is imported, which takes a sixth of
the time of a small push. Methods such as `pa.Array.take`, `filter` and `cast` import it too: where every push comes by,
`pc.take` and the like stand in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

try:
    from pyarrow import _compute as arrow
except ImportError:  # an inner module of pyarrow: there since version 1, but nobody has promised it
    import pyarrow.compute as arrow


class _Functions:
    """Its attributes are those of `pyarrow.compute`."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = _function(name)
        setattr(self, name, found)
        return found


def _function(name: str) -> Callable[..., Any]:
    try:
        function = arrow.get_function(name.removesuffix("_"))  # `and_` and `or_`: the others are words of Python
        named = function._doc.options_class
        options = getattr(arrow, named) if named else None
        arity: int | None = None if function.arity is Ellipsis else function.arity
    except (KeyError, AttributeError):  # written in Python, as `fill_null` is
        return getattr(import_module("pyarrow.compute"), name)  # type: ignore[no-any-return]

    def call(*given: Any, **named: Any) -> Any:
        """The arguments of the function, then those of its options."""
        arguments, further = given[:arity], given[arity:] if arity is not None else ()
        chosen = options(*further, **named) if options is not None and (further or named) else None
        return function.call(arguments, chosen)

    return call


pc: Any = _Functions()
