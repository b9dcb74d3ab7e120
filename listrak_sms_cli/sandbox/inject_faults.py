"""The ASGI layer that injects faults, and that keeps the log of requests.

Resets need the real socket: the server puts each connection's transport into the scope's state.
"""

from __future__ import annotations

import asyncio
import http
import re
import socket
import struct
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from listrak_sms_cli.sandbox import page
from listrak_sms_cli.sandbox.faults import Fault
from listrak_sms_cli.sandbox.replies import ApiError, Reply, json_reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from listrak_sms_cli.sandbox.account import Account

HTML = b"<html><head><title>Gateway</title></head><body><h1>The page cannot be displayed</h1></body></html>"
LISTRAK_ERRORS = {
    400: "ERROR_INVALID_PARAMETER",
    401: "ERROR_UNAUTHORIZED",
    404: "ERROR_UNABLE_TO_LOCATE_RESOURCE",
    500: "ERROR_UNHANDLED_EXCEPTION",
}
POLL_SECONDS = 0.02
_STATUSES = frozenset(status.value for status in http.HTTPStatus)


class FaultInjection:
    """Wraps the routes of Listrak; requests to admin routes and for the page are passed through."""

    def __init__(self, app: ASGIApp, account: Account) -> None:
        self._app = app
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the faults that apply to it."""
        if scope["type"] != "http" or scope["path"] == page.PATH or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        faults = self._account.faults.pick(scope["method"], scope["path"])
        entry = self._log(scope, faults)
        scope.setdefault("state", {})["faults"] = [fault for fault in faults if not fault.is_answer]
        if any(fault.kind == "revoke_tokens" for fault in faults):
            self._account.revoke_tokens()

        async def logged_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        answer = next((fault for fault in faults if fault.is_answer), None)
        if answer is None:
            await self._app(scope, receive, logged_send)
        else:
            await self._inject(answer, scope, receive, logged_send)

    def _log(self, scope: Scope, faults: list[Fault]) -> dict[str, Any]:
        path = re.sub(r"(/Contact/)[^/]+", r"\1{phoneNumber}", scope["path"])
        entry: dict[str, Any] = {"method": scope["method"], "path": path, "status": None}
        if faults:
            entry["faults"] = [fault.kind for fault in faults]
        self._account.requests.append(entry)
        return entry

    async def _inject(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        kind, settings = fault.kind, fault.settings
        if kind.startswith("reset_"):
            length = int(dict(scope["headers"]).get(b"content-length", b"0"))
            share = {"reset_before_body": 0, "reset_mid_body": length // 2, "reset_after_body": None}[kind]
            await _drain(receive, share)
            _reset(scope)
        elif kind == "lost_reply":
            await self._run(scope, receive)
            _reset(scope)
        elif kind == "hang":
            if await self._wait(scope, float(settings["seconds"])):
                await self._app(scope, receive, send)
        elif kind == "hang_reply":
            reply = await self._run(scope, receive)
            if await self._wait(scope, float(settings["seconds"])):
                await reply(scope, receive, send)
        else:
            right = None
            if settings["applied"]:
                right = await self._run(scope, receive)
            else:
                await _drain(receive, None)
            await _wrong_reply(fault, right)(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive) -> Reply:
        """The answer of the routes, not sent yet."""
        status, parts = 500, []

        async def keep(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, keep)
        return Reply(b"".join(parts), status)

    async def _wait(self, scope: Scope, seconds: float) -> bool:
        """Wait; True when the client is still there. Ends early when it has gone, or the sandbox closes."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._account.closing.is_set():
            if scope["state"]["transport"].is_closing():
                return False
            await asyncio.sleep(POLL_SECONDS)
        if self._account.closing.is_set():
            _reset(scope)
            return False
        return True


async def _drain(receive: Receive, up_to: int | None) -> None:
    """Take the body off the connection: all of it, or at least so many bytes."""
    taken = 0
    while up_to is None or taken < up_to:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _reset(scope: Scope) -> None:
    """Close the connection so that the client gets a reset, not an end of file."""
    transport = scope["state"]["transport"]
    if transport.is_closing():
        return
    linger_at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_at_once)
    transport.abort()


def _wrong_reply(fault: Fault, right: Reply | None) -> Response:
    settings = fault.settings
    if fault.kind == "truncated_json" and right is not None:
        return Reply(right.body[: len(right.body) // 2], right.status_code)
    if fault.kind == "wrong_shape":
        return json_reply(200 if right is None else right.status_code, ["unexpected", {"data": 17}])
    status = int(settings["status"])
    if fault.kind == "html":
        return HTMLResponse(HTML, status)
    code = settings["error"] or LISTRAK_ERRORS.get(status)
    if code is not None:
        reply: Response = ApiError(status, code, "The sandbox injects this error.").reply()
    else:
        reply = PlainTextResponse(http.HTTPStatus(status).phrase if status in _STATUSES else "Error", status)
    if settings["retry_after"] is not None:
        reply.headers["retry-after"] = _retry_after(settings)
    return reply


def _retry_after(settings: Any) -> str:
    seconds = float(settings["retry_after"])
    if settings["retry_after_form"] == "date":
        # An HTTP date has whole seconds: rounded up, or a short wait would be in the past.
        return formatdate(int(time.time() + seconds) + 1, usegmt=True)
    return f"{seconds:g}"
