"""`--report` and `lsms report`: the page is there however a command ends, says the same later, and tells no secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from listrak_sms_cli import GuardStopped, UsageError, push
from tests.support.world import World

AUDIENCE = """phone,First Name,Last Purchase,Loyalty Tier
2125550100,Annabel,2026-01-01,Gold
2125550101,Bartholomew,soon,Silver
212,Cleopatra,2026-01-01,Silver
2125550100,Annabella,2026-02-01,Gold
2025550100,Nobody,2026-02-01,Gold
"""
SAID = ("Annabel", "Bartholomew", "Cleopatra", "5550100", "soon", "Gold")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def verdict(page: Path) -> str:
    found = re.search(r'<section class="verdict .*?<p>(.*?)</p>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return re.sub(r"</?strong>", "", found[1])


def test_a_push_and_its_record_have_the_same_page(world: World, page: Path) -> None:
    """`lsms report` says what `--report` said: verdict, warnings, columns, imports with times, read back, settings."""
    arguments = ("--verify", "--map", "Loyalty Tier=7", "--no-warn", "email_address", "--report", page, "--json")
    pushed = world.lsms("push", world.audience(AUDIENCE), *arguments)
    assert pushed.code == 1
    first = page.read_text("utf-8")
    assert verdict(page).startswith("2 of 5 sent. 3 dropped: 1 invalid phone, 1 duplicate phone, 1 Last_Purchase not a")
    recorded = world.lsms("report", pushed.json["run_id"], "-o", page)
    assert recorded.code == 0
    assert recorded.out.startswith(verdict(page))

    def timeless(text: str) -> str:
        return re.sub(r"<li>took .*?</li>|<footer>.*", "", text)

    assert timeless(page.read_text("utf-8")) == timeless(first)
    for words in ("Loyalty Tier=7", "[many_dropped]", "not in Listrak", "5001", world.sandbox.api_url, "Completed"):
        assert words in first


def test_a_page_holds_no_member_data_and_no_secret(make_world: Callable[..., World], page: Path) -> None:
    """Nor does the record of the run, of which it is made again."""
    world = make_world(client_id="the-client-id", client_secret="the-client-secret")
    audience = world.audience(AUDIENCE)
    rejects = ("--rejects", page.with_name("rejects.csv"))
    for command in (("push", audience, *rejects), ("validate", audience), ("verify", audience)):
        world.lsms(*command, "--report", page)
        html = page.read_text("utf-8")
        assert not [word for word in (*SAID, "the-client-id", "the-client-secret") if word in html]
    journal = next((world.home / "state" / "runs").glob("*/journal.jsonl")).read_text("utf-8")
    assert not [word for word in (*SAID, "the-client-id", "the-client-secret") if word in journal]


def test_a_guard_leaves_a_page(world: World, page: Path) -> None:
    """With what stopped it, who would have been sent, and what to type."""
    audience = world.audience(AUDIENCE)
    assert world.lsms("push", audience, "--max-drop-rate", 10, "--report", page).code == 3
    assert verdict(page).startswith("Nothing was sent; 2 of 5 members would be sent. 3 dropped")
    assert "more than <code>--max-drop-rate</code> 10 allows" in page.read_text("utf-8")
    assert "bad_value" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("push", "nothing.csv"), "There is no file nothing.csv"),
        (("validate", "nothing.csv"), "There is no file nothing.csv"),
        (("verify", "nothing.csv"), "There is no file nothing.csv"),
        (("push", "nothing.csv", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_a_command_that_cannot_begin_leaves_a_page(world: World, page: Path, arguments: tuple[str], said: str) -> None:
    """So yesterday's page is never taken for today's."""
    page.write_text("yesterday's")
    assert world.lsms(*arguments, "--report", page, cwd=world.home).code == 2
    assert said in verdict(page)


def test_its_place_is_checked_before_anything_is_read(world: World, page: Path) -> None:
    """Nothing is sent for a page that could not be written; nor is the audience replaced."""
    audience = world.audience(AUDIENCE)
    for place in (page.parent / "nowhere" / "page.html", audience):
        ended = world.lsms("push", audience, "--report", place, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "report_place")
    assert world.admin("imports") == []
    assert audience.read_text("utf-8") == AUDIENCE


def test_a_validate_and_a_verify_have_pages(world: World, page: Path) -> None:
    """What would be sent, with the fill of each column; what Listrak has, by column."""
    audience = world.audience(AUDIENCE)
    validated = world.lsms("validate", audience, "--report", page, "--json")
    assert verdict(page).startswith("2 of 5 members would be sent; nothing was.")
    assert "share that is filled" in page.read_text("utf-8")
    assert "--report" not in validated.json["command"]
    assert world.lsms("verify", audience, "--report", page).code == 1
    assert verdict(page).startswith("0 of 2 members match, 1 differs (First_Name 1, Last_Purchase 1, Loyalty_Tier 1)")


def test_the_page_of_a_run_that_was_not_sent_says_how_to_go_on(world: World, page: Path) -> None:
    """Refused by Listrak: the verdict, and the command that tries again."""
    world.admin("faults", [{"route": "start_import", "fault": "status", "status": 400, "count": None}])
    pushed = world.lsms("push", world.audience(AUDIENCE), "--json")
    assert pushed.code == 1
    assert world.lsms("report", "-o", page, "--json").json["page"] == str(page)
    assert "2 refused by Listrak." in verdict(page)
    assert f"lsms resume {pushed.json['run_id']}" in page.read_text("utf-8")


def test_python_has_it_too(world: World, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`report=` of `push`, for whatever ends it."""
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    table = pa.table({"phone": ["2125550100", "212"], "First Name": ["Ann", "Bob"]})
    with pytest.raises(GuardStopped):
        push(table, report=page, max_drop_rate=1)
    assert verdict(page).startswith("Nothing was sent; 1 of 2 members")
    push(table, report=str(page))
    assert verdict(page) == "1 of 2 sent. 1 dropped: 1 invalid phone."
    with pytest.raises(UsageError, match="cannot be written"):
        push(table, report=page / "nowhere")
