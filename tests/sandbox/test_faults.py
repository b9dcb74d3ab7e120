"""Each fault, seen from the other end of the socket."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from listrak_sms_cli.sandbox import SandboxConfig
from listrak_sms_cli.sandbox.faults import ROUTES, FaultBook
from tests.support.sandbox_caller import Caller, import_body

IMPORT = "ShortCode/1026/ContactImport"
ADA = "+12125550100"
CONTENT = f"phone,tier\n{ADA},Gold\n"
LARGE = import_body("phone,tier\n" + f"{ADA},Gold\n" * 400_000, [7])


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with Caller() as caller:
        yield caller


@pytest.fixture
def caller(shared: Caller) -> Caller:
    shared.http.post("/sandbox/reset")
    shared.authorise()
    return shared


def post(caller: Caller, body: dict[str, Any] | None = None) -> httpx.Response:
    return caller.raw("POST", IMPORT, json=body or import_body(CONTENT, [7]))


@pytest.mark.parametrize("status", [408, 413, 404, 425, 429, 500, 502, 503, 504])
def test_a_status_strikes_once_and_nothing_is_done(caller: Caller, status: int) -> None:
    """A status fault answers in place of the route; the next request is served."""
    caller.faults({"route": "start_import", "fault": "status", "status": status})
    answer = post(caller)
    assert answer.status_code == status
    assert "retry-after" not in answer.headers
    if status in (404, 500):
        assert answer.json()["error"].startswith("ERROR_")
    assert caller.imports() == []
    assert post(caller).status_code == 201


def test_a_status_can_carry_any_error_of_listraks(caller: Caller) -> None:
    """With `error` the answer is Listrak's envelope with that code."""
    rule = {"route": "start_import", "fault": "status", "status": 400, "error": "ERROR_INVALID_PARAMETER"}
    caller.faults(rule)
    body = import_body(CONTENT, [7])
    assert caller.refusal("POST", IMPORT, json=body) == (400, "ERROR_INVALID_PARAMETER")


def test_a_status_can_come_after_the_work(caller: Caller) -> None:
    """With `applied` the request did its work, and the answer hides it."""
    caller.faults({"route": "start_import", "fault": "status", "status": 504, "applied": True})
    assert post(caller).status_code == 504
    assert len(caller.imports()) == 1


def test_retry_after_as_seconds_and_as_a_date(caller: Caller) -> None:
    """Retry-After is seconds, or an HTTP date that lies ahead."""
    rule = {"route": "fields", "fault": "status", "status": 429, "retry_after": 3}
    caller.faults(rule, {**rule, "retry_after_form": "date"})
    assert caller.raw("GET", "ShortCode/1026/SegmentationField").headers["retry-after"] == "3"
    header = caller.raw("GET", "ShortCode/1026/SegmentationField").headers["retry-after"]
    assert time.time() < parsedate_to_datetime(header).timestamp() < time.time() + 60


@pytest.mark.parametrize("kind", ["reset_before_body", "reset_mid_body", "reset_after_body"])
@pytest.mark.parametrize("body", [None, LARGE], ids=["small", "large"])
def test_a_reset_before_the_work(caller: Caller, kind: str, body: dict[str, Any] | None) -> None:
    """The connection is reset, no import is made, and the next request is served."""
    caller.faults({"route": "start_import", "fault": kind})
    with pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        post(caller, body)
    assert caller.imports() == []
    assert post(caller).status_code == 201


def test_a_lost_reply(caller: Caller) -> None:
    """The import is made, and the connection is reset before the answer."""
    caller.faults({"route": "start_import", "fault": "lost_reply"})
    with pytest.raises(httpx.ReadError):
        post(caller)
    assert len(caller.imports()) == 1


def test_a_hang_that_the_client_gives_up_on_does_nothing(caller: Caller) -> None:
    """A server that stops answering does not do later what its client gave up on."""
    caller.faults({"route": "start_import", "fault": "hang", "seconds": 0.4})
    with pytest.raises(httpx.ReadTimeout):
        caller.raw("POST", IMPORT, json=import_body(CONTENT, [7]), timeout=0.1)
    time.sleep(0.6)
    assert caller.imports() == []


