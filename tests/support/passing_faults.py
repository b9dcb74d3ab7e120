"""Injected faults that end by themselves: a client that tries again gets every answer."""

from __future__ import annotations

import random
from typing import Any

READING = ("list_contacts", "contact", "lists", "opt_outs", "fields", "sender_code", "token")


def reading_faults(seed: int) -> list[dict[str, Any]]:
    """Rules for four kinds of faults on every route that reads, drawn from `seed`; tokens end twice."""
    draw = random.Random(seed)
    kinds: list[dict[str, Any]] = [
        {"fault": "status", "status": 503},
        {"fault": "status", "status": 429, "retry_after": 0},
        {"fault": "truncated_json"},
        {"fault": "wrong_shape"},
        {"fault": "html", "status": 200},
        {"fault": "lost_reply"},
        {"fault": "hang", "seconds": 0.1},
    ]
    rules = [
        {"route": route, "probability": draw.uniform(0.02, 0.12), "seed": draw.randint(0, 999), "count": None, **kind}
        for route in READING
        for kind in draw.sample(kinds, 4)
    ]
    revoked = [
        {"route": route, "fault": "revoke_tokens", "skip": skip}
        for route, skip in (("list_contacts", 1), ("contact", 30))
    ]
    return [*revoked, *rules]
