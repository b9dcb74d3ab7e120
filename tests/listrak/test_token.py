"""Tokens: issued once, renewed in time, once more after a 401."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from listrak_sms_cli.errors import AccountError, CredentialsRefused, ListrakRefused
from listrak_sms_cli.listrak.auth import LIFETIME, Token, token_for
from tests.support.listrak_client import body, client
from tests.support.scripted_listrak import Script, Step, answer, created, data, page_of_html, refuse, token


def bearers(script: Script) -> list[str]:
    return [one.headers["authorization"] for one in script.api_requests]


def test_one_token_serves_all_threads() -> None:
    """Eight threads that start together ask for one token."""
    started = threading.Barrier(8)

    with Script((data([]),)) as script, client(script) as listrak, ThreadPoolExecutor(8) as pool:

        def read(_number: int) -> Any:
            started.wait()
            return listrak.sender_codes()

        assert list(pool.map(read, range(8))) == [[]] * 8
        assert len(script.token_requests) == 1


def test_the_form_is_percent_encoded() -> None:
    """A secret with every awkward character arrives as it is."""
    with Script((data([]),)) as script, client(script) as listrak:
        listrak.check_token()
        assert script.token_requests[0].body == b"grant_type=client_credentials&client_id=an-id&client_secret=a-secret"
        assert not script.api_requests


def test_a_token_that_ends_is_renewed_before_it_does() -> None:
    """With a life of nothing to speak of each request gets a token of its own."""
    with Script((data([]),), (token("t-1", expires_in=1e-9), token("t-2"))) as script, client(script) as listrak:
        listrak.sender_codes()
        listrak.sender_codes()
        listrak.sender_codes()
        assert bearers(script) == ["Bearer t-1", "Bearer t-2", "Bearer t-2"]


@pytest.mark.parametrize("step", [refuse(401, "ERROR_UNAUTHORIZED"), answer(401, b""), page_of_html(401)])
def test_a_401_gets_one_fresh_token(step: Step) -> None:
    """The request is made again with it, and nothing has arrived twice."""
    with Script((step, created()), (token("t-1"), token("t-2"))) as script, client(script) as listrak:
        assert not listrak.start_import(1026, body()).maybe_repeated
        assert bearers(script) == ["Bearer t-1", "Bearer t-2"]
        assert script.api_requests[0].body == script.api_requests[1].body


def test_a_second_401_is_refused_credentials() -> None:
    """Two tokens, two requests, exit code 4."""
    with Script((refuse(401, "ERROR_UNAUTHORIZED"),)) as script, client(script) as listrak:
        with pytest.raises(CredentialsRefused) as caught:
            listrak.start_import(1026, body())
        assert len(script.token_requests) == len(script.api_requests) == 2
    assert caught.value.exit_code == 4


def test_a_token_revoked_again_during_a_long_retry_is_renewed_again() -> None:
    """One fresh token for each 401 that follows something else."""
    unauthorized = refuse(401, "ERROR_UNAUTHORIZED")
    steps = (unauthorized, refuse(503, ""), unauthorized, created())
    with Script(steps) as script, client(script) as listrak:
        listrak.start_import(1026, body())
        assert len(script.token_requests) == 3


@pytest.mark.parametrize(
    "step",
    [
        answer(400, {"error": "invalid_client"}),
        answer(401, {"error": "invalid_client", "error_description": "a-secret is wrong"}),
        refuse(401, "ERROR_INVALID_CREDENTIALS"),
        answer(401, b""),
        answer(403, b"<html>"),
    ],
)
def test_refused_credentials_are_not_tried_again(step: Step) -> None:
    """OAuth's answer or Listrak's: one request; the error names the secret, the pause and the addresses to check."""
    with Script((data([]),), (step,)) as script, client(script) as listrak:
        with pytest.raises(CredentialsRefused) as caught:
            listrak.check_token()
        assert len(script.token_requests) == 1
    assert caught.value.code == "credentials_refused"
    assert "client id or secret" in caught.value.message
    assert "paused" in caught.value.hint and "IP" in caught.value.hint
    assert "a-secret" not in str(caught.value)


def test_a_token_address_that_is_none_is_the_settings_to_mend() -> None:
    """A 404 before anything is sent is exit code 2; in the middle of a push it is a refusal."""
    with Script((created(),), (page_of_html(404),)) as script, client(script) as listrak:
        with pytest.raises(AccountError):
            listrak.check_token()
        with pytest.raises(ListrakRefused) as caught:
            listrak.start_import(1026, body())
    assert not caught.value.maybe_arrived


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "é", None, 7.5])
def test_a_token_no_header_can_carry_is_not_used(value: Any) -> None:
    """An answer without a usable token is one that cannot be read, and is asked for again."""
    with Script((data([]),), (answer(200, {"access_token": value}), token("t-2"))) as script, client(script) as listrak:
        listrak.sender_codes()
        assert bearers(script) == ["Bearer t-2"]


@pytest.mark.parametrize("life", [None, "soon", "-1", 0, "nan", "inf"])
def test_a_life_that_makes_no_sense_is_an_hour(life: Any) -> None:
    """Public clients assume 3600 seconds when Listrak does not say."""
    assert token_for("t", life).lifetime == LIFETIME == 3600


@pytest.mark.parametrize("life", [3600, "3599", 2.0])
def test_a_life_may_be_written_as_text(life: Any) -> None:
    """expires_in is a number, or a number in quotes."""
    assert token_for("t", life).lifetime == float(life)


def test_a_token_lasts_for_the_request_it_is_given_to() -> None:
    """A long upload gets a token that outlives it; one that needs more than half a token's life makes do with that."""
    fresh = token_for("t", 3600)
    assert fresh.lasts(0) and fresh.lasts(1700) and fresh.lasts(100_000)
    ageing = Token("t", fresh.issued - 3000, 3600.0)
    assert ageing.lasts(500) and not ageing.lasts(600)
    assert not Token("t", fresh.issued - 3541, 3600.0).lasts(0)


def test_no_token_is_in_a_repr() -> None:
    """Neither the token nor what was sent with it."""
    assert "a-token" not in repr(token_for("a-token", None))


def test_a_token_address_that_fails_does_not_make_an_import_look_repeated() -> None:
    """Only tries of the import itself count."""
    with Script((created(),), (answer(500, {}), answer(500, {}), token())) as script, client(script) as listrak:
        assert not listrak.start_import(1026, body()).maybe_repeated
