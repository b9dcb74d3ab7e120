"""Worlds whose account is remembered already, as it is after its first push with `--changed-only`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.remembered import begin_remembering
from tests.support.world import World


@pytest.fixture
def make_world(make_world: Callable[..., World]) -> Callable[..., World]:
    """`remembering` False: nobody has asked for it yet."""

    def make(*, remembering: bool = True, **config: Any) -> World:
        world = make_world(**config)
        if remembering:
            begin_remembering(world)
        return world

    return make
