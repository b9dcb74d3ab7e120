"""`--only-existing` and `--exclude-opted-out`: the members Listrak would drop silently, named."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest

from tests.support.world import World


def many(known: int, unknown: int) -> str:
    phones = [f"+1303{2000000 + n}" for n in range(known + unknown)]
    return "phone,first_name\n" + "".join(f"{phone},N\n" for phone in phones)


def know(world: World, count: int) -> None:
    phones = "".join(f"+1303{2000000 + n}\n" for n in range(count))
    world.admin("contacts?sender_code=1026", "phone\n" + phones)


def test_a_small_audience_is_asked_contact_by_contact(world: World) -> None:
    """Members Listrak does not know are dropped as not_in_listrak, named in the rejects, and never sent."""
    rejects = world.home / "rejects.csv"
    audience = world.audience("phone,first_name\n2125550100,A\n3035550199,B\n2125550101,C\n")
    ended = world.lsms("push", audience, "--only-existing", "--rejects", rejects, "--json")
    assert ended.code == 0, ended.err
    assert (ended.json["rows_sent"], ended.json["dropped"]["not_in_listrak"]) == (2, 1)
    assert [(r["row"], r["reason"]) for r in csv.DictReader(rejects.read_text("utf-8").splitlines())] == [
        ("3", "not_in_listrak")
    ]
    assert [one["unknown"] for one in world.admin("imports")] == [0]
    assert "/PhoneList" not in str(world.admin("requests"))


def test_a_large_audience_is_held_against_all_lists(make_world: Callable[..., World]) -> None:
    """The lists are read page by page; contacts on no list are found by asking for them."""
    world = make_world(invented_contacts=False)
    know(world, 3000)
    world.admin("contacts?sender_code=1026", "phone,list\n+13034000000,\n")
    text = many(3000, 700) + "+13034000000,On no list\n"
    ended = world.lsms("push", world.audience(text), "--only-existing", "--json")
    assert ended.code == 0, ended.err
    assert (ended.json["rows_sent"], ended.json["dropped"]["not_in_listrak"]) == (3001, 700)


def test_opted_out_phones_can_be_left_out(world: World) -> None:
    """`--exclude-opted-out` drops exactly the phones of the opt-out list."""
    before = world.contacts()
    text = "phone,first_name\n" + "".join(f"{phone},N\n" for phone in before)
    ended = world.lsms("push", world.audience(text), "--exclude-opted-out", "--json")
    assert ended.code == 0, ended.err
    out = sum(contact["opted_out"] in (True, "true") for contact in before.values())
    assert out > 0
    assert (ended.json["dropped"]["opted_out"], ended.json["rows_sent"]) == (out, len(before) - out)


@pytest.mark.parametrize("on_no_list", [0, 2500])
def test_lists_that_do_not_hold_everybody_stop_the_push(make_world: Callable[..., World], on_no_list: int) -> None:
    """With more than 2,000 misses a sample is asked for; if one of them exists after all, nothing is sent."""
    world = make_world(invented_contacts=False)
    know(world, 600)
    hidden = "".join(f"+1303{2000600 + n},\n" for n in range(on_no_list))
    world.admin("contacts?sender_code=1026", "phone,list\n" + hidden)
    ended = world.lsms("push", world.audience(many(600, 2500)), "--only-existing", "--json")
    if on_no_list:
        assert (ended.code, ended.json["error"]["code"]) == (2, "lists_incomplete")
        assert world.admin("imports") == []
    else:
        assert (ended.code, ended.json["dropped"]["not_in_listrak"]) == (0, 2500)