@pytest.mark.parametrize("kind", ["hang", "hang_reply"])
def test_a_hang_that_is_waited_for_ends_in_the_answer(caller: Caller, kind: str) -> None:
    """After its seconds the request is answered as ever."""
    caller.faults({"route": "start_import", "fault": kind, "seconds": 0.1})
    assert post(caller).status_code == 201
    assert len(caller.imports()) == 1


def test_a_hanging_answer_hides_what_was_done(caller: Caller) -> None:
    """With hang_reply the import is made although its client sees a timeout."""
    caller.faults({"route": "start_import", "fault": "hang_reply", "seconds": 5})
    with pytest.raises(httpx.ReadTimeout):
        caller.raw("POST", IMPORT, json=import_body(CONTENT, [7]), timeout=0.2)
    assert len(caller.imports()) == 1


def test_a_hang_does_not_keep_a_sandbox_from_closing() -> None:
    """A sandbox with a hanging request closes; the request's connection ends."""
    ended = threading.Event()
    with Caller() as caller:
        caller.authorise()
        caller.faults({"route": "sender_codes", "fault": "hang", "seconds": 3600})

        def ask() -> None:
            with pytest.raises(httpx.TransportError):
                caller.raw("GET", "ShortCode")
            ended.set()

        asking = threading.Thread(target=ask)
        asking.start()
        while not caller.http.get("/sandbox/faults").json()[0]["struck"]:
            time.sleep(0.01)
        caller.sandbox.__exit__(None, None, None)
        asking.join(timeout=10)
        caller.sandbox.__enter__()
    assert ended.is_set()


@pytest.mark.parametrize("status", [200, 502])
def test_a_gateways_page(caller: Caller, status: int) -> None:
    """HTML with any status, and nothing done."""
    caller.faults({"route": "start_import", "fault": "html", "status": status})
    answer = post(caller)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")
    assert caller.imports() == []


def test_truncated_json(caller: Caller) -> None:
    """The right answer, cut in half."""
    caller.faults({"route": "sender_codes", "fault": "truncated_json"})
    answer = caller.raw("GET", "ShortCode")
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert answer.text.startswith('{"status":200,"data":[')


@pytest.mark.parametrize("applied", [True, False])
def test_json_of_the_wrong_shape(caller: Caller, applied: bool) -> None:
    """Valid JSON that is nothing the client knows, the work done or not."""
    caller.faults({"route": "start_import", "fault": "wrong_shape", "applied": applied})
    answer = post(caller)
    assert answer.status_code == (201 if applied else 200)
    assert isinstance(answer.json(), list)
    assert len(caller.imports()) == applied


def test_tokens_end_early(caller: Caller) -> None:
    """When tokens are revoked the request that is struck is unauthorised, until a new token is fetched."""
    caller.faults({"route": "start_import", "fault": "revoke_tokens"})
    assert post(caller).status_code == 401
    assert caller.refusal("GET", "ShortCode") == (401, "ERROR_UNAUTHORIZED")
    caller.authorise()
    assert post(caller).status_code == 201


def test_the_token_endpoint_fails(caller: Caller) -> None:
    """A fault on the token route strikes the token route alone."""
    caller.faults({"route": "token", "fault": "status", "status": 500})
    assert caller.authorise().status_code == 500
    assert caller.authorise().status_code == 200


@pytest.mark.parametrize("applied", [True, False])
def test_an_import_ends_badly(caller: Caller, applied: bool) -> None:
    """The import is accepted and ends with the word of the rule, its values there or not."""
    caller.faults({"route": "start_import", "fault": "import_fails", "word": "ProcessingFailed", "applied": applied})
    import_id = caller.start(CONTENT, [7])
    assert caller.wait(import_id)["status"] == "ProcessingFailed"
    assert caller.stored()[ADA]["Loyalty Tier"] == ("Gold" if applied else None)


