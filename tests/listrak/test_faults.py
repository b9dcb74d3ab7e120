"""The client against a server that fails in every way: what is tried again, what is not, and what may be repeated."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

import httpx
import pytest
from msgspec.structs import replace

from listrak_sms_cli.errors import (
    AccountError,
    CredentialsRefused,
    Interrupted,
    ListrakRefused,
    ListrakUnavailable,
    LsmsError,
)
from listrak_sms_cli.listrak import ContactRefused, Credentials, Endpoint, ListrakClient, Policy
from listrak_sms_cli.listrak.body import MAX_FILE_BYTES, ImportBody
from listrak_sms_cli.listrak.errors import ImportTooLarge
from listrak_sms_cli.listrak.retry import Retry
from tests.support.listrak_client import IMPATIENT, QUICK, body, client
from tests.support.scripted_listrak import (
    TOO_LATE,
    Exchange,
    Script,
    Step,
    answer,
    created,
    cut_short,
    data,
    early,
    hang,
    page_of_html,
    refuse,
    reset,
    token,
)

LARGE = 48 << 20  # bytes: more than the buffers of a loopback socket hold


@dataclass(frozen=True)
class TooLarge:
    size: int = MAX_FILE_BYTES + 1

    def chunks(self) -> Iterator[bytes]:
        raise AssertionError("a file that is too large is not even read")


CREATED = {"status": 201, "resourceId": "77"}
WHOLE = json.dumps(CREATED).encode()
PASSING: dict[str, tuple[Step, bool]] = {
    # what goes wrong: (the step, whether an import that meets it may arrive twice)
    "408": (refuse(408, ""), False),
    "425": (refuse(425, ""), False),
    "429": (refuse(429, ""), False),
    "500": (refuse(500, "ERROR_UNHANDLED_EXCEPTION"), True),
    "501": (refuse(501, ""), True),
    "502": (page_of_html(502), True),
    "503": (refuse(503, ""), True),
    "504": (page_of_html(504), True),
    "reset after the body": (reset(1.0), True),
    "a page of HTML": (page_of_html(200), True),
    "JSON cut off": (answer(201, b'{"status":201,"resou'), True),
    "the answer cut off": (cut_short(201, CREATED), True),
    "another shape": (answer(201, ["unexpected", {"data": 17}]), True),
    "no id": (answer(201, {"status": 201}), True),
    "not UTF-8": (answer(201, b'{"resourceId":"\xff\xfe"}'), True),
    "not gzip": (answer(201, b"{}", Content_Encoding="gzip"), True),
    "gzip in gzip": (answer(201, gzip.compress(gzip.compress(WHOLE)), Content_Encoding="gzip, gzip"), True),
    "an encoding nobody requested": (answer(201, zlib.compress(WHOLE), Content_Encoding="deflate"), True),
}


@pytest.mark.parametrize("name", PASSING)
def test_an_import_that_fails_in_passing_is_sent_again(name: str) -> None:
    """After two failures the same file is sent a third time, whole; the result says if it may be there twice."""
    step, repeated = PASSING[name]
    with Script((step, step, created("78"))) as script, client(script) as listrak:
        sent = body()
        accepted = listrak.start_import(1026, sent)
        bodies = [one.body for one in script.api_requests]
    assert (accepted.import_file_id, accepted.maybe_repeated) == ("78", repeated)
    assert bodies == [b"".join(sent)] * 3


@pytest.mark.parametrize("name", PASSING)
def test_reading_and_tokens_are_tried_again(name: str) -> None:
    """A GET and the token request outlive the same failures, and neither makes an import look repeated."""
    step, _ = PASSING[name]
    with Script((step, data([]), created()), (step, step, token())) as script, client(script) as listrak:
        assert listrak.sender_codes() == []
        assert not listrak.start_import(1026, body()).maybe_repeated


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_reset_before_the_end_of_the_body_repeats_nothing(share: float) -> None:
    """Listrak cannot have imported a file of which it has not got the end."""
    content = b"phone,tier\n" + b"x" * LARGE
    with Script((reset(share), created())) as script, client(script) as listrak:
        assert not listrak.start_import(1026, body(content)).maybe_repeated


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_agreed() -> None:
    """A hanging server costs at most the time to give up; the error says that the file may have arrived."""
    patient = replace(IMPATIENT, give_up_after=2.0)  # the token before it comes in time, also on a busy machine
    with (
        Script((hang,)) as script,
        client(script, patient) as listrak,
        pytest.raises(ListrakUnavailable, match="it did not answer in time") as caught,
    ):
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived
    assert caught.value.exit_code == 5


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
ENDLESS_HEADS = {
    "a head that drips": (HEAD + b"X-Slow: " + b"y" * 5000, 1, 0.05),
    "100 Continue without end, slowly": (b"HTTP/1.1 100 Continue\r\n\r\n" * 600, 25, 0.05),
    "100 Continue without end, at full speed": (b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000_000, 2500, 0.0),
}


@pytest.mark.parametrize("name", ENDLESS_HEADS)
def test_a_head_that_does_not_end_is_given_up_in_time(name: str) -> None:
    """Time is limited for the whole answer, whatever comes in it: the error comes long before the script ends."""
    text, at_once, pause = ENDLESS_HEADS[name]

    def drip(exchange: Exchange) -> None:
        exchange.read_body()
        for start in range(0, len(text), at_once):
            if exchange.released.wait(pause):
                break
            exchange.connection.sendall(text[start : start + at_once])
        exchange.reset()

    began = time.monotonic()
    with Script((drip,)) as script, client(script, IMPATIENT) as listrak, pytest.raises(ListrakUnavailable):
        listrak.sender_codes()
    assert time.monotonic() - began < TOO_LATE / 2


def test_every_attempt_with_a_second_token_keeps_to_the_time() -> None:
    """A 401 that comes late, a token that is refused again: both requests share one time limit."""

    def late(exchange: Exchange) -> None:
        exchange.released.wait(1.5)
        refuse(401, "ERROR_UNAUTHORIZED")(exchange)

    policy = Policy(give_up_after=2.0, first_wait=0.001, longest_wait=0.01)
    with Script((late, hang)) as script, client(script, policy) as listrak, pytest.raises(ListrakUnavailable):
        listrak.sender_codes()
    assert len(script.api_requests) == 2


def test_a_drip_feed_is_not_an_answer() -> None:
    """A server that sends a byte now and then for ever is given up like one that sends nothing."""

    def drip(exchange: Exchange) -> None:
        exchange.read_body()
        late = b'{"status":200,"data":[]}'
        exchange.reply(200, b"", {"Content-Length": str(600 + len(late))})
        for _byte in range(600):
            if exchange.released.wait(TOO_LATE / 600):
                return
            exchange.connection.sendall(b" ")
        exchange.connection.sendall(late)

    with Script((drip,)) as script, client(script, IMPATIENT) as listrak, pytest.raises(ListrakUnavailable):
        listrak.sender_codes()


def test_nobody_listening_is_given_up() -> None:
    """A refused connection is tried until the time is over; nothing can have arrived."""
    with Script((created(),)) as script:
        endpoint = Endpoint(script.api_url, script.token_url)
    with (
        ListrakClient(endpoint, Credentials("an-id", "a-secret"), policy=IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable, match="no connection") as caught,
    ):
        listrak.start_import(1026, body())
    assert not caught.value.maybe_arrived


def test_a_name_that_does_not_resolve_is_given_up() -> None:
    """A DNS failure is an outage like any other."""
    endpoint = Endpoint("https://listrak.invalid/sms", "https://listrak.invalid/OAuth2/Token")
    with (
        ListrakClient(endpoint, Credentials("an-id", "a-secret"), policy=IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable, match="no connection"),
    ):
        listrak.check_token()


def test_an_outage_that_lasts_says_what_may_have_arrived() -> None:
    """An early lost reply is not forgotten when every later try fails without doing anything."""
    with (
        Script((reset(1.0), refuse(429, ""))) as script,
        client(script, IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable) as caught,
    ):
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived


def test_an_outage_of_the_token_address_leaves_nothing_behind() -> None:
    """The import has not been sent, so nothing may have arrived; nor can reading leave anything."""
    with (
        Script((answer(500, {}),), (answer(500, {}),)) as script,
        client(script, IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable, match="the token was tried") as caught,
    ):
        listrak.start_import(1026, body())
    assert not caught.value.maybe_arrived and not script.api_requests
    with (
        Script((answer(500, {}),)) as script,
        client(script, IMPATIENT) as listrak,
        pytest.raises(ListrakUnavailable) as caught,
    ):
        listrak.import_status(1026, "77")
    assert not caught.value.maybe_arrived


def test_a_try_that_ends_before_its_body_repeats_nothing() -> None:
    """The body that was whole in an earlier, refused, try does not count."""
    answers = iter((429, httpx.WriteError("broken"), 201))

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/OAuth2/Token":
                return httpx.Response(200, json={"access_token": "t"})
            ahead = next(answers)
            if isinstance(ahead, httpx.WriteError):
                raise ahead
            request.read()
            return httpx.Response(ahead, json=CREATED)

    transport = Transport()
    endpoint = Endpoint("https://api.listrak.example/sms", "https://api.listrak.example/OAuth2/Token")
    with ListrakClient(endpoint, Credentials("a", "b"), policy=QUICK, transport=transport) as listrak:
        assert not listrak.start_import(1026, body()).maybe_repeated


def test_a_refusal_after_a_lost_reply_says_that_the_file_may_have_arrived() -> None:
    """The second try is refused, but the first may have been accepted."""
    steps = (reset(1.0), refuse(400, "ERROR_MALFORMED_REQUEST_BODY"))
    with Script(steps) as script, client(script) as listrak, pytest.raises(ListrakRefused) as caught:
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived


def test_an_accepted_import_with_unreadable_answers_is_not_started_for_ever() -> None:
    """A 201 without an id means that an import has begun: after twenty of them the client stops."""
    with (
        Script((answer(201, {"status": 201}),)) as script,
        client(script) as listrak,
        pytest.raises(ListrakUnavailable) as caught,
    ):
        listrak.start_import(1026, body())
    assert len(script.api_requests) == 20
    assert caught.value.maybe_arrived


@pytest.mark.parametrize(
    ("value", "shortest", "longest"),
    [
        ("0.2", 0.2, 0.2),
        ("0", 0.001, 0.001),
        ("-3", 0.001, 0.001),
        ("soon", 0.0, 0.02),
        ("nan", 0.0, 0.02),
        ("inf", 0.0, 0.02),
    ],
)
def test_retry_after_is_honoured(value: str, shortest: float, longest: float) -> None:
    """The client waits as long as Listrak asks, never without a pause, and blindly when the header makes no sense."""
    told: list[Retry] = []
    steps = (answer(429, {}, Retry_After=value), data([]))
    with Script(steps) as script, client(script, on_retry=told.append) as listrak:
        listrak.sender_codes()
    assert [(one.what, one.reason) for one in told] == [("the sender codes", "it answered 429")]
    assert shortest <= told[0].wait <= longest


def test_retry_after_may_be_a_date() -> None:
    """An HTTP date is a wait until then."""
    told: list[Retry] = []
    stop = threading.Event()

    def note(retry: Retry) -> None:
        told.append(retry)
        stop.set()

    steps = (answer(503, {}, Retry_After=formatdate(time.time() + 15, usegmt=True)),)
    with Script(steps) as script, client(script, on_retry=note, stop=stop) as listrak, pytest.raises(Interrupted):
        listrak.sender_codes()
    assert 0 < told[0].wait <= 15


def test_a_long_retry_after_ends_with_a_last_try() -> None:
    """Listrak asks for an hour, there is less: the client waits what is left and tries once more."""
    told: list[Retry] = []
    steps = (answer(503, {}, Retry_After="3600"), data([]))
    with Script(steps) as script, client(script, IMPATIENT, on_retry=told.append) as listrak:
        assert listrak.sender_codes() == []
    assert told[0].wait <= IMPATIENT.give_up_after


def test_stop_ends_a_wait_between_two_tries() -> None:
    """An hour of Retry-After ends at once when `stop` is set, and a lost reply is not forgotten."""
    stop = threading.Event()
    steps = (reset(1.0), answer(503, {}, Retry_After="3600"))
    told: list[Retry] = []

    def note(retry: Retry) -> None:
        told.append(retry)
        if len(told) == 2:
            stop.set()

    patient = Policy(give_up_after=7200.0, first_wait=0.001)
    with (
        Script(steps) as script,
        client(script, patient, on_retry=note, stop=stop) as listrak,
        pytest.raises(Interrupted) as caught,
    ):
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived


@pytest.mark.parametrize("sets_stop", [True, False])
def test_closing_wakes_a_thread_that_waits_for_an_answer(sets_stop: bool) -> None:
    """The thread ends with Interrupted while the server still hangs, and the file may have arrived."""
    stop = threading.Event()
    reached = threading.Event()
    caught: list[BaseException] = []
    late: list[bool] = []

    def hang_and_tell(exchange: Exchange) -> None:
        exchange.read_body()
        reached.set()
        late.append(not exchange.released.wait(TOO_LATE))

    with Script((hang_and_tell,)) as script:
        listrak = client(script, Policy(), stop=stop)

        def upload() -> None:
            try:
                listrak.start_import(1026, body())
            except Interrupted as error:
                caught.append(error)

        thread = threading.Thread(target=upload)
        thread.start()
        reached.wait()
        if sets_stop:
            stop.set()
        listrak.close()
        thread.join()
        assert not late, "the thread ended only with the server"
    assert [getattr(error, "maybe_arrived", None) for error in caught] == [True]


def test_nothing_is_asked_once_stopped() -> None:
    """With `stop` set no request is made."""
    stop = threading.Event()
    stop.set()
    with Script((data([]),)) as script, client(script, stop=stop) as listrak, pytest.raises(Interrupted):
        listrak.sender_codes()
    assert not script.seen


@pytest.mark.parametrize("step", [refuse(413, ""), page_of_html(413), early(413)])
def test_413_means_too_large(step: Step) -> None:
    """Also when the answer comes while the body is still on its way."""
    content = b"phone,tier\n" + b"x" * LARGE
    with Script((step,)) as script, client(script) as listrak, pytest.raises(ImportTooLarge):
        listrak.start_import(1026, body(content))


def test_404_means_too_large_when_the_sender_code_is_there() -> None:
    """The sender code is read again first."""
    steps = (refuse(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE"), data({"shortCodeId": 1026, "code": "71856"}))
    with Script(steps) as script, client(script) as listrak, pytest.raises(ImportTooLarge):
        listrak.start_import(1026, body())
    assert [one.method for one in script.api_requests] == ["POST", "GET"]


def test_a_file_that_is_too_large_only_the_second_time_may_have_arrived() -> None:
    """The first try lost its answer, the second is told 404."""
    steps = (reset(1.0), refuse(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE"), data({"shortCodeId": 1026}))
    with Script(steps) as script, client(script) as listrak, pytest.raises(ImportTooLarge) as caught:
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived


def test_404_of_a_sender_code_that_has_gone_is_a_refusal() -> None:
    """Nothing would be gained by a smaller file."""
    with (
        Script((refuse(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE"),)) as script,
        client(script) as listrak,
        pytest.raises(ListrakRefused) as caught,
    ):
        listrak.start_import(1026, body())
    assert not isinstance(caught.value, ImportTooLarge)


@pytest.mark.parametrize("then", [refuse(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE"), refuse(403, "ERROR_FORBIDDEN")])
def test_whatever_the_sender_code_answers_then_an_earlier_try_may_have_arrived(then: Step) -> None:
    """The first try lost its answer, the second is told 404, and so is who asks why, or something worse."""
    steps = (reset(1.0), refuse(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE"), then)
    with Script(steps) as script, client(script) as listrak, pytest.raises(LsmsError) as caught:
        listrak.start_import(1026, body())
    assert caught.value.maybe_arrived


def test_a_file_over_the_published_limit_is_not_sent() -> None:
    """195,000,000 bytes is what Listrak takes; a larger file is refused without a request."""
    with Script((created(),)) as script, client(script) as listrak, pytest.raises(ImportTooLarge):
        listrak.start_import(1026, ImportBody("a.csv", (), TooLarge()))
    assert not script.seen


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is an error that says which addresses to check; its target is never asked."""
    with Script((data([]),)) as elsewhere, Script((answer(status, b"", Location=elsewhere.api_url),)) as script:
        with client(script) as listrak:
            with pytest.raises(AccountError, match="redirect"):
                listrak.sender_codes()
            with pytest.raises(ListrakRefused, match="redirect"):
                listrak.start_import(1026, body())
        assert not elsewhere.seen


