"""The client's calls: against a scripted server, against the sandbox, and each request against the contract."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from listrak_sms_cli.errors import AccountError, ListrakRefused, ListrakUnavailable, SettingsError
from listrak_sms_cli.listrak import ColumnMapping, Credentials, Endpoint, ImportBody, ListrakClient
from listrak_sms_cli.listrak.models import Contact, ImportStatus, ListedField, SenderCode
from listrak_sms_cli.listrak.routes import ForbiddenRouteError, check_request
from listrak_sms_cli.listrak.wire import Outgoing, Wire
from listrak_sms_cli.sandbox import SandboxConfig
from listrak_sms_cli.version import VERSION
from tests.support.listrak_client import IMPATIENT, body, client
from tests.support.sandbox_caller import Caller
from tests.support.scripted_listrak import Exchange, Script, answer, created, data, refuse

CODE = {"shortCodeId": 1026, "code": "71856", "country": "US", "merchantName": "Larkspur"}
FIELD = {
    "segmentationFieldId": 7,
    "segmentationFieldName": "Tier",
    "dataType": "Text",
    "maxLength": 10,
    "statusFlag": "A",
}


def of_sandbox(caller: Caller, secret: str = "sandbox-secret") -> ListrakClient:
    endpoint = Endpoint(caller.sandbox.api_url, caller.sandbox.token_url)
    return ListrakClient(endpoint, Credentials("sandbox", secret))


@pytest.mark.parametrize("config", [SandboxConfig(), SandboxConfig(cursor_style="marker", fields_page_size=2)])
def test_every_call_against_the_sandbox(config: SandboxConfig) -> None:
    """What the sandbox holds comes back through the client, whatever form its pages and cursors have."""
    with Caller(config) as caller, of_sandbox(caller) as listrak:
        listrak.check_token()
        known = {one.id: one.country for one in listrak.sender_codes()}
        assert known[1026] == listrak.sender_code(1026).country == "US"
        fields = {one.name: one for one in listrak.profile_fields(1026)}
        assert len(fields) > 5 and len({one.id for one in fields.values()}) == len(fields)
        stored = caller.stored()
        seen: dict[str, Contact] = {}
        for active in (True, False):
            for found in listrak.phone_lists(1026, active=active):
                for opted_out in (True, False):
                    cursor: str | None = "Start"
                    while cursor:
                        page = listrak.list_contacts(1026, found.id, opted_out=opted_out, cursor=cursor, count=7)
                        assert all(one.opted_out == opted_out for one in page.items)
                        seen |= {"+" + one.phone: one for one in page.items}
                        cursor = page.next_cursor
        assert set(seen) <= set(stored) and len(seen) > 20
        phone = next(one for one, contact in seen.items() if not contact.opted_out)
        assert listrak.contact(1026, phone) == listrak.contact(1026, phone.removeprefix("+"))
        assert listrak.contact(1026, "19995550100") is None
        name = fields["First Name"]
        content = body(f"phone,name\n{phone},Zoë\n".encode()).content
        accepted = listrak.start_import(1026, ImportBody("a.csv", (ColumnMapping(name.id),), content))
        caller.wait(accepted.import_file_id)
        status = listrak.import_status(1026, accepted.import_file_id)
        assert (status.ended, status.failed, status.new_word) == (True, False, False)
        contact = listrak.contact(1026, phone)
        assert contact is not None and contact.first_name == "Zoë"
        assert listrak.update_contact(1026, {"phoneNumber": phone, "firstName": "Ada"})
        assert not listrak.update_contact(1026, {"phoneNumber": "19995550100", "firstName": "Ada"})
        updated = listrak.contact(1026, phone)
        assert updated is not None and updated.first_name == "Ada"
        opted_out = listrak.opt_outs(1026).items
        assert opted_out and all(stored["+" + one]["opted_out"] for one in opted_out)


def test_an_unknown_sender_code_lists_those_that_may_be_used() -> None:
    """The error names each sender code of the credential, with its country."""
    with Caller() as caller, of_sandbox(caller) as listrak, pytest.raises(AccountError) as caught:
        listrak.sender_code(999)
    assert caught.value.code == "unknown_sender_code"
    assert "1026 (US)" in caught.value.hint and "1027 (CA)" in caught.value.hint


def test_a_disabled_sender_code_says_so() -> None:
    """The account is to be mended, and the error says where."""
    with (
        Script((refuse(400, "ERROR_SENDER_CODE_DISABLED"),)) as script,
        client(script) as listrak,
        pytest.raises(AccountError, match="disabled") as caught,
    ):
        listrak.sender_code(1026)
    assert caught.value.code == "error_sender_code_disabled"


def test_answers_of_other_makes_are_understood() -> None:
    """Unknown keys are ignored, nulls and numbers in quotes accepted, gzip undone."""
    wide = {**CODE, "shortCodeId": "1026", "country": None, "newKey": {"a": [1]}}
    packed = gzip.compress(json.dumps({"status": 200, "data": [wide], "other": 1}).encode())
    with Script((answer(200, packed, Content_Encoding="gzip"),)) as script, client(script) as listrak:
        assert listrak.sender_codes() == [SenderCode(1026, "71856", "", "Larkspur")]


@pytest.mark.parametrize(
    "cursor", ["next", "https://elsewhere.example/sms/v1/x?count=5&cursor=next", "/v1/x?cursor=next"]
)
def test_pages_are_followed_by_their_cursor_only(cursor: str) -> None:
    """A cursor may be bare or in an address; the address itself is never asked."""
    more = {**FIELD, "segmentationFieldId": 8, "maxLength": None}
    steps = (data([FIELD], nextPageCursor=cursor), data([more], nextPageCursor=""))
    with Script(steps) as script, client(script) as listrak:
        fields = listrak.profile_fields(1026)
        assert [one.path for one in script.api_requests] == [
            "/sms/v1/ShortCode/1026/SegmentationField",
            "/sms/v1/ShortCode/1026/SegmentationField?cursor=next",
        ]
    assert fields == [ListedField(7, "Tier", "Text", 10, "A"), ListedField(8, "Tier", "Text", None, "A")]


def test_a_page_that_names_itself_is_not_read_for_ever() -> None:
    """Nor taken for the last one: fields would be missing."""
    with (
        Script((data([FIELD], nextPageCursor="round"),)) as script,
        client(script, IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable),
    ):
        listrak.profile_fields(1026)


def test_pages_that_go_round_are_an_error() -> None:
    """A cursor that comes a second time would be read for ever."""
    steps = tuple(data([FIELD], nextPageCursor=cursor) for cursor in "abca")
    with Script(steps) as script, client(script) as listrak, pytest.raises(AccountError, match="repeat"):
        listrak.profile_fields(1026)


STATUS = {"importFileId": 77, "smsSenderCodeId": 1026, "fileName": "a", "startDate": None, "endDate": None}
ENDINGS = [
    # word, endDate, ended, failed, new word
    ("Processing", None, False, False, False),
    ("DataReadyForProcessing", None, False, False, False),
    ("Completed", None, True, False, False),
    ("Processing Completed", None, True, False, False),
    ("ProcessingFailed", None, True, True, False),
    ("Processing", "2026-11-24T10:00:00", True, False, True),
    ("Abgeschlossen", "2026-11-24T10:00:00", True, False, True),
    ("Ended with errors", "2026-11-24T10:00:00", True, True, False),
    ("CANCELLED BY USER", "2026-11-24T10:00:00", True, True, False),
    ("Rejected", None, True, True, False),
    ("Queued", "0001-01-01T00:00:00", False, False, False),
    ("Queued", "", False, False, False),
]


@pytest.mark.parametrize(("word", "end", "ended", "failed", "new"), ENDINGS)
def test_the_end_of_an_import_is_read_from_its_date_and_word(
    word: str, end: str | None, ended: bool, failed: bool, new: bool
) -> None:
    """endDate or a known ending ends it; fail, error, cancel, reject in an ended one's word is a bad end."""
    with Script((data({**STATUS, "status": word, "endDate": end}),)) as script, client(script) as listrak:
        status: ImportStatus = listrak.import_status(1026, "77")
    assert (status.status, status.ended, status.failed, status.new_word) == (word, ended, failed, new)


