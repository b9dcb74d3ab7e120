"""The policy for requests that fail: which are tried again, after how long, and when to give up."""

from __future__ import annotations

import email.utils
import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from listrak_sms_cli.errors import Interrupted, ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak.http import httpx

if TYPE_CHECKING:
    import tenacity

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
        tries = _Tries(self, what, attempt, stop, on_retry, min(self.give_up_after, within))
        try:
            return tries.until_done(), acts and tries.maybe_arrived
        except TemporaryFailure as failure:
            error: LsmsError = Interrupted("Interrupted.")
            if not stop.is_set():
                error = ListrakUnavailable(
                    f"Listrak could not be reached: {what} was tried for {_in_words(tries.seconds)}; "
                    f"the last time: {failure.reason}.",
                    hint="Type the same command again later, or raise --give-up-after.",
                )
            error.maybe_arrived = acts and tries.maybe_arrived
            raise error from None
        except LsmsError as error:
            error.maybe_arrived = error.maybe_arrived or (acts and tries.maybe_arrived)
            raise


class _Tries(Generic[Result]):
    """The tries of one request, for at most `budget` seconds."""

    def __init__(
        self,
        policy: Policy,
        what: str,
        attempt: Callable[[float], Result],
        stop: threading.Event,
        on_retry: Callable[[Retry], None],
        budget: float,
    ) -> None:
        self._policy, self._what, self._attempt = policy, what, attempt
        self._stop, self._on_retry, self._budget = stop, on_retry, budget
        self._began = time.monotonic()
        self._failures: list[TemporaryFailure] = []

    @property
    def seconds(self) -> float:
        """Since the first try began."""
        return time.monotonic() - self._began

    @property
    def maybe_arrived(self) -> bool:
        """Whether Listrak may have carried out a try that failed."""
        return any(failure.maybe_arrived for failure in self._failures)

    def until_done(self) -> Result:
        """Raises TemporaryFailure, the last one, when it is time to give up."""
        try:
            return self._try_once()
        except TemporaryFailure as failure:
            return self._try_again(failure)

    def _try_once(self) -> Result:
        if self._stop.is_set():
            raise Interrupted("Interrupted.")
        try:
            return self._attempt(self._budget - self.seconds)
        except TemporaryFailure as failure:
            self._failures.append(failure)
            raise

    def _try_again(self, first: TemporaryFailure) -> Result:
        import tenacity  # loads asyncio, which most runs have no use for: nothing has to be tried again

        policy, failed = self._policy, [first]
        backoff = tenacity.wait_random_exponential(policy.first_wait, policy.longest_wait, min=policy.first_wait / 2)

        def attempt() -> Result:
            if failed:
                raise failed.pop()
            return self._try_once()

        def wait(state: tenacity.RetryCallState) -> float:
            """As long as Listrak requests, else longer from try to try; never past the end."""
            requested = self._failures[-1].retry_after
            # Retry-After: 0 must not become a loop without a pause.
            seconds = backoff(state) if requested is None else max(requested, policy.first_wait)
            return max(0.0, min(seconds, self._budget - self.seconds))

        def tell(state: tenacity.RetryCallState) -> None:
            self._on_retry(Retry(self._what, self._failures[-1].reason, state.upcoming_sleep))

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TemporaryFailure),
            wait=wait,
            stop=lambda _state: self._gives_up,
            sleep=tenacity.sleep_using_event(self._stop),
            before_sleep=tell,
            reraise=True,
        )(attempt)

    @property
    def _gives_up(self) -> bool:
        unreadable = sum(failure.done for failure in self._failures)
        return self._stop.is_set() or unreadable >= _MOST_UNREADABLE or self.seconds >= self._budget


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
