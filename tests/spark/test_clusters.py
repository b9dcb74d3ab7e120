"""What clusters do to a push: executors die, tasks run twice, packages are missing or brought."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from listrak_sms_cli.runs import MembersCounted
from listrak_sms_cli.spark import push
from listrak_sms_cli.spark.frame import SparkFrame
from tests.support.readme import code
from tests.support.spark import CONFIG, KIND, MARKS, import_files, parquet
from tests.support.world import PROJECT, World

pytestmark = [*MARKS, pytest.mark.skipif(not KIND.startswith("local-cluster"), reason="where there are executors")]
Leads = Callable[..., World]
OPTIONS: dict[str, Any] = {"order_by": "n", "skip_column": "n", "batch_rows": 70}
CLUSTER = {**CONFIG, "spark.master": "local-cluster[2,1,1024]", "spark.sql.files.maxPartitionBytes": "4k"}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Each of the 300 phones that the sandbox knows ten times, in eight files."""
    phones = [f"{(212, 415, 718)[n % 3]}55501{n // 3 % 100:02d}" for n in range(3000)]
    rows = ({"phone": phone, "first_name": f"N{n}", "n": n} for n, phone in enumerate(phones))
    return parquet(rows, tmp_path / "frame", parts=8)


def arrived(world: World) -> dict[str, str]:
    return {phone: contact["First Name"] for phone, contact in world.contacts().items()}


def expected() -> dict[str, str]:
    """The last of each phone's names."""
    return {f"+1{(212, 415, 718)[n % 3]}55501{n // 3 % 100:02d}": f"N{n}" for n in range(3000)}


def executors(spark: Any) -> list[int]:
    """The processes of the executors, which are children of Spark's driver."""
    driver, found = spark.sparkContext._gateway.proc.pid, []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == driver and b"CoarseGrainedExecutorBackend" in command:
            found.append(int(place.name))
    return found


def dying_once(marker: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def work(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            yield batch
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            daemon = Path(f"/proc/{os.getppid()}/stat").read_text()
            os.kill(int(daemon.rpartition(")")[2].split()[1]), signal.SIGKILL)

    return work


@pytest.mark.parametrize("prepare", ["driver", "executors"])
def test_an_executor_that_dies_while_it_reads(
    spark: Any, leads: Leads, folder: str, tmp_path: Path, prepare: str
) -> None:
    """An executor is killed in the middle of a part: every member arrives once, as without."""
    world, marker = leads(), tmp_path / "died"
    frame = spark.read.parquet(folder)
    report = push(frame.mapInArrow(dying_once(str(marker)), frame.schema), prepare=prepare, **OPTIONS)
    assert marker.exists()
    assert (report.rows_read, report.rows_sent) == (3000, 300)
    assert arrived(world) == expected()


def test_executors_that_die_while_the_driver_reads(spark: Any, leads: Leads, folder: str) -> None:
    """All executors are killed once the first rows are here, whatever prepares them: nothing comes twice,
    nothing is lost, the import files are those of a quiet run."""
    stream = SparkFrame(spark.read.parquet(folder), ["n"]).stream(())
    first = next(stream.batches)
    for process in executors(spark):
        os.kill(process, signal.SIGKILL)
    rows = pa.Table.from_batches([first, *stream.batches])
    assert rows.column("n").to_pylist() == list(range(3000))
    quiet = leads()
    files = import_files(quiet, push(spark.read.parquet(folder), prepare="executors", **OPTIONS).run_id)
    world, killed = leads(), []

    def kill(event: object) -> None:
        if isinstance(event, MembersCounted) and not killed:
            killed.extend(executors(spark))
            for process in killed:
                os.kill(process, signal.SIGKILL)

    report = push(spark.read.parquet(folder), prepare="executors", on_event=kill, **OPTIONS)
    assert killed
    assert import_files(world, report.run_id) == files
    assert arrived(world) == expected()


def pushed_there(world: World, folder: str, python: str, *, slow: Path | None = None, **conf: str) -> dict[str, Any]:
    """What `push_there` prints; `python`: that of the executors."""
    given = {
        "conf": {**CLUSTER, **{name.replace("_", "."): value for name, value in conf.items()}},
        "folder": folder,
        "options": {**OPTIONS, "prepare": "executors"},
        "slow": str(slow) if slow else None,
    }
    env = {**os.environ, **world.env, "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": sys.executable}
    env["PYTHONWARNINGS"] = "ignore"
    command = [sys.executable, "-m", "tests.spark.push_there", json.dumps(given)]
    ended = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    document: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return document


@contextmanager
def two_hosts() -> Iterator[str]:
    """A cluster of two hosts, which are two addresses of this one: Spark copies no task to the host it runs on."""
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    deploy, port, started = "org.apache.spark.deploy", "17077", []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def start(name: str, *words: str) -> None:
        more = ["--webui-port", "0", *words]
        started.append(subprocess.Popen([program, f"{deploy}.{name}", *more], **quiet, start_new_session=True))

    url = f"spark://127.0.0.1:{port}"
    try:
        start("master.Master", "--host", "127.0.0.1", "--port", port)
        for host in ("127.0.0.1", "127.0.0.2"):
            start("worker.Worker", "--host", host, "--cores", "1", "--memory", "600m", url)
        yield url
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_task_that_runs_twice(leads: Leads, folder: str, tmp_path: Path) -> None:
    """With speculation a task that is slow runs on another host as well: its rows count once."""
    world, seen = leads(), tmp_path / "seen"
    seen.mkdir()
    speculation = {
        "spark_speculation": "true",
        "spark_speculation_interval": "200ms",
        "spark_speculation_multiplier": "1.1",
        "spark_speculation_quantile": "0.3",
    }
    with two_hosts() as url:
        report = pushed_there(world, folder, sys.executable, slow=seen, spark_master=url, **speculation)
    assert (seen / "0-1").exists()
    assert (report["rows_read"], report["rows_sent"]) == (3000, 300)
    assert arrived(world) == expected()


def test_packages_are_brought_with_venv_pack(leads: Leads, folder: str, tmp_path: Path) -> None:
    """Executors without the package are an error that says so; with the environment that AUDIENCES.md packs they clean
    and pack."""
    world = leads()
    bare = str(Path(sys.executable).resolve())
    assert pushed_there(world, folder, bare)["code"] == "spark_package"
    commands = code("sh", "python -m venv environment").replace("install .", f"install -qq {PROJECT}")
    commands = commands.replace("venv-pack", "venv-pack -q --compress-level 1")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, timeout=500)
    archive = f"{tmp_path / 'environment.tar.gz'}#environment"
    report = pushed_there(world, folder, "./environment/bin/python", spark_archives=archive)
    assert report["rows_sent"] == 300
    assert arrived(world) == expected()