@pytest.mark.parametrize("key", ["optedOut", "OptedOut"])
def test_an_update_with_an_opt_status_is_not_sent(key: str) -> None:
    """Nobody is subscribed or unsubscribed: the call fails before a request is made."""
    with Script((data({}),)) as script, client(script) as listrak:
        with pytest.raises(ValueError, match="optedOut"):
            listrak.update_contact(1026, {"phoneNumber": "17185550100", key: False})
        assert not script.seen


def test_a_contact_update_that_is_refused_is_not_taken_for_a_missing_contact() -> None:
    """Only ERROR_PHONE_NUMBER_NOT_FOUND means that the contact is not there."""
    for code in ("ERROR_INVALID_PHONE_NUMBER", "ERROR_BANNED_PHONE_NUMBER", "ERROR_UNABLE_TO_LOCATE_RESOURCE"):
        with Script((refuse(404, code),)) as script, client(script) as listrak, pytest.raises(ListrakRefused):
            listrak.update_contact(1026, {"phoneNumber": "17185550100"})


BASE = "https://api.listrak.com/sms"
FORBIDDEN = [
    ("POST", "/v1/ShortCode/1026/PhoneList/5/Contact"),  # Subscribe, or create, a contact
    ("POST", "/v1/ShortCode/1026/Contact/17185550100/PhoneList/5"),
    ("DELETE", "/v1/ShortCode/1026/ContactUnsubscribe/17185550100/PhoneList/5"),
    ("POST", "/v1/ShortCode/1026/Contact"),
    ("POST", "/v1/ShortCode/1026/Broadcast/Immediate"),
    ("POST", "/v1/ShortCode/1026/PhoneList/5/TransactionalMessage/3/Message"),
    ("DELETE", "/v1/ShortCode/1026/ContactImport/77"),
    ("PATCH", "/v1/ShortCode/1026/Contact"),
    ("GET", "/v1/ShortCode/1026/Contact/../../Broadcast/Immediate"),
    ("GET", "/v1/ShortCode/1026/Contact/17185550100/PhoneList"),
    ("PUT", "/v1/ShortCode/1026/Contact/"),
]


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_no_request_that_could_change_a_subscription_leaves(method: str, path: str) -> None:
    """Subscribe, unsubscribe, create, send: each raises before a socket is opened."""
    endpoint = Endpoint(BASE, "https://auth.listrak.com/OAuth2/Token")
    with pytest.raises(ForbiddenRouteError):
        check_request(endpoint, method, BASE + path)