def test_an_import_never_ends_and_holds_up_no_other(caller: Caller) -> None:
    """It stays in progress, without an end date, while later ones end."""
    caller.faults({"route": "start_import", "fault": "import_never_ends"})
    first = caller.start(CONTENT, [7])
    caller.run(CONTENT, [7])
    state = caller.status(first)
    assert (state["endDate"], state["status"]) == (None, "Processing")


def test_an_import_takes_its_time_with_unknown_words(caller: Caller) -> None:
    """Rules on imports add up: seconds, the word while it runs, the word at its end."""
    caller.faults(
        {"route": "start_import", "fault": "import_seconds", "seconds": 0.3},
        {"route": "start_import", "fault": "import_word", "word": "Wobbling", "end_word": "Wobbled"},
    )
    import_id = caller.start(CONTENT, [7])
    seen = set()
    while (state := caller.status(import_id))["endDate"] is None:
        seen.add(state["status"])
    assert seen <= {"Pending", "Wobbling"} and "Wobbling" in seen
    assert state["status"] == "Wobbled"
    assert caller.stored()[ADA]["Loyalty Tier"] == "Gold"


def test_an_import_ends_before_its_values_are_there(caller: Caller) -> None:
    """The import has ended well, and its values appear a moment later."""
    caller.faults({"route": "start_import", "fault": "import_late", "seconds": 0.3})
    caller.wait(caller.start(CONTENT, [7]))
    assert caller.stored()[ADA]["Loyalty Tier"] is None
    caller.run("phone,tier\n12125550101,Gold\n", [7])
    assert caller.stored()[ADA]["Loyalty Tier"] == "Gold"


def test_an_import_stores_other_values(caller: Caller) -> None:
    """The import ends well, and its texts are stored in capitals."""
    caller.faults({"route": "start_import", "fault": "import_alters"})
    caller.run(CONTENT, [7])
    assert caller.stored()[ADA]["Loyalty Tier"] == "GOLD"


@pytest.mark.parametrize("status", [413, 404])
def test_imports_of_too_many_rows(caller: Caller, status: int) -> None:
    """Files of more rows than the rule's are refused, smaller ones accepted, as long as the rule lasts."""
    caller.faults({"route": "start_import", "fault": "max_rows", "rows": 3, "status": status, "count": None})
    row = f"{ADA},Gold\n"
    for count, expected in ((4, status), (3, 201), (5, status)):
        answer = caller.call("POST", IMPORT, json=import_body("phone,tier\n" + row * count, [7]))
        assert answer.status_code == expected
    assert [one["bytes"] for one in caller.imports()] == [len("phone,tier\n" + row * 3)]


def test_imports_of_too_few_rows(caller: Caller) -> None:
    """A file of one member can be refused, as another of Listrak's importers does."""
    caller.faults({"route": "start_import", "fault": "min_rows", "count": None})
    body = import_body(CONTENT, [7])
    assert caller.refusal("POST", IMPORT, json=body) == (400, "ERROR_INVALID_PARAMETER")
    assert caller.run(CONTENT + "12125550101,Gold\n", [7])["updated"] == 2


def test_a_file_that_is_not_text_is_not_counted(caller: Caller) -> None:
    """A file that cannot be counted is accepted under a max_rows rule, and fails as it would without."""
    caller.faults({"route": "start_import", "fault": "max_rows", "rows": 3, "count": None})
    stream = base64.b64encode(b"phone,tier\n12125550100,\xff\xfe\n").decode()
    assert caller.wait(caller.start("", [7], fileStream=stream))["status"] == "Failed"


def test_skip_count_method_and_pattern() -> None:
    """A rule lets `skip` requests pass, strikes `count`, and only those of its method and path."""
    rule = {"route": "/PhoneList/.*/Contact", "method": "GET", "fault": "status", "skip": 1, "count": 2}
    book = FaultBook([rule])
    path = "/sms/v1/ShortCode/1026/PhoneList/10261/Contact"
    assert book.pick("POST", path) == book.pick("GET", "/sms/v1/ShortCode") == []
    assert [len(book.pick("GET", path)) for _ in range(5)] == [0, 1, 1, 0, 0]
    assert book.counts() == [{"fault": "status", "struck": 2}]


