"""What a push must reach, measured: each row says what was wanted, what was found, and whether that is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cache import wide_file
from tests.bench.measure import Command, measure, medians, watch
from tests.bench.race import LSMS, Finish, Sink, push_command
from tests.bench.sink import SENDER_CODE

PUSH, HAND_TUNED, PANDAS = "lsms push", "pyarrow + numpy by hand", "pandas + requests"
POLARS = "polars"
MEGABYTE = 1_000_000
SLOW_LINK = 10.0  # megabytes a second
PASTE_SECONDS = 0.5  # of a slow upload's start, when the socket's buffers still swallow everything
TEN_MEMBERS = 10
WIDE = 1_999  # columns beside the phone


@dataclass(frozen=True)
class Target:
    """`met` is None where the wanted figure is for another size than was measured."""

    measure: str
    wanted: str
    found: str
    value: float
    met: bool | None


def at_most(measure: str, value: float, limit: float, unit: str = "x", *, binding: bool = True) -> Target:
    met = value <= limit if binding else None
    return Target(measure, f"at most {limit:g} {unit}", f"{value:.2f} {unit}", value, met)


def at_least(measure: str, value: float, limit: float, unit: str = "x", *, binding: bool = True) -> Target:
    met = value >= limit if binding else None
    return Target(measure, f"at least {limit:g} {unit}", f"{value:.2f} {unit}", value, met)


def race_targets(kind: str, finishes: Mapping[str, Finish], binding: bool) -> list[Target]:
    """`kind`: CSV or Parquet."""
    push, hand_tuned, pandas = (finishes[name] for name in (PUSH, HAND_TUNED, PANDAS))
    polars, csv = finishes[POLARS], kind == "CSV"
    fast = at_least(f"{kind}: as fast as {POLARS}", polars.wall / push.wall, 1.8 if csv else 1.5)
    return [
        fast if binding else against_polars(kind, finishes),
        at_most(f"{kind}: time against {HAND_TUNED}", push.wall / hand_tuned.wall, 1.05, binding=binding),
        at_least(f"{kind}: as fast as {PANDAS}", pandas.wall / push.wall, 10, binding=binding),
        at_most(f"{kind}: memory against {PANDAS}", push.peak / pandas.peak, 0.2, binding=binding),
        at_most(f"{kind}: peak memory", push.peak / MEGABYTE, 450 if csv else 500, "MB", binding=binding),
    ]


def against_polars(kind: str, finishes: Mapping[str, Finish]) -> Target:
    """The race of a million members."""
    return at_least(f"{kind}, 1 M members: as fast as {POLARS}", finishes[POLARS].wall / finishes[PUSH].wall, 1.1)


def push_peak(audience: Path, sink: Sink) -> int:
    """Bytes resident at most."""
    sink.start()
    with tempfile.TemporaryDirectory() as fresh:
        return measure(push_command(audience, Path(fresh)), sink.environment()).peak


def startup_targets(audience: Path, runs: int) -> list[Target]:
    """Ten members to a running sandbox, and the help, against importing what they cannot do without."""
    imports = "push of ten members: time against importing typer, rich, httpx, pyarrow.csv"
    helping = "lsms --help: time against importing typer, rich"
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as environment:
        ten = Path(folder) / "ten.csv"
        with audience.open() as rows:
            ten.write_text("".join(line for line, _ in zip(rows, range(TEN_MEMBERS + 1), strict=False)))
        os.sync()  # a push waits for the disk, which is not to be busy with what came before
        walls = medians(
            {
                "push": lambda fresh: push_command(ten, fresh),
                "push's imports": lambda _: [sys.executable, "-c", "import typer, rich, httpx, pyarrow.csv"],
                "help": lambda _: [str(LSMS), "--help"],
                "help's imports": lambda _: [sys.executable, "-c", "import typer, rich"],
            },
            environment,
            runs,
        )
    return [
        at_most(imports, walls["push"] / walls["push's imports"], 1.3),
        at_most(helping, walls["help"] / walls["help's imports"], 1.5),
    ]


@contextmanager
def running_sandbox(*options: str) -> Iterator[dict[str, str]]:
    """A sandbox process; yields the environment that points at it."""
    command = [str(LSMS), "sandbox", "--port", "0", "--import-seconds", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = ""
            while not said.rstrip().endswith("}"):
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError("the sandbox did not start")
                said += line
            told = json.loads(said)
            yield Sink(0).environment() | {name: told[name] for name in told if name.startswith("LISTRAK_")}
        finally:
            process.terminate()


def validate_target(audience: Path, sink: Sink, runs: int) -> Target:
    sink.start()
    validate = [str(LSMS), "validate", str(audience), "--sender-code", str(SENDER_CODE), "--json"]
    commands: dict[str, Command] = {"validate": lambda _: validate, "push": lambda fresh: push_command(audience, fresh)}
    walls = medians(commands, sink.environment(), runs)
    return at_most("validate: time against the push", walls["validate"] / walls["push"], 0.8)


def wide_target(sink: Sink, runs: int) -> Target:
    """Two thousand columns, whose profile is most of the work of a validate."""
    sink.start(more=WIDE)
    audience = wide_file(WIDE, 20_000)
    validate = [str(LSMS), "validate", str(audience), "--sender-code", str(SENDER_CODE), "--json"]
    commands: dict[str, Command] = {"validate": lambda _: validate, "push": lambda fresh: push_command(audience, fresh)}
    walls = medians(commands, sink.environment(), runs)
    return at_most(f"validate of {WIDE:,} columns: time against the push", walls["validate"] / walls["push"], 1.0)


def rejects_target(audience: Path, sink: Sink, runs: int) -> Target:
    """`audience`: 3 % of its members are dropped."""
    sink.start()
    commands: dict[str, Command] = {
        "with": lambda fresh: push_command(audience, fresh, "--rejects", str(fresh / "rejects.csv")),
        "without": lambda fresh: push_command(audience, fresh),
    }
    walls = medians(commands, sink.environment(), runs)
    return at_most("--rejects at 3 % dropped: time against none", walls["with"] / walls["without"], 1.15)


def slow_link_targets(audience: Path, sink: Sink) -> list[Target]:
    """CPU of the push, bar and all, while the sink takes ten megabytes a second, and how long the bar stood still."""
    sink.start(megabytes_per_second=SLOW_LINK)
    with tempfile.TemporaryDirectory() as fresh:
        command = [option for option in push_command(audience, Path(fresh)) if option != "--json"]
        watched = watch(command, sink.environment() | {"TERM": "xterm-256color", "COLUMNS": "120"})
    result = sink.result()
    start, end = result.first + PASTE_SECONDS, result.last
    return [
        at_most("slow link: share of one core", 100 * watched.cpu_share(start, end), 15, "%"),
        at_most("slow link: the bar stands still", watched.longest_pause(start, end), 0.5, "s"),
    ]
