"""Pages: `cursor` (first page `Start`) and `count` (1000, at most 5000), as the description gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request

from listrak_sms_cli.sandbox.config import SandboxConfig
from listrak_sms_cli.sandbox.replies import invalid_parameter

DEFAULT_COUNT = 1000
MAX_COUNT = 5000


class Call(Request):
    """A request as a handler sees it, with its path and query parameters checked."""

    def whole(self, name: str) -> int:
        """A path parameter that must be a whole number. Raises ApiError."""
        text: str = self.path_params[name]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise invalid_parameter(name, "it must be a whole number")
        return int(text)

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false. Raises ApiError."""
        text = self.query_params.get(name, "false").lower()
        if text not in ("true", "false"):
            raise invalid_parameter(name, "it must be true or false")
        return text == "true"

    def moment(self, name: str) -> str | None:
        """A date parameter as it is stored, or None when it is not there. Raises ApiError."""
        if name not in self.query_params:
            return None
        try:
            return datetime.fromisoformat(self.query_params[name]).replace(tzinfo=None).isoformat()
        except ValueError:
            raise invalid_parameter(name, "it must be a date") from None


@dataclass(frozen=True)
class Page:
    """A page of `count` entries; `after`: the position behind which it begins (0: the first page)."""

    after: int
    count: int


def requested_page(call: Call) -> Page:
    """The page of a request's `cursor` and `count`. Raises ApiError."""
    cursor = call.query_params.get("cursor", "Start")
    count = call.query_params.get("count", str(DEFAULT_COUNT))
    if not (count.isascii() and count.isdigit() and len(count) < 10 and 1 <= int(count) <= MAX_COUNT):
        raise invalid_parameter("count", f"it must be from 1 to {MAX_COUNT}")
    if cursor == "Start":
        return Page(0, int(count))
    if not re.fullmatch(r"0[0-9A-F]{15}", cursor):
        raise invalid_parameter("cursor", "it was not given out")
    return Page(int(cursor, 16), int(count))


def next_cursor(config: SandboxConfig, call: Call, after: int | None) -> str:
    """`nextPageCursor` for the page behind `after`; None: there is none, and the cursor is empty."""
    if after is None:
        return ""
    marker = f"{after:016X}"
    if config.cursor_style == "marker":
        return marker
    return str(call.url.replace(query=urlencode({**call.query_params, "cursor": marker})))
