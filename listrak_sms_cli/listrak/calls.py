"""Calls of the API: with a token, tried again by the policy, the answer decoded or turned into an error of ours."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from listrak_sms_cli.errors import Interrupted
from listrak_sms_cli.listrak import models
from listrak_sms_cli.listrak.auth import Credentials, Token, TokenKeeper, token_for
from listrak_sms_cli.listrak.body import ImportBody
from listrak_sms_cli.listrak.errors import is_about_one_contact, refusal
from listrak_sms_cli.listrak.http import httpx
from listrak_sms_cli.listrak.retry import Policy, Retry, TemporaryFailure, connection_failure, status_failure
from listrak_sms_cli.listrak.routes import Endpoint, check_route
from listrak_sms_cli.listrak.wire import Answer, Outgoing, Wire, upload_seconds

Shape = TypeVar("Shape")
Payload: TypeAlias = ImportBody | dict[str, Any] | None


@dataclass
class Calls:
    """Makes calls to one account; thread-safe."""

    endpoint: Endpoint
    credentials: Credentials
    wire: Wire
    policy: Policy
    on_retry: Callable[[Retry], None]
    stop: threading.Event

    def __post_init__(self) -> None:
        self._tokens = TokenKeeper(self._issue_token)

    def close(self) -> None:
        """Close all connections; calls under way end with Interrupted."""
        self.wire.close()

    def token(self) -> None:
        """Request a token, if there is none."""
        self._tokens.current(self.policy.give_up_after)

    def run(
        self, method: str, path: str, read: Callable[[Answer], Shape], content: Payload = None
    ) -> tuple[Shape, bool]:
        """Call the API with this JSON, in several tries by the policy. Return what `read` returns for the answer (it
        raises UnreadableError), and whether an earlier try may have arrived."""
        body = content if isinstance(content, ImportBody) else None
        encoded: Any = json.dumps(content).encode() if isinstance(content, dict) else body
        length = body.length if body else len(encoded or b"")
        headers = {"Content-Type": "application/json"} if encoded else {}
        acts = method != "GET"
        request = Outgoing(method, self.endpoint.api_url + path, headers, encoded, length, acts)

        def send(until: float) -> tuple[Token, Answer]:
            token = self._tokens.current(until - time.monotonic(), upload_seconds(length))
            return token, self._exchange(request.with_token(token.value), until - time.monotonic())

        def attempt(left: float) -> Shape:
            if body:
                body.complete = False
            until = time.monotonic() + left + upload_seconds(length)
            token, answer = send(until)
            if answer.status == 401 and _may_be_the_token(_error(answer).error):
                self._tokens.discard(token)
                _, answer = send(until)
            return _decoded(answer, read)

        what = check_route(method, path.partition("?")[0])
        return self.policy.run(what, attempt, self.stop, self.on_retry, acts=acts)

    def _issue_token(self, within: float) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
        }
        content = urllib.parse.urlencode(form).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Outgoing("POST", self.endpoint.token_url, headers, content, len(content))

        def attempt(left: float) -> Token:
            answer = self._exchange(request, left)
            if answer.status in (401, 403) or (answer.status == 400 and _error(answer).error):
                # An error of OAuth (such as invalid_client) or of Listrak: the credentials are wrong.
                raise refusal(answer.status, "ERROR_INVALID_CREDENTIALS", "")
            wire = _decoded(answer, lambda answer: models.decode(models.TokenWire, answer.body))
            return token_for(wire.access_token, wire.expires_in)

        return self.policy.run("the token", attempt, self.stop, self.on_retry, within=within)[0]

    def _interrupted(self) -> bool:
        return self.stop.is_set() or self.wire.closed

    def _exchange(self, request: Outgoing, left: float) -> Answer:
        if self._interrupted():
            raise Interrupted("Interrupted.")
        try:
            return self.wire.exchange(request, left)
        except httpx.TransportError as error:
            failure = connection_failure(error, request.complete)
        except httpx.DecodingError:
            failure = TemporaryFailure("its answer cannot be read", maybe_arrived=request.complete)
        except Exception:
            # A connection that is closed under a thread can break in many ways.
            if not self._interrupted():
                raise
            failure = TemporaryFailure("it was interrupted", maybe_arrived=request.complete)
        if self._interrupted():
            interrupted = Interrupted("Interrupted.")
            interrupted.maybe_arrived = failure.maybe_arrived
            raise interrupted
        raise failure


def _may_be_the_token(code: str) -> bool:
    return code != "ERROR_INVALID_CREDENTIALS" and not is_about_one_contact(code)


def _decoded(answer: Answer, read: Callable[[Answer], Shape]) -> Shape:
    if failure := status_failure(answer.status, answer.headers):
        raise failure
    if answer.status >= 300:
        error = _error(answer)
        raise refusal(answer.status, error.error, error.message)
    try:
        return read(answer)
    except models.UnreadableError:
        raise TemporaryFailure(
            "its answer is not the JSON it should be", maybe_arrived=True, done=answer.status == 201
        ) from None


def _error(answer: Answer) -> models.ErrorWire:
    try:
        error: models.ErrorWire = models.decode(models.ErrorWire, answer.body)
    except models.UnreadableError:
        return models.ErrorWire()
    return error
