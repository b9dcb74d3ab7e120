"""Each route of the sandbox, and each of its errors, over a real socket and against the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from listrak_sms_cli.sandbox import SandboxConfig
from tests.support.listrak_contract import check_response
from tests.support.sandbox_caller import Caller, import_body

ADA = "ShortCode/1026/Contact/17185550100"


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with Caller() as caller:
        yield caller


def test_a_token_is_issued_for_the_right_credentials_only(shared: Caller) -> None:
    """The token endpoint answers the right credentials with a token, others with ERROR_INVALID_CREDENTIALS."""
    granted = shared.authorise()
    check_response("POST", "/OAuth2/Token", granted.status_code, granted.content)
    assert granted.json()["expires_in"] == 3600
    refused = shared.authorise("wrong")
    check_response("POST", "/OAuth2/Token", refused.status_code, refused.content)
    assert (refused.status_code, refused.json()["error"]) == (401, "ERROR_INVALID_CREDENTIALS")
    assert shared.http.post("/OAuth2/Token", json={}).status_code == 415


def test_a_token_expires() -> None:
    """A token is refused once its lifetime is over."""
    with Caller(SandboxConfig(token_seconds=0)) as caller:
        assert caller.refusal("GET", "ShortCode") == (401, "ERROR_UNAUTHORIZED")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic abc"}])
def test_every_route_wants_a_bearer(shared: Caller, header: dict[str, str]) -> None:
    """Without a token that was issued, a request is ERROR_UNAUTHORIZED."""
    for path in ("ShortCode", "ShortCode/1026/SegmentationField", ADA, "ShortCode/1026/OptOut"):
        answer = shared.http.get(f"/sms/v1/{path}", headers=header)
        check_response("GET", f"/sms/v1/{path}", answer.status_code, answer.content)
        assert (answer.status_code, answer.json()["error"]) == (401, "ERROR_UNAUTHORIZED")


def test_sender_codes(shared: Caller) -> None:
    """The company's sender codes are listed, the disabled one too, and each is found by its id."""
    listed = shared.get("ShortCode")["data"]
    assert [(one["shortCodeId"], one["country"]) for one in listed] == [
        (1026, "US"),
        (1027, "CA"),
        (1028, "GB"),
        (1029, "DE"),
        (1030, "US"),
    ]
    assert shared.get("ShortCode/1028")["data"] == listed[2]


def test_fields(shared: Caller) -> None:
    """Profile fields are listed with id, type, length and state, and each is found by its id."""
    answer = shared.get("ShortCode/1026/SegmentationField")
    assert "nextPageCursor" not in answer
    by_name = {one["segmentationFieldName"]: one for one in answer["data"]}
    assert by_name["Loyalty Tier"] == {
        "segmentationFieldId": 7,
        "segmentationFieldName": "Loyalty Tier",
        "dataType": "Text",
        "maxLength": 50,
        "statusFlag": "Active",
    }
    assert by_name["Old Segment"]["statusFlag"] == "Disabled"
    assert shared.get("ShortCode/1026/SegmentationField/7")["data"] == by_name["Loyalty Tier"]