def test_the_wire_itself_checks_the_list() -> None:
    """Whoever asks it: a request that is not on the list opens no socket."""
    with Script((data({}),)) as script:
        endpoint = Endpoint(script.api_url, script.token_url)
        wire = Wire(endpoint)
        for method, path in FORBIDDEN:
            with pytest.raises(ForbiddenRouteError):
                wire.exchange(Outgoing(method, endpoint.api_url + path), 1.0)
        wire.close()
        assert not script.seen


def test_a_token_never_travels_outside_the_api_base() -> None:
    """A request to another host, or beside the base, is not on the list."""
    endpoint = Endpoint(BASE, "https://auth.listrak.com/OAuth2/Token")
    for url in ("https://api.listrak.com/email/v1/ShortCode", "https://api.listrak.com.evil.example/sms/v1/ShortCode"):
        with pytest.raises(ForbiddenRouteError):
            check_request(endpoint, "GET", url)


def test_a_path_in_place_of_a_phone_does_not_leave() -> None:
    """What is given as a phone cannot become another route."""
    with Script((data({}),)) as script, client(script) as listrak:
        for phone in ("1/PhoneList", "..", "1?x=1", ""):
            with pytest.raises(ForbiddenRouteError):
                listrak.contact(1026, phone)
        assert not script.seen


