"""One command under measurement.

The process that measures stays small and reads no audience: a child's peak memory is never reported below that of
the process it was started from.
"""

from __future__ import annotations

import itertools
import os
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
SAMPLE_SECONDS = 0.05
TAIL_CHARACTERS = 2000


class BenchError(Exception):
    """A contestant failed, or sent other members than the rest."""


@dataclass(frozen=True)
class Measured:
    """`seconds` of wall time; `cpu` seconds of the command and the children it waited for; `peak` bytes resident of
    the largest of them; `busy`: CPU seconds the whole machine worked meanwhile, ours and everybody's."""

    seconds: float
    cpu: float
    peak: int
    busy: float


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Runs the command to its end. Raises BenchError when it fails."""
    with tempfile.TemporaryFile() as output:
        busy, start = machine_busy(), time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        usage = finish(process)
        seconds = time.perf_counter() - start
        if process.returncode:
            output.seek(0)
            tail = output.read().decode(errors="replace")[-TAIL_CHARACTERS:]
            raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * PEAK_UNIT, machine_busy() - busy)


Command = Callable[[Path], Sequence[str]]  # the command line, given a folder that nobody has used before


def medians(commands: Mapping[str, Command], environment: Mapping[str, str], runs: int) -> dict[str, float]:
    """Median wall seconds of each command, the commands taking turns; one round before them warms the disk's cache."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory() as fresh:
                seconds = measure(command(Path(fresh)), environment).seconds
            if number:
                walls[name].append(seconds)
    return {name: statistics.median(every) for name, every in walls.items()}


@dataclass(frozen=True)
class Watched:
    """A command as it ran on a terminal: (clock, CPU seconds so far) samples and the clock of each piece it drew, on
    the machine's monotonic clock."""

    samples: list[tuple[float, float]]
    drawn: list[float]

    def cpu_share(self, start: float, end: float) -> float:
        """CPU seconds a second between two moments (Linux only; 0.0 elsewhere)."""
        inside = [sample for sample in self.samples if start <= sample[0] <= end]
        if len(inside) < 2:
            return 0.0
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])

    def longest_pause(self, start: float, end: float) -> float:
        """Seconds the display stood still at most between two moments."""
        moments = [start, *(moment for moment in self.drawn if start < moment < end), end]
        return max(after - before for before, after in itertools.pairwise(moments))


def watch(command: Sequence[str], environment: Mapping[str, str]) -> Watched:
    """Runs the command with a pseudo-terminal as its standard error, so that it draws what a person would see."""
    ours, theirs = pty.openpty()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=theirs)
        os.close(theirs)
        drawn: list[float] = []
        reader = threading.Thread(target=_note_drawing, args=(ours, drawn))
        reader.start()
        samples: list[tuple[float, float]] = []
        while process.poll() is None:
            samples.append((time.monotonic(), process_cpu(process.pid)))
            time.sleep(SAMPLE_SECONDS)
        reader.join()
        os.close(ours)
    if process.returncode:
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}")
    return Watched(samples, drawn)


def _note_drawing(terminal: int, drawn: list[float]) -> None:
    try:
        while os.read(terminal, 1 << 16):
            drawn.append(time.monotonic())
    except OSError:
        """On Linux a pseudo-terminal whose other side is closed is read as an error."""


def finish(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Waits for the process; returns its resource usage, children it waited for included."""
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def machine_busy() -> float:
    """CPU seconds all processes have used since the machine started (0.0 where /proc does not tell)."""
    try:
        user, nice, system, _idle, _waiting, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
    except OSError:
        return 0.0
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / TICKS_A_SECOND


def process_cpu(pid: int) -> float:
    """CPU seconds a process has used so far (0.0 where /proc does not tell)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
