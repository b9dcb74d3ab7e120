"""The client: typed calls over HTTP, each to an allowed route, each retried by one policy."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, Self

from listrak_sms_cli.errors import AccountError, LsmsError
from listrak_sms_cli.listrak import models
from listrak_sms_cli.listrak.auth import Credentials
from listrak_sms_cli.listrak.body import MAX_FILE_BYTES, ImportBody
from listrak_sms_cli.listrak.calls import Calls, Payload
from listrak_sms_cli.listrak.errors import NotFound, PhoneNotFound, reading_account, too_large
from listrak_sms_cli.listrak.http import httpx
from listrak_sms_cli.listrak.models import AcceptedImport, Collection, Created, ImportStatus, Item, Page, Resource
from listrak_sms_cli.listrak.paging import pages
from listrak_sms_cli.listrak.retry import Policy, Retry
from listrak_sms_cli.listrak.routes import Endpoint
from listrak_sms_cli.listrak.wire import Answer, Wire

PAGE = 5000  # contacts a page, the most Listrak gives


class ListrakClient:
    """A client of one account; thread-safe, a context manager. `transport` replaces the network, for tests.

    Calls raise CredentialsRefused, ListrakRefused, ListrakUnavailable, and Interrupted once `stop` is set or the client
    is closed; those that read the account raise AccountError in place of ListrakRefused. The constructor raises
    SettingsError for a proxy or certificates of the environment that cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        *,
        policy: Policy | None = None,
        on_retry: Callable[[Retry], None] = lambda _retry: None,
        stop: threading.Event | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        wire = Wire(endpoint, transport)
        self._calls = Calls(endpoint, credentials, wire, policy or Policy(), on_retry, stop or threading.Event())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; calls still under way in other threads end with Interrupted."""
        self._calls.close()

    def check_token(self) -> None:
        """Request a token, if there is none."""
        with reading_account():
            self._calls.token()

    def sender_codes(self) -> list[models.SenderCode]:
        """The sender codes the credential may use."""
        with reading_account():
            return [code for page in self._pages("/v1/ShortCode", models.SenderCodeWire) for code in page.items]

    def sender_code(self, sender_code: int) -> models.SenderCode:
        """One sender code. Raises AccountError (`unknown_sender_code`), which names those there are, when it is not
        there."""
        try:
            with reading_account():
                return self._read_sender_code(sender_code)
        except AccountError as error:
            if error.code != NotFound.default_code:
                raise
        known = ", ".join(f"{code.id} ({code.country})" for code in self.sender_codes()) or "none"
        raise AccountError(
            f"There is no sender code {sender_code}.",
            hint=f"The credential may use: {known}.",
            code="unknown_sender_code",
        )

    def profile_fields(self, sender_code: int) -> list[models.ListedField]:
        """All profile fields; Listrak's API description says both that the listing has pages and that it has none."""
        path = f"/v1/ShortCode/{sender_code}/SegmentationField"
        with reading_account():
            return [field for page in self._pages(path, models.FieldWire) for field in page.items]

    def start_import(self, sender_code: int, body: ImportBody) -> AcceptedImport:
        """Start a Contact Update Import. The id of the import is whatever Listrak gives, which may be one that cannot
        be asked about (see `is_import_id`). Raises ImportTooLarge when a smaller file may be accepted."""
        if body.content.size > MAX_FILE_BYTES:
            raise too_large()
        path = f"/v1/ShortCode/{sender_code}/ContactImport"
        try:
            created, arrived = self._send("POST", path, Created, body)
        except NotFound as error:
            # Listrak is known to answer 404 to a body that is too large: it is, when the sender code is there.
            refused: LsmsError = too_large()
            try:
                self._read_sender_code(sender_code)
            except LsmsError as another:
                refused = another
            refused.maybe_arrived = error.maybe_arrived
            raise refused from None
        return AcceptedImport("" if created.resource_id is None else str(created.resource_id), arrived)

    def import_status(self, sender_code: int, import_file_id: str) -> ImportStatus:
        """The state of an import."""
        path = f"/v1/ShortCode/{sender_code}/ContactImport/{import_file_id}"
        return self._get(path, models.ImportWire).value(import_file_id)

    def contact(self, sender_code: int, phone: str) -> models.Contact | None:
        """One contact; None when the sender code has none with this phone in this spelling."""
        path = f"/v1/ShortCode/{sender_code}/Contact/{urllib.parse.quote(phone, safe='')}"
        try:
            return self._get(path, models.ContactWire).value()
        except (NotFound, PhoneNotFound):
            return None

    def update_contact(self, sender_code: int, document: dict[str, Any]) -> bool:
        """Update Contact (PUT) with this document; False when no contact has its phone.

        Raises ValueError for a document with `optedOut`: this client subscribes and unsubscribes nobody.
        """
        if any(key.casefold() == "optedout" for key in document):
            raise ValueError("an update never has optedOut")
        try:
            self._send("PUT", f"/v1/ShortCode/{sender_code}/Contact", dict[str, Any], document)
        except PhoneNotFound as error:
            if error.code != "error_phone_number_not_found":
                raise
            return False
        return True

    def phone_lists(self, sender_code: int, *, active: bool) -> Iterator[models.PhoneList]:
        """The sender code's phone lists, the active or the inactive ones."""
        path = f"/v1/ShortCode/{sender_code}/PhoneList"
        status = "active" if active else "inactive"
        for page in self._pages(path, models.PhoneListWire, {"status": status, "count": str(PAGE)}):
            yield from page.items

    def list_contacts(
        self, sender_code: int, list_id: int, *, opted_out: bool, cursor: str = "Start", count: int = PAGE
    ) -> Page[models.Contact]:
        """One page of a list's contacts."""
        path = f"/v1/ShortCode/{sender_code}/PhoneList/{list_id}/Contact"
        query = {"optedOut": str(opted_out).lower(), "count": str(count)}
        return self._page(path, models.ContactWire, query, cursor)

    def opt_outs(self, sender_code: int, cursor: str = "Start", count: int = PAGE) -> Page[str]:
        """One page of the opted-out phones, as Listrak spells them."""
        path = f"/v1/ShortCode/{sender_code}/OptOut"
        return self._page(path, models.OptOutWire, {"count": str(count)}, cursor)

    def _read_sender_code(self, sender_code: int) -> models.SenderCode:
        return self._get(f"/v1/ShortCode/{sender_code}", models.SenderCodeWire).value()

    def _pages(self, path: str, item: Any, query: dict[str, str] | None = None) -> Iterator[Page[Any]]:
        return pages(lambda cursor: self._page(path, item, query or {}, cursor))

    def _page(self, path: str, item: Any, query: dict[str, str], cursor: str) -> Page[Any]:
        query = query if cursor == "Start" else {**query, "cursor": cursor}

        def page(answer: Answer) -> Page[Any]:
            collection = models.decode(Collection[item], answer.body)
            next_cursor = _cursor(collection.next_page_cursor)
            if next_cursor == cursor:
                raise models.UnreadableError  # a page that names itself as the next would be read for ever
            return Page([wire.value() for wire in collection.data], next_cursor)

        return self._calls.run("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path, page)[0]

    def _get(self, path: str, item: type[Item]) -> Item:
        data: Item = self._send("GET", path, Resource[item])[0].data  # type: ignore[valid-type]
        return data

    def _send(self, method: str, path: str, shape: Any, content: Payload = None) -> tuple[Any, bool]:
        return self._calls.run(method, path, lambda answer: models.decode(shape, answer.body), content)


def _cursor(next_page: str | None) -> str | None:
    """`nextPageCursor` is an address or the cursor alone; only the cursor is used, so a token is never sent to an
    address out of an answer."""
    if not next_page:
        return None
    cursors = urllib.parse.parse_qs(urllib.parse.urlsplit(next_page).query).get("cursor")
    return cursors[0] if cursors else next_page
