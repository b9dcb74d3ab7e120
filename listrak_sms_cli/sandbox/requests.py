"""What is checked of every request before a route sees it: who sends it, how large its body is, that it is JSON.

A page of any web site can send requests to loopback, and with a host name of its own that leads to loopback it could
read the answers. So only loopback names are answered (`Host`), and pages only of the sandbox itself (`Origin`).
"""

from __future__ import annotations

import io
import ipaddress
import re
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import ClientDisconnect, Request

from listrak_sms_cli.sandbox.replies import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MAX_JSON_BYTES = 2 * 1024 * 1024  # of any body but an import's and the contacts'


class LoopbackOnly:
    """Wraps an app: requests to other hosts, and those of foreign web pages, are answered with 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (refusal := _foreign(Request(scope))):
            await drain(Request(scope, receive))
            await refusal.reply()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _foreign(request: Request) -> ApiError | None:
    hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
    if len(hosts) != 1 or not _is_loopback(f"http://{hosts[0]}"):
        return ApiError(403, "ERROR_UNSAFE_ROUTE", "The sandbox answers under the names of loopback only (Host).")
    port = urlsplit(f"http://{hosts[0]}").port
    if any(not _is_loopback(origin) or urlsplit(origin).port != port for origin in origins):
        return ApiError(403, "ERROR_UNSAFE_ROUTE", "The sandbox answers no page of another site (Origin).")
    return None


def _is_loopback(address: str) -> bool:
    """Whether an address `http://host:port` is on this machine."""
    if not re.fullmatch(r"http://[\w.\-\[\]:]+", address, re.ASCII):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_type(request: Request, content_type: str) -> None:
    """Raises ApiError (415) unless the body is of this type: no web page can send JSON without asking first."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != content_type:
        raise ApiError(415, "ERROR_UNSUPPORTED_CONTENT_TYPE", f"The Content-Type must be {content_type}.")


async def receive_into(file: IO[bytes], request: Request, most: int, status: int = 413) -> None:
    """Write the body to a file. Raises ApiError with this status once it is larger than `most` bytes; the rest of it is
    taken off the connection, and forgotten."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= most:
            file.write(piece)
    request.scope["body_taken"] = True
    if size > most:
        raise too_large(status)


async def body_of(request: Request, most: int = MAX_JSON_BYTES) -> bytes:
    """The body, of at most so many bytes. Raises ApiError (413)."""
    body = io.BytesIO()
    await receive_into(body, request, most)
    return body.getvalue()


async def drain(request: Request) -> None:
    """Take a refused body off the connection: a client still writing would see a reset, not the answer."""
    if request.method in ("POST", "PUT") and not request.scope.get("body_taken"):
        try:
            async for _piece in request.stream():
                pass
        except (ClientDisconnect, RuntimeError):
            return


def too_large(status: int = 413) -> ApiError:
    """The answer to a body that is too large; Listrak has no word of its own for it."""
    if status == 404:
        return ApiError(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE", "Unable to locate the resource.")
    return ApiError(status, "ERROR_INVALID_PARAMETER", "The request body is too large.")


def json_of(text: Any, shape: Any = Any) -> Any:
    """JSON as a value of this shape. Raises ValueError, for JSON nested too deeply too."""
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("not the JSON it should be") from None
