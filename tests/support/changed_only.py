"""Two audiences of which the second differs in a few members, and what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.world import World

HEADER = "phone,first_name,Loyalty Tier\n"
OLD = HEADER + "2125550100,Ann,Gold\n2125550101,Bob,Silver\n2125550102,Cleo,\n"
NEW = HEADER + "2125550100,Ann,Gold\n2125550101,Bob,Gold\n2125550102,Cleo,\n2125550103,Dan,Gold\n"


def sent(report: dict[str, Any]) -> tuple[int, int]:
    return report["rows_sent"], report["rows_unchanged"]


def held(world: World, text: str) -> bool:
    """Whether the sandbox's contacts have what this audience says."""
    contacts = world.contacts()
    names = {"first_name": "First Name", "Loyalty Tier": "Loyalty Tier"}
    header, *rows = (line.split(",") for line in text.splitlines())
    return all(
        (contacts["+1" + row[0]].get(names[column]) or "") == value
        for row in rows
        for column, value in zip(header[1:], row[1:], strict=True)
    )


def remembered(world: World) -> Path:
    """The folder of what is remembered of the only account."""
    [folder] = (world.home / "state" / "remembered").iterdir()
    return folder


def noted(world: World, suffix: str) -> Path:
    """The newest note of the account, or its digests."""
    return max(remembered(world).glob(f"*{suffix}"))
