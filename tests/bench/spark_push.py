"""Push a Parquet file as a frame of Spark that is cleaned on its executors: `spark_push FILE TASKS STATE_DIR`.

TASKS run at once, in one JVM on this machine."""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession

from listrak_sms_cli.spark import push
from tests.bench.sink import SENDER_CODE

MEMORY = "4g"  # of the JVM, whatever the frame's size; Python's workers are beside it


def main(file: str, tasks: str, state_dir: str) -> None:
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master(f"local[{tasks}]").config("spark.driver.memory", MEMORY)
    session = builder.config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
    push(session.read.parquet(file), sender_code=SENDER_CODE, prepare="executors", wait=False, state_dir=state_dir)
    session.stop()


main(*sys.argv[1:])
