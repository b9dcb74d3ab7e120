"""Contacts: one by its phone, a list's by pages, the opted-out ones, and the update of one.

SQLite writes the JSON of a page itself: a page of 5000 contacts is one row to Python.
"""

from __future__ import annotations

from typing import Any

import msgspec

from listrak_sms_cli.sandbox.account import Account
from listrak_sms_cli.sandbox.account_routes import find_list
from listrak_sms_cli.sandbox.import_request import usable_field
from listrak_sms_cli.sandbox.paging import Call, next_cursor, requested_page
from listrak_sms_cli.sandbox.phones import phone_column
from listrak_sms_cli.sandbox.replies import ApiError, Reply, invalid_parameter, json_reply, malformed_body, not_found
from listrak_sms_cli.sandbox.requests import json_of
from listrak_sms_cli.sandbox.store import SenderCode, timestamp
from listrak_sms_cli.sandbox.values import SYSTEM_ATTRIBUTES, any_date, normaliser


def contact(account: Account, call: Call) -> Reply:
    """One contact, by any spelling of its phone that the config allows."""
    code = account.sender_code(call.whole("sender_code"))
    phone = find_phone(account, code, call.path_params["phone"])
    if phone is None:
        raise not_found("contact")
    body = account.store.rows(
        f"SELECT {_contact_json(account, details=True)} FROM contact c JOIN person p ON p.phone = c.phone"
        " WHERE c.sender_code = ? AND c.phone = ?",
        (code.id, phone),
    )[0][0]
    return Reply(f'{{"status":200,"data":{body}}}')


def find_phone(account: Account, code: SenderCode, spelled: str) -> int | None:
    """The contact that a spelling means, or None. Raises ApiError when no phone is spelled so."""
    cells = phone_column(spelled)
    if cells is None:
        raise ApiError(400, "ERROR_INVALID_PHONE_NUMBER", "The phone number is in an invalid format.")
    return int(account.store.resolve(code, cells, account.config.phone_spellings)[0]) or None


def list_contacts(account: Account, call: Call) -> Reply:
    """The subscribed or opted-out contacts of a phone list, by pages."""
    listed, page, out = find_list(account, call), requested_page(call), call.flag("optedOut")
    if not listed.active and not account.config.inactive_lists:
        raise ApiError(400, "ERROR_LIST_INACTIVE", "The list is inactive.")
    since, until = call.moment("startSubscribeDate"), call.moment("endSubscribeDate")
    return _page(
        account,
        call,
        f"SELECT l.phone AS phone, {_contact_json(account)} AS body FROM list_contact l"
        " JOIN contact c ON c.sender_code = ? AND c.phone = l.phone JOIN person p ON p.phone = l.phone"
        " WHERE l.list_id = ? AND l.phone > ? AND c.opted_out = ?"
        " AND (? IS NULL OR c.subscribed >= ?) AND (? IS NULL OR c.subscribed <= ?)"
        " ORDER BY l.phone LIMIT ?",
        (listed.sender_code, listed.id, page.after, out, since, since, until, until),
        page.count,
    )


def opt_outs(account: Account, call: Call) -> Reply:
    """The opted-out phones of a sender code, by pages."""
    code, page = account.sender_code(call.whole("sender_code")), requested_page(call)
    since, until = call.moment("startDate"), call.moment("endDate")
    return _page(
        account,
        call,
        """SELECT phone, json_object('phoneNumber', cast(phone AS TEXT), 'optOutDate', unsubscribed,
           'optOutReason', reason) AS body FROM contact
           WHERE sender_code = ? AND phone > ? AND opted_out = 1
           AND (? IS NULL OR unsubscribed >= ?) AND (? IS NULL OR unsubscribed <= ?)
           ORDER BY phone LIMIT ?""",
        (code.id, page.after, since, since, until, until),
        page.count,
    )


def _page(account: Account, call: Call, sql: str, parameters: tuple[Any, ...], count: int) -> Reply:
    """A page of `phone, body` rows; one row more is read, to see whether there is a next page."""
    rows = account.store.rows(
        f"SELECT count(*), max(phone), group_concat(body) FILTER (WHERE n <= {count}),"
        f" max(phone) FILTER (WHERE n <= {count})"
        f" FROM (SELECT row_number() OVER (ORDER BY phone) AS n, phone, body FROM ({sql}))",
        (*parameters, count + 1),
    )
    size, _last, bodies, after = rows[0]
    cursor = next_cursor(account.config, call, after if size > count else None)
    encoded = msgspec.json.encode(cursor).decode()
    return Reply(f'{{"status":200,"nextPageCursor":{encoded},"data":[{bodies or ""}]}}')


