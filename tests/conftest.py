"""Fixtures of the tests that run the real `lsms` against a real sandbox behind a socket."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.examples import draw_examples
from tests.support.object_store import ObjectStore, object_store
from tests.support.world import World


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, because many tests wait: for imports, retries and kills."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """`make test-all` leaves no long test out."""
    draw_examples(everything="not long" not in config.option.markexpr)


@pytest.fixture(scope="session")
def close_later() -> Iterator[Callable[[EmbeddedSandbox], None]]:
    """Closes a sandbox, which takes 0.2 s of waiting, while the next tests run."""
    closed: list[Future[None]] = []
    with ThreadPoolExecutor(1) as closer:
        yield lambda sandbox: closed.append(closer.submit(sandbox.__exit__, None, None, None))
    for done in closed:
        done.result()


@pytest.fixture
def make_world(tmp_path: Path, close_later: Callable[[EmbeddedSandbox], None]) -> Iterator[Callable[..., World]]:
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
        close_later(sandbox)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A sandbox with its invented account: 300 contacts on 1026, phones 212/415/718 555 0100 to 0199."""
    return make_world()


@pytest.fixture(scope="session")
def store_server() -> Iterator[ObjectStore]:
    """An S3 server, started for the first test that needs one."""
    with object_store() as store:
        yield store


@pytest.fixture
def store(store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The same with a new bucket, and an environment that leads there."""
    for name, value in store_server.env.items():
        monkeypatch.setenv(name, value)
    store_server.make_bucket(f"bucket-{uuid4().hex}")
    return store_server
