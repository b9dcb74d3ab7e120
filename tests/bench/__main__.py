"""`python -m tests.bench [--quick]`: makes what it needs, races, prints tables, writes bench.json.

What it makes stays in BENCH_DIR (a folder of the system's temporary folder unless set): the audiences, about 2 GB,
and an environment with the peers' libraries. `--quick` races a million members only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import targets
from tests.bench.cache import MILLION, AudienceSpec, audience_file, bench_folder
from tests.bench.machine import machine_facts, peer_environment
from tests.bench.measure import BenchError
from tests.bench.race import Contestant, Finish, Sink, by_name, peer, push_command, race, running_sink
from tests.bench.reading_back import reading_back_targets
from tests.bench.remembering import remembering_targets
from tests.bench.report import machine_line, race_table, short_line, target_table, write_json
from tests.bench.targets import HAND_TUNED, PANDAS, POLARS, PUSH, Target

RESULT = Path("bench.json")
RUNS = 5


@dataclass(frozen=True)
class Programme:
    """Which audience is used for what. `few_dropped`: 3 % of its members are; `binding`: the targets are for the
    size of `raced`; `runs` of each command where a push is held against another one, `startups` of the small ones."""

    raced: AudienceSpec
    few_dropped: AudienceSpec
    slow: AudienceSpec
    binding: bool
    runs: int
    startups: int

    def specs(self) -> tuple[AudienceSpec, ...]:
        return (self.raced, self.few_dropped, self.slow)


FULL = Programme(
    AudienceSpec(10 * MILLION), AudienceSpec(5 * MILLION, 0.01, 0.02), AudienceSpec(MILLION), True, RUNS, 9
)
QUICK = Programme(AudienceSpec(MILLION), AudienceSpec(MILLION, 0.01, 0.02), AudienceSpec(MILLION // 4), False, 2, 5)


def contestants(sink: Sink, python: Path, quick: bool, *, typed: bool) -> list[Contestant]:
    """`typed`: with a push that has dates to check and turn round, which is the same work whatever the format."""
    return [
        Contestant(PUSH, push_command),
        *([Contestant(f"{PUSH}, two Date fields", push_command, typed=True)] if typed else []),
        peer(HAND_TUNED, "arrow_numpy.py", python, sink),
        peer(POLARS, "polars_httpx.py", python, sink),
        # The slow ones are not what is decided by a tenth of a second.
        peer("DuckDB", "duckdb_sql.py", python, sink, runs=1 if quick else None),
        peer(PANDAS, "pandas_requests.py", python, sink, runs=0),
    ]


def other_targets(programme: Programme, sink: Sink) -> list[Target]:
    """Whatever else is owed; a row that cannot be measured is a missed one, and the others are still measured."""
    few_dropped, slow = audience_file(programme.few_dropped, "csv"), audience_file(programme.slow, "csv")
    rows: dict[str, Callable[[], list[Target]]] = {
        "memory": lambda: memory_targets(programme, sink),
        "ten members, and the help": lambda: targets.startup_targets(slow, programme.startups),
        "validate": lambda: [targets.validate_target(audience_file(programme.raced, "csv"), sink, programme.runs)],
        "validate of many columns": lambda: [targets.wide_target(sink, programme.runs)],
        "rejects": lambda: [targets.rejects_target(few_dropped, sink, programme.runs)],
        "pull and verify": lambda: reading_back_targets(programme.slow.rows, binding=programme.binding),
        "a slow link": lambda: targets.slow_link_targets(slow, sink),
    }
    found: list[Target] = []
    for name, measured in rows.items():
        say(name)
        try:
            found += measured()
        except (BenchError, RuntimeError, OSError) as error:
            say(f"{name}: {error}")
            found.append(Target(name, "a measurement", "failed", 0.0, False))
    return found


def million_targets(sink: Sink, python: Path, runs: int) -> list[Target]:
    """A million members against polars, where starting weighs; `--quick` races that many anyway."""
    found = []
    for kind in ("CSV", "Parquet"):
        say(f"{kind}: a million members")
        racers = [Contestant(PUSH, push_command), peer(POLARS, "polars_httpx.py", python, sink)]
        finishes = race(racers, audience_file(AudienceSpec(MILLION), kind.lower()), sink, runs, say)
        found.append(targets.against_polars(kind, by_name(finishes)))
    return found


def memory_targets(programme: Programme, sink: Sink) -> list[Target]:
    """Peaks at one, five and ten million members: the growth between the first and the last is what a member costs."""
    million, five = AudienceSpec(MILLION), programme.few_dropped
    small, large = (targets.push_peak(audience_file(spec, "csv"), sink) for spec in (million, programme.raced))
    found = [targets.at_most("1 M members: peak memory", small / targets.MEGABYTE, 220, "MB")]
    if programme.binding:
        peak = targets.push_peak(audience_file(five, "csv"), sink)
        found.append(targets.at_most("5 M members: peak memory", peak / targets.MEGABYTE, 600, "MB"))
        growth = (large - small) / (programme.raced.rows - million.rows)
        found.append(targets.at_most("memory for each further member", growth, 40, "bytes"))
    return found


def phone_rates() -> dict[str, float]:
    say("phones")
    done = subprocess.run([sys.executable, "-m", "tests.bench.phones"], check=True, stdout=subprocess.PIPE)
    rates: dict[str, float] = json.loads(done.stdout)
    return rates


def say(what: str) -> None:
    """Progress, on standard error."""
    print(f"… {what}", file=sys.stderr, flush=True)


def bench(programme: Programme, quick: bool) -> list[Target]:
    python = peer_environment(bench_folder())
    for spec in programme.specs():
        say(f"an audience of {spec.rows:,} members")
        audience_file(spec, "csv")
    races: dict[str, Sequence[Finish]] = {}
    found: list[Target] = []
    facts = machine_facts(python)
    print(machine_line(facts), end="\n\n", flush=True)
    with running_sink() as sink:
        for kind, suffix in (("CSV", "csv"), ("Parquet", "parquet")):
            audience = audience_file(programme.raced, suffix)
            typed = kind == "CSV" or not quick
            finishes = race(contestants(sink, python, quick, typed=typed), audience, sink, programme.runs, say)
            races[kind] = finishes
            found += targets.race_targets(kind, by_name(finishes), programme.binding)
            title = f"{kind}, {programme.raced.rows:,} members, {audience.stat().st_size / 1e6:,.0f} MB"
            print(race_table(title, programme.raced.rows, finishes), end="\n\n", flush=True)
            say(f"{kind}: --changed-only")
            found += remembering_targets(kind, programme.raced, sink, programme.runs, binding=programme.binding)
            write_json(RESULT, facts, races, found, {})
        if programme.binding:
            found += million_targets(sink, python, programme.runs)
        found += other_targets(programme, sink)
    rates = phone_rates()
    print(target_table(found), end="\n\n")
    print(short_line(facts, found), end="\n\n")
    print("Phones on one core: " + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()))
    write_json(RESULT, facts, races, found, rates)
    print(f"All figures are in {RESULT}.")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a million members only")
    quick = parser.parse_args().quick
    try:
        bench(QUICK if quick else FULL, quick)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