def test_a_refusal_is_not_tried_again() -> None:
    """Listrak understood the request and refused it: one request, its code in the error, its message not."""
    step = refuse(400, "ERROR_INVALID_PARAMETER", "The parameter 'fileMappings' is invalid near 17185550100.")
    with (
        Script((step,)) as script,
        client(script) as listrak,
        pytest.raises(ListrakRefused, match="fileMappings") as caught,
    ):
        listrak.start_import(1026, body())
    assert len(script.api_requests) == 1
    assert caught.value.code == "error_invalid_parameter"
    assert "17185550100" not in str(caught.value)


def test_an_error_code_that_is_none_is_not_shown() -> None:
    """What stands where the code should be may be anything, also a member."""
    with (
        Script((refuse(400, "ERROR_17185550100 Ada"),)) as script,
        client(script) as listrak,
        pytest.raises(ListrakRefused) as caught,
    ):
        listrak.start_import(1026, body())
    assert caught.value.code == "http_400"
    assert "Ada" not in str(caught.value) and "17185550100" not in str(caught.value)


@pytest.mark.parametrize("step", [refuse(401, "ERROR_INVALID_CREDENTIALS"), answer(401, b""), refuse(403, "")])
def test_a_request_that_no_fresh_token_mends_is_refused_credentials(step: Step) -> None:
    """Exit code 4, for a push as for a look at the account."""
    with Script((step,)) as script, client(script) as listrak, pytest.raises(CredentialsRefused):
        listrak.sender_codes()
        with pytest.raises(CredentialsRefused):
            listrak.start_import(1026, body())


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize(
    "code", ["ERROR_PHONE_NUMBER_BLOCKED", "ERROR_PENDING_PHONE_NUMBER", "ERROR_BIRTHDAY_FIELD_NULL"]
)
def test_an_error_about_one_contact_is_about_that_contact(status: int, code: str) -> None:
    """Whatever its status: no wrong credentials, no second token, no contact that is missing."""
    with Script((refuse(status, code),)) as script, client(script) as listrak:
        for call in (lambda: listrak.contact(1026, "1"), lambda: listrak.update_contact(1026, {"phoneNumber": "1"})):
            with pytest.raises(ContactRefused) as caught:
                call()
            assert caught.value.code == code.lower()
    assert len(script.api_requests) == 2
    assert len(script.token_requests) == 1