def test_fields_can_be_paged_and_their_system_fields_left_out() -> None:
    """With `fields_page_size` the listing comes in pages; with `system_fields` off it has custom fields only."""
    with Caller(SandboxConfig(fields_page_size=2, system_fields=False)) as caller:
        found = caller.pages("ShortCode/1026/SegmentationField")
        assert [one["segmentationFieldId"] for one in found] == [7, 8, 9, 10, 11, 12]
        path = "ShortCode/1026/SegmentationField/1"
        assert caller.refusal("GET", path) == (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "Nowhere", (404, "ERROR_UNKNOWN_ROUTE")),
        ("GET", "ShortCode/1026/", (404, "ERROR_UNKNOWN_ROUTE")),
        ("DELETE", "ShortCode/1026", (405, "ERROR_UNSUPPORTED_METHOD")),
        ("POST", "ShortCode/1026/PhoneList/10261/Contact", (405, "ERROR_UNSUPPORTED_METHOD")),
        ("GET", "ShortCode/abc", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1<6", (400, "ERROR_UNSAFE_ROUTE")),
        ("GET", "ShortCode/1026/Contact/1&2", (400, "ERROR_UNSAFE_ROUTE")),
        ("GET", "ShortCode/9", (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")),
        ("GET", "ShortCode/9/SegmentationField", (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")),
        ("GET", "ShortCode/1026/SegmentationField/99", (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")),
        ("GET", "ShortCode/1026/ContactImport/1", (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")),
        ("GET", "ShortCode/1026/Contact/19995550100", (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")),
        ("GET", "ShortCode/1026/Contact/nobody", (400, "ERROR_INVALID_PHONE_NUMBER")),
        ("GET", "ShortCode/1026/PhoneList/5", (404, "ERROR_INVALID_LIST_ID")),
        ("GET", "ShortCode/1026/PhoneList/10271/Contact", (404, "ERROR_INVALID_LIST_ID")),
        ("GET", "ShortCode/1026/PhoneList?status=old", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1026/PhoneList/10261/Contact?count=5001", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1026/PhoneList/10261/Contact?count=0", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1026/PhoneList/10261/Contact?cursor=x", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1026/PhoneList/10261/Contact?optedOut=x", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1026/OptOut?startDate=x", (400, "ERROR_INVALID_PARAMETER")),
        ("GET", "ShortCode/1030/SegmentationField", (400, "ERROR_SENDER_CODE_DISABLED")),
        ("GET", "ShortCode/1030/OptOut", (400, "ERROR_SENDER_CODE_DISABLED")),
    ],
)
def test_what_is_wrong_has_its_error(shared: Caller, method: str, path: str, expected: tuple[int, str]) -> None:
    """A wrong request is answered with Listrak's envelope, and its code says what is wrong."""
    assert shared.refusal(method, path) == expected


def test_a_wrong_parameter_is_named(shared: Caller) -> None:
    """ERROR_INVALID_PARAMETER names the parameter in its message."""
    answer = shared.call("GET", "ShortCode/1026/PhoneList/10261/Contact?count=5001")
    assert "'count'" in answer.json()["message"]


@pytest.mark.parametrize("spelling", ["17185550100", "+17185550100", "7185550100", "718-555-0100"])
def test_a_contact_is_found_by_each_spelling(shared: Caller, spelling: str) -> None:
    """A phone is reduced to digits; with the country code or without, it is the same contact."""
    contact = shared.get(f"ShortCode/1026/Contact/{spelling}")["data"]
    assert (contact["phoneNumber"], contact["firstName"]) == ("17185550100", "Elsa")


@pytest.mark.parametrize(
    ("code", "spelling", "phone"),
    [
        (1028, "07700900001", "447700900001"),
        (1028, "7700900001", "447700900001"),
        (1028, "447700900001", "447700900001"),
        (1029, "01713920005", "491713920005"),
    ],
)
def test_a_national_number_is_of_the_sender_codes_country(shared: Caller, code: int, spelling: str, phone: str) -> None:
    """A number without country code belongs to the sender code's country, its trunk zero left away."""
    assert shared.get(f"ShortCode/{code}/Contact/{spelling}")["data"]["phoneNumber"] == phone


def test_spellings_can_be_restricted() -> None:
    """A sandbox told to know digits only finds no other spelling."""
    with Caller(SandboxConfig(phone_spellings=("digits",))) as caller:
        assert caller.get("ShortCode/1026/Contact/17185550100")
        for spelling in ("+17185550100", "7185550100"):
            missing = (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")
            assert caller.refusal("GET", f"ShortCode/1026/Contact/{spelling}") == missing


def test_lists_by_state(shared: Caller) -> None:
    """Lists are listed by state, active ones unless asked otherwise, and one is answered bare."""
    assert [one["phoneListId"] for one in shared.pages("ShortCode/1026/PhoneList")] == [10261]
    assert [one["status"] for one in shared.pages("ShortCode/1026/PhoneList?status=inactive")] == ["Inactive"]
    assert shared.get("ShortCode/1026/PhoneList/10262")["phoneListName"] == "Old Campaigns"


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_pages_hold_every_contact_once(shared: Caller, count: int) -> None:
    """Followed to the end, the pages of all lists hold every contact that is on one, once, by opt status."""
    found = []
    for one in (10261, 10262):
        for out in ("false", "true"):
            path = f"ShortCode/1026/PhoneList/{one}/Contact?optedOut={out}&count={count}"
            page = shared.pages(path)
            assert {contact["optedOut"] for contact in page} == {out == "true"}
            found += page
    phones = [contact["phoneNumber"] for contact in found]
    stored = shared.stored()
    assert len(phones) == len(set(phones))
    assert 0 < len(stored) - len(phones) == sum(index % 23 == 22 for index in range(300))


def test_a_cursor_can_be_a_bare_marker() -> None:
    """With `cursor_style` marker, nextPageCursor is what goes into `cursor`, empty at the end."""
    with Caller(SandboxConfig(cursor_style="marker")) as caller:
        path = "ShortCode/1026/OptOut?count=10"
        first = caller.get(f"{path}&cursor=Start")
        second = caller.get(f"{path}&cursor={first['nextPageCursor']}")
        assert second["nextPageCursor"] == ""
        assert len(first["data"] + second["data"]) == 17


def test_opt_outs_are_those_of_the_sender_code(shared: Caller) -> None:
    """The opt-out list holds exactly the sender code's opted-out contacts, and can be cut by date."""
    out = {phone for phone, row in shared.stored().items() if row["opted_out"]}
    assert {"+" + one["phoneNumber"] for one in shared.pages("ShortCode/1026/OptOut?count=4")} == out
    assert shared.pages("ShortCode/1026/OptOut?startDate=2030-01-01") == []
    assert len(shared.pages("ShortCode/1026/OptOut?endDate=2030-01-01T00:00:00Z")) == len(out)


def test_an_inactive_list_can_be_unreadable() -> None:
    """With `inactive_lists` off, the contacts of an inactive list are ERROR_LIST_INACTIVE."""
    with Caller(SandboxConfig(inactive_lists=False)) as caller:
        path = "ShortCode/1026/PhoneList/10262/Contact"
        assert caller.refusal("GET", path) == (400, "ERROR_LIST_INACTIVE")


def test_an_update_sets_and_clears_values() -> None:
    """PUT Contact sets what it names, clears what it leaves out, and shows on every sender code."""
    with Caller() as caller:
        body = {
            "phoneNumber": "+12125550100",
            "firstName": "Zoë",
            "birthday": "1990-02-28T00:00:00",
            "segmentationFieldValues": [
                {"segmentationFieldId": 7, "value": "Gold"},
                {"segmentationFieldId": 9, "value": "12.50"},
            ],
        }
        answer = caller.call("PUT", "ShortCode/1026/Contact", json=body)
        assert answer.json() == {"status": 200, "resourceId": "12125550100"}
        contact = caller.get("ShortCode/1027/Contact/12125550100")["data"]
        assert (contact["firstName"], contact["birthday"]) == ("Zoë", "1990-02-28T00:00:00")
        assert contact["emailAddress"] == contact["lastName"] == ""
        assert {one["segmentationFieldId"]: one["value"] for one in contact["segmentationFieldValues"]} == {
            7: "Gold",
            9: "12.5",
        }


def test_an_update_can_keep_what_it_leaves_out() -> None:
    """With `put_missing` keep, a value that PUT Contact does not name stays."""
    with Caller(SandboxConfig(put_missing="keep", system_values=True)) as caller:
        caller.call("PUT", "ShortCode/1026/Contact", json={"phoneNumber": "12125550100", "lastName": ""})
        contact = caller.get("ShortCode/1026/Contact/12125550100")["data"]
        assert (contact["firstName"], contact["lastName"]) == ("Ada", "")
        assert {"segmentationFieldId": 2, "value": "Ada"} in contact["segmentationFieldValues"]


def test_an_update_opts_out_but_never_in() -> None:
    """`optedOut` true opts out; false leaves an opted-out contact as it is."""
    with Caller() as caller:
        for wanted in (True, False):
            body = {"phoneNumber": "12125550100", "optedOut": wanted}
            assert caller.call("PUT", "ShortCode/1026/Contact", json=body).status_code == 200
            assert caller.get("ShortCode/1026/Contact/12125550100")["data"]["optedOut"] is True
        assert caller.get("ShortCode/1027/Contact/12125550100")["data"]["optedOut"] is False
        reasons = {one["phoneNumber"]: one["optOutReason"] for one in caller.pages("ShortCode/1026/OptOut")}
        assert reasons["12125550100"] == "API"


def value(field_id: object, text: object) -> dict[str, object]:
    return {"segmentationFieldValues": [{"segmentationFieldId": field_id, "value": text}]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"phoneNumber": None}, (400, "ERROR_INVALID_PARAMETER")),
        ({"phoneNumber": "12"}, (400, "ERROR_INVALID_PHONE_NUMBER")),
        ({"phoneNumber": "19995550100"}, (404, "ERROR_PHONE_NUMBER_NOT_FOUND")),
        ({"emailAddress": "ada"}, (400, "ERROR_INVALID_EMAIL_ADDRESS")),
        ({"emailAddress": 7}, (400, "ERROR_INVALID_PARAMETER")),
        ({"firstName": "x" * 51}, (400, "ERROR_SEGMENTATION_MAX_LENGTH")),
        ({"birthday": ""}, (400, "ERROR_BIRTHDAY_FIELD_NULL")),
        ({"optedOut": "yes"}, (400, "ERROR_INVALID_PARAMETER")),
        ({"segmentationFieldValues": 7}, (400, "ERROR_INVALID_PARAMETER")),
        (value("7", "Gold"), (400, "ERROR_INVALID_PARAMETER")),
        (value(7, 7), (400, "ERROR_INVALID_PARAMETER")),
        (value(99, "Gold"), (400, "ERROR_INVALID_SEGMENTATION_FIELD_ID")),
        (value(12, "Gold"), (400, "ERROR_SEGMENTATION_FIELD_DISABLED")),
        (value(7, "x" * 51), (400, "ERROR_SEGMENTATION_MAX_LENGTH")),
        (value(9, "much"), (400, "ERROR_INVALID_PARAMETER")),
    ],
)
def test_a_wrong_update_is_refused_and_changes_nothing(
    shared: Caller, change: dict[str, object], expected: tuple[int, str]
) -> None:
    """A body that is wrong in one place is refused with that place's error, and no value changes."""
    before = shared.stored()
    body = {"phoneNumber": "17185550100", "lastName": "Changed", **change}
    assert shared.refusal("PUT", "ShortCode/1026/Contact", json=body) == expected
    assert shared.stored() == before


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"{}", "text/plain", (415, "ERROR_UNSUPPORTED_CONTENT_TYPE")),
        (b"{}", "", (415, "ERROR_UNSUPPORTED_CONTENT_TYPE")),
        (b"{", "application/json", (400, "ERROR_MALFORMED_REQUEST_BODY")),
        (b"", "application/json", (400, "ERROR_MALFORMED_REQUEST_BODY")),
        (b"[]", "application/json; charset=utf-8", (400, "ERROR_MALFORMED_REQUEST_BODY")),
        (b'{"fileName": "\xff"}', "application/json", (400, "ERROR_MALFORMED_REQUEST_BODY")),
    ],
)
def test_bodies_must_be_json_objects(shared: Caller, content: bytes, kind: str, expected: tuple[int, str]) -> None:
    """A body of another type, or none that is a JSON object, is refused on both routes that take one."""
    for method, path in (("POST", "ShortCode/1026/ContactImport"), ("PUT", "ShortCode/1026/Contact")):
        headers = {"Content-Type": kind} if kind else {}
        assert shared.refusal(method, path, content=content, headers=headers) == expected


PHONE = {"fileColumnType": "Phone", "segmentationFieldId": 0, "fileColumn": 0}
TIER = {"fileColumnType": "SegmentationField", "segmentationFieldId": 7, "fileColumn": 1}
INVALID = "ERROR_INVALID_PARAMETER"


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        *[({key: None}, INVALID, key) for key in import_body("", [])],
        ({"fileName": " "}, INVALID, "fileName"),
        ({"fileStream": "%%%%"}, INVALID, "fileStream"),
        ({"fileStream": "YQ"}, INVALID, "fileStream"),
        ({"fileStream": 7}, INVALID, "fileStream"),
        ({"importType": "Subscribe"}, INVALID, "importType"),
        ({"hasColumnNames": "true"}, INVALID, "hasColumnNames"),
        ({"textQualifier": "|"}, INVALID, "textQualifier"),
        ({"fileMappings": []}, INVALID, "fileMappings"),
        ({"fileMappings": [TIER]}, INVALID, "fileMappings"),
        ({"fileMappings": [PHONE, {**PHONE, "fileColumn": 1}]}, INVALID, "fileMappings"),
        ({"fileMappings": [{**PHONE, "segmentationFieldId": 7}]}, INVALID, "segmentationFieldId"),
        ({"fileMappings": [PHONE, {**TIER, "fileColumn": 0}]}, INVALID, "fileColumn"),
        ({"fileMappings": [PHONE, {**TIER, "fileColumn": 2}]}, INVALID, "fileColumn"),
        ({"fileMappings": [PHONE, {**TIER, "fileColumn": -1}]}, INVALID, "fileColumn"),
        ({"fileMappings": [PHONE, {**TIER, "fileColumnType": "Email"}]}, INVALID, "fileColumnType"),
        ({"fileMappings": [PHONE, {**TIER, "defaultValue": 1}]}, INVALID, "defaultValue"),
        ({"fileMappings": [PHONE, {**TIER, "segmentationFieldId": 99}]}, "ERROR_INVALID_SEGMENTATION_FIELD_ID", "99"),
        ({"fileMappings": [PHONE, {**TIER, "segmentationFieldId": 12}]}, "ERROR_SEGMENTATION_FIELD_DISABLED", "12"),
    ],
)  # fmt: skip
def test_a_wrong_import_is_refused_by_name(shared: Caller, change: dict[str, object], code: str, named: str) -> None:
    """An import request that is wrong in one place is refused, the place named, and no import is made."""
    before = shared.imports()
    body = {**import_body("phone,tier\n17185550100,Gold\n", [7]), **change}
    answer = shared.call("POST", "ShortCode/1026/ContactImport", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert named in answer.json()["message"]
    assert shared.imports() == before


def test_an_import_on_a_wrong_sender_code_is_refused(shared: Caller) -> None:
    """An import needs a sender code that exists and is enabled."""
    body = import_body("phone,tier\n17185550100,Gold\n", [7])
    missing, disabled = "ShortCode/9/ContactImport", "ShortCode/1030/ContactImport"
    assert shared.refusal("POST", missing, json=body) == (404, "ERROR_UNABLE_TO_LOCATE_RESOURCE")
    assert shared.refusal("POST", disabled, json=body) == (400, "ERROR_SENDER_CODE_DISABLED")


@pytest.mark.parametrize("status", [404, 413])
def test_a_body_over_the_limit_is_refused(status: int) -> None:
    """A body over the limit is answered 404, or 413 where told so, after it was taken."""
    with Caller(SandboxConfig(max_body_bytes=10_000, too_large_status=status)) as caller:  # type: ignore[arg-type]
        body = import_body("phone,tier\n" + "17185550100,Gold\n" * 20_000, [7])
        assert caller.call("POST", "ShortCode/1026/ContactImport", json=body).status_code == status
        assert caller.imports() == []
