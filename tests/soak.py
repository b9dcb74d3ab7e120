"""`make soak`: random fault schedules until Ctrl-C, or until SOAK_SCHEDULES of them or SOAK_SECONDS are over.

Begins with the seed in SOAK_SEED (default: drawn from the time), so that a schedule can be lived through again.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from listrak_sms_cli.sandbox import EmbeddedSandbox
from tests.support.canary_schedules import draw_canary, survive_canary
from tests.support.fault_schedules import in_process, live_through, surviving


def seeds(first: int) -> Iterator[int]:
    """Seeds from `first` on, as many as the environment allows."""
    most, seconds = os.environ.get("SOAK_SCHEDULES"), float(os.environ.get("SOAK_SECONDS") or "inf")
    until = time.monotonic() + seconds
    every = itertools.count(first) if not most else range(first, first + int(most))
    return itertools.takewhile(lambda _: time.monotonic() < until, every)


def alternating(home: Path) -> Callable[[int, EmbeddedSandbox], Counter[int]]:
    """Every other schedule has a canary, and kills."""
    plain = surviving(in_process, home)

    def live(seed: int, sandbox: EmbeddedSandbox) -> Counter[int]:
        return survive_canary(draw_canary(seed), sandbox, home) if seed % 2 else plain(seed, sandbox)

    return live


def main() -> int:
    first = int(os.environ.get("SOAK_SEED") or time.time())
    survived: Counter[str] = Counter()
    met: Counter[int] = Counter()

    def note(_seed: int, codes: Counter[int]) -> None:
        survived["schedules"] += 1
        met.update(codes)
        if survived["schedules"] % 50 == 0:
            sys.stdout.write(f"{survived['schedules']:,} schedules survived\n")
            sys.stdout.flush()

    sys.stdout.write(f"Fault schedules from seed {first} on; Ctrl-C ends.\n")
    code = 0
    with tempfile.TemporaryDirectory(prefix="lsms-soak-") as home:
        try:
            live_through(seeds(first), alternating(Path(home)), on_end=note)
        except KeyboardInterrupt:
            pass
        except AssertionError as error:
            sys.stdout.write(f"{error}\n")
            code = 1
    commands = ", ".join(f"exit {exit_code}: {count:,}" for exit_code, count in sorted(met.items()))
    sys.stdout.write(f"{survived['schedules']:,} schedules were survived (commands by {commands}).\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
