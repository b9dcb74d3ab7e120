"""The contract itself: what it lets pass, what it refuses, and that the sandbox refuses the same imports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.listrak_contract import OPERATIONS, check_request, check_response
from tests.support.sandbox_caller import Caller, import_body

AUTHORISED = {"Authorization": "Bearer abc", "Content-Type": "application/json"}
IMPORT = "/sms/v1/ShortCode/1026/ContactImport"
BODY = import_body("phone,tier\n12125550100,Gold\n", [7])
PHONE, TIER = BODY["fileMappings"]


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with Caller() as one:
        yield one


def test_right_requests_pass() -> None:
    """A token request, a page, a contact, an update and an import are requests a client may send."""
    form = b"grant_type=client_credentials&client_id=a&client_secret=b"
    check_request("POST", "/OAuth2/Token", {"content-type": "application/x-www-form-urlencoded"}, form)
    page = "/sms/v1/ShortCode/1026/PhoneList/1/Contact?optedOut=true&count=5000&cursor=Start"
    bearer = {"authorization": "Bearer abc"}
    assert check_request("GET", page, bearer, b"").name == "list contacts"
    check_request("GET", "/sms/v1/ShortCode/1026/Contact/%2B12125550100", bearer, b"")
    update = {"phoneNumber": "1", "segmentationFieldValues": [{"segmentationFieldId": 7, "value": ""}]}
    check_request("PUT", "/sms/v1/ShortCode/1026/Contact", AUTHORISED, json.dumps(update).encode())
    check_request("POST", IMPORT, AUTHORISED, json.dumps(BODY).encode())


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/sms/v1/ShortCode/1026/PhoneList/1/Contact", AUTHORISED, b"{}"),
        ("GET", "/sms/v1/ShortCode", {}, b""),
        ("GET", "/sms/v1/ShortCode", AUTHORISED, b"{}"),
        ("GET", "/sms/v1/ShortCode/1026/OptOut?count=5001", AUTHORISED, b""),
        ("GET", "/sms/v1/ShortCode/1026/OptOut?page=2", AUTHORISED, b""),
        ("POST", "/OAuth2/Token?client_secret=b", {}, b""),
        ("PUT", "/sms/v1/ShortCode/1026/Contact", AUTHORISED, b'{"phoneNumber": "1", "optedOut": false}'),
        ("POST", IMPORT, {"Authorization": "Bearer abc"}, json.dumps(BODY).encode()),
    ],
)
def test_wrong_requests_are_refused(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    """A route outside the list, a missing bearer, an unknown parameter, or a subscription change is refused."""
    with pytest.raises(AssertionError):
        check_request(method, path, headers, body)


@pytest.mark.parametrize(
    "change",
    [
        {"fileStream": "YQ"},
        {"importType": "Subscribe"},
        {"hasColumnNames": 1},
        {"textQualifier": "|"},
        {"fileMappings": []},
        {"fileMappings": [TIER]},
        {"fileMappings": [PHONE, PHONE]},
        {"fileMappings": [{**PHONE, "segmentationFieldId": 7}]},
        {"fileMappings": [PHONE, {**TIER, "fileColumn": 0}]},
        {"fileMappings": [PHONE, TIER, {**TIER, "fileColumn": 2}]},
    ],
)
def test_the_sandbox_and_the_contract_refuse_the_same_imports(caller: Caller, change: dict[str, Any]) -> None:
    """An import body that the contract refuses is refused by the sandbox."""
    body = {**BODY, **change}
    with pytest.raises(AssertionError):
        check_request("POST", IMPORT, AUTHORISED, json.dumps(body).encode())
    assert caller.call("POST", IMPORT.removeprefix("/sms/v1/"), json=body).status_code == 400


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"status": 200, "data": {}}),
        (200, {"status": 201, "data": []}),
        (200, {"status": 200, "data": [{"shortCodeId": "1026"}]}),
        (201, {"status": 201, "data": []}),
        (404, {"status": 404, "error": "not found", "message": ""}),
        (401, {"status": 400, "error": "ERROR_UNAUTHORIZED", "message": ""}),
    ],
)
def test_wrong_answers_are_refused(status: int, document: dict[str, Any]) -> None:
    """An answer of another shape, type or status than the description's is refused."""
    with pytest.raises(AssertionError):
        check_response("GET", "/sms/v1/ShortCode", status, json.dumps(document).encode())


def test_the_contract_has_no_route_that_subscribes() -> None:
    """The routes are the token, reads, one update and one import."""
    writing = {one.name for one in OPERATIONS if one.method != "GET"}
    assert writing == {"token", "start import", "update contact"}
