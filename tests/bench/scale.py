"""How far one machine goes: `python -m tests.bench.scale [--millions 1,10,50] [--ways csv,parquet,s3,duckdb]`.

One push a row, each a process of its own, to a sink on the same machine: members a second, when the first import began,
memory (of Spark: of the driver's Python alone), bytes sent, imports. Prints a table and writes bench-scale.json after
each row. All ways of one size hold the same rows in the same order, so they must send the same bytes.

Another way (a cluster, say) is an entry of WAYS: a context manager that yields the Way of an audience. The audiences
stay in BENCH_DIR (see `cache.py`); databases and spools are in the system's temporary folder while a row runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench.cache import MILLION, AudienceSpec, audience_file, audience_is_there, bench_folder
from tests.bench.machine import machine_facts
from tests.bench.measure import BenchError, Command, measure
from tests.bench.race import LSMS, Sink, push_command, running_sink
from tests.bench.report import machine_line
from tests.bench.targets import MEGABYTE
from tests.support.databases import postgresql, source

RESULT = Path("bench-scale.json")
AUDIENCE_BYTES = 135  # on disk, a member: the CSV and the Parquet file
WORKING_BYTES = 350  # a member: a database, the copy of what can be read once, the import files
SPARK = Path(".venv/spark-4/bin/python")
IN_NO_ORDER = "spark-"  # the names of such ways; behind it, the tasks at once
QUERY = "SELECT * FROM members"


@dataclass(frozen=True)
class Way:
    """How an audience is pushed: the command line, given a fresh state folder, and what it needs in the environment."""

    command: Command
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A push: `read` and `sent` members; `first_import`: seconds until the first upload began; `peak` bytes of memory;
    `bytes_sent` of all import requests."""

    way: str
    read: int
    sent: int
    seconds: float
    first_import: float
    members_per_second: float
    cpu: float
    peak: int
    bytes_sent: int
    imports: int


def pushed(audience: str | Path, *options: str) -> Command:
    return lambda fresh: push_command(audience, fresh, *options)


@contextmanager
def from_csv(spec: AudienceSpec, _folder: Path) -> Iterator[Way]:
    yield Way(pushed(audience_file(spec, "csv")))


@contextmanager
def from_parquet(spec: AudienceSpec, _folder: Path) -> Iterator[Way]:
    yield Way(pushed(audience_file(spec, "parquet")))


