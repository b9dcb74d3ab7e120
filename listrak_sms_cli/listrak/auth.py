"""OAuth2 client credentials: one token for all threads, renewed before it ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LIFETIME = 3600.0  # seconds, when Listrak does not say; public clients assume it
_MARGIN = 60.0  # seconds before its end at which a token is renewed


@dataclass(frozen=True)
class Credentials:
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Token:
    """An access token, the moment (monotonic seconds) it was issued, and how long it lives (seconds)."""

    value: str = field(repr=False)
    issued: float
    lifetime: float

    def lasts(self, seconds: float) -> bool:
        """Whether a request of that length still ends in time. One that needs more than half of a token's life gets
        by with half, or every such request would ask for a new one."""
        margin = min(_MARGIN, self.lifetime / 10)
        left = self.issued + self.lifetime - margin - time.monotonic()
        return left > min(seconds, self.lifetime / 2)


def token_for(value: str, expires_in: float | str | None) -> Token:
    """A token from what Listrak answers; `expires_in` in seconds, LIFETIME when it is missing or makes no sense."""
    try:
        lifetime = float(expires_in) if expires_in is not None else LIFETIME
    except ValueError:
        lifetime = LIFETIME
    if not (math.isfinite(lifetime) and lifetime > 0):
        lifetime = LIFETIME
    return Token(value, time.monotonic(), lifetime)


class TokenKeeper:
    """Hands out the token; only one thread at a time asks for a new one."""

    def __init__(self, issue: Callable[[float], Token]) -> None:
        """`issue` is given the seconds it may take."""
        self._issue = issue
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self, within: float, seconds: float = 0.0) -> Token:
        """A token that lasts for a request of `seconds`; a new one, issued `within` seconds, when there is none.
        Raises what `issue` raises."""
        with self._lock:
            if self._token is None or not self._token.lasts(seconds):
                self._token = self._issue(within)
            return self._token

    def discard(self, token: Token) -> None:
        """Listrak refused this one; the next `current` issues another."""
        with self._lock:
            if self._token is token:
                self._token = None
