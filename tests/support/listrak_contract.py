"""Listrak's operations, written down by hand from its published description, to check both sides against.

`check_request` says whether a client may send a request, `check_response` whether Listrak could have given
an answer. Both raise AssertionError, naming the operation and the place. Nothing of the package is imported.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

Check = Callable[[Any, str], None]


def text(value: Any, where: str) -> None:
    assert isinstance(value, str), f"{where} is not a string"


def whole(value: Any, where: str) -> None:
    assert isinstance(value, int) and not isinstance(value, bool), f"{where} is not a whole number"


def flag(value: Any, where: str) -> None:
    assert isinstance(value, bool), f"{where} is not true or false"


def moment(value: Any, where: str) -> None:
    text(value, where)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise AssertionError(f"{where} is not a date and time") from None


def file_in_base64(value: Any, where: str) -> None:
    text(value, where)
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        raise AssertionError(f"{where} is not base64") from None


def word(*allowed: str) -> Check:
    def check(value: Any, where: str) -> None:
        assert value in allowed, f"{where} is none of {allowed}"

    return check


def matching(pattern: str) -> Check:
    def check(value: Any, where: str) -> None:
        text(value, where)
        assert re.fullmatch(pattern, value), f"{where} does not look like {pattern}"

    return check


def nullable(inner: Check) -> Check:
    return lambda value, where: None if value is None else inner(value, where)


def list_of(inner: Check) -> Check:
    def check(value: Any, where: str) -> None:
        assert isinstance(value, list), f"{where} is not a list"
        for position, one in enumerate(value):
            inner(one, f"{where}[{position}]")

    return check


def an_object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Exactly these keys: all the required ones, any of the optional ones, no other."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        assert isinstance(value, dict), f"{where} is not an object"
        assert not set(required) - set(value), f"{where} lacks {sorted(set(required) - set(value))}"
        assert not set(value) - set(known), f"{where} has the unknown {sorted(set(value) - set(known))}"
        for key, one in value.items():
            known[key](one, f"{where}.{key}")

    return check


FIELD_VALUE = an_object({"segmentationFieldId": whole, "value": text})
CONTACT = {
    "phoneNumber": text,
    "emailAddress": text,
    "firstName": text,
    "lastName": text,
    "birthday": nullable(moment),
    "postalCode": text,
    "optedOut": flag,
    "segmentationFieldValues": list_of(FIELD_VALUE),
}
CONTACT_DETAILS = {**CONTACT, "subscribeDate": nullable(moment), "unsubscribeDate": nullable(moment)}
OPT_OUT_REASONS = word(
    "Campaign", "Admin", "DeliveryFailure", "Import", "API", "Deactivated", "PermanentError", "Workflow"
)  # fmt: skip
OPT_OUT = an_object({"phoneNumber": text, "optOutDate": moment, "optOutReason": OPT_OUT_REASONS})
PHONE_LIST = an_object(
    {"phoneListId": whole, "phoneListName": text, "createDate": moment, "status": text, "smsListType": text},
    {"messageLimit": whole, "messageLimitTimeFrame": text, "requireDoubleOptIn": flag, "requireAgeGate": flag},
)
FIELD = an_object(
    {
        "segmentationFieldId": whole,
        "segmentationFieldName": text,
        "dataType": word("Text", "Number", "Checkbox", "Date"),
        "maxLength": nullable(whole),
        "statusFlag": text,
    }
)
_GROUP = "SegmentationFieldGroup"
SENDER_CODE = an_object(
    {"shortCodeId": whole, "code": text, "country": matching("[A-Z]{2}"), "merchantName": text},
    {
        "emailListId": whole,
        "emailListName": text,
        "externalEventId": whole,
        "externalEventName": text,
        f"phoneNumber{_GROUP}Id": whole,
        f"phoneNumber{_GROUP}Name": text,
        "phoneNumberSegmentationFieldId": whole,
        "phoneNumberSegmentationFieldName": text,
        f"acquisitionSource{_GROUP}Id": whole,
        f"acquisitionSource{_GROUP}Name": text,
        "acquisitionSourceSegmentationFieldId": whole,
        "acquisitionSourceSegmentationFieldName": text,
    },
)
IMPORT_STATUS = an_object(
    {
        "importFileId": whole,
        "smsSenderCodeId": whole,
        "fileName": text,
        "startDate": nullable(moment),
        "endDate": nullable(moment),
        "status": text,
    }
)
MAPPING = an_object(
    {"fileColumnType": word("Phone", "SegmentationField"), "segmentationFieldId": whole, "fileColumn": whole},
    {"defaultValue": text},
)
IMPORT_BODY = an_object(
    {
        "fileName": text,
        "fileStream": file_in_base64,
        "importType": word("UpdateSubscribers"),
        "hasColumnNames": flag,
        "textQualifier": word("'", '"', ""),
        "fileMappings": list_of(MAPPING),
    }
)
CONTACT_BODY = an_object(
    {"phoneNumber": text},
    {
        "emailAddress": text,
        "firstName": text,
        "lastName": text,
        "birthday": nullable(moment),
        "postalCode": text,
        "segmentationFieldValues": list_of(FIELD_VALUE),
        # `optedOut` is one of Listrak's keys, and left out: this tool changes nobody's subscription.
    },
)
TOKEN_FORM = an_object({"grant_type": word("client_credentials"), "client_id": text, "client_secret": text})
ERROR = an_object({"status": whole, "error": matching("ERROR_[A-Z_]+"), "message": text})


def resource(data: Check) -> Check:
    return an_object({"status": whole, "data": data})


def collection(data: Check) -> Check:
    """`Collection` or `CollectionPaged`: the description names the one and shows the other."""
    return an_object({"status": whole, "data": list_of(data)}, {"nextPageCursor": nullable(text)})


@dataclass(frozen=True)
class Operation:
    """One route: what its query and body may hold, and its answer of success by status."""

    name: str
    method: str
    path: str
    answers: Mapping[int, Check]
    query: Mapping[str, Check] = field(default_factory=dict)
    content_type: str = ""
    body: Check | None = None


CODE = r"/sms/v1/ShortCode/\d+"
PAGE = {"cursor": text, "count": matching(r"[1-9]\d{0,2}|[1-4]\d{3}|5000")}
TOKEN = an_object({"access_token": text, "token_type": text}, {"expires_in": whole})
CREATED = an_object({"status": whole, "resourceId": text})
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
OPERATIONS = (
    Operation("token", "POST", "/OAuth2/Token", {200: TOKEN}, {}, FORM, TOKEN_FORM),
    Operation("sender codes", "GET", "/sms/v1/ShortCode", {200: collection(SENDER_CODE)}),
    Operation("sender code", "GET", CODE, {200: resource(SENDER_CODE)}),
    Operation("fields", "GET", f"{CODE}/SegmentationField", {200: collection(FIELD)}, PAGE),
    Operation("field", "GET", rf"{CODE}/SegmentationField/\d+", {200: resource(FIELD)}),
    Operation("start import", "POST", f"{CODE}/ContactImport", {201: CREATED}, {}, JSON, IMPORT_BODY),
    Operation("import status", "GET", rf"{CODE}/ContactImport/\d+", {200: resource(IMPORT_STATUS)}),
    Operation("contact", "GET", rf"{CODE}/Contact/(\+|%2B)?[\d-]+", {200: resource(an_object(CONTACT_DETAILS))}),
    Operation("update contact", "PUT", f"{CODE}/Contact", {200: CREATED}, {}, JSON, CONTACT_BODY),
    Operation(
        "lists",
        "GET",
        f"{CODE}/PhoneList",
        {200: collection(PHONE_LIST)},
        {**PAGE, "status": word("active", "inactive")},
    ),
    Operation("list", "GET", rf"{CODE}/PhoneList/\d+", {200: PHONE_LIST}),
    Operation(
        "list contacts",
        "GET",
        rf"{CODE}/PhoneList/\d+/Contact",
        {200: collection(an_object(CONTACT))},
        {**PAGE, "optedOut": word("true", "false"), "startSubscribeDate": text, "endSubscribeDate": text},
    ),
    Operation(
        "opt-outs", "GET", f"{CODE}/OptOut", {200: collection(OPT_OUT)}, {**PAGE, "startDate": text, "endDate": text}
    ),
)


def find_operation(method: str, path: str) -> Operation | None:
    bare = urlsplit(path).path
    return next((one for one in OPERATIONS if one.method == method and re.fullmatch(one.path, bare)), None)


def check_request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Operation:
    """A request that a client may send: its route, query, bearer, content type and body."""
    operation = find_operation(method, path)
    assert operation is not None, f"{method} of an unknown route"
    where = operation.name
    lower = {name.lower(): value for name, value in headers.items()}
    if operation.name != "token":
        assert re.fullmatch(r"Bearer \S+", lower.get("authorization", "")), f"{where}: no bearer token"
    for name, values in parse_qs(urlsplit(path).query, keep_blank_values=True).items():
        assert name in operation.query, f"{where}: unknown query parameter {name}"
        assert len(values) == 1, f"{where}: {name} is given twice"
        operation.query[name](values[0], f"{where}: {name}")
    if operation.body is None:
        assert not body, f"{where}: a body where none belongs"
        return operation
    given = lower.get("content-type", "").partition(";")[0].strip()
    assert given == operation.content_type, f"{where}: content type {given}"
    if given == FORM:
        operation.body({name: one for name, (one,) in parse_qs(body.decode()).items()}, where)
        return operation
    document = json.loads(body)
    operation.body(document, where)
    if operation.name == "start import":
        check_mappings(document["fileMappings"], where)
    return operation


def check_mappings(mappings: list[dict[str, Any]], where: str) -> None:
    """One phone, with field id 0; every column and every field once."""
    phones = [one for one in mappings if one["fileColumnType"] == "Phone"]
    fields = [one["segmentationFieldId"] for one in mappings if one["fileColumnType"] != "Phone"]
    columns = [one["fileColumn"] for one in mappings]
    assert [one["segmentationFieldId"] for one in phones] == [0], f"{where}: not exactly one Phone of id 0"
    assert all(one > 0 for one in fields) and len(set(fields)) == len(fields), f"{where}: field ids"
    assert all(one >= 0 for one in columns) and len(set(columns)) == len(columns), f"{where}: columns"


def check_response(method: str, path: str, status: int, body: bytes) -> None:
    """An answer that Listrak could give: of success as the route's table says, else the error envelope."""
    operation = find_operation(method, path)
    document = json.loads(body)
    if status >= 400:
        ERROR(document, f"{method} error")
    else:
        assert operation is not None, f"{method} of an unknown route succeeded"
        assert status in operation.answers, f"{operation.name}: status {status}"
        operation.answers[status](document, operation.name)
    if "status" in document and isinstance(document["status"], int):
        assert document["status"] == status, "the envelope's status is not the answer's"
