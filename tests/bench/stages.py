"""`python -m tests.bench.stages`: where the time of a push goes (make profile).

A million members from CSV and from Parquet, through the Python API against the sink: seconds of wall time and of CPU
in each phase, as its events tell; then what the main thread did, by cProfile. The work is done on other threads, so
waiting for them is what the main thread should be seen to do.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests.bench.cache import MILLION, AudienceSpec, audience_file
from tests.bench.race import Sink, running_sink
from tests.bench.sink import SENDER_CODE

TOP = 15


class Stages:
    """A listener that gives each moment between two events to the phase it belongs to."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._now = "Opening, account"
        self._clocks = self._read()

    @staticmethod
    def _read() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def _turn(self, stage: str) -> None:
        clocks = self._read()
        for position, (before, after) in enumerate(zip(self._clocks, clocks, strict=True)):
            self.spent[self._now][position] += after - before
        self._clocks, self._now = clocks, stage

    def __call__(self, event: object) -> None:
        from listrak_sms_cli.runs.events import PhaseEnded, PhaseStarted

        if isinstance(event, PhaseStarted):
            self._turn(event.phase.value)
        elif isinstance(event, PhaseEnded):
            self._turn("Between phases")

    def end(self) -> None:
        self._turn("")


def push_once(audience: Path, sink: Sink, profile: cProfile.Profile) -> tuple[Stages, float]:
    """Stages and the seconds that importing took."""
    started = time.perf_counter()
    import listrak_sms_cli.runs.push
    from listrak_sms_cli import push

    assert listrak_sms_cli.runs.push
    imported = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as fresh:
        sink.start()
        stages = Stages()
        profile.enable()
        push(str(audience), sender_code=SENDER_CODE, wait=False, state_dir=fresh, on_event=stages)
        profile.disable()
        stages.end()
    return stages, imported


def main() -> None:
    if len(sys.argv) == 1:
        for suffix in ("csv", "parquet"):
            subprocess.run([sys.executable, "-m", "tests.bench.stages", suffix], check=True)
        return
    audience = audience_file(AudienceSpec(MILLION), sys.argv[1])
    profile = cProfile.Profile()
    with running_sink() as sink:
        os.environ.update(sink.environment())
        stages, imported = push_once(audience, sink, profile)
    print(
        f"### {audience.name}\n\n| stage | seconds | CPU s |\n| --- | ---: | ---: |\n| Importing | {imported:.2f} | |"
    )
    for stage, (wall, cpu) in stages.spent.items():
        print(f"| {stage} | {wall:.2f} | {cpu:.2f} |")
    print("\nMain thread:")
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(TOP)


if __name__ == "__main__":
    main()