@pytest.mark.parametrize(
    "url",
    [
        "http://api.listrak.com/sms",
        "ftp://127.0.0.1/sms",
        "https://user:pw@api.listrak.com/sms",
        "https://api.listrak.com/sms?key=pw",
        "https://api.listrak.com/sms#pw",
        "http://127.0.0.1.evil.example/sms",
        "http://localhost.evil.example/sms",
        "api.listrak.com/sms",
        "https://",
        "https://[::1/sms",
        "",
    ],
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    """https only, loopback excepted; no user, query or fragment; the error quotes no secret."""
    for both in ((url, "https://auth.listrak.com/OAuth2/Token"), (BASE, url)):
        with pytest.raises(SettingsError) as caught:
            Endpoint(*both)
        assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/sms/", "http://localhost/sms", "http://[::1]:1/sms", BASE])
def test_safe_addresses_are_taken(url: str) -> None:
    """Loopback may be plain http; a slash at the end does not matter."""
    assert Endpoint(url, url).api_url == url.rstrip("/")


def test_phones_tokens_and_secrets_reach_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Even with every logger at DEBUG, httpx and httpcore write no phone, no token and no secret of ours."""
    caplog.set_level(logging.DEBUG)
    with Script((data({"phoneNumber": "17185550100"}), created())) as script, client(script) as listrak:
        listrak.contact(1026, "+17185550100")
        listrak.start_import(1026, body())
    for canary in ("7185550100", "token-1", "a-secret"):
        assert canary not in caplog.text


def test_secrets_are_in_no_repr() -> None:
    """Neither credentials nor the client show the secret."""
    assert "a-secret" not in repr(Credentials("an-id", "a-secret"))


def test_a_request_names_its_program_and_keeps_its_connection() -> None:
    """User-Agent says who asks; one connection serves many requests."""
    ports = []

    def note(exchange: Exchange) -> None:
        ports.append(exchange.connection.getpeername()[1])
        data([])(exchange)

    with Script((note,)) as script, client(script) as listrak:
        listrak.sender_codes()
        listrak.sender_codes()
        assert {one.headers["user-agent"] for one in script.seen} == {f"lsms/{VERSION}"}
    assert len(ports) == 2 and len(set(ports)) == 1


def test_a_transport_may_take_the_place_of_the_network() -> None:
    """A program that uses the client can hand its own httpx transport."""
    answers: dict[str, Callable[[], httpx.Response]] = {
        "/OAuth2/Token": lambda: httpx.Response(200, json={"access_token": "t"}),
        "/sms/v1/ShortCode": lambda: httpx.Response(200, json={"status": 200, "data": [CODE]}),
    }
    transport = httpx.MockTransport(lambda request: answers[request.url.path]())
    endpoint = Endpoint(BASE, "https://auth.listrak.com/OAuth2/Token")
    with ListrakClient(endpoint, Credentials("an-id", "a-secret"), transport=transport) as listrak:
        found: list[Any] = listrak.sender_codes()
    assert [one.id for one in found] == [1026]


def test_threads_that_read_their_first_answer_at_the_same_moment() -> None:
    """Whatever moment the threads of a process get to a shape that none has read yet, it does not crash."""
    program = """
import sys, threading
from listrak_sms_cli.listrak import models
sys.setswitchinterval(1e-4)
start = threading.Barrier(4)
def read():
    start.wait()
    models.decode(models.Resource[models.ContactWire], b'{"data":{"phone":"1"}}')
threads = [threading.Thread(target=read) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    for _ in range(10):
        assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