def _contact_json(account: Account, *, details: bool = False) -> str:
    """An SQL expression: the contact (`c`, with its person `p`) as JSON text."""
    parts = ["'{\"phoneNumber\":\"' || p.phone || '\"'"]
    parts += [
        f"',\"{attribute}\":' || json_quote(coalesce(p.{attribute}, ''))"
        for attribute in ("emailAddress", "firstName", "lastName", "postalCode")
    ]
    birthday = """',"birthday":' || coalesce('"' || p.birthday || 'T00:00:00"', 'null')"""
    parts += [birthday, """iif(c.opted_out, ',"optedOut":true', ',"optedOut":false')"""]
    if details:
        parts.append("""',"subscribeDate":' || coalesce(json_quote(c.subscribed), 'null')""")
        parts.append("""',"unsubscribeDate":' || coalesce(json_quote(c.unsubscribed), 'null')""")
    values = [
        f"""iif(p."{f.column}" IS NULL, '',
        ',{{"segmentationFieldId":{f.id},"value":' || json_quote(p."{f.column}") || '}}')"""
        for f in account.store.fields()
        if f.active and (f.attribute is None or account.config.system_values)
    ]
    listed = f"substr({' || '.join(values)}, 2)" if values else "''"
    return " || ".join([*parts, f"""',"segmentationFieldValues":[' || {listed} || ']}}'"""])


def update_contact(account: Account, call: Call, text: bytes) -> Reply:
    """Sets the values that the body (`text`) names; the config says what becomes of the others."""
    code = account.sender_code(call.whole("sender_code"))
    try:
        body = json_of(text, dict[str, Any])
    except ValueError:
        raise malformed_body() from None
    if not isinstance(body.get("phoneNumber"), str):
        raise invalid_parameter("phoneNumber", "it is required")
    opted_out = body.get("optedOut")
    if opted_out is not None and not isinstance(opted_out, bool):
        raise invalid_parameter("optedOut", "it must be true or false")
    changes = _attributes(account, body) | _field_values(account, body.get("segmentationFieldValues") or [])
    phone = find_phone(account, code, body["phoneNumber"])
    if phone is None:
        raise ApiError(404, "ERROR_PHONE_NUMBER_NOT_FOUND", "The phone number is not a contact.")
    if account.config.put_missing == "clear":
        every = [f.column for f in account.store.fields() if f.active] + [*SYSTEM_ATTRIBUTES.values()]
        changes = dict.fromkeys(every, "") | changes
    account.store.update_values([phone], list(changes), [[value] for value in changes.values()])
    if opted_out:
        # This call opts out, never in.
        with account.store.transaction() as db:
            db.execute(
                "UPDATE contact SET opted_out = 1, unsubscribed = ?, reason = 'API'"
                " WHERE sender_code = ? AND phone = ? AND opted_out = 0",
                (timestamp(), code.id, phone),
            )
    return json_reply(200, {"status": 200, "resourceId": str(phone)})


def _attributes(account: Account, body: dict[str, Any]) -> dict[str, str]:
    """The system attributes that a body names -> what is stored ('' clears). Raises ApiError."""
    limits = {f.attribute: f.max_length for f in account.store.fields() if f.attribute}
    changes = {}
    for attribute in SYSTEM_ATTRIBUTES.values():
        if attribute not in body:
            continue
        value = body[attribute]
        if attribute == "birthday":
            changes[attribute] = _birthday(value)
            continue
        if value is not None and not isinstance(value, str):
            raise invalid_parameter(attribute, "it must be a string")
        limit = limits.get(attribute)
        if value and limit is not None and len(value) > limit:
            raise _too_long(attribute)
        if attribute == "emailAddress" and value and not _is_email(value):
            raise ApiError(400, "ERROR_INVALID_EMAIL_ADDRESS", "The e-mail address is in an invalid format.")
        changes[attribute] = value or ""
    return changes


def _birthday(value: Any) -> str:
    if value is None:
        return ""
    stored = any_date(value) if isinstance(value, str) else None
    if stored is None:
        raise ApiError(400, "ERROR_BIRTHDAY_FIELD_NULL", "The birthday must be a date, or null.")
    return stored


def _field_values(account: Account, values: Any) -> dict[str, str]:
    if not isinstance(values, list) or not all(isinstance(entry, dict) for entry in values):
        raise invalid_parameter("segmentationFieldValues", "it must be a list of objects")
    by_id = {field.id: field for field in account.visible_fields()}
    changes = {}
    for entry in values:
        field_id, value = entry.get("segmentationFieldId"), entry.get("value")
        if not isinstance(field_id, int) or isinstance(field_id, bool):
            raise invalid_parameter("segmentationFieldId", "it must be a whole number")
        field = usable_field(by_id, field_id)
        if value is not None and not isinstance(value, str):
            raise invalid_parameter("value", "it must be a string")
        stored = normaliser(field, stored_dates=True)(value) if value else ""
        if stored is None:
            if field.type == "Text":
                raise _too_long(f"profile field {field.id}")
            raise invalid_parameter("value", f"profile field {field.id} is of type {field.type}")
        changes[field.column] = stored
    return changes


def _is_email(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(name and at and "." in domain) and not any(c.isspace() for c in text)


def _too_long(what: str) -> ApiError:
    return ApiError(400, "ERROR_SEGMENTATION_MAX_LENGTH", f"The value of the {what} is too long.")
