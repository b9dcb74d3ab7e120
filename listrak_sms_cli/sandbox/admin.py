"""Admin routes: what Listrak hides, and what a test sets up. No bearer; loopback only, as all of the sandbox. JSON is
taken with `Content-Type: application/json` only.

GET  /sandbox/contacts      one sender code's contacts by phone: `?sender_code=1026&format=csv` (or ndjson):
                            phone (+…), opted_out, then every field by its name, as stored; an unset value is
                            empty (CSV) or null (NDJSON)
POST /sandbox/contacts      add contacts, or change them: CSV (see `seed.py`), `?sender_code=1026`
POST /sandbox/fields        CSV `id,name,type,max_length,status`; adds fields; `?replace=true` replaces all
POST /sandbox/sender-codes  JSON list of {"id", "code", "country", "merchant", "active", "email_list"}; id and
                            country are required; a new one gets two phone lists
GET  /sandbox/imports       every import in the order received: id, file_name, bytes, sha256, field_ids, rows,
                            updated, unknown (dropped silently), values_ignored, rows_malformed, status, dates
GET  /sandbox/requests      method, path, status, faults of every request; phones in paths are masked
GET, POST /sandbox/faults   the rules and how often each was applied (`struck`); replace them (see `faults.py`)
POST /sandbox/reset         back to the start: seeds, no imports, tokens, faults or log
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from listrak_sms_cli.sandbox import seed
from listrak_sms_cli.sandbox.faults import read_rules
from listrak_sms_cli.sandbox.replies import ApiError
from listrak_sms_cli.sandbox.requests import body_of, drain, json_of, receive_into, require_type
from listrak_sms_cli.sandbox.store import SenderCode

if TYPE_CHECKING:
    from listrak_sms_cli.sandbox.account import Account

    Handler = Callable[[Account, Request], Awaitable[Any]]

ROWS_AT_ONCE = 5000


def routes(account: Account) -> list[Route]:
    """The routes, each bound to the account; a ValueError is a 400 with its message."""
    table: dict[tuple[str, str], Handler] = {
        ("GET", "contacts"): dump_contacts,
        ("POST", "contacts"): add_contacts,
        ("POST", "fields"): put_fields,
        ("POST", "sender-codes"): put_sender_codes,
        ("GET", "imports"): list_imports,
        ("GET", "requests"): list_requests,
        ("GET", "faults"): list_faults,
        ("POST", "faults"): put_faults,
        ("POST", "reset"): reset,
    }
    return [Route(f"/sandbox/{name}", _bind(account, run), methods=[method]) for (method, name), run in table.items()]


def _bind(account: Account, run: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await run(account, request)
        except ApiError as error:
            await drain(request)
            return JSONResponse({"error": error.message}, error.status)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return endpoint


def _sender_code(account: Account, request: Request) -> SenderCode:
    codes = account.store.sender_codes()
    wanted = request.query_params.get("sender_code", str(codes[0].id) if codes else "")
    found = next((code for code in codes if str(code.id) == wanted), None)
    if found is None:
        raise ValueError("The sandbox has no such sender code.")
    return found


async def dump_contacts(account: Account, request: Request) -> Response:
    """GET /sandbox/contacts"""
    code = _sender_code(account, request)
    if request.query_params.get("format", "ndjson") == "csv":
        return StreamingResponse(_csv_dump(account, code), media_type="text/csv; charset=utf-8")
    return StreamingResponse(_ndjson_dump(account, code), media_type="application/x-ndjson")


def _dump(account: Account, code: SenderCode, names: dict[str, str]) -> Iterator[list[tuple[Any, ...]]]:
    columns = "".join(f', p."{column}"' for column in names.values())
    last = 0
    while rows := account.store.rows(
        f"SELECT c.phone, '+' || c.phone, c.opted_out{columns} FROM contact c JOIN person p ON p.phone = c.phone"
        " WHERE c.sender_code = ? AND c.phone > ? ORDER BY c.phone LIMIT ?",
        (code.id, last, ROWS_AT_ONCE),
    ):
        yield rows
        last = rows[-1][0]


def _csv_dump(account: Account, code: SenderCode) -> Iterator[str]:
    names = account.store.value_columns()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["phone", "opted_out", *names])
    for rows in _dump(account, code, names):
        writer.writerows([row[1], "true" if row[2] else "false", *row[3:]] for row in rows)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _ndjson_dump(account: Account, code: SenderCode) -> Iterator[bytes]:
    names = account.store.value_columns()
    for rows in _dump(account, code, names):
        yield b"".join(
            msgspec.json.encode({"phone": row[1], "opted_out": bool(row[2]), **dict(zip(names, row[3:], strict=True))})
            + b"\n"
            for row in rows
        )


async def add_contacts(account: Account, request: Request) -> Any:
    """POST /sandbox/contacts"""
    code = _sender_code(account, request)
    with tempfile.TemporaryFile() as body:
        await receive_into(body, request, account.config.max_body_bytes)
        body.seek(0)
        return {"contacts": await run_in_threadpool(seed.add_contacts, account.store, code, body)}


async def put_fields(account: Account, request: Request) -> Any:
    """POST /sandbox/fields"""
    try:
        text = (await body_of(request)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("The fields are not UTF-8.") from None
    fields = seed.read_fields(text)
    replace = request.query_params.get("replace", "false") == "true"
    await run_in_threadpool(account.store.put_fields, fields, replace=replace)
    return {"fields": len(fields)}


class _SenderCodeBody(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(gt=0, lt=seed.MAX_ID)]
    country: str
    code: str = ""
    merchant: str = "Invented Merchant"
    active: bool = True
    email_list: str = ""


async def put_sender_codes(account: Account, request: Request) -> Any:
    """POST /sandbox/sender-codes"""
    require_type(request, "application/json")
    try:
        given = json_of(await body_of(request), list[_SenderCodeBody])
    except ValueError:
        raise ValueError("Sender codes are a JSON list of objects with id and country.") from None
    codes = [SenderCode(c.id, c.code or str(c.id), c.country, c.merchant, c.active, c.email_list) for c in given]
    account.store.put_sender_codes(codes)
    for code in codes:
        seed.add_lists(account.store, code.id)
    return {"sender_codes": len(codes)}


async def list_imports(account: Account, _request: Request) -> Any:
    """GET /sandbox/imports"""
    return await run_in_threadpool(account.store.imports)


async def list_requests(account: Account, _request: Request) -> Any:
    """GET /sandbox/requests"""
    return list(account.requests)


async def list_faults(account: Account, _request: Request) -> Any:
    """GET /sandbox/faults"""
    return account.faults.counts()


async def put_faults(account: Account, request: Request) -> Any:
    """POST /sandbox/faults"""
    require_type(request, "application/json")
    rules = read_rules(await body_of(request))
    account.faults.replace(rules)
    return {"rules": len(rules)}


async def reset(account: Account, _request: Request) -> Any:
    """POST /sandbox/reset"""
    await run_in_threadpool(account.reset)
    return {"reset": True}
