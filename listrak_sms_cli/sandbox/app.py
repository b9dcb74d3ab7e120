"""The routes of the simulated Listrak: token, `/sms/v1/...`, its own page, and the admin routes under `/sandbox/`."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from listrak_sms_cli.sandbox import account_routes, admin, contact_routes, page
from listrak_sms_cli.sandbox.account import Account
from listrak_sms_cli.sandbox.faults import Fault
from listrak_sms_cli.sandbox.import_request import read_import_request
from listrak_sms_cli.sandbox.imports import ImportFile, ImportJob, ImportPlan, count_rows
from listrak_sms_cli.sandbox.inject_faults import FaultInjection
from listrak_sms_cli.sandbox.paging import Call
from listrak_sms_cli.sandbox.replies import ApiError, Reply, invalid_parameter, json_reply
from listrak_sms_cli.sandbox.requests import LoopbackOnly, body_of, drain, receive_into, require_type, too_large

Handler = Callable[[Account, Call], Reply]
Endpoint = Callable[[Request], Awaitable[Response]]
MAX_FORM_BYTES = 64 * 1024
LOG = logging.getLogger(__name__)


def build_app(account: Account) -> ASGIApp:
    """The ASGI app of an account."""
    code = "/sms/v1/ShortCode/{sender_code}"
    routes = [
        Route("/OAuth2/Token", _endpoint(account, _token, bearer=False), methods=["POST"]),
        _get(account, "/sms/v1/ShortCode", account_routes.sender_codes),
        _get(account, code, account_routes.sender_code),
        _get(account, f"{code}/SegmentationField", account_routes.fields),
        _get(account, f"{code}/SegmentationField/{{field}}", account_routes.field),
        _get(account, f"{code}/ContactImport/{{import_file}}", account_routes.import_status),
        Route(f"{code}/ContactImport", _endpoint(account, _start_import), methods=["POST"]),
        _get(account, f"{code}/Contact/{{phone}}", contact_routes.contact),
        Route(f"{code}/Contact", _endpoint(account, _update_contact), methods=["PUT"]),
        _get(account, f"{code}/PhoneList", account_routes.phone_lists),
        _get(account, f"{code}/PhoneList/{{phone_list}}", account_routes.phone_list),
        _get(account, f"{code}/PhoneList/{{phone_list}}/Contact", contact_routes.list_contacts),
        _get(account, f"{code}/OptOut", contact_routes.opt_outs),
        page.route(account),
        *admin.routes(account),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_route})
    app.router.redirect_slashes = False
    return LoopbackOnly(FaultInjection(app, account))


def _get(account: Account, path: str, handler: Handler) -> Route:
    return Route(path, _endpoint(account, lambda *given: run_in_threadpool(handler, *given)), methods=["GET"])


def _endpoint(account: Account, run: Callable[[Account, Call], Awaitable[Reply]], *, bearer: bool = True) -> Endpoint:
    """An endpoint that checks the bearer and answers every failure in Listrak's envelope."""

    async def endpoint(request: Request) -> Response:
        call = Call(request.scope, request.receive)
        try:
            if any(character in call.url.path for character in "&<>"):
                raise ApiError(400, "ERROR_UNSAFE_ROUTE", "The route holds an invalid character.")
            if bearer:
                account.check_bearer(call.headers.get("authorization", ""))
            return await run(account, call)
        except ApiError as error:
            await drain(call)
            return error.reply()
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            # Only the type: a message may quote what a person pushed to this sandbox.
            LOG.error("The sandbox failed with %s.", type(error).__name__)
            return ApiError(500, "ERROR_UNHANDLED_EXCEPTION", "An unexpected error occurred.").reply()

    return endpoint


async def _no_such_route(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        refusal = ApiError(405, "ERROR_UNSUPPORTED_METHOD", "The route does not support this method.")
    else:
        refusal = ApiError(404, "ERROR_UNKNOWN_ROUTE", "There is no such route.")
    await drain(request)
    return refusal.reply()


async def _token(account: Account, call: Call) -> Reply:
    require_type(call, "application/x-www-form-urlencoded")
    form = parse_qs((await body_of(call, MAX_FORM_BYTES)).decode("utf-8", "replace"))
    given = {key: values[0] for key, values in form.items()}
    config = account.config
    right = {"client_id": config.client_id, "client_secret": config.client_secret}
    if {**given, **right, "grant_type": "client_credentials"} != given:
        raise ApiError(401, "ERROR_INVALID_CREDENTIALS", "The client credentials are invalid.")
    seconds = int(config.token_seconds)
    token = account.issue_token()
    return json_reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": seconds})


async def _update_contact(account: Account, call: Call) -> Reply:
    require_type(call, "application/json")
    return await run_in_threadpool(contact_routes.update_contact, account, call, await body_of(call))


async def _start_import(account: Account, call: Call) -> Reply:
    require_type(call, "application/json")
    with tempfile.TemporaryFile() as body:
        await receive_into(body, call, account.config.max_body_bytes, account.config.too_large_status)
        return await run_in_threadpool(_accept_import, account, call, body)


def _accept_import(account: Account, call: Call, body: IO[bytes]) -> Reply:
    code = account.sender_code(call.whole("sender_code"))
    accepted = read_import_request(body, account.visible_fields())
    plan: dict[str, Any] = {}
    for fault in call.state.faults:
        if fault.kind in ("max_rows", "min_rows"):
            _check_rows(fault, accepted.source)
        plan |= _PLANS.get(fault.kind, lambda _settings: {})(fault.settings)
    field_ids = ",".join(str(column.field.id) for column in accepted.source.columns)
    import_id = account.store.add_import(code.id, accepted.file_name, accepted.size, accepted.digest, field_ids)
    account.worker.submit(ImportJob(import_id, code, accepted.source, ImportPlan(**plan)))
    return json_reply(201, {"status": 201, "resourceId": str(import_id)})


def _check_rows(fault: Fault, source: ImportFile) -> None:
    """A file with more or fewer rows than a fault allows is closed and refused."""
    rows, limit = count_rows(source), int(fault.settings["rows"])
    if fault.kind == "max_rows" and rows > limit:
        source.file.close()
        raise too_large(int(fault.settings["status"]))
    if fault.kind == "min_rows" and rows < limit:
        source.file.close()
        raise invalid_parameter("fileStream", f"the file needs at least {limit} rows")


_PLANS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "import_fails": lambda settings: {"end_word": settings["word"], "applied": settings["applied"]},
    "import_never_ends": lambda _settings: {"never_ends": True},
    "import_seconds": lambda settings: {"seconds": float(settings["seconds"])},
    "import_late": lambda settings: {"late": settings["seconds"]},
    "import_alters": lambda _settings: {"alters": True},
    "import_word": lambda settings: {"running_word": settings["word"], "end_word": settings["end_word"]},
}
