"""The policy for requests that fail: which are tried again, after how long, and when to give up."""

from __future__ import annotations

import email.utils
import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TypeVar

import tenacity
from msgspec import Struct

from listrak_sms_cli.errors import Interrupted, ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak.http import httpx

Result = TypeVar("Result")

_TEMPORARY_STATUSES = frozenset({408, 425, 429})  # and every 5xx
_MOST_UNREADABLE = 20  # tries of a request that was carried out each time: by then the fault does not pass


class Retry(Struct, frozen=True):
    """A request that is about to be tried again after `wait` seconds; `reason` in our own words."""

    what: str
    reason: str
    wait: float


class TemporaryFailure(Exception):
    """A failure after which the request is tried again. `maybe_arrived`: Listrak may have carried it out; `done`: it
    has, and only its answer cannot be read. `retry_after`: seconds, as Listrak requests."""

    def __init__(
        self, reason: str, *, retry_after: float | None = None, maybe_arrived: bool = False, done: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.maybe_arrived = maybe_arrived or done
        self.done = done


class Policy(Struct, frozen=True):
    """`give_up_after`: seconds one request is tried. Waits between two tries are random; their limit doubles from
    `first_wait` to `longest_wait` seconds."""

    give_up_after: float = 900.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def run(
        self,
        what: str,
        attempt: Callable[[float], Result],
        stop: threading.Event,
        on_retry: Callable[[Retry], None],
        *,
        acts: bool = False,
        within: float = math.inf,
    ) -> tuple[Result, bool]:
        """Call `attempt` (with the seconds left) until it does not raise TemporaryFailure; return its result, and
        whether an earlier try may have arrived (never, unless the request `acts`: changes something in Listrak).
        `what`: the request in words.

        No try begins later than `give_up_after`, or `within`, seconds from now. Raises ListrakUnavailable after that,
        Interrupted when `stop` is set; `maybe_arrived` of every LsmsError covers the earlier tries.
        """
        began = time.monotonic()
        budget = min(self.give_up_after, within)
        time_over = tenacity.stop_after_delay(budget)
        failures: list[TemporaryFailure] = []

        def attempt_once() -> Result:
            if stop.is_set():
                raise Interrupted("Interrupted.")
            try:
                return attempt(budget - (time.monotonic() - began))
            except TemporaryFailure as failure:
                failures.append(failure)
                raise

        def maybe_arrived() -> bool:
            return acts and any(failure.maybe_arrived for failure in failures)

        def gives_up(state: tenacity.RetryCallState) -> bool:
            return stop.is_set() or sum(failure.done for failure in failures) >= _MOST_UNREADABLE or time_over(state)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TemporaryFailure),
            wait=lambda state: self._wait(state, failures[-1].retry_after, budget - (time.monotonic() - began)),
            stop=gives_up,
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=lambda state: on_retry(Retry(what, failures[-1].reason, state.upcoming_sleep)),
            reraise=True,
        )
        try:
            return retrying(attempt_once), maybe_arrived()
        except TemporaryFailure as failure:
            error: LsmsError = Interrupted("Interrupted.")
            if not stop.is_set():
                error = ListrakUnavailable(
                    f"Listrak could not be reached: {what} was tried for {_in_words(time.monotonic() - began)}; "
                    f"the last time: {failure.reason}.",
                    hint="Type the same command again later, or raise --give-up-after.",
                )
            error.maybe_arrived = maybe_arrived()
            raise error from None
        except LsmsError as error:
            error.maybe_arrived = error.maybe_arrived or maybe_arrived()
            raise

    def _wait(self, state: tenacity.RetryCallState, retry_after: float | None, left: float) -> float:
        """Seconds to the next try: as long as Listrak requests, else longer from try to try; never past the end."""
        backoff = tenacity.wait_random_exponential(self.first_wait, self.longest_wait, min=self.first_wait / 2)
        # Retry-After: 0 must not become a loop without a pause.
        return max(0.0, min(backoff(state) if retry_after is None else max(retry_after, self.first_wait), left))


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def status_failure(status: int, headers: Mapping[str, str]) -> TemporaryFailure | None:
    """The failure for a status that is worth another try; None for any other. After a 5xx the request may have been
    carried out, after 408, 425 and 429 not."""
    if status not in _TEMPORARY_STATUSES and status < 500:
        return None
    return TemporaryFailure(
        f"it answered {status}", retry_after=_retry_after(headers.get("Retry-After")), maybe_arrived=status >= 500
    )


def connection_failure(error: httpx.TransportError, body_complete: bool) -> TemporaryFailure:
    """The failure for a connection that broke, in our words. Raises ListrakUnavailable when waiting does not help."""
    if _caused_by(error, ssl.SSLCertVerificationError):
        raise ListrakUnavailable(
            "The certificate of the server cannot be verified.",
            hint="If a proxy of yours signs it, name its authority in SSL_CERT_FILE.",
            code="certificate",
        ) from None
    match error:
        case httpx.ProxyError() if str(error).startswith(("401", "403", "407")):
            raise ListrakUnavailable(
                "The proxy refuses to connect to Listrak.",
                hint="Check HTTPS_PROXY (user and password belong into it), or leave Listrak out with NO_PROXY.",
                code="proxy",
            ) from None
        case httpx.ProxyError():
            return TemporaryFailure("the proxy failed")
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.PoolTimeout():
            return TemporaryFailure("no connection")
        case httpx.TimeoutException():
            reason = "it did not answer in time"
        case _:
            reason = "the connection broke"
    return TemporaryFailure(reason, maybe_arrived=body_complete)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or an HTTP date (RFC 9110); None when it is neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        # HTTP dates are in GMT, also when one does not say so.
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time()
    return max(0.0, seconds) if math.isfinite(seconds) else None
