"""The client: typed calls over HTTP, each retried by one policy, each on the list of routes."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from listrak_sms_cli.errors import AccountError, Interrupted
from listrak_sms_cli.listrak import models
from listrak_sms_cli.listrak.auth import Credentials, Token, TokenKeeper, token_for
from listrak_sms_cli.listrak.body import ImportBody
from listrak_sms_cli.listrak.errors import ImportTooLarge, NotFound, redirected, refusal
from listrak_sms_cli.listrak.models import Accepted, Collection, Created, ImportStatus, Page, Resource
from listrak_sms_cli.listrak.retry import PASSING_STATUSES, Passing, Policy, Retry, passing_error, passing_status
from listrak_sms_cli.listrak.routes import Endpoint, check_route, is_loopback

Shape = TypeVar("Shape")
Value = TypeVar("Value")

PAGE = 5000  # contacts a page, the most Listrak gives
_SLOWEST_UPLOAD = 500_000  # bytes a second: read timeouts grow with the body by this rate
_TOO_LARGE = "Listrak does not take an import file of this size."
_SMALLER = "Send fewer members per file with --batch-rows."
_CONNECT, _READ, _WRITE = 10.0, 60.0, 60.0  # seconds


class ListrakClient:
    """Thread-safe; a context manager. Raises CredentialsRefused, AccountError, ListrakRefused, ListrakUnavailable,
    and Interrupted once `stop` is set."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        *,
        policy: Policy | None = None,
        on_retry: Callable[[Retry], None] = lambda _retry: None,
        stop: threading.Event | None = None,
        transport: httpx.BaseTransport | None = None,
        user_agent: str = "lsms",
    ) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._policy = policy or Policy()
        self._on_retry = on_retry
        self._stop = stop or threading.Event()
        self._tokens = TokenKeeper(self._issue_token)
        local = is_loopback(endpoint.api_url) and is_loopback(endpoint.token_url)
        # A proxy never for loopback; nor is a certificate store loaded (0.05 s) where none is needed.
        plain = local and endpoint.api_url.startswith("http:") and endpoint.token_url.startswith("http:")
        self._http = httpx.Client(
            trust_env=not local,
            verify=not plain,
            transport=transport,
            timeout=httpx.Timeout(_CONNECT, read=_READ, write=_WRITE, pool=None),
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def check_token(self) -> None:
        """Has a token issued, if there is none."""
        self._policy.run("the token address", self._tokens.current, self._stop, self._on_retry)

    def sender_codes(self) -> list[models.SenderCode]:
        found = self._call("GET", "/v1/ShortCode", Collection[models.SenderCodeWire])
        return [wire.value() for wire in found.data]

    def sender_code(self, sender_code: int) -> models.SenderCode:
        """Raises AccountError naming those the credential may use when this one is not there."""
        try:
            return self._read_sender_code(sender_code)
        except NotFound:
            known = ", ".join(f"{code.id} ({code.country})" for code in self.sender_codes()) or "none"
            raise AccountError(
                f"There is no sender code {sender_code}.",
                hint=f"The credential may use: {known}.",
                code="unknown_sender_code",
            ) from None

    def profile_fields(self, sender_code: int) -> list[models.ProfileField]:
        """All fields; the listing may come in pages or not, Listrak's description says both."""
        path = f"/v1/ShortCode/{sender_code}/SegmentationField"
        return [item for page in self._pages(path, Collection[models.FieldWire]) for item in page.items]

    def start_import(self, sender_code: int, body: ImportBody) -> Accepted:
        """Start a Contact Update Import. Raises ImportTooLarge when a smaller file may pass."""
        path = f"/v1/ShortCode/{sender_code}/ContactImport"
        try:
            created, arrived = self._send("POST", path, Created, body=body)
        except NotFound as error:
            # Listrak is known to hide a size limit behind 404: if the sender code is there, it is the size.
            self.sender_code(sender_code)
            raise ImportTooLarge(_TOO_LARGE, hint=_SMALLER) from error
        return Accepted(str(created.resource_id), arrived)

    def import_status(self, sender_code: int, import_file_id: str) -> ImportStatus:
        path = f"/v1/ShortCode/{sender_code}/ContactImport/{import_file_id}"
        wire: models.ImportWire = self._call("GET", path, Resource[models.ImportWire]).data
        return wire.value(import_file_id)

    def contact(self, sender_code: int, phone: str) -> models.Contact | None:
        """One contact; None when the sender code has none with this phone, spelled like this."""
        path = f"/v1/ShortCode/{sender_code}/Contact/{urllib.parse.quote(phone, safe='')}"
        try:
            wire: models.ContactWire = self._call("GET", path, Resource[models.ContactWire]).data
        except NotFound:
            return None
        return wire.value()

    def update_contact(self, sender_code: int, document: dict[str, Any]) -> bool:
        """Update Contact (PUT) with the whole of `document`; False when no contact has its phone."""
        if "optedOut" in document:
            raise ValueError("an update never carries optedOut")
        try:
            self._call("PUT", f"/v1/ShortCode/{sender_code}/Contact", dict[str, Any], document=document)
        except NotFound:
            return False
        return True

    def phone_lists(self, sender_code: int, *, active: bool) -> Iterator[models.PhoneList]:
        path = f"/v1/ShortCode/{sender_code}/PhoneList"
        status = "active" if active else "inactive"
        for page in self._pages(path, Collection[models.PhoneListWire], {"status": status, "count": str(PAGE)}):
            yield from page.items

    def list_contacts(
        self, sender_code: int, list_id: int, *, opted_out: bool, cursor: str = "Start"
    ) -> Page[models.Contact]:
        """One page of a list's contacts."""
        path = f"/v1/ShortCode/{sender_code}/PhoneList/{list_id}/Contact"
        query = {"optedOut": str(opted_out).lower(), "count": str(PAGE)}
        return self._page(path, Collection[models.ContactWire], query, cursor)

    def opt_outs(self, sender_code: int, cursor: str = "Start") -> Page[str]:
        """One page of the opted-out phones, as Listrak spells them."""
        path = f"/v1/ShortCode/{sender_code}/OptOut"
        return self._page(path, Collection[models.OptOutWire], {"count": str(PAGE)}, cursor)

    def _read_sender_code(self, sender_code: int) -> models.SenderCode:
        path = f"/v1/ShortCode/{sender_code}"
        wire: models.SenderCodeWire = self._call("GET", path, Resource[models.SenderCodeWire]).data
        return wire.value()

    def _pages(self, path: str, shape: Any, query: dict[str, str] | None = None) -> Iterator[Page[Any]]:
        cursor: str | None = "Start"
        seen = set()
        while cursor is not None and cursor not in seen:
            seen.add(cursor)
            page = self._page(path, shape, query or {}, cursor)
            yield page
            cursor = page.next_cursor

    def _page(self, path: str, shape: Any, query: dict[str, str], cursor: str) -> Page[Any]:
        asked = query if cursor == "Start" else {**query, "cursor": cursor}
        found = self._call("GET", path, shape, query=asked)
        return Page([wire.value() for wire in found.data], _marker(found.next_page_cursor))

    def _call(self, method: str, path: str, shape: Any, **request: Any) -> Any:
        return self._send(method, path, shape, **request)[0]

    def _send(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        query: dict[str, str] | None = None,
        document: dict[str, Any] | None = None,
        body: ImportBody | None = None,
    ) -> tuple[Shape, bool]:
        check_route(method, path)
        request = _Request(method, self._endpoint.api_url + path, query, document, body)
        what = "the import" if body else "a request"
        return self._policy.run(what, lambda: self._attempt(request, shape), self._stop, self._on_retry)

    def _attempt(self, request: _Request, shape: type[Shape]) -> Shape:
        token = self._tokens.current()
        response = self._exchange(request, {"Authorization": f"Bearer {token.value}"})
        if response.status_code == 401 and _error(response).error != "ERROR_INVALID_CREDENTIALS":
            self._tokens.discard(token)
            token = self._tokens.current()
            response = self._exchange(request, {"Authorization": f"Bearer {token.value}"})
        return self._read(response, shape)

    def _issue_token(self) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        request = _Request("POST", self._endpoint.token_url, None, None, None, form)
        response = self._exchange(request, {})
        if response.status_code in (400, 401, 403):
            raise refusal(response.status_code, "ERROR_INVALID_CREDENTIALS", "")
        wire = self._read(response, models.TokenWire)
        try:
            lifetime = None if wire.expires_in is None else float(wire.expires_in)
        except ValueError:
            lifetime = None
        return token_for(wire.access_token, lifetime)

    def _exchange(self, request: _Request, headers: dict[str, str]) -> httpx.Response:
        if self._stop.is_set():
            raise Interrupted("Interrupted.")
        try:
            return request.send(self._http, headers)
        except httpx.TransportError as error:
            raise passing_error(error, request.complete) from None
        except (httpx.InvalidURL, httpx.DecodingError):
            raise Passing("its answer cannot be read", maybe_arrived=request.complete) from None
        except Exception:
            # The first Ctrl-C closes the connections under the threads that use them.
            if self._stop.is_set():
                raise Passing("it was interrupted", maybe_arrived=request.complete) from None
            raise

    def _read(self, response: httpx.Response, shape: type[Shape]) -> Shape:
        status = response.status_code
        if status in PASSING_STATUSES or status >= 500:
            raise passing_status(response)
        if 300 <= status < 400:
            raise redirected("A request to Listrak")
        if status == 413:
            raise ImportTooLarge(_TOO_LARGE, hint=_SMALLER)
        if status >= 400:
            error = _error(response)
            raise refusal(status, error.error, error.message)
        try:
            decoded: Shape = models.decode(shape, response.content)
        except msgspec.MsgspecError:
            raise Passing("its answer is not the JSON it should be", maybe_arrived=True) from None
        return decoded


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    query: dict[str, str] | None = None
    document: dict[str, Any] | None = None
    body: ImportBody | None = None
    form: dict[str, str] | None = None

    @property
    def complete(self) -> bool:
        """Whether Listrak may have got all of it in the last try, and so have acted on it."""
        return self.body.complete if self.body else self.method != "GET"

    def send(self, http: httpx.Client, headers: dict[str, str]) -> httpx.Response:
        timeout = httpx.Timeout(_CONNECT, read=_READ, write=_WRITE, pool=None)
        if self.body is not None:
            headers = {**headers, "Content-Type": "application/json", "Content-Length": str(self.body.length)}
            read = _READ + self.body.length / _SLOWEST_UPLOAD
            timeout = httpx.Timeout(_CONNECT, read=read, write=_WRITE, pool=None)
        return http.request(
            self.method,
            self.url,
            params=self.query,
            json=self.document,
            content=self.body,
            data=self.form,
            headers=headers,
            timeout=timeout,
        )


def _error(response: httpx.Response) -> models.ErrorWire:
    try:
        found: models.ErrorWire = models.decode(models.ErrorWire, response.content)
    except msgspec.MsgspecError:
        return models.ErrorWire()
    return found


def _marker(cursor: str | None) -> str | None:
    """`nextPageCursor` is an address or the bare cursor; only the cursor is used, so a token never travels to an
    address out of an answer."""
    if not cursor:
        return None
    found = urllib.parse.parse_qs(urllib.parse.urlsplit(cursor).query).get("cursor")
    return found[0] if found else cursor
