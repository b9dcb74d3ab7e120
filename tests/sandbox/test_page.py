"""The sandbox's page shows what is stored now, in HTML that nothing stored can break."""

from __future__ import annotations

import html
import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.push_command import THREE
from tests.support.sandbox_caller import Caller
from tests.support.world import World

EVIL = '<script>alert("1")</script>'


def shown(caller: Caller, **query: str) -> str:
    answer = caller.http.get("/", params=query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def phones(text: str) -> list[str]:
    contacts = text[text.index("<h2>Contacts") : text.index("<h2>Latest opt-outs")]
    return re.findall(r'class="phone">(\+\d+)<', contacts)


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with Caller() as opened:
        yield opened


def test_all_contacts_are_on_its_pages(caller: Caller) -> None:
    """Each once, in their order; the last page has no next one."""
    found, text = [], shown(caller)
    while True:
        found += phones(text)
        following = re.search(r'<a href="([^"]+)" rel="next">', text)
        if following is None:
            break
        text = caller.http.get(html.unescape(following[1])).text
    assert len(found) == 300
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        ("+12125550101", ["+12125550101"]),
        ("(212) 555-0101", ["+12125550101"]),
        ("1 212 555 0101", ["+12125550101"]),
        ("5550101", ["+12125550101", "+14155550101", "+17185550101"]),
        ("99999999", []),
        ("ab", []),
        ("'; DROP TABLE contact; --", []),
    ],
)
def test_contacts_are_searched_by_phone(caller: Caller, searched: str, found: list[str]) -> None:
    """In any spelling, or by some of the digits; the words searched for stay in the field."""
    text = shown(caller, phone=searched)
    assert phones(text) == found
    assert f'value="{html.escape(searched, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}"' in text


def test_what_is_stored_is_text(caller: Caller) -> None:
    """Values, names of fields and of merchants are escaped."""
    code = [{"id": 2000, "country": "US", "merchant": EVIL}]
    assert caller.http.post("/sandbox/sender-codes", json=code).status_code == 200
    csv = {"Content-Type": "text/csv"}
    field = f"id,name,type\n99,{EVIL.replace(chr(34), '')},Text\n"
    assert caller.http.post("/sandbox/fields", content=field, headers=csv).status_code == 200
    contact = 'phone,First Name\n+12125550199,"' + EVIL.replace('"', '""') + '"\n'
    assert caller.http.post("/sandbox/contacts?sender_code=2000", content=contact, headers=csv).status_code == 200
    text = shown(caller, sender_code="2000")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 3


@pytest.mark.parametrize(
    "query", [{"sender_code": "x"}, {"after": "x"}, {"after": "٣"}, {"after": "9" * 30}, {"live": "1"}]
)
def test_no_query_breaks_it(caller: Caller, query: dict[str, str]) -> None:
    """What it does not understand it leaves out."""
    assert "Contacts of sender code 1026" in shown(caller, **query)


def test_it_loads_itself_again_only_when_asked_to(caller: Caller) -> None:
    """A page that changes under somebody's eyes is a choice."""
    assert "http-equiv" not in shown(caller)
    assert '<meta http-equiv="refresh" content="5">' in shown(caller, live="1")


def test_it_follows_what_happens(world: World) -> None:
    """Imports with their states and counts, new values, and opt-outs as they are."""

    def page() -> str:
        with urllib.request.urlopen(world.sandbox.url + "/") as answer:
            return str(answer.read(), "utf-8")

    assert "None yet." in page()
    assert world.lsms("push", world.audience(THREE + "2025550100,Nobody,Gold\n")).code == 0
    text = page()
    cells = re.findall(r'data-label="(State|Members|Updated|Not known, dropped)">(?:<[^>]+>)?([^<]+)', text)
    assert cells[:4] == [("State", "Completed"), ("Members", "4"), ("Updated", "3"), ("Not known, dropped", "1")]
    assert 'First Name</span> Ann</li><li><span class="soft">Last Name' in text
    world.admin("contacts?sender_code=1026", "phone,opted_out\n+12125550100,true\n")
    assert re.search(r'\+12125550100</th>\s*<td class="bad">opted out', page())


def test_it_is_no_request_of_listrak(caller: Caller) -> None:
    """Faults pass it by, and the log of requests does not know it."""
    rule = [{"route": ".", "fault": "status", "status": 500, "count": None}]
    assert caller.http.post("/sandbox/faults", json=rule).status_code == 200
    assert "A simulated Listrak" in shown(caller)
    assert caller.http.get("/sandbox/requests").json() == []
    assert caller.http.post("/sandbox/faults", json=[]).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_other_sites_cannot_read_it(caller: Caller, headers: dict[str, str]) -> None:
    """The same rules as for the rest; and no site can frame it."""
    assert caller.http.get("/", headers=headers).status_code == 403
    assert "frame-ancestors 'none'" in caller.http.get("/").headers["content-security-policy"]
