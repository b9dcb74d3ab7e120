"""What every step of a command has at hand: settings, a client of Listrak, who listens, and whether to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from listrak_sms_cli.listrak import ListrakClient
from listrak_sms_cli.runs.account import connect
from listrak_sms_cli.runs.events import Listener
from listrak_sms_cli.settings import Settings


class Context(Struct, frozen=True):
    """`stop` is set when the command is interrupted: work that takes long ends by itself then."""

    settings: Settings
    client: ListrakClient
    tell: Listener
    stop: threading.Event


@contextmanager
def connected(settings: Settings, tell: Listener) -> Iterator[Context]:
    """A context with a client, closed at the end. Raises SettingsError as `connect`."""
    stop = threading.Event()
    with connect(settings, tell, stop=stop) as client:
        yield Context(settings, client, tell, stop)