def test_probability_is_drawn_from_the_seed() -> None:
    """One seed gives one sequence of strikes, in about the share asked for; another seed another one."""

    def strikes(seed: int) -> list[int]:
        book = FaultBook([{"fault": "html", "probability": 0.3, "seed": seed, "count": None}])
        return [len(book.pick("GET", "/sms/v1/ShortCode")) for _ in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 200 < sum(strikes(1)) < 400


def test_the_first_answering_rule_that_strikes_is_the_answer() -> None:
    """Of two answers the first strikes, and the second is not used up by it."""
    book = FaultBook([{"fault": "html"}, {"fault": "lost_reply"}, {"fault": "revoke_tokens"}])
    picked = [[fault.kind for fault in book.pick("GET", "/sms/v1/ShortCode")] for _ in range(3)]
    assert picked == [["html", "revoke_tokens"], ["lost_reply"], []]


def test_every_named_route_is_one_of_the_sandboxs(caller: Caller) -> None:
    """Each route name strikes its own route."""
    paths = {
        "sender_codes": "ShortCode",
        "sender_code": "ShortCode/1026",
        "fields": "ShortCode/1026/SegmentationField",
        "field": "ShortCode/1026/SegmentationField/7",
        "import_status": f"{IMPORT}/5001",
        "contact": "ShortCode/1026/Contact/12125550100",
        "lists": "ShortCode/1026/PhoneList",
        "list": "ShortCode/1026/PhoneList/10261",
        "list_contacts": "ShortCode/1026/PhoneList/10261/Contact",
        "opt_outs": "ShortCode/1026/OptOut",
    }
    caller.run(CONTENT, [7])
    for name, path in paths.items():
        others = [other for other in paths if other != name]
        caller.faults(*({"route": other, "fault": "html"} for other in others))
        assert caller.raw("GET", path).status_code == 200, name
        caller.faults({"route": name, "fault": "html"})
        assert caller.raw("GET", path).status_code == 502, name
    assert set(ROUTES) - set(paths) == {"any", "api", "token", "start_import", "update_contact"}


@pytest.mark.parametrize(
    "rules",
    [
        {"fault": "html"},
        ["html"],
        [{"fault": "nothing"}],
        [{}],
        [{"fault": "html", "seconds": 3}],
        [{"fault": "html", "route": "("}],
        [{"fault": "html", "count": "x"}],
        [{"fault": "status", "status": "x"}],
        [{"fault": "status", "status": 99}],
        [{"fault": "hang", "seconds": "x"}],
    ],
)
def test_a_wrong_rule_is_refused_and_the_old_ones_stay(caller: Caller, rules: object) -> None:
    """A rule that is not right is a 400 that says so, and changes nothing."""
    caller.faults({"route": "sender_codes", "fault": "html"})
    assert caller.http.post("/sandbox/faults", json=rules).status_code == 400
    assert caller.raw("GET", "ShortCode").status_code == 502


def test_a_faults_file_is_read_at_the_start(tmp_path: Path) -> None:
    """Rules of a file and of the config are in force from the first request; the log names what struck."""
    (tmp_path / "faults.json").write_text('[{"route": "token", "fault": "status", "status": 503}]')
    rules = ({"route": "sender_codes", "fault": "html"},)
    with Caller(SandboxConfig(faults=tmp_path / "faults.json", fault_rules=rules)) as caller:
        assert [caller.authorise().status_code for _ in range(2)] == [503, 200]
        assert caller.raw("GET", "ShortCode").status_code == 502
        log = caller.http.get("/sandbox/requests").json()
        assert [one.get("faults") for one in log] == [["status"], None, ["html"]]


def test_a_wrong_faults_file_stops_the_start(tmp_path: Path) -> None:
    """A faults file that is not right is a ValueError before anything is served."""
    (tmp_path / "faults.json").write_text("[{]")
    with pytest.raises(ValueError, match="JSON"), Caller(SandboxConfig(faults=tmp_path / "faults.json")):
        pass
