"""`push --only-different`: beside every other option, who would not change is left out, and nobody else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.in_process import pushed
from tests.support.world import World

PHONES = [f"+1303555{number:04d}" for number in range(12)]
STORED = "phone,opted_out,First Name,Loyalty Tier\n" + "".join(
    f"{phone},{'true' if n == 11 else 'false'},Old,Gold\n" for n, phone in enumerate(PHONES)
)
# Rows 2 to 13; 3, 5, … differ. Then one not in Listrak, one of no use, and an older word on the first.
AUDIENCE = (
    "phone,First Name,Loyalty Tier\n"
    f"{PHONES[0]},Other,Gold\n"
    + "".join(f"{phone},{'New' if n % 2 else 'Old'},Gold\n" for n, phone in enumerate(PHONES))
    + "+13035559999,Nobody,\nnonsense,,\n"
)


@pytest.fixture
def account(make_world: Callable[..., World]) -> World:
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", STORED)
    return world


def counts(report: dict[str, object]) -> tuple[object, ...]:
    dropped = {reason: count for reason, count in report["dropped"].items() if count}  # type: ignore[attr-defined]
    return (report["rows_sent"], report["rows_unchanged"], report["rows_beyond_limit"], dropped)


PLAIN = {"invalid_phone": 1, "duplicate_phone": 1, "not_in_listrak": 1}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (6, 6, 0, PLAIN)),
        ({"only_existing": True}, (6, 6, 0, PLAIN)),
        ({"limit": 2}, (2, 6, 4, PLAIN)),
        ({"exclude_opted_out": True}, (5, 6, 0, PLAIN | {"opted_out": 1})),
        ({"per_contact": True}, (6, 6, 0, PLAIN)),
        ({"empty_cells": "keep"}, (6, 6, 0, PLAIN)),
        ({"keep": "first"}, (7, 5, 0, PLAIN)),
        ({"max_drop_rate": 14}, (6, 6, 0, PLAIN)),
        ({"verify": True}, (6, 6, 0, PLAIN)),
        ({"batch_rows": 2}, (6, 6, 0, PLAIN)),
        ({"per_contact": True, "empty_cells": "keep", "verify_sample": 3}, (6, 6, 0, PLAIN)),
    ],
    ids=str,
)
def test_beside_other_options(account: World, options: dict[str, object], expected: tuple[object, ...]) -> None:
    """The same members are left out, each counted once, and all that is sent arrives."""
    report = pushed(account, AUDIENCE, only_different=True, **options)
    assert counts(report) == expected
    again = pushed(account, account.home / "audience.csv", only_different=True, **{**options, "limit": None})
    assert again["rows_sent"] == (4 if "limit" in options else 0)


def test_nothing_is_left_out_for_what_an_account_would_clear(make_world: Callable[..., World]) -> None:
    """An empty cell against a stored value is a difference with `send`, and none with `keep`."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", STORED)
    text = f"phone,First Name,Loyalty Tier\n{PHONES[0]},Old,\n{PHONES[1]},Old,Gold\n"
    assert pushed(world, text, only_different=True, empty_cells="keep")["rows_unchanged"] == 2
    assert pushed(world, text, only_different=True)["rows_sent"] == 1


@pytest.mark.parametrize("only_existing", [False, True])
def test_who_fills_no_column_is_unchanged(account: World, only_existing: bool) -> None:
    """Nobody is told to be missing of whom nothing was compared, and no guard counts them."""
    text = f"phone,First Name,Loyalty Tier\n{PHONES[0]},,\n{PHONES[1]}, ,\n{PHONES[2]},New,\n"
    gone = "+12125559999,New,\n"
    options = {"only_different": True, "empty_cells": "keep", "only_existing": only_existing, "max_drop_rate": 30}
    report = pushed(account, text + gone, **options)
    assert counts(report) == (1, 2, 0, {"not_in_listrak": 1})
    assert account.contacts()[PHONES[0]]["First Name"] == "Old"


def test_the_rejects_name_who_is_not_in_listrak(account: World) -> None:
    """And only dropped members, once."""
    rejects: Path = account.home / "rejects.csv"
    pushed(account, AUDIENCE, only_different=True, rejects=rejects, dry_run=True)
    reasons = [row["reason"] for row in csv.DictReader(rejects.read_text("utf-8").splitlines())]
    assert sorted(reasons) == sorted(PLAIN)
    assert account.admin("imports") == []


def test_it_is_refused_beside_changed_only(account: World) -> None:
    """What is stored is known better than remembered: one of the two is enough."""
    ended = account.lsms("push", account.audience(AUDIENCE), "--only-different", "--changed-only", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")
    assert "--changed-only" in ended.json["error"]["message"]


def test_a_number_that_only_the_whole_column_explains(make_world: Callable[..., World]) -> None:
    """Values are compared as they would be sent once the whole audience has been read."""
    world = make_world(invented_contacts=False)
    world.admin("contacts?sender_code=1026", f"phone,Lifetime Value\n{PHONES[0]},1500\n{PHONES[1]},7\n")
    text = f'phone,Lifetime Value\n{PHONES[0]},"1,500"\n{PHONES[1]},7.00\n{PHONES[2]},"1,5"\n'
    report = pushed(world, text, only_different=True)
    assert (report["rows_unchanged"], report["dropped"]["bad_value"]) == (1, 2)
