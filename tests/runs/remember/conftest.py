"""Worlds whose account is remembered already, as it is after its first push with `--changed-only`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from listrak_sms_cli.runs.record import Destination, fingerprint
from listrak_sms_cli.runs.remember import Memory
from tests.support.world import World


@pytest.fixture
def make_world(make_world: Callable[..., World]) -> Callable[..., World]:
    """`remembering` False: nobody has asked for it yet."""

    def make(*, remembering: bool = True, **config: Any) -> World:
        world = make_world(**config)
        if remembering:
            account = Destination(world.sandbox.api_url, fingerprint(world.sandbox.config.client_id), 1026)
            assert Memory.open(world.home / "state", account, begin=True)
        return world

    return make
