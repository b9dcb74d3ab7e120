"""Faces whose names are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def on_demand(room: str, **modules: str) -> tuple[list[str], Callable[[str], Any]]:
    """`__all__` and `__getattr__` of the package `room`, given the names of its face by the module that holds them.

    For rooms of which one command needs little; other rooms import the names of their faces at once.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(f"{room}.{homes[name]}"), name)
        setattr(sys.modules[room], name, value)
        return value

    return sorted(homes), find
