"""The one policy for requests that fail in passing: what is tried again, how long to wait, when to give up."""

from __future__ import annotations

import email.utils
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx
import tenacity

from listrak_sms_cli.errors import Interrupted, ListrakUnavailable, LsmsError

Result = TypeVar("Result")

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_NEVER_TAKEN = frozenset({425, 429})  # statuses that say nothing was done with the request


@dataclass(frozen=True)
class Retry:
    """A request that is about to be tried again after `wait` seconds; `reason` in our own words."""

    what: str
    reason: str
    wait: float


class Passing(Exception):
    """A failure that may pass. `maybe_arrived`: Listrak may have acted on the request all the same."""

    def __init__(self, reason: str, *, retry_after: float | None = None, maybe_arrived: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.maybe_arrived = maybe_arrived


@dataclass(frozen=True)
class Policy:
    """`give_up_after`: seconds one request is tried; `first_wait`, `longest_wait`: seconds between two tries."""

    give_up_after: float = 900.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def run(
        self,
        what: str,
        attempt: Callable[[], Result],
        stop: threading.Event,
        on_retry: Callable[[Retry], None],
    ) -> tuple[Result, bool]:
        """Calls `attempt` until it does not raise Passing; returns its result, and whether an earlier try may have
        arrived. Raises ListrakUnavailable when the time is over, Interrupted when `stop` is set."""
        began = time.monotonic()
        arrived = False
        backoff = tenacity.wait_exponential_jitter(self.first_wait, self.longest_wait, jitter=self.first_wait)

        def wait(state: tenacity.RetryCallState) -> float:
            failure = _failure(state)
            asked = backoff(state) if failure.retry_after is None else failure.retry_after
            left = self.give_up_after - (time.monotonic() - began)
            return max(0.0, min(asked, left))

        def before_sleep(state: tenacity.RetryCallState) -> None:
            nonlocal arrived
            failure = _failure(state)
            arrived = arrived or failure.maybe_arrived
            on_retry(Retry(what, failure.reason, state.upcoming_sleep))

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Passing),
            wait=wait,
            stop=tenacity.stop_any(tenacity.stop_after_delay(self.give_up_after), tenacity.stop_when_event_set(stop)),
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=before_sleep,
            reraise=True,
        )
        try:
            return retrying(attempt), arrived
        except Passing as failure:
            arrived = arrived or failure.maybe_arrived
            error: LsmsError = Interrupted("Interrupted.")
            if not stop.is_set():
                error = ListrakUnavailable(
                    f"Listrak could not be reached: {what} was tried for {_spoken(time.monotonic() - began)}; "
                    f"the last time: {failure.reason}.",
                    hint="Nothing is lost: type `lsms resume` later, or raise --give-up-after.",
                )
            error.maybe_arrived = arrived
            raise error from None


def _failure(state: tenacity.RetryCallState) -> Passing:
    assert state.outcome is not None
    failure = state.outcome.exception()
    assert isinstance(failure, Passing)
    return failure


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def passing_status(response: httpx.Response) -> Passing:
    status = response.status_code
    return Passing(
        f"it answered {status}",
        retry_after=_retry_after(response.headers.get("Retry-After")),
        maybe_arrived=status not in _NEVER_TAKEN,
    )


def passing_error(error: httpx.TransportError, body_complete: bool) -> Passing:
    """What broke on the way, in our own words; raises ListrakUnavailable for what waiting does not mend."""
    if _caused_by(error, ssl.SSLCertVerificationError):
        raise ListrakUnavailable(
            "The certificate of the server cannot be verified.",
            hint="If a proxy of yours signs it, name its authority in SSL_CERT_FILE.",
            code="certificate",
        ) from None
    match error:
        case httpx.ProxyError():
            reason = "the proxy failed"
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.PoolTimeout():
            return Passing("no connection")
        case httpx.TimeoutException():
            reason = "it did not answer in time"
        case _:
            reason = "the connection broke"
    return Passing(reason, maybe_arrived=body_complete)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or an HTTP date (RFC 9110)."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
