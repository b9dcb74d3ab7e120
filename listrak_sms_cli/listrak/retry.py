"""The one policy for requests that fail in passing: what is tried again, how long to wait, when to give up."""

from __future__ import annotations

import email.utils
import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TypeVar

import httpx
import tenacity
from msgspec import Struct

from listrak_sms_cli.errors import Interrupted, ListrakUnavailable, LsmsError

Result = TypeVar("Result")

_PASSING_STATUSES = frozenset({408, 425, 429})  # and every 5xx
_MOST_UNREADABLE = 20  # tries of a request that was done each time: by then it is no passing fault


class Retry(Struct, frozen=True):
    """A request that is about to be tried again after `wait` seconds; `reason` in our own words."""

    what: str
    reason: str
    wait: float


class Passing(Exception):
    """A failure that may pass. `maybe_arrived`: Listrak may have acted on the request all the same; `done`: it has,
    and only its answer cannot be read."""

    def __init__(
        self, reason: str, *, retry_after: float | None = None, maybe_arrived: bool = False, done: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.maybe_arrived = maybe_arrived or done
        self.done = done


class Policy(Struct, frozen=True):
    """`give_up_after`: seconds one request is tried; `first_wait`, `longest_wait`: seconds between two tries: the
    longest that is drawn at random doubles from the one to the other."""

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
        """Calls `attempt` (with the seconds that are left) until it does not raise Passing; returns its result, and
        whether an earlier try may have arrived (never, unless the request `acts`: changes something in Listrak).

        No try begins later than `give_up_after`, or `within`, seconds from now. Raises ListrakUnavailable when the
        time is over, Interrupted when `stop` is set; `maybe_arrived` of every LsmsError covers the earlier tries.
        """
        began = time.monotonic()
        budget = min(self.give_up_after, within)
        tries = _Tries(acts)
        time_over = tenacity.stop_after_delay(budget)

        def once() -> Result:
            if stop.is_set():
                raise Interrupted("Interrupted.")
            return tries.note(attempt, budget - (time.monotonic() - began))

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Passing),
            wait=lambda state: self._wait(state, budget - (time.monotonic() - began)),
            stop=lambda state: stop.is_set() or tries.hopeless or time_over(state),
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=lambda state: on_retry(Retry(what, _failure(state).reason, state.upcoming_sleep)),
            reraise=True,
        )
        try:
            return retrying(once), tries.maybe_arrived
        except Passing as failure:
            error: LsmsError = Interrupted("Interrupted.")
            if not stop.is_set():
                error = ListrakUnavailable(
                    f"Listrak could not be reached: {what} was tried for {_spoken(time.monotonic() - began)}; "
                    f"the last time: {failure.reason}.",
                    hint="Type the same command again later, or raise --give-up-after.",
                )
            error.maybe_arrived = tries.maybe_arrived
            raise error from None
        except LsmsError as error:
            error.maybe_arrived = error.maybe_arrived or tries.maybe_arrived
            raise

    def _wait(self, state: tenacity.RetryCallState, left: float) -> float:
        """Seconds to the next try: as long as Listrak asks for, else longer and longer; never past the end."""
        backoff = tenacity.wait_random_exponential(self.first_wait, self.longest_wait, min=self.first_wait / 2)
        asked = _failure(state).retry_after
        # Retry-After: 0 must not become a loop without a pause.
        return max(0.0, min(backoff(state) if asked is None else max(asked, self.first_wait), left))


class _Tries:
    """What the tries of one request have come to."""

    def __init__(self, acts: bool) -> None:
        self._acts = acts
        self.maybe_arrived = False
        self._done = 0

    def note(self, attempt: Callable[[float], Result], left: float) -> Result:
        try:
            return attempt(left)
        except Passing as failure:
            self.maybe_arrived = self.maybe_arrived or (self._acts and failure.maybe_arrived)
            self._done += failure.done
            raise

    @property
    def hopeless(self) -> bool:
        return self._done >= _MOST_UNREADABLE


def _failure(state: tenacity.RetryCallState) -> Passing:
    assert state.outcome is not None
    failure = state.outcome.exception()
    assert isinstance(failure, Passing)
    return failure


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def passes(status: int) -> bool:
    """Whether an answer of this status is worth another try."""
    return status in _PASSING_STATUSES or status >= 500


def passing_status(status: int, headers: Mapping[str, str]) -> Passing:
    """A gateway that gives up (5xx) may have passed the request on; 408, 425 and 429 say that nothing was done."""
    return Passing(
        f"it answered {status}",
        retry_after=_retry_after(headers.get("Retry-After")),
        maybe_arrived=status >= 500,
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
        case httpx.ProxyError() if str(error).startswith(("401", "403", "407")):
            raise ListrakUnavailable(
                "The proxy refuses to connect to Listrak.",
                hint="Check HTTPS_PROXY (user and password belong into it), or leave Listrak out with NO_PROXY.",
                code="proxy",
            ) from None
        case httpx.ProxyError():
            return Passing("the proxy failed")
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
