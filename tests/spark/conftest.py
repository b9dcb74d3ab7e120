"""A session of Spark, of the kind that `make test-spark` names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

KIND = os.environ.get("LSMS_TEST_SPARK", "local[2]")
CONFIG = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "7",
    "spark.sql.session.timeZone": "America/New_York",
    "spark.executor.memory": "512m",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "900",
}


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
