"""A session of Spark of the kind that `make test-spark` names, and an environment that leads to a sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.spark import CONFIG, KIND
from tests.support.world import World


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder
    builder = builder.remote("local[2]") if KIND == "connect" else builder.master(KIND)
    for name, value in CONFIG.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def leads(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Makes sandboxes; the environment leads to the last one."""

    def make(**config: Any) -> World:
        world = make_world(**{"import_seconds": 0.0, **config})
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        return world

    return make
