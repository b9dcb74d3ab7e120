"""Injected faults: what a sandbox does wrong, when, and how often.

`lsms sandbox --faults FILE`, or `POST /sandbox/faults`, takes a JSON list of rules (the route replaces the
rules there are; an empty list ends all faults):

    [{"route": "start_import", "fault": "status", "status": 503, "retry_after": 2, "skip": 1, "count": 3},
     {"route": "/PhoneList/.*/Contact", "method": "GET", "fault": "truncated_json", "probability": 0.1, "seed": 7}]

Keys of every rule
    route        a name of `ROUTES` below, or a regular expression that is searched for in the path
    method       GET, POST or PUT; left out: any
    count        how many requests it is applied to (default 1; null: no end)
    skip         how many matching requests are answered rightly first (default 0)
    probability  the share of matching requests it is applied to, drawn with `seed` (default 1; seed 0)
    fault        one of these:

Answers (`applied`: true means that the request does its work first, and only the answer is wrong)
    status          `status` 400 to 599, as Listrak's error where it has one (or the one that `error` names), else
                    as a gateway's plain text;
                    404 on `start_import` is the 404 that means too large. `retry_after` seconds, as a number or,
                    with `retry_after_form`: "date", as an HTTP date; `applied` (default false)
    html            a gateway's page with `status` (default 502; with 200 only the body is wrong); `applied`
    truncated_json  the right answer, cut in half; its length header says so, too
    wrong_shape     valid JSON of another shape, with the right status; `applied` (default true)
Connections
    reset_before_body, reset_mid_body, reset_after_body   reset; the request does nothing
    lost_reply      reset after the request did its work: the client cannot know
    hang            nothing for `seconds` (default 60), then the request is handled, if the client is still there
    hang_reply      the request does its work, the answer takes `seconds`
Tokens
    revoke_tokens   every token ends now; then the request is handled (and gets its 401)
Imports (on `start_import`; several such rules may be applied to one import)
    import_fails       it ends with the word `word` (default "Failed"); `applied` (default false)
    import_never_ends  it stays in progress
    import_seconds     it takes `seconds`
    import_word        the word while it runs is `word`, the one it ends with `end_word` (both optional)
    import_late        its values appear `seconds` after it has ended
    import_alters      its texts are stored in capitals
    max_rows           a file of more than `rows` rows is refused with `status` 413 (default) or 404
    min_rows           a file of fewer than `rows` rows (default 2) is refused with 400

A failing token endpoint is `{"route": "token", "fault": "status", "status": 500}`.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from listrak_sms_cli.sandbox.requests import json_of

ROUTES = {
    "any": ("", r"^/(OAuth2|sms)/"),
    "api": ("", r"^/sms/v1/"),
    "token": ("POST", r"^/OAuth2/Token$"),
    "sender_codes": ("GET", r"/v1/ShortCode$"),
    "sender_code": ("GET", r"/v1/ShortCode/\d+$"),
    "fields": ("GET", r"/SegmentationField$"),
    "field": ("GET", r"/SegmentationField/\d+$"),
    "start_import": ("POST", r"/ContactImport$"),
    "import_status": ("GET", r"/ContactImport/\d+$"),
    "contact": ("GET", r"/ShortCode/\d+/Contact/[^/]+$"),
    "update_contact": ("PUT", r"/ShortCode/\d+/Contact$"),
    "lists": ("GET", r"/PhoneList$"),
    "list": ("GET", r"/PhoneList/\d+$"),
    "list_contacts": ("GET", r"/PhoneList/\d+/Contact$"),
    "opt_outs": ("GET", r"/OptOut$"),
}

COMMON_KEYS = frozenset({"route", "method", "count", "skip", "probability", "seed", "fault"})
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "status": {"status": 503, "error": None, "retry_after": None, "retry_after_form": "seconds", "applied": False},
    "html": {"status": 502, "applied": False},
    "truncated_json": {"applied": True},
    "wrong_shape": {"applied": True},
    "reset_before_body": {},
    "reset_mid_body": {},
    "reset_after_body": {},
    "lost_reply": {},
    "hang": {"seconds": 60.0},
    "hang_reply": {"seconds": 60.0},
}
ASIDE: Mapping[str, Mapping[str, Any]] = {
    "revoke_tokens": {},
    "import_fails": {"word": "Failed", "applied": False},
    "import_never_ends": {},
    "import_seconds": {"seconds": 60.0},
    "import_word": {"word": "Processing", "end_word": "Completed"},
    "import_late": {"seconds": 1.0},
    "import_alters": {},
    "max_rows": {"rows": 100_000, "status": 413},
    "min_rows": {"rows": 2},
}
KINDS = {**ANSWERS, **ASIDE}


@dataclass(frozen=True)
class Fault:
    """A fault: its kind and its settings, defaults filled in."""

    kind: str
    settings: Mapping[str, Any]

    @property
    def is_answer(self) -> bool:
        """Whether it decides the request's answer, of which there is one."""
        return self.kind in ANSWERS


