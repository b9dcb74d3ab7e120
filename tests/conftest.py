"""Fixtures of the tests that run the real `lsms` against a real sandbox behind a socket."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.world import World


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, because many tests wait: for imports, retries and kills."""
    return (os.cpu_count() or 1) + 1


settings.register_profile("no test on time", deadline=None)
settings.load_profile("no test on time")


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Worlds with a sandbox of any configuration."""
    opened: list[EmbeddedSandbox] = []

    def make(**config: Any) -> World:
        sandbox = EmbeddedSandbox(SandboxConfig(**config)).__enter__()
        opened.append(sandbox)
        home = tmp_path / f"home{len(opened)}"
        home.mkdir()
        return World(sandbox, home)

    yield make
    for sandbox in opened:
        sandbox.__exit__(None, None, None)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A sandbox with its invented account: 300 contacts on 1026, phones 212/415/718 555 0100 to 0199."""
    return make_world()
