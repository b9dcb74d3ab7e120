"""What `--changed-only` remembers, and for whom: sender codes, accounts, mappings, members that come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.changed_only import HEADER, NEW, OLD, held, noted, remembered, sent
from tests.support.in_process import pushed, status
from tests.support.world import World

MakeWorld = Callable[..., World]


def changed(world: World, text: str, **options: Any) -> tuple[int, int]:
    """How many members a push with `--changed-only` sent, and how many it left out."""
    return sent(pushed(world, text, changed_only=True, **options))


def unchanged(world: World, text: str = OLD, **options: Any) -> int:
    """How many members of the audience a push with `--changed-only` would leave out."""
    return int(pushed(world, text, changed_only=True, dry_run=True, **options)["rows_unchanged"])


def test_another_sender_code_writes_to_the_same_values(make_world: MakeWorld) -> None:
    """A push to one sender code strikes its members for every other one of the account, and is remembered for its own
    alone."""
    world = make_world(invented_contacts=False)
    for sender_code in (1026, 1027):
        world.admin(f"contacts?sender_code={sender_code}", "phone\n" + "".join(f"212555010{n}\n" for n in range(4)))
    pushed(world, OLD)
    assert unchanged(world, OLD, sender_code=1027) == 0
    pushed(world, NEW, changed_only=True, sender_code=1027)
    assert unchanged(world, NEW, sender_code=1027) == 4
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)
    assert unchanged(world, NEW, sender_code=1027) == 1  # the one that is not in the old audience


def test_another_account_is_remembered_apart(make_world: MakeWorld) -> None:
    """What arrived for one client id, or at one API base, is not unchanged for another, and neither strikes the other's
    members."""
    world, other = make_world(), make_world(client_id="another")
    elsewhere = {**other.env, "HOME": str(world.home), "LSMS_STATE_DIR": str(world.home / "state")}
    same_id = {"LISTRAK_API_URL": other.sandbox.api_url, "LISTRAK_TOKEN_URL": other.sandbox.token_url}
    pushed(world, OLD)
    assert changed(world, OLD, env=elsewhere) == (3, 0)
    assert held(other, OLD)
    assert unchanged(world, OLD, env=elsewhere) == unchanged(world) == 3
    assert pushed(world, OLD, env=same_id, code=4)["error"]["code"] == "credentials_refused"
    assert unchanged(world, OLD, api_url=world.sandbox.api_url + "/") == 3


def test_a_member_that_subscribes_later_is_sent_again_in_time(world: World) -> None:
    """A member unknown to Listrak is remembered until `--refresh-after` is over; then it is sent, and arrives."""
    text = HEADER + "2125550100,Ann,Gold\n3035550199,Zoe,Gold\n"
    assert changed(world, text) == (2, 0)
    world.admin("contacts?sender_code=1026", "phone\n3035550199\n")
    assert changed(world, text) == (0, 2)
    assert not held(world, text)
    assert changed(world, text, refresh_after="0s") == (2, 0)
    assert held(world, text)


def test_only_members_that_exist_are_remembered_and_never_forgotten(world: World) -> None:
    """With `--only-existing` a member that subscribes later is sent at once, the others stay at home however long ago
    they arrived; one that leaves and comes back begins anew."""
    options = {"only_existing": True, "refresh_after": "0s"}
    text = HEADER + "2125550100,Ann,Gold\n3035550199,Zoe,Gold\n"
    first = pushed(world, text, changed_only=True, **options)
    assert (sent(first), first["dropped"]["not_in_listrak"]) == ((1, 0), 1)
    world.admin("contacts?sender_code=1026", "phone\n3035550199\n")
    assert changed(world, text, **options) == (1, 1)
    assert held(world, text)
    assert changed(world, text, **options) == (0, 2)
    world.admin("reset", "")
    assert pushed(world, text, changed_only=True, **options)["dropped"]["not_in_listrak"] == 1
    world.admin("contacts?sender_code=1026", "phone\n3035550199\n")
    assert changed(world, text, **options) == (1, 1)


def test_members_sent_unasked_are_not_taken_for_existing(world: World) -> None:
    """What a push without `--only-existing` brought, as far as anybody knows, is sent again with it."""
    pushed(world, OLD)
    assert changed(world, OLD, only_existing=True) == (3, 0)
    assert changed(world, OLD, only_existing=True) == (0, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"map": {"first_name": "Last Name"}},
        {"map": {"first_name": "3"}},
        {"phone_format": "national"},
        {"skip_column": ["Loyalty Tier"]},
    ],
    ids=str,
)
def test_other_fields_or_phones_are_a_change(world: World, options: dict[str, Any]) -> None:
    """The same cells for other profile fields, or behind phones in another spelling, are sent; once they have arrived
    it is the old ones that are a change."""
    pushed(world, OLD)
    assert changed(world, OLD, **options) == (3, 0)
    assert unchanged(world, OLD, **options) == 3
    assert unchanged(world) == 0


def test_a_field_named_by_its_id_is_no_change(world: World) -> None:
    """It is the profile field that counts, not how the command names it, nor the header, nor the order of rows."""
    pushed(world, OLD)
    rows = OLD.splitlines()[1:]
    same = "Phone Number,Vorname,loyalty_tier\n" + "".join(f"{row}\n" for row in reversed(rows))
    assert unchanged(world, same, map={"Vorname": "2"}) == 3


def test_tries_are_no_baseline(world: World) -> None:
    """Dry runs and sandbox runs are not remembered and strike nobody; of a limited run whoever arrived is."""
    assert world.lsms("push", world.audience(OLD), "--sandbox").code == 0
    pushed(world, OLD, dry_run=True)
    assert unchanged(world) == 0
    pushed(world, OLD, limit=2)
    assert unchanged(world) == 2
    pushed(world, OLD)
    other = OLD.replace("Ann", "Eve").replace("Bob", "Rob")
    assert world.lsms("push", world.audience(other), "--sandbox").code == 0
    pushed(world, other, dry_run=True)
    assert unchanged(world) == 3
    limited = pushed(world, other, limit=1)
    assert (limited["rows_sent"], limited["rows_beyond_limit"]) == (1, 2)
    assert (unchanged(world), unchanged(world, other)) == (2, 2)


def test_an_audience_is_worked_through_by_its_limit(world: World) -> None:
    """Each push with the same limit sends the next members, until there are none."""
    sent = [pushed(world, NEW, changed_only=True, limit=2)["rows_sent"] for _ in range(3)]
    assert (sent, unchanged(world, NEW)) == ([2, 2, 0], 4)


def test_an_import_that_ended_badly_is_not_remembered(world: World) -> None:
    """Its members are sent again, whatever of it was carried out; those of the imports that ended well are not."""
    world.admin("faults", [{"route": "start_import", "fault": "import_fails", "applied": True, "skip": 1}])
    broken = pushed(world, NEW, changed_only=True, batch_rows=2, concurrency=1, code=1)
    assert broken["rows_import_failed"] == 2
    assert changed(world, NEW) == (2, 2)
    assert changed(world, NEW) == (0, 4)


def test_contact_by_contact_each_member_is_remembered(world: World) -> None:
    """`--per-contact` remembers those Listrak said yes to, not those it refused or does not have; an import of the same
    values is no change."""
    text = "phone,email,first_name\n2125550100,a@example.com,A\n2125550101,nonsense,B\n3035550199,,C\n2125550102,,D\n"
    first = pushed(world, text, changed_only=True, per_contact=True, code=1)
    assert (first["rows_sent"], first["rows_refused"], first["dropped"]["not_in_listrak"]) == (2, 1, 1)
    again = pushed(world, text, changed_only=True, per_contact=True, code=1)
    assert (again["rows_sent"], again["rows_unchanged"], again["rows_refused"]) == (0, 2, 1)
    assert unchanged(world, text.replace("nonsense", "b@example.com")) == 2
    assert len([one for one in world.admin("requests") if one["method"] == "PUT"]) == 4


def test_empty_cells_that_were_kept_are_not_taken_for_sent(world: World) -> None:
    """After `--per-contact --empty-cells keep` a push that sends empty cells sends those members, and empties them."""
    pushed(world, HEADER + "2125550100,Ann,Gold\n")
    text = HEADER + "2125550100,Ann,\n"
    pushed(world, text, per_contact=True, empty_cells="keep")
    assert world.contacts()["+12125550100"]["Loyalty Tier"] == "Gold"
    assert unchanged(world, text, per_contact=True, empty_cells="keep") == 1
    assert changed(world, text) == (1, 0)
    assert held(world, text)


def test_the_next_push_finds_out_what_became_of_one_nobody_waited_for(make_world: MakeWorld) -> None:
    """After `--no-wait` the next push with `--changed-only` asks, and leaves out who has arrived by then, unless the
    import ended badly."""
    world = make_world(import_seconds=0.1)
    pushed(world, OLD, wait=False)
    until_ended(world)
    assert changed(world, NEW) == (2, 2)
    assert held(world, NEW)
    world.admin("faults", [{"route": "start_import", "fault": "import_fails"}])
    pushed(world, OLD, wait=False)
    until_ended(world)
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)


def until_ended(world: World) -> None:
    while any(one["ended"] is None for one in world.admin("imports")):
        time.sleep(0.02)


def test_imports_that_may_land_after_each_other_are_not_remembered(make_world: MakeWorld) -> None:
    """Members in an import that has not ended, and now with other values in another one, are sent once more: nobody
    knows which values land last. Where they are the same it does not matter."""
    world = make_world()
    slow = {"route": "start_import", "fault": "import_seconds", "seconds": 1.5}
    world.admin("faults", [slow])
    pushed(world, OLD, wait=False)
    pushed(world, NEW, wait=False)
    status(world, wait=True)
    assert changed(world, NEW) == (1, 3)
    assert held(world, NEW)
    assert changed(world, NEW) == (0, 4)


def test_pushes_that_did_not_wait_strike_all_the_same(world: World) -> None:
    """Whoever was in a push that did not wait is sent again, however many of them came one after the other, until
    somebody has asked how they ended; other members stay as they were."""
    alone = HEADER + "2125550177,Eve,Gold\n2125550178,Flo,Gold\n"
    pushed(world, OLD)
    pushed(world, alone)
    assert (unchanged(world), unchanged(world, alone)) == (3, 2)
    for turn in range(7):
        pushed(world, NEW if turn % 2 else OLD, wait=False)
        assert (unchanged(world), unchanged(world, NEW), unchanged(world, alone)) == (0, 0, 2)
    assert changed(world, OLD) == (1, 2)
    assert held(world, OLD)
    assert (unchanged(world), unchanged(world, alone)) == (3, 2)


@pytest.mark.parametrize("suffix", [".note", ".arrow"])
def test_a_note_that_cannot_be_read_forgets_everybody_before_it(world: World, suffix: str) -> None:
    """When nobody knows any more whom a push was about to send, nobody is unchanged; what comes after it holds."""
    pushed(world, OLD)
    pushed(world, NEW, wait=False)
    place = noted(world, suffix)
    place.write_bytes(bytes([place.read_bytes()[0] ^ 1]) + place.read_bytes()[1:])
    assert unchanged(world) == 0
    assert changed(world, OLD) == (3, 0)
    assert held(world, OLD)
    assert unchanged(world) == 3


def test_a_key_that_cannot_be_read_while_a_note_waits(world: World) -> None:
    """A push that could not strike its members is refused as long as an earlier one may yet bring its own back."""
    pushed(world, OLD, wait=False)
    key = remembered(world) / "key"
    whole = key.read_bytes()
    key.write_bytes(whole[:7])
    assert pushed(world, NEW, code=2)["error"]["code"] == "snapshot"
    key.write_bytes(whole)
    assert changed(world, OLD) == (0, 3)


def test_a_push_with_the_clock_ahead_does_not_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrived in the future is forgotten as if its time were over: `--refresh-after` holds again at once."""
    now = time.time()
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: now + 400 * 86400)
        pushed(world, OLD, changed_only=True)
    assert changed(world, OLD) == (3, 0)
    assert changed(world, OLD) == (0, 3)


def test_kept_cells_are_remembered_in_either_way_of_sending(world: World) -> None:
    """A member whose empty cells were kept is unchanged, whether it was sent contact by contact or by import."""
    text = HEADER + "2125550100,Ann,Gold\n2125550101,Bob,\n2125550102,,Gold\n2125550103,,\n"
    ways = {"empty_cells": "keep"}, {"empty_cells": "keep", "per_contact": True}
    for first, second in (ways, ways[::-1]):
        assert changed(world, text, full=True, **first) == (3, 1)
        assert changed(world, text, **first) == (0, 4)
        assert changed(world, text, **second) == (0, 4)