@dataclass
class Rule:
    """A rule, and to how many requests it was applied."""

    fault: Fault
    method: str
    path: re.Pattern[str]
    skip: int
    count: int | None
    probability: float
    draw: random.Random = field(repr=False)
    applied: int = 0

    @classmethod
    def parse(cls, rule: Mapping[str, Any]) -> Rule:
        """The rule of a JSON object. Raises ValueError for one that is not right."""
        kind = rule.get("fault")
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"A rule's fault is one of: {', '.join(KINDS)}.")
        unknown = set(rule) - COMMON_KEYS - set(KINDS[kind])
        if unknown:
            raise ValueError(f"The fault {kind} has no setting {', '.join(sorted(unknown))}.")
        route = rule.get("route", "any")
        if not isinstance(route, str):
            raise ValueError("A rule's route is a name or a regular expression.")
        method, pattern = ROUTES.get(route, ("", route))
        settings = {key: rule.get(key, default) for key, default in KINDS[kind].items()}
        try:
            _check(settings)
            return cls(
                fault=Fault(kind, settings),
                method=str(rule.get("method") or method).upper(),
                path=re.compile(pattern),
                skip=int(rule.get("skip", 0)),
                count=None if rule.get("count", 1) is None else int(rule.get("count", 1)),
                probability=float(rule.get("probability", 1.0)),
                draw=random.Random(rule.get("seed", 0)),
            )
        except (re.error, TypeError, ValueError, OverflowError):
            raise ValueError(f"A rule of the fault {kind} is not right: see its keys.") from None

    def applies(self, method: str, path: str) -> bool:
        """Whether the fault is applied to this request; counts it."""
        if self.method not in ("", method) or not self.path.search(path):
            return False
        if self.count is not None and self.applied >= self.count:
            return False
        if self.probability < 1.0 and self.draw.random() >= self.probability:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.applied += 1
        return True


class FaultBook:
    """The rules in force, in order; of several answers that apply the first is given."""

    def __init__(self, rules: Iterable[Mapping[str, Any]]) -> None:
        self._lock = threading.Lock()
        self._rules = [Rule.parse(rule) for rule in rules]

    def replace(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace all rules. Raises ValueError, and changes nothing, when one is not right."""
        parsed = [Rule.parse(rule) for rule in rules]
        with self._lock:
            self._rules = parsed

    def pick(self, method: str, path: str) -> list[Fault]:
        """The faults of this request."""
        picked: list[Fault] = []
        with self._lock:
            for rule in self._rules:
                if rule.fault.is_answer and any(fault.is_answer for fault in picked):
                    continue
                if rule.applies(method, path):
                    picked.append(rule.fault)
        return picked

    def counts(self) -> list[dict[str, Any]]:
        """Each rule's fault and to how many requests it was applied."""
        with self._lock:
            return [{"fault": rule.fault.kind, "struck": rule.applied} for rule in self._rules]


def _check(settings: Mapping[str, Any]) -> None:
    """Raises ValueError or TypeError for settings that could not be carried out."""
    if "status" in settings and not 200 <= int(settings["status"]) <= 599:
        raise ValueError
    for key in ("word", "end_word"):
        if not isinstance(settings.get(key, ""), str):
            raise TypeError
    for key in ("seconds", "rows", "retry_after"):
        if settings.get(key) is not None and float(settings[key]) < 0:
            raise ValueError


def read_rules(text: bytes) -> list[dict[str, Any]]:
    """Rules from JSON. Raises ValueError."""
    try:
        rules: list[dict[str, Any]] = json_of(text, list[dict[str, Any]])
    except ValueError:
        raise ValueError("Fault rules are a JSON list of objects.") from None
    return rules