@contextmanager
def from_s3(spec: AudienceSpec, _folder: Path) -> Iterator[Way]:
    """The Parquet file, from a server of its own."""
    file = audience_file(spec, "parquet")
    command = [sys.executable, "-m", "tests.bench.bucket", str(file.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            anonymous = ("--storage-option", f"endpoint={endpoint}", "--storage-option", "anonymous=true")
            yield Way(pushed(f"s3://bench/{file.name}", *anonymous))
        finally:
            server.terminate()


@contextmanager
def from_duckdb(spec: AudienceSpec, folder: Path) -> Iterator[Way]:
    """A query of a database file, which another process makes: this one is to stay small (see `measure.py`)."""
    file = folder / "members.duckdb"
    create = f"CREATE TABLE members AS SELECT * FROM read_parquet('{audience_file(spec, 'parquet')}')"
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
    subprocess.run([sys.executable, "-c", program, str(file), create], check=True)
    yield of_a_query(folder, "duckdb", file)


@contextmanager
def from_postgresql(spec: AudienceSpec, folder: Path) -> Iterator[Way]:
    """A query of a server that is started for it."""
    csv = audience_file(spec, "csv")
    with csv.open() as rows:
        columns = ", ".join(f'"{name}" text' for name in rows.readline().rstrip("\n").split(","))
    with postgresql() as server:
        server.run(
            f"CREATE UNLOGGED TABLE members ({columns});\n"
            f"\\copy members FROM '{csv}' (FORMAT csv, HEADER, NULL '\\N')\n"
        )
        yield of_a_query(folder, "postgresql", server.uri)


def of_a_query(folder: Path, driver: str, uri: object) -> Way:
    """`uri`: of the database, which has a table `members`."""
    config, query = source(folder, driver, uri), folder / "audience.sql"
    query.write_text(QUERY)
    return Way(pushed(query, "--source", "warehouse", "--config", str(config)))


def from_spark(tasks: int) -> Callable[[AudienceSpec, Path], AbstractContextManager[Way]]:
    """The Parquet file as a frame that is cleaned by so many tasks at once, in the environment of `make test-spark`."""

    @contextmanager
    def way(spec: AudienceSpec, _folder: Path) -> Iterator[Way]:
        file = str(audience_file(spec, "parquet"))
        yield Way(lambda fresh: [str(SPARK), "-m", "tests.bench.spark_push", file, str(tasks), str(fresh)])

    return way


WAYS: Mapping[str, Callable[[AudienceSpec, Path], AbstractContextManager[Way]]] = {
    "csv": from_csv,
    "parquet": from_parquet,
    "s3": from_s3,
    "duckdb": from_duckdb,
    "postgresql": from_postgresql,
    **{f"{IN_NO_ORDER}{tasks}": from_spark(tasks) for tasks in (1, 2, 4)},
}


def measured_row(name: str, spec: AudienceSpec, sink: Sink) -> Row:
    """Raises BenchError when the disk is too small, or the push fails."""
    check_disk(spec)
    with tempfile.TemporaryDirectory(prefix="lsms-scale-") as folder, WAYS[name](spec, Path(folder)) as way:
        state = Path(folder) / "state"
        sink.start()
        began = time.monotonic()
        measured = measure(way.command(state), {**sink.environment(), **way.environment})
        result = sink.result()
        sent = sent_of(state)
    return Row(
        way=name,
        read=spec.rows,
        sent=sent,
        seconds=measured.seconds,
        first_import=result.first - began,
        members_per_second=spec.rows / measured.seconds,
        cpu=measured.cpu,
        peak=measured.peak,
        bytes_sent=result.body_bytes,
        imports=result.imports,
    )


def check_disk(spec: AudienceSpec) -> None:
    audiences = 0 if audience_is_there(spec) else AUDIENCE_BYTES
    for place, a_member in ((bench_folder(), audiences), (Path(tempfile.gettempdir()), WORKING_BYTES)):
        free, needed = shutil.disk_usage(place).free, spec.rows * a_member
        if free < needed:
            raise BenchError(f"{place} has {free / 1e9:.1f} GB free; {needed / 1e9:.1f} GB may be needed")


def sent_of(state: Path) -> int:
    """What the record of the one run says."""
    command = [str(LSMS), "runs", "--json", "--state-dir", str(state)]
    (run,) = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["runs"]
    return int(run["sent"])


def check_same(rows: Sequence[Row]) -> None:
    """Raises BenchError when two ways of one size sent other members or other bytes; of a frame, which has no order,
    another member with the same phone may be sent."""
    for row in rows:
        first = next(other for other in rows if other.read == row.read)
        in_order = not (first.way + row.way).count(IN_NO_ORDER)
        if row.sent != first.sent or (in_order and row.bytes_sent != first.bytes_sent):
            raise BenchError(f"{first.way} and {row.way} did not send the same: {first} {row}")


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| members | from | seconds | until the first import | members/s | CPU s | peak MB | MB sent | imports |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = (
            f"{row.read:,}",
            row.way,
            f"{row.seconds:.1f}",
            f"{row.first_import:.1f}",
            f"{row.members_per_second:,.0f}",
            f"{row.cpu:.1f}",
            f"{row.peak / MEGABYTE:,.0f}",
            f"{row.bytes_sent / MEGABYTE:,.0f}",
            f"{row.imports:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def bench(sizes: Sequence[int], ways: Sequence[str], result: Path) -> list[Row]:
    facts, rows = machine_facts(), list[Row]()
    print(machine_line(facts), end="\n\n", flush=True)
    with running_sink() as sink:
        for members in sizes:
            for name in ways:
                print(f"… {members:,} members from {name}", file=sys.stderr, flush=True)
                rows.append(measured_row(name, AudienceSpec(members), sink))
                result.write_text(json.dumps({"machine": facts, "rows": list(map(asdict, rows))}, indent=1) + "\n")
    print(table(rows))
    check_same(rows)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--millions", default="1,10,50", help="sizes, in millions of members")
    has_postgresql = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    missing = [
        *(() if has_postgresql else ("postgresql",)),
        *(() if SPARK.exists() else ("spark-1", "spark-2", "spark-4")),
    ]
    ready = [name for name in WAYS if name not in missing]
    parser.add_argument("--ways", default=",".join(ready), help=f"of {', '.join(WAYS)}")
    parser.add_argument("--result", type=Path, default=RESULT, help="the JSON file")
    given = parser.parse_args()
    ways = given.ways.split(",")
    if unknown := [name for name in ways if name not in WAYS]:
        parser.error(f"there is no way {unknown[0]}")
    try:
        bench([round(float(size) * MILLION) for size in given.millions.split(",")], ways, given.result)
    except BenchError as error:
        print(f"bench-scale: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
