"""The race as tables for people (Markdown, fit for a README) and as bench.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.bench.race import Finish
from tests.bench.targets import MEGABYTE, PUSH, Target

FAIR_SHARE = 0.25  # of a core that others may use before ratios say more about them than about the contestants


def race_table(title: str, rows: int, finishes: Sequence[Finish]) -> str:
    """Ratios are to the push: its time is 1."""
    push = next(finish for finish in finishes if finish.name == PUSH)
    lines = [
        f"### {title}",
        "",
        "| | seconds (range) | times the push | CPU s | peak MB | members/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for finish in sorted(finishes, key=lambda finish: finish.wall):
        spread = f"{min(finish.walls):.2f}-{max(finish.walls):.2f}"
        cells = (
            finish.name,
            f"{finish.wall:.2f} ({spread})",
            f"{finish.wall / push.wall:.2f}",
            f"{finish.cpu:.2f}",
            f"{finish.peak / MEGABYTE:,.0f}",
            f"{rows / finish.wall:,.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    others = max(max(finish.others) / max(finish.walls) for finish in finishes)
    lines += [
        "",
        f"All sent the same {push.received.rows:,} members (digest of their sorted phones: {push.received.digest}). "
        f"Other programs took up to {others:.2f} of a core meanwhile"
        + (": too much for a fair race, run it again." if others > FAIR_SHARE else "."),
    ]
    return "\n".join(lines)


def target_table(targets: Sequence[Target]) -> str:
    lines = ["### Targets", "", "| measure | wanted | found | |", "| --- | --- | ---: | --- |"]
    words = {True: "met", False: "MISSED", None: "(not a target here)"}
    lines += [f"| {target.measure} | {target.wanted} | {target.found} | {words[target.met]} |" for target in targets]
    return "\n".join(lines)


def short_line(facts: dict[str, object], targets: Sequence[Target]) -> str:
    """Which rows fall short, on which processor: ratios differ more between processors than between programs."""
    short = [f"{target.measure} ({target.found})" for target in targets if target.met is False]
    met = sum(target.met is True for target in targets)
    told = f"{len(short)} fall short: {'; '.join(short)}." if short else "none falls short."
    return f"On {facts['processor']}, {met} targets are met; {told}"


def machine_line(facts: dict[str, object]) -> str:
    memory = facts["memory_bytes"]
    assert isinstance(memory, int)
    return f"{facts['cores']} cores ({facts['processor']}), {memory / 1e9:.0f} GB, Python {facts['python']}"


def write_json(
    path: Path,
    facts: dict[str, object],
    races: dict[str, Sequence[Finish]],
    targets: Sequence[Target],
    phone_rates: dict[str, float],
) -> None:
    document = {
        "machine": facts,
        "races": {name: [finish.document() for finish in finishes] for name, finishes in races.items()},
        "targets": [vars(target) for target in targets],
        "phones_per_second": phone_rates,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
