"""The client secret in the keyring of the system (extra `keyring`), by client id. Cron has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from listrak_sms_cli.errors import SettingsError

SERVICE = "lsms"


def secret_in_keyring(client_id: str) -> str:
    """Raises SettingsError when there is no keyring, it cannot be opened, or it has no secret of this client id."""
    with _keyring() as keyring:
        secret = keyring.get_password(SERVICE, client_id)
    if not secret:
        raise SettingsError(
            "The keyring has no client secret of this client id.",
            hint="Put it there: lsms init --keyring",
            code="secret_not_in_keyring",
        )
    return str(secret)


def put_in_keyring(client_id: str, secret: str) -> None:
    """Replaces the one that is there. Raises SettingsError."""
    with _keyring() as keyring:
        keyring.set_password(SERVICE, client_id, secret)


@contextmanager
def _keyring() -> Iterator[Any]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise SettingsError(
            "The client secret is to be in the keyring, and the extra for that is not installed.",
            hint="Type: pip install 'listrak-sms-cli[keyring]'",
            code="keyring_missing",
        ) from None
    try:
        yield keyring
    except (KeyringError, RuntimeError, OSError):
        raise SettingsError(
            "There is no keyring here, or it cannot be opened (cron and containers have none).",
            hint="Keep the secret in a file instead: lsms init without --keyring, or LISTRAK_CLIENT_SECRET_FILE.",
            code="keyring_unavailable",
        ) from None
