"""The sandbox's own page, `/`: imports, contacts (searched by phone), opt-outs, fields, as they are when it is loaded.

Plain HTML without script. `?sender_code=`, `?phone=` (any spelling, or some of its digits), `?after=` (the next page of
contacts), `?live=1` (loads itself again every few seconds).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from listrak_sms_cli.sandbox.phones import phone_column

if TYPE_CHECKING:
    from jinja2 import Template

    from listrak_sms_cli.sandbox.account import Account
    from listrak_sms_cli.sandbox.store import SenderCode

PATH = "/"
CONTACTS_SHOWN, IMPORTS_SHOWN, OPT_OUTS_SHOWN = 25, 10, 10
LIVE_SECONDS = 5
_FEWEST_DIGITS, _LONGEST_PHONE = 3, 15
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def route(account: Account) -> Route:
    """The route of the page, bound to the account."""

    async def show(request: Request) -> Response:
        text = await run_in_threadpool(_page, account, dict(request.query_params))
        return HTMLResponse(text, headers=_HEADERS)

    return Route(PATH, show, methods=["GET"])


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = "{:,}".format
    environment.filters["moment"] = lambda iso: (iso or "")[:19].replace("T", " ")
    return environment.get_template("page.html.jinja")


def _page(account: Account, query: dict[str, str]) -> str:
    store, codes = account.store, account.store.sender_codes()
    wanted = query.get("sender_code", "")
    code = next((code for code in codes if str(code.id) == wanted), codes[0] if codes else None)
    return _template().render(
        codes=codes,
        code=code,
        searched=query.get("phone", "").strip(),
        live=query.get("live") == "1",
        live_seconds=LIVE_SECONDS,
        fields=store.fields(),
        imports=store.imports(newest=IMPORTS_SHOWN),
        link=functools.partial(_link, {**query, "sender_code": str(code.id) if code else ""}),
        **(_contacts(account, code, query) if code else {}),
    )


def _link(query: dict[str, str], **changes: object) -> str:
    """The address of the page with these parts of its query changed; None takes one out."""
    known = {name: query[name] for name in ("sender_code", "phone", "after", "live") if query.get(name)}
    changed = {**known, **changes}
    return f"{PATH}?{urlencode({name: value for name, value in changed.items() if value is not None})}"


def _contacts(account: Account, code: SenderCode, query: dict[str, str]) -> dict[str, Any]:
    """A page of the sender code's contacts with their values, those searched for, and the latest opt-outs."""
    store, names = account.store, account.store.value_columns()
    where, values = _condition(account, code, query.get("phone", ""))
    after = query.get("after", "")
    after = after if after.isascii() and after.isdigit() and len(after) <= _LONGEST_PHONE else ""
    columns = "".join(f', p."{column}"' for column in names.values())
    rows = store.rows(
        f"SELECT c.phone, c.opted_out{columns} FROM contact c JOIN person p ON p.phone = c.phone"
        f" WHERE c.sender_code = ?{where} AND c.phone > ? ORDER BY c.phone LIMIT ?",
        (code.id, *values, int(after or 0), CONTACTS_SHOWN + 1),
    )
    shown = rows[:CONTACTS_SHOWN]
    ((total, opted_out),) = store.rows(
        "SELECT count(*), coalesce(sum(opted_out), 0) FROM contact WHERE sender_code = ?", (code.id,)
    )
    return {
        "contacts": [
            (f"+{phone}", out, [(n, v) for n, v in zip(names, stored, strict=True) if v])
            for phone, out, *stored in shown
        ],
        "next_after": shown[-1][0] if len(rows) > len(shown) else None,
        "first": not after,
        "total": total,
        "opted_out": opted_out,
        "opt_outs": store.rows(
            "SELECT '+' || phone, unsubscribed, reason FROM contact WHERE sender_code = ? AND opted_out"
            " ORDER BY unsubscribed DESC, phone LIMIT ?",
            (code.id, OPT_OUTS_SHOWN),
        ),
    }


def _condition(account: Account, code: SenderCode, searched: str) -> tuple[str, tuple[object, ...]]:
    """SQL for the contacts searched for: the one of this phone, else those whose phones hold these digits."""
    digits = "".join(character for character in searched if character in "0123456789")
    if not searched.strip():
        return "", ()
    if (column := phone_column(searched.strip())) is not None:
        found = int(account.store.resolve(code, column, ("e164", "digits", "national"))[0])
        if found:
            return " AND c.phone = ?", (found,)
    if len(digits) < _FEWEST_DIGITS:
        return " AND 0", ()
    return " AND instr(c.phone, ?)", (digits,)
