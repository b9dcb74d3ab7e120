"""The simulated account as the routes see it: config, store, tokens, import worker, faults, request log."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar

from listrak_sms_cli.sandbox import seed
from listrak_sms_cli.sandbox.config import SandboxConfig
from listrak_sms_cli.sandbox.faults import FaultBook, read_rules
from listrak_sms_cli.sandbox.imports import ImportWorker
from listrak_sms_cli.sandbox.replies import ApiError, not_found
from listrak_sms_cli.sandbox.store import PhoneList, SenderCode, Store, timestamp
from listrak_sms_cli.sandbox.values import Field

REQUESTS_KEPT = 100_000
_Thing = TypeVar("_Thing", SenderCode, Field, PhoneList)


class Account:
    """Everything behind the routes. `close` ends its thread and its store."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.closing = threading.Event()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self._tokens: dict[str, float] = {}
        rules = [*config.fault_rules]
        if config.faults is not None:
            rules += read_rules(config.faults.read_bytes())
        self.faults = FaultBook(rules)
        self.store = Store(config.db)
        try:
            if self.store.is_empty():
                seed.fill(self.store, config)
            self._end_abandoned_imports()
        except BaseException:
            self.store.close()
            raise
        self.worker = ImportWorker(self.store, config)

    def close(self) -> None:
        """End waits, the import thread and the store."""
        self.closing.set()
        self.worker.close()
        self.store.close()

    def reset(self) -> None:
        """Back to the start: seeds as configured, no imports, no tokens, no faults, no log."""
        self.worker.close()
        self.revoke_tokens()
        self.faults.replace([])
        self.store.clear()
        seed.fill(self.store, self.config)
        self.worker = ImportWorker(self.store, self.config)
        self.requests.clear()

    def _end_abandoned_imports(self) -> None:
        # The file of an import lives only as long as the process.
        for row in self.store.imports():
            if row["ended"] is None:
                self.store.change_import(row["id"], status="Failed", ended=timestamp())

    def issue_token(self) -> str:
        """A new access token."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = time.monotonic() + self.config.token_seconds
        return token

    def revoke_tokens(self) -> None:
        """End all access tokens."""
        self._tokens.clear()

    def check_bearer(self, header: str) -> None:
        """Raises ApiError when the Authorization header has no valid token."""
        scheme, _, token = header.partition(" ")
        ends = self._tokens.get(token.strip(), 0.0)
        if scheme.lower() != "bearer" or ends <= time.monotonic():
            raise ApiError(401, "ERROR_UNAUTHORIZED", "The access token is missing, invalid or expired.")

    def sender_code(self, sender_code_id: int, *, enabled: bool = True) -> SenderCode:
        """The sender code of a route. Raises ApiError when there is none, or when it is disabled."""
        code = one_of(self.store.sender_codes(), sender_code_id, not_found("sender code"))
        if enabled and not code.active:
            raise ApiError(400, "ERROR_SENDER_CODE_DISABLED", "The sender code is disabled.")
        return code

    def visible_fields(self) -> list[Field]:
        """The fields that have an id in the listing."""
        fields = self.store.fields()
        return fields if self.config.system_fields else [f for f in fields if f.attribute is None]


def one_of(things: Iterable[_Thing], wanted: int, refusal: ApiError) -> _Thing:
    """The one with this id. Raises the refusal when there is none."""
    for thing in things:
        if thing.id == wanted:
            return thing
    raise refusal
