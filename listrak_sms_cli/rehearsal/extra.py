"""The sandbox may not be installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from listrak_sms_cli.errors import UsageError


@contextmanager
def sandbox_extra() -> Iterator[None]:
    """Import the sandbox inside. Raises UsageError when its extra is not installed."""
    try:
        yield
    except ModuleNotFoundError:
        raise UsageError(
            "The sandbox is not installed.", hint="Type: pip install 'listrak-sms-cli[sandbox]'", code="sandbox_missing"
        ) from None
