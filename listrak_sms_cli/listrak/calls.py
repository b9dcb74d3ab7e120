"""Calls of the API: the token in front, the policy around, the answer understood or turned into an error of ours."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from listrak_sms_cli.errors import Interrupted
from listrak_sms_cli.listrak import models
from listrak_sms_cli.listrak.auth import Credentials, Token, TokenKeeper, token_for
from listrak_sms_cli.listrak.body import ImportBody
from listrak_sms_cli.listrak.errors import refusal
from listrak_sms_cli.listrak.retry import Passing, Policy, Retry, passes, passing_error, passing_status
from listrak_sms_cli.listrak.routes import Endpoint, check_route
from listrak_sms_cli.listrak.wire import Answer, Outgoing, Wire, upload_seconds

Shape = TypeVar("Shape")


class Calls:
    """Thread-safe."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        wire: Wire,
        policy: Policy,
        on_retry: Callable[[Retry], None],
        stop: threading.Event,
    ) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._wire = wire
        self._policy = policy
        self._on_retry = on_retry
        self._stop = stop
        self._tokens = TokenKeeper(self._issue_token)

    def close(self) -> None:
        self._wire.close()

    def token(self) -> None:
        """Has a token issued, if there is none."""
        self._tokens.current(self._policy.give_up_after)

    def run(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], Shape],
        document: dict[str, Any] | None = None,
        body: ImportBody | None = None,
    ) -> tuple[Shape, bool]:
        """One call of the API, tried by the policy: what `read` makes of its answer, and whether an earlier try may
        have arrived."""
        content: Any = body if document is None else json.dumps(document).encode()
        length = body.length if body else len(content or b"")
        headers = {"Content-Type": "application/json"} if content else {}
        acts = method != "GET"
        request = Outgoing(method, self._endpoint.api_url + path, headers, content, length, acts)

        def attempt(left: float) -> Shape:
            if body:
                body.complete = False
            token = self._tokens.current(left, upload_seconds(length))
            answer = self._exchange(request.with_token(token.value), left)
            if answer.status == 401 and _error(answer).error != "ERROR_INVALID_CREDENTIALS":
                self._tokens.discard(token)
                token = self._tokens.current(left, upload_seconds(length))
                answer = self._exchange(request.with_token(token.value), left)
            return _understood(answer, read)

        what = check_route(method, path.partition("?")[0])
        return self._policy.run(what, attempt, self._stop, self._on_retry, acts=acts)

    def _issue_token(self, within: float) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        content = urllib.parse.urlencode(form).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Outgoing("POST", self._endpoint.token_url, headers, content, len(content))

        def attempt(left: float) -> Token:
            answer = self._exchange(request, left)
            if answer.status in (401, 403) or (answer.status == 400 and _error(answer).error):
                # OAuth's own words (invalid_client) or Listrak's: the one thing to look at is the credentials.
                raise refusal(answer.status, "ERROR_INVALID_CREDENTIALS", "")
            wire = _understood(answer, lambda found: models.decode(models.TokenWire, found.body))
            return token_for(wire.access_token, wire.expires_in)

        return self._policy.run("the token", attempt, self._stop, self._on_retry, within=within)[0]

    def _interrupted(self) -> bool:
        return self._stop.is_set() or self._wire.closed

    def _exchange(self, request: Outgoing, left: float) -> Answer:
        if self._interrupted():
            raise Interrupted("Interrupted.")
        try:
            return self._wire.exchange(request, left)
        except httpx.TransportError as error:
            failure = passing_error(error, request.complete)
        except httpx.DecodingError:
            failure = Passing("its answer cannot be read", maybe_arrived=request.complete)
        except Exception:
            # A connection that is closed under a thread can break in many ways.
            if not self._interrupted():
                raise
            failure = Passing("it was interrupted", maybe_arrived=request.complete)
        if self._interrupted():
            interrupted = Interrupted("Interrupted.")
            interrupted.maybe_arrived = failure.maybe_arrived
            raise interrupted
        raise failure


def _understood(answer: Answer, read: Callable[[Answer], Shape]) -> Shape:
    if passes(answer.status):
        raise passing_status(answer.status, answer.headers)
    if answer.status >= 300:
        error = _error(answer)
        raise refusal(answer.status, error.error, error.message)
    try:
        return read(answer)
    except models.UnreadableError:
        raise Passing(
            "its answer is not the JSON it should be", maybe_arrived=True, done=answer.status == 201
        ) from None


def _error(answer: Answer) -> models.ErrorWire:
    try:
        found: models.ErrorWire = models.decode(models.ErrorWire, answer.body)
    except models.UnreadableError:
        return models.ErrorWire()
    return found
