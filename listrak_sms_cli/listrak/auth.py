"""OAuth2 client credentials: one token for all threads, renewed before it ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from msgspec import Struct

LIFETIME = 3600.0  # seconds, when the answer does not say; public clients assume it
_MARGIN = 60.0  # seconds before its end at which a token is renewed


class Credentials(Struct, frozen=True):
    """The client id and secret of an integration; the secret is never shown."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credentials({self.client_id!r})"


class Token(Struct, frozen=True):
    """An access token, the moment (monotonic seconds) it was issued, and how long it lives (seconds)."""

    value: str
    issued: float
    lifetime: float

    def __repr__(self) -> str:
        """Without its value."""
        return f"Token(issued={self.issued}, lifetime={self.lifetime})"

    def lasts(self, seconds: float) -> bool:
        """Whether the token is valid for so many seconds. Half of its lifetime is always enough, or each request that
        takes longer would need a new token."""
        margin = min(_MARGIN, self.lifetime / 10)
        left = self.issued + self.lifetime - margin - time.monotonic()
        return left > min(seconds, self.lifetime / 2)


def token_for(value: str, expires_in: float | str | None) -> Token:
    """A token from Listrak's answer. `expires_in`: seconds; LIFETIME when it is missing or no number above 0."""
    try:
        lifetime = float(expires_in) if expires_in is not None else LIFETIME
    except ValueError:
        lifetime = LIFETIME
    if not (math.isfinite(lifetime) and lifetime > 0):
        lifetime = LIFETIME
    return Token(value, time.monotonic(), lifetime)


class TokenKeeper:
    """Keeps the token for all threads; only one of them at a time requests a new one."""

    def __init__(self, issue: Callable[[float], Token]) -> None:
        """`issue` requests a token; it is called with the seconds it may take."""
        self._issue = issue
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self, within: float, seconds: float = 0.0) -> Token:
        """A token that is valid for a request of `seconds`; a new one, requested for at most `within` seconds, when
        there is none. Raises what `issue` raises."""
        with self._lock:
            if self._token is None or not self._token.lasts(seconds):
                self._token = self._issue(within)
            return self._token

    def discard(self, token: Token) -> None:
        """Forget a token that Listrak refused; the next `current` requests another."""
        with self._lock:
            if self._token is token:
                self._token = None
