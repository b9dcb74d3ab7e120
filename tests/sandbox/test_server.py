"""The sandbox is a server: who may talk to it, how much it takes, and that nothing it is sent is a 500."""

from __future__ import annotations

import base64
import json
import os
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listrak_sms_cli.sandbox import EmbeddedSandbox, SandboxConfig
from tests.support.sandbox_caller import Caller, import_body

NESTED = "[" * 100_000 + "]" * 100_000
HUGE = 10**20


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with Caller() as opened:
        yield opened


@pytest.mark.parametrize("path", ["/sandbox/contacts", "/sms/v1/ShortCode", "/sandbox/nowhere"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost@evil.example", "", "10.0.0.1", "a b"],
)
def test_only_names_of_loopback_are_answered(caller: Caller, host: str, path: str) -> None:
    """A name that a web page had led to loopback is refused, on every route."""
    answer = caller.http.get(path, headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert "+1212" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8026", "[::1]:1", "LOCALHOST:5", "127.9.9.9"])
def test_every_name_of_loopback_is_answered(caller: Caller, host: str) -> None:
    """Whatever the port: it may be forwarded."""
    assert caller.http.get("/sandbox/faults", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://evil.example", "null", "http://localhost:1", "http://[", "file://"]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/sandbox/reset"), ("GET", "/sandbox/contacts")])
def test_pages_of_other_sites_are_refused(caller: Caller, method: str, path: str, origin: str) -> None:
    """A foreign page can neither write nor read."""
    answer = caller.http.request(method, path, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_its_own_is_answered(caller: Caller) -> None:
    """Its own origin is not foreign."""
    own = {"Origin": caller.sandbox.url}
    assert caller.http.get("/sandbox/faults", headers=own).status_code == 200


@pytest.mark.parametrize("route", ["faults", "sender-codes"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_json_routes_want_their_content_type(caller: Caller, route: str, kind: str | None) -> None:
    """What any web page may send without asking is a 415."""
    headers = {} if kind is None else {"Content-Type": kind}
    assert caller.http.post(f"/sandbox/{route}", content="[]", headers=headers).status_code == 415
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    assert caller.http.post(f"/sandbox/{route}", content="[]", headers=json_type).status_code == 200


def test_the_file_of_an_account_is_private(tmp_path: Path) -> None:
    """The database and what SQLite puts beside it are 0600, also where the file was there before."""
    path = tmp_path / "account.db"
    path.touch(0o644)
    before = os.umask(0)
    try:
        with EmbeddedSandbox(SandboxConfig(db=path)):
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes


def test_a_file_that_is_no_account_is_refused(tmp_path: Path) -> None:
    """In words, not by an error of SQLite."""
    path = tmp_path / "notes.txt"
    path.write_text("no database, but text that is long enough to be looked at\n" * 100)
    with pytest.raises(ValueError, match="is not an account of the sandbox"):
        EmbeddedSandbox(SandboxConfig(db=path)).__enter__()


def chunks(text: bytes, times: int) -> Iterator[bytes]:
    for _time in range(times):
        yield text


@pytest.mark.parametrize("route", ["faults", "fields", "sender-codes"])
def test_a_body_without_end_is_refused(caller: Caller, route: str) -> None:
    """A chunked body of an admin route is taken up to a limit: 413, and the next request is answered."""
    head = {"Content-Type": "application/json"}
    answer = caller.http.post(f"/sandbox/{route}", content=chunks(b"[" + b" " * 65535, 64), headers=head)
    assert answer.status_code == 413
    assert caller.http.get("/sandbox/faults").status_code == 200


def test_large_bodies_of_the_other_routes_are_refused() -> None:
    """The contacts have the limit of an import; the token and a contact's update take what they need."""
    with Caller(SandboxConfig(max_body_bytes=100_000)) as small:
        assert small.http.post("/sandbox/contacts", content=chunks(b"phone\n" * 10_000, 3)).status_code == 413
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert small.http.post("/OAuth2/Token", content=chunks(b"a=1&" * 20_000, 3), headers=form).status_code == 413
        put = {"content": chunks(b" " * 100_000, 30), "headers": {"Content-Type": "application/json"}}
        assert small.refusal("PUT", "ShortCode/1026/Contact", **put)[0] == 413


WIDE = "," * 3_000_000
WIDE_FILES = {"one line": WIDE, "a quoted line break": f'"a\n"{WIDE}', "no names": f"phone,tier\n{WIDE}\n"}


@pytest.mark.parametrize("name", WIDE_FILES)
def test_an_import_of_millions_of_columns_costs_little(caller: Caller, name: str) -> None:
    """Three million commas in a line: refused with 413 where it is the header, else a malformed row."""
    body = import_body(WIDE_FILES[name], [7])
    if name == "no names":
        import_id = caller.call("POST", "ShortCode/1026/ContactImport", json=body).json()["resourceId"]
        caller.wait(import_id)
        return
    tracemalloc.start()
    try:
        assert caller.refusal("POST", "ShortCode/1026/ContactImport", json=body)[0] == 413
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert caller.http.post("/sandbox/contacts", content=WIDE_FILES[name]).status_code == 400


def test_the_rest_of_an_import_is_limited_too(caller: Caller) -> None:
    """Millions of mappings are a 413, keys that nobody knows are passed over."""
    body = {**import_body("phone,tier\n", [7]), "fileMappings": [{}] * 1_000_000}
    assert caller.refusal("POST", "ShortCode/1026/ContactImport", json=body)[0] == 413
    body = {**import_body("phone,tier\n", [7]), **{f"unknown{n}": n for n in range(1000)}}
    assert caller.call("POST", "ShortCode/1026/ContactImport", json=body).status_code == 201


JSON_TYPE = {"Content-Type": "application/json"}
ADMIN: list[tuple[str, Any]] = [
    ("faults", NESTED),
    ("faults", '{"a":' * 100_000),
    ("faults", [{"fault": "status", "status": HUGE}]),
    ("faults", [{"fault": "status", "route": [1]}]),
    ("faults", '[{"fault": "hang", "seconds": 1e400}]'),
    ("faults", '[{"fault": "status", "status": 1e300}]'),
    ("faults", [{"fault": "import_fails", "word": [1]}]),
    ("faults", [{"fault": "status", "route": "("}]),
    ("faults", b"\xff\xfe"),
    ("sender-codes", NESTED),
    ("sender-codes", [{"id": HUGE, "country": "US"}]),
    ("sender-codes", [{"id": -1, "country": "US"}]),
    ("sender-codes", [{"id": 0, "country": "US"}]),
    ("sender-codes", '[{"id": 7, "country": "\\ud800"}]'),
    ("fields", f"id,name,type\n{HUGE},x,Text\n"),
    ("fields", f"id,name,type,max_length\n1,x,Text,{HUGE}\n"),
    ("fields", "id,name,type\n" + "9" * 5000 + ",x,Text\n"),
    ("fields", 'id,name,type\n1,"' + "x" * 200_000 + '",Text\n'),
    ("fields", b"\xff\xfe\x00"),
    ("fields", "id,name,type\n" + "".join(f"{n},f{n},Text\n" for n in range(100, 2000))),
    ("contacts", 'phone,"' + "x" * 200_000 + '"\n'),
    ("contacts", b"\xff\xfe\x00"),
    ("contacts", f"phone\n{HUGE}\n"),
]


@pytest.mark.parametrize(("route", "body"), ADMIN)
def test_what_an_admin_route_cannot_use_is_a_400(caller: Caller, route: str, body: Any) -> None:
    """Deep JSON, ids of twenty digits, cells without end: a sentence, never a 500."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    answer = caller.http.post(f"/sandbox/{route}", content=content, headers=JSON_TYPE)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize(
    "path",
    [
        f"ShortCode/{HUGE}",
        f"ShortCode/1026/ContactImport/{HUGE}",
        f"ShortCode/1026/SegmentationField/{HUGE}",
        f"ShortCode/1026/PhoneList/{HUGE}",
        f"ShortCode/1026/Contact/{HUGE}",
        f"ShortCode/1026/PhoneList?count={HUGE}",
        f"ShortCode/1026/PhoneList?cursor={HUGE}",
        "ShortCode/1026/PhoneList?cursor=-1",
        "ShortCode/1026/OptOut?cursor=FFFFFFFFFFFFFFFF",
        "ShortCode/1026/OptOut?count=1000000000000",
        f"ShortCode/1026/OptOut?startDate={HUGE}",
    ],
)
def test_numbers_of_twenty_digits_are_refused(caller: Caller, path: str) -> None:
    """In every place of an address."""
    assert caller.refusal("GET", path)[0] in (400, 404)


@pytest.mark.parametrize(
    "body",
    [
        NESTED,
        '{"phoneNumber":' + NESTED + "}",
        '{"phoneNumber": "12125550100", "segmentationFieldValues": [{"segmentationFieldId": 100000000000000000000}]}',
        '{"phoneNumber": "12125550100", "firstName": "\\ud800"}',
        b'{"phoneNumber": "\xff"}',
    ],
)
def test_an_update_that_cannot_be_used_is_refused(caller: Caller, body: str | bytes) -> None:
    """Deep JSON, huge ids, half a character."""
    assert caller.refusal("PUT", "ShortCode/1026/Contact", content=body, headers=JSON_TYPE)[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"fileMappings": NESTED},
        {"fileMappings": f'[{{"fileColumnType":"Phone","segmentationFieldId":0,"fileColumn":{HUGE}}}]'},
        {"fileMappings": f'[{{"fileColumnType":"SegmentationField","segmentationFieldId":{HUGE},"fileColumn":1}}]'},
        {"fileName": '"\\ud800"'},
        {"fileStream": '"\\ud800"'},
        {"fileStream": '"\\u0100\\/"'},
        {"unknown": NESTED},
    ],
)
def test_an_import_that_cannot_be_used_is_refused(caller: Caller, changes: dict[str, str]) -> None:
    """Whatever stands in its keys: an error of the registry."""
    keys = {key: json.dumps(value) for key, value in import_body("phone,tier\n", [7]).items()} | changes
    body = "{" + ",".join(f'"{key}":{value}' for key, value in keys.items()) + "}"
    status, code = caller.refusal("POST", "ShortCode/1026/ContactImport", content=body, headers=JSON_TYPE)
    assert (status, code != "ERROR_UNHANDLED_EXCEPTION") == (400, True)


def test_base64_with_escaped_slashes_is_read(caller: Caller) -> None:
    """As some writers of JSON put it."""
    content = "phone,tier\n12125550100,\u00ff\u00ff\u00ff\n"
    stream = base64.b64encode(content.encode()).decode()
    assert "/" in stream
    body = {**import_body(content, [7]), "fileStream": "STREAM"}
    text = json.dumps(body).replace("STREAM", stream.replace("/", "\\/"))
    assert caller.call("POST", "ShortCode/1026/ContactImport", content=text, headers=JSON_TYPE).status_code == 201
