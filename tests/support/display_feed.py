"""A run as its events tell it, for the tests of the display.

`python tests/display_feed.py [SECONDS [run|fail [NAME [summary]]]]` shows it, with a pause after each event.
Names and counts are invented; the order is that of a real push.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress

from listrak_sms_cli.runs import events as e

DROPPED = {
    "missing_phone": 1_200,
    "invalid_phone": 30_411,
    "duplicate_phone": 402_118,
    "no_consent": 0,
    "opted_out": 0,
    "bad_value": 7_090,
    "value_too_long": 12,
    "not_in_listrak": 0,
}
READ, SENDABLE, IMPORTS = 4_500_000, 4_059_169, 17
WARNING = (
    "Empty cells travel as empty values; whether Listrak then clears the field is unknown: loyalty_tier 80,112, "
    "birthdate 1,204,007."
)


def run(audience: str = "spring_launch.csv", *, dry_run: bool = False) -> Iterator[e.Event]:
    """Every kind of event, in the order of a push whose second import ends badly."""
    target = "sender code 1026 (74093, Northwind Outfitters, US)"
    yield e.RunStarted("20261124-031502-7f3a", audience, "CSV, comma, UTF-8", target, dry_run)
    steps = 20
    for phase in (e.Phase.READING, e.Phase.CHECKING):
        yield e.PhaseStarted(phase, 414_000_000, "bytes")
        for step in range(1, steps + 1):
            yield e.PhaseAdvanced(phase, 414_000_000 * step // steps)
            early = phase is e.Phase.READING
            counted = {
                reason: count if not early else count * step // steps
                for reason, count in DROPPED.items()
                if not early or reason.endswith("_phone")
            }
            yield e.MembersCounted(READ * step // steps if early else READ, counted)
        yield e.PhaseEnded(phase)
    yield e.Warned("empty_cells", WARNING)
    yield e.SendablePrepared(SENDABLE, IMPORTS)
    if dry_run:
        return
    yield e.PhaseStarted(e.Phase.SENDING, 373_400_000, "bytes")
    for part in range(1, IMPORTS + 1):
        name, rows = f"lsms-20261124-031502-7f3a-{part:04d}.csv", 250_000 if part < IMPORTS else 59_169
        yield e.ImportChanged(part, name, rows, "sending")
        if part == 5:
            yield e.RequestRetried(f"sending {name}", "it answered 503", 4.0)
        yield e.PhaseAdvanced(e.Phase.SENDING, 373_400_000 * part // IMPORTS)
        yield e.MembersSent(min(SENDABLE, 250_000 * part))
        yield e.ImportChanged(part, name, rows, "accepted")
    yield e.PhaseEnded(e.Phase.SENDING)
    yield e.PhaseStarted(e.Phase.IMPORTING, SENDABLE, "members")
    for part in range(1, IMPORTS + 1):
        name, rows = f"lsms-20261124-031502-7f3a-{part:04d}.csv", 250_000 if part < IMPORTS else 59_169
        yield e.ImportChanged(part, name, rows, "Processing")
        word = "Failed" if part == 2 else "Completed"
        yield e.ImportChanged(part, name, rows, word, ended=True, failed=part == 2)
        yield e.PhaseAdvanced(e.Phase.IMPORTING, min(SENDABLE, 250_000 * part))
    yield e.PhaseEnded(e.Phase.IMPORTING)


def main(pause: float, how: str, audience: str, before: str) -> None:
    from listrak_sms_cli import display

    with suppress(KeyboardInterrupt), display.choose(json=False, quiet=False, summary=before == "summary") as show:
        for event in run(audience):
            show(event)
            time.sleep(pause)
        if how == "fail":
            raise KeyboardInterrupt


if __name__ == "__main__":
    pause, how, audience, before, *_ = [*sys.argv[1:], *("0.05", "run", "spring_launch.csv", "")[len(sys.argv) - 1 :]]
    main(float(pause), how, audience, before)
