"""Runs one task of a DAG as an Airflow worker does: its supervisor, its runner in a process of its own, its signals.

For the Python of an environment with Airflow, which `make test-airflow` makes: `airflow_task.py DAG TASK`, the DAG
being `DAG.py` in Airflow's folder of DAGs. Only the API server is played: it takes every word of the worker, writes the
result and the last state of the task as JSON, and once there is a file `stop` in AIRFLOW_HOME it answers as after
"mark as failed".
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import httpx
from airflow.sdk.api.client import Client
from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance
from airflow.sdk.execution_time.supervisor import supervise_task

MOMENT = "2026-01-01T00:00:00Z"
STOP = Path(os.environ["AIRFLOW_HOME"]) / "stop"


def main(dag: str, task: str) -> None:
    told: dict[str, object] = {"result": None, "state": None}
    never = ("end_date", "data_interval_start", "data_interval_end", "partition_key")
    moments = dict.fromkeys(("logical_date", "start_date", "run_after"), MOMENT)
    words = {"dag_id": dag, "run_id": "r", "run_type": "manual", "state": "running", "consumed_asset_events": []}
    context = {"dag_run": {**dict.fromkeys(never), **moments, **words}, "max_tries": 0, "should_retry": False}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/run"):
            return httpx.Response(200, json=context)
        if path.endswith("/heartbeat") and STOP.exists():
            why = {
                "reason": "not_running",
                "message": "TI is no longer in the running state",
                "current_state": "failed",
            }
            return httpx.Response(409, json={"detail": why})
        if path.endswith("/return_value"):
            told["result"] = json.loads(request.content)
        if path.endswith("/state"):
            told["state"] = json.loads(request.content)["state"]
        return httpx.Response(200, json={})

    client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(answer))
    task_instance = TaskInstance(id=uuid4(), task_id=task, dag_id=dag, run_id="r", try_number=1, dag_version_id=uuid4())
    bundle = BundleInfo(name="dags-folder")
    told["exit"] = supervise_task(
        ti=task_instance, bundle_info=bundle, dag_rel_path=f"{dag}.py", token="", client=client
    )
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
