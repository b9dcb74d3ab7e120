"""Push a folder of Parquet files through a cluster of Spark of its own, in a process of its own: `push_there JSON` with
`conf`, `folder`, `options`, and `slow`, a folder: then the first try of each task of the first stage on 127.0.0.1
sleeps, and who has slept or not is written down there. Prints the report, or the code of the error, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark import TaskContext
from pyspark.sql import SparkSession

from listrak_sms_cli import LsmsError
from listrak_sms_cli.spark import push


def slowly(folder: str) -> Any:
    def work(batches: Iterator[Any]) -> Iterator[Any]:
        context = TaskContext.get()
        attempt, partition = context.attemptNumber(), context.partitionId()
        (Path(folder) / f"{partition}-{attempt}").touch()
        yield from batches
        if partition == 0 and attempt == 0:
            time.sleep(300)

    return work


def main() -> None:
    given = json.loads(sys.argv[1])
    builder = SparkSession.builder
    for name, value in given["conf"].items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    frame = spark.read.parquet(given["folder"])
    if given.get("slow"):
        frame = frame.mapInArrow(slowly(given["slow"]), frame.schema)
    try:
        sys.stdout.write(json.dumps(push(frame, **given["options"]).as_json()) + "\n")
    except LsmsError as error:
        sys.stdout.write(json.dumps({"code": error.code, "message": error.message}) + "\n")
    spark.stop()


main()
