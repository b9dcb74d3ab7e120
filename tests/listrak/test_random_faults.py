"""The client against a sandbox in which faults come at random: nothing is lost, and what came twice is known."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from listrak_sms_cli.listrak import ColumnMapping, Credentials, Endpoint, ImportBody, ListrakClient
from tests.support.listrak_client import QUICK, body
from tests.support.sandbox_caller import Caller

KINDS: list[dict[str, Any]] = [
    {"fault": "reset_before_body"},
    {"fault": "reset_mid_body"},
    {"fault": "reset_after_body"},
    {"fault": "lost_reply"},
    {"fault": "html", "status": 200},
    {"fault": "html", "status": 200, "applied": True},
    {"fault": "html", "status": 502},
    {"fault": "truncated_json"},
    {"fault": "wrong_shape"},
    {"fault": "status", "status": 429, "retry_after": 0.01},
    {"fault": "status", "status": 503, "retry_after": 1, "retry_after_form": "date", "count": 1, "probability": 1.0},
    *(
        {"fault": "status", "status": status, "applied": applied}
        for status in (500, 503, 504)
        for applied in (True, False)
    ),
    *({"fault": "status", "status": status} for status in (408, 425, 501)),
]
SCHEDULES = 40
ROUTES = ("start_import", "token", "import_status", "sender_code")


def weather(draw: random.Random) -> list[dict[str, Any]]:
    """One to four faults, each up to three times; tokens end once at most (a second 401 in a row is a refusal)."""
    revoked = {"route": draw.choice(ROUTES[:1] + ROUTES[2:]), "fault": "revoke_tokens", "skip": draw.randint(0, 2)}
    faults = [
        {
            "route": draw.choice(ROUTES),
            "count": draw.randint(1, 3),
            "skip": draw.randint(0, 1),
            "probability": draw.choice((1.0, 0.5)),
            "seed": draw.randrange(1000),
            **draw.choice(KINDS),
        }
        for _rule in range(draw.randint(1, 4))
    ]
    return [*faults, revoked] if draw.random() < 0.3 else faults


def test_in_any_weather_every_import_starts_and_what_came_twice_is_known() -> None:
    """Over many seeded schedules each import is accepted, its state read, and one that Listrak has twice is marked."""
    with Caller() as caller:
        endpoint = Endpoint(caller.sandbox.api_url, caller.sandbox.token_url)
        with ListrakClient(endpoint, Credentials("sandbox", "sandbox-secret"), policy=QUICK) as listrak:
            marked = {}
            for seed in range(SCHEDULES):
                caller.faults(*weather(random.Random(seed)))
                sent = ImportBody(f"{seed}.csv", (ColumnMapping(2),), body(b"phone,name\n12125550100,Ada\n").content)
                listrak.sender_code(1026)
                accepted = listrak.start_import(1026, sent)
                assert listrak.import_status(1026, accepted.import_file_id).import_file_id == accepted.import_file_id
                marked[f"{seed}.csv"] = accepted.maybe_repeated
            caller.faults()
            arrived = Counter(one["file_name"] for one in caller.imports())
    assert set(arrived) == set(marked)
    twice = {name for name, count in arrived.items() if count > 1}
    assert twice and twice <= {name for name, repeated in marked.items() if repeated}
    assert not all(marked.values())
