"""OAuth2 client credentials: one token for all threads, renewed before it ends."""

from __future__ import annotations

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
    """An access token and the moment (monotonic seconds) it should no longer be used."""

    value: str = field(repr=False)
    renew_at: float


def token_for(value: str, expires_in: float | None) -> Token:
    lifetime = LIFETIME if expires_in is None else expires_in
    return Token(value, time.monotonic() + lifetime - min(_MARGIN, lifetime / 10))


class TokenKeeper:
    """Hands out the token; only one thread at a time asks for a new one."""

    def __init__(self, issue: Callable[[], Token]) -> None:
        self._issue = issue
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        """The token, issued anew when there is none or its end is near. Raises what `issue` raises."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.renew_at:
                self._token = self._issue()
            return self._token

    def discard(self, token: Token) -> None:
        """Listrak refused this one; the next `current` issues another."""
        with self._lock:
            if self._token is token:
                self._token = None
