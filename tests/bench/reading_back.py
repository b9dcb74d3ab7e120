"""What `pull` and `verify` take against a sandbox: twice as many contacts as members, who have been pushed before."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

from tests.bench.cache import AudienceSpec, audience_file
from tests.bench.measure import measure
from tests.bench.race import LSMS, push_command
from tests.bench.sink import SENDER_CODE
from tests.bench.targets import MEGABYTE, Target, at_most, running_sandbox

SECONDS = 60


def reading_back_targets(members: int, *, binding: bool) -> list[Target]:
    """Wall time and peak of each command; `binding`: for a million members."""
    everybody = audience_file(AudienceSpec(2 * members, invalid=0.0, repeated=0.0), "csv")
    with tempfile.TemporaryDirectory() as folder:
        contacts, audience = Path(folder) / "contacts.csv", Path(folder) / "audience.csv"
        with everybody.open() as rows, contacts.open("w") as phones:
            phones.writelines(f"{row.partition(',')[0]}\n" for row in rows)
        with everybody.open() as rows, audience.open("w") as some:
            some.writelines(islice(rows, members + 1))
        with running_sandbox("--contacts", str(contacts)) as environment:
            push = [word for word in push_command(audience, Path(folder) / "state") if word != "--no-wait"]
            measure(push, environment)
            code = ("--sender-code", str(SENDER_CODE), "--json")
            commands = {
                f"pull of {2 * members:,} contacts": [str(LSMS), "pull", *code, "-o", str(Path(folder) / "pulled.csv")],
                f"verify of {members:,} members": [str(LSMS), "verify", str(audience), *code],
            }
            found = []
            for name, command in commands.items():
                took = measure(command, environment)
                found.append(at_most(f"{name}: time against the sandbox", took.seconds, SECONDS, "s", binding=binding))
                peak = f"{took.peak / MEGABYTE:.0f} MB"
                found.append(Target(f"{name}: peak memory", "to be known", peak, took.peak / MEGABYTE, None))
    return found
