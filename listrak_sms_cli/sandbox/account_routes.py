"""What an account has: sender codes, profile fields, phone lists, imports. A handler answers one route."""

from __future__ import annotations

from typing import Any

from listrak_sms_cli.sandbox.account import Account, one_of
from listrak_sms_cli.sandbox.paging import Call, Page, next_cursor, requested_page
from listrak_sms_cli.sandbox.replies import ApiError, Reply, invalid_parameter, json_reply, not_found, paged, resource
from listrak_sms_cli.sandbox.store import PhoneList, SenderCode
from listrak_sms_cli.sandbox.values import Field

_NOT_SIMULATED = (  # of a sender code: each has an id and a name
    "externalEvent",
    "phoneNumberSegmentationFieldGroup",
    "phoneNumberSegmentationField",
    "acquisitionSourceSegmentationFieldGroup",
    "acquisitionSourceSegmentationField",
)


def sender_codes(account: Account, _call: Call) -> Reply:
    """All sender codes of the account, disabled ones too."""
    return resource([_sender_code(code) for code in account.store.sender_codes()])


def sender_code(account: Account, call: Call) -> Reply:
    """One sender code."""
    return resource(_sender_code(account.sender_code(call.whole("sender_code"), enabled=False)))


def fields(account: Account, call: Call) -> Reply:
    """The profile fields, in pages where the config says so."""
    account.sender_code(call.whole("sender_code"))
    every = [_field(field) for field in account.visible_fields()]
    size = account.config.fields_page_size
    if size == 0:
        return resource(every)
    page = requested_page(call)
    return _slice(account, call, every, Page(page.after, min(page.count, size)))


def field(account: Account, call: Call) -> Reply:
    """One profile field."""
    account.sender_code(call.whole("sender_code"))
    return resource(_field(one_of(account.visible_fields(), call.whole("field"), not_found("profile field"))))


def phone_lists(account: Account, call: Call) -> Reply:
    """The active (default) or inactive phone lists, by pages."""
    code = account.sender_code(call.whole("sender_code"))
    status = call.query_params.get("status", "active").lower()
    if status not in ("active", "inactive"):
        raise invalid_parameter("status", "it must be active or inactive")
    lists = [_list(entry) for entry in account.store.phone_lists(code.id) if entry.active == (status == "active")]
    return _slice(account, call, lists, requested_page(call))


def phone_list(account: Account, call: Call) -> Reply:
    """One list, bare: the description gives this route no envelope."""
    return json_reply(200, _list(find_list(account, call)))


def find_list(account: Account, call: Call) -> PhoneList:
    """The phone list of a route. Raises ApiError when there is none."""
    code = account.sender_code(call.whole("sender_code"))
    refusal = ApiError(404, "ERROR_INVALID_LIST_ID", "The list does not exist on this sender code.")
    return one_of(account.store.phone_lists(code.id), call.whole("phone_list"), refusal)


def import_status(account: Account, call: Call) -> Reply:
    """The state of an import."""
    code = account.sender_code(call.whole("sender_code"))
    rows = account.store.rows(
        "SELECT id, sender_code, file_name, started, ended, status FROM import WHERE id = ? AND sender_code = ?",
        (call.whole("import_file"), code.id),
    )
    if not rows:
        raise not_found("import file")
    names = ("importFileId", "smsSenderCodeId", "fileName", "startDate", "endDate", "status")
    return resource(dict(zip(names, rows[0], strict=True)))


def _slice(account: Account, call: Call, every: list[Any], page: Page) -> Reply:
    ends = page.after + page.count
    after = ends if ends < len(every) else None
    return paged(every[page.after : ends], next_cursor(account.config, call, after))


def _sender_code(code: SenderCode) -> dict[str, Any]:
    return {
        "shortCodeId": code.id,
        "code": code.code,
        "country": code.country,
        "merchantName": code.merchant,
        "emailListId": code.id * 100 if code.email_list else 0,
        "emailListName": code.email_list,
        **{f"{name}Id": 0 for name in _NOT_SIMULATED},
        **{f"{name}Name": "" for name in _NOT_SIMULATED},
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "segmentationFieldId": field.id,
        "segmentationFieldName": field.name,
        "dataType": field.type,
        "maxLength": field.max_length,
        "statusFlag": "Active" if field.active else "Disabled",
    }


def _list(phone_list: PhoneList) -> dict[str, Any]:
    return {
        "phoneListId": phone_list.id,
        "phoneListName": phone_list.name,
        "createDate": phone_list.created,
        "status": "Active" if phone_list.active else "Inactive",
        "smsListType": "Broadcast",
        "messageLimit": 0,
        "messageLimitTimeFrame": "",
        "requireDoubleOptIn": False,
        "requireAgeGate": False,
    }
