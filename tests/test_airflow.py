"""A push in a task of a real Airflow, which `make test-airflow` installs: stopped from outside, and gone on with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import PROJECT, World

pytestmark = pytest.mark.airflow
AIRFLOW = Path(sys.prefix) / "airflow/bin/python"
NINE = "phone,first_name\n" + "".join(f"21255501{n:02d},N{n}\n" for n in range(9))
HANGS = {"route": "start_import", "fault": "hang", "seconds": 60, "skip": 1, "count": 1}
DAG = """
import threading
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task

HOME = Path({home!r})


@dag
def nightly():
    @task
    def send():
        from listrak_sms_cli import push

        return push(HOME / "audience.csv", batch_rows=3, concurrency=1).as_json()

    @task(execution_timeout=timedelta(seconds=8))
    def in_time():
        from listrak_sms_cli import push

        before = set(threading.enumerate())
        try:
            push(HOME / "audience.csv", batch_rows=3, concurrency=1)
        finally:
            left = [thread.name for thread in threading.enumerate() if thread not in before]
            (HOME / "left").write_text(" ".join(left))

    @task
    def go_on():
        from listrak_sms_cli import resume

        return resume().as_json()

    send(), in_time(), go_on()


nightly()
"""


def task(world: World, name: str) -> subprocess.Popen[str]:
    """Starts a task of the DAG."""
    home = world.home / "airflow"
    (home / "dags").mkdir(parents=True, exist_ok=True)
    (home / "dags/nightly.py").write_text(DAG.format(home=str(world.home)))
    world.audience(NINE)
    env = {**world.env, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    env |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1"}
    command = [AIRFLOW, PROJECT / "tests/support/airflow_task.py", "nightly", name]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert out, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def check_that_it_goes_on(world: World, state: str) -> None:
    """The record says what Listrak accepted, and another task sends the rest of it."""
    (run,) = world.lsms("runs", "--json").json["runs"]
    assert (run["state"], run["sent"]) == (state, 3)
    told = ended(task(world, "go_on"))
    assert (told["state"], told["result"]["run_id"], told["result"]["rows_sent"]) == ("success", run["run_id"], 9)
    assert world.contacts()["+12125550108"]["First Name"] == "N8"


def test_a_task_that_is_marked_as_failed(make_world: Callable[..., World]) -> None:
    """Airflow sends its task SIGTERM and, five seconds later, SIGKILL: the record of the push in it is true."""
    world = make_world(fault_rules=(HANGS,))
    process = task(world, "send")
    while not world.admin("faults")[0]["struck"]:
        assert process.poll() is None
        time.sleep(0.05)
    (world.home / "airflow/stop").touch()
    told = ended(process)
    (world.home / "airflow/stop").unlink()
    assert told["exit"] != 0 and told["result"] is None
    check_that_it_goes_on(world, "interrupted")


def test_a_task_beyond_its_time(make_world: Callable[..., World]) -> None:
    """The exception that Airflow raises in a task at its `execution_timeout` ends a push: no thread of it lives on."""
    world = make_world(fault_rules=(HANGS,))
    told = ended(task(world, "in_time"))
    assert (told["state"], (world.home / "left").read_text()) == ("failed", "")
    check_that_it_goes_on(world, "pending")
