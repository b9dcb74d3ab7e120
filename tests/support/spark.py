"""Frames of Spark in no order, for the tests that `make test-spark` runs."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.runs.record import RunStore
from tests.support.world import World

KIND = os.environ.get("LSMS_TEST_SPARK", "local[2]")
CONFIG = {
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.executor.memory": "512m",
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "900",
}
# What pyspark itself warns of, and the sockets that it leaves to the garbage collector.
MARKS = [
    pytest.mark.spark,
    pytest.mark.filterwarnings(
        "ignore:PySpark does not yet:FutureWarning",
        "ignore:Failed to set spark:UserWarning",
        "ignore:distutils:DeprecationWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]


def parquet(rows: Iterable[Mapping[str, Any]], folder: Path, *, parts: int = 3, seed: int = 0) -> str:
    """The rows as Parquet files, in no order."""
    table = pa.Table.from_pylist(list(rows))
    table = table.take(random.Random(seed).sample(range(len(table)), len(table)))
    folder.mkdir()
    for part in range(parts):
        pq.write_table(table.take(list(range(part, len(table), parts))), folder / f"part-{part}.parquet")
    return str(folder)


def import_files(world: World, run_id: str) -> list[tuple[int, str]]:
    """The members and the digest of each import file of a run, from its record."""
    parts = RunStore(world.home / "state").find(run_id).state.prepared.parts
    return [(part.rows, part.digest) for part in parts]
