"""What `--changed-only` costs, and spares: held against the plain push of the same audience by an account that is not
remembered. All of them wait for their imports, which end at once: only then somebody is remembered.

A dry run reads and checks as all of them do, and sends and remembers nothing: who sends less cannot be much faster.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from pathlib import Path

from tests.bench.cache import AudienceSpec, audience_file
from tests.bench.measure import Measured, measure
from tests.bench.race import Sink, push_command
from tests.bench.targets import MEGABYTE, Target, at_most

CHANGED = 0.01  # of the members
PLAIN, FIRST, SECOND, DRY = "plain", "nothing known", "1 % changed", "a dry run"
LIMITS = {FIRST: 1.25, SECOND: 0.8}  # times the plain push


def remembering_targets(kind: str, spec: AudienceSpec, sink: Sink, runs: int, *, binding: bool) -> list[Target]:
    """Wall and CPU time, and the peak, of the race's audience. `kind`: CSV or Parquet."""
    found: dict[str, list[Measured]] = {PLAIN: [], FIRST: [], SECOND: [], DRY: []}
    audience, later = (audience_file(one, kind.lower()) for one in (spec, dataclasses.replace(spec, changed=CHANGED)))
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as remembering:
            found[PLAIN].append(_pushed(audience, plain, sink))
            found[FIRST].append(_pushed(audience, remembering, sink, "--changed-only"))
            found[SECOND].append(_pushed(later, remembering, sink, "--changed-only"))
            found[DRY].append(_pushed(audience, plain, sink, "--dry-run"))
    walls = {name: statistics.median(one.seconds for one in some) for name, some in found.items()}
    cpus = {name: statistics.median(one.cpu for one in some) for name, some in found.items()}
    rows = [
        at_most(f"{kind}: --changed-only, {name}: {what} against the push", took[name] / took[PLAIN], limit)
        for name, limit in LIMITS.items()
        for what, took in (("time", walls), ("CPU", cpus))
    ]
    rows += [
        Target(f"{kind}: a dry run: {what} against the push", "the floor", f"{ratio:.2f} x", ratio, None)
        for what, took in (("time", walls), ("CPU", cpus))
        for ratio in (took[DRY] / took[PLAIN],)
    ]
    peak = max(one.peak for one in found[FIRST] + found[SECOND]) / MEGABYTE
    rows.append(at_most(f"{kind}: --changed-only: peak memory", peak, 673, "MB"))
    return [row if binding else dataclasses.replace(row, met=None) for row in rows]


def _pushed(audience: Path, state: str, sink: Sink, *options: str) -> Measured:
    command = [word for word in push_command(audience, Path(state), *options) if word != "--no-wait"]
    sink.start()
    return measure(command, sink.environment())
