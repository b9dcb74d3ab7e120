"""A keyring that lives as long as the test, in place of that of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import fail


class MemoryKeyring(KeyringBackend):
    """Secrets by service and user name."""

    priority = 0  # type: ignore[assignment] # never chosen by itself

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password


@contextmanager
def keyring_of(backend: KeyringBackend) -> Iterator[None]:
    """The `keyring` package uses it inside."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


@contextmanager
def memory_keyring() -> Iterator[MemoryKeyring]:
    """An empty one."""
    ours = MemoryKeyring()
    with keyring_of(ours):
        yield ours


def no_keyring() -> AbstractContextManager[None]:
    """A system without one, as under cron."""
    return keyring_of(fail.Keyring())
