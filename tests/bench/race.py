"""The race: contestants take turns on one audience, all upload to the sink, and all must send the same members."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench.measure import BenchError, Measured, measure
from tests.bench.sink import IMPORTS, SENDER_CODE, RaceResult

PEERS = Path(__file__).with_name("peers")
LSMS = Path(sys.executable).with_name("lsms")


class Sink:
    """The sink process, and what it saw."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def start(
        self, keep: Path | None = None, megabytes_per_second: float | None = None, typed: bool = False, more: int = 0
    ) -> None:
        """`more`: fields named c0 and on, beside those of the audiences."""
        kept = str(keep) if keep else None
        order = {"keep": kept, "megabytes_per_second": megabytes_per_second, "typed": typed, "more": more}
        self._opener.open(f"{self.url}/race/start", json.dumps(order).encode()).close()

    def result(self) -> RaceResult:
        with self._opener.open(f"{self.url}/race/result") as answer:
            return RaceResult(**json.load(answer))

    def environment(self) -> dict[str, str]:
        """What `lsms` needs to take the sink for Listrak; nothing of the caller's own settings, and nothing that keeps
        Python from what an installed `lsms` has: its bytecode."""
        never = ("LISTRAK_", "LSMS_", "PYTHONDONTWRITEBYTECODE")
        ours = {name: value for name, value in os.environ.items() if not name.startswith(never)}
        settings = {
            "LISTRAK_API_URL": f"{self.url}/sms",
            "LISTRAK_TOKEN_URL": f"{self.url}/OAuth2/Token",
            "LISTRAK_CLIENT_ID": "race",
            "LISTRAK_CLIENT_SECRET": "race-secret",
        }
        return ours | settings


@contextmanager
def running_sink() -> Iterator[Sink]:
    command = [sys.executable, "-m", "tests.bench.sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Sink(int(process.stdout.readline()))
        finally:
            process.terminate()


@dataclass(frozen=True)
class Contestant:
    """`command` makes the command line for an audience file and a fresh folder. `runs`: timed runs (None: as many as
    the race has; 0: the checked run is also the timed one)."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    typed: bool = False
    runs: int | None = None


def push_command(audience: str | Path, fresh: Path, *options: str) -> list[str]:
    """The real command, journal and all; like the peers it ends when the last import has been accepted."""
    return [
        *(str(LSMS), "push", str(audience), "--sender-code", str(SENDER_CODE)),
        *("--no-wait", "--json", "--state-dir", str(fresh), *options),
    ]


def peer(name: str, script: str, python: Path, sink: Sink, runs: int | None = None) -> Contestant:
    def command(audience: Path, _fresh: Path) -> list[str]:
        return [str(python), str(PEERS / script), str(audience), sink.url + IMPORTS]

    return Contestant(name, command, runs=runs)


@dataclass(frozen=True)
class Received:
    """Members that arrived: their number, and a digest of their phones in order."""

    rows: int
    digest: str


@dataclass
class Finish:
    """How a contestant did: medians of its timed runs. `uploaded`: bytes of its import requests, the same in each
    run; `others`: CPU seconds that neither it nor the sink used."""

    name: str
    received: Received
    uploaded: int
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    sink_cpus: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpus)

    @property
    def peak(self) -> int:
        return max(self.peaks)

    def add(self, measured: Measured, sink: RaceResult) -> None:
        """Raises BenchError when this run uploaded more or less than the checked one."""
        if sink.body_bytes != self.uploaded:
            raise BenchError(f"{self.name} uploaded {sink.body_bytes:,} bytes, and {self.uploaded:,} when checked")
        self.walls.append(measured.seconds)
        self.cpus.append(measured.cpu)
        self.peaks.append(measured.peak)
        self.others.append(max(0.0, measured.busy - measured.cpu - sink.cpu))
        self.sink_cpus.append(sink.cpu)

    def document(self) -> dict[str, object]:
        return asdict(self) | {"wall": self.wall, "cpu": self.cpu, "peak": self.peak}


def race(
    contestants: Sequence[Contestant], audience: Path, sink: Sink, runs: int, say: Callable[[str], None]
) -> list[Finish]:
    """A checked run of each, then `runs` timed rounds. Raises BenchError when one sent other members."""
    finishes: dict[str, Finish] = {}
    for contestant in contestants:
        say(f"{contestant.name}: once, checked")
        finishes[contestant.name] = checked_run(contestant, audience, sink)
    if len({(finish.received.rows, finish.received.digest) for finish in finishes.values()}) > 1:
        told = "\n".join(f"  {name}: {finish.received}" for name, finish in finishes.items())
        raise BenchError(f"They did not send the same members:\n{told}")
    for number in range(runs):
        for contestant in contestants:
            if number < (runs if contestant.runs is None else contestant.runs):
                say(f"{contestant.name}: run {number + 1} of {runs}")
                finishes[contestant.name].add(*one_run(contestant, audience, sink))
    return list(finishes.values())


def checked_run(contestant: Contestant, audience: Path, sink: Sink) -> Finish:
    """The bodies are kept on disk and read once the contestant has ended."""
    with tempfile.TemporaryDirectory() as kept:
        measured, result = one_run(contestant, audience, sink, keep=Path(kept))
        finish = Finish(contestant.name, received(Path(kept)), result.body_bytes)
    if contestant.runs == 0:
        finish.add(measured, result)
    return finish


def one_run(
    contestant: Contestant, audience: Path, sink: Sink, keep: Path | None = None
) -> tuple[Measured, RaceResult]:
    sink.start(keep=keep, typed=contestant.typed)
    with tempfile.TemporaryDirectory() as fresh:
        measured = measure(contestant.command(audience, Path(fresh)), sink.environment())
    return measured, sink.result()


def received(kept: Path) -> Received:
    command = [sys.executable, "-m", "tests.bench.received", str(kept)]
    return Received(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def by_name(finishes: Sequence[Finish]) -> Mapping[str, Finish]:
    return {finish.name: finish for finish in finishes}
