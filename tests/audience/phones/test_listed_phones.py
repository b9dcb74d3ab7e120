"""Phones as Listrak lists them, calling code first and no plus: read right whatever the sender code's country."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pyarrow as pa
import pytest

from listrak_sms_cli.audience.phones import read_listed
from tests.support.world import World


@pytest.mark.parametrize(
    ("region", "spelling", "phone"),
    [
        ("US", "17175559636", 17175559636),
        ("US", "+17175559636", 17175559636),
        ("US", "7175559636", 17175559636),
        ("US", "6465550100", 16465550100),  # as +64… a phone of New Zealand
        ("US", "442079460000", 442079460000),
        ("US", "4930901820", 4930901820),
        ("CA", "6045550100", 16045550100),
        ("DE", "4917139200000", 4917139200000),  # behind a 0 it would be a German phone, too
        ("DE", "17175559636", 17175559636),
        ("DE", "017139200000", 4917139200000),
        ("GB", "07911123456", 447911123456),
        ("", "17175559636", 17175559636),
        ("US", "nonsense", -1),
        ("US", "", 0),
    ],
)
def test_the_calling_code_comes_first(region: str, spelling: str, phone: int) -> None:
    """A listed phone is read with its calling code first; ten digits in North America are a phone of there."""
    assert read_listed(pa.array([spelling]), region).tolist() == [phone]


@pytest.mark.parametrize("sender_code", [1026, 1027, 1028, 1029])
def test_a_pulled_file_has_the_phones_of_every_country(world: World, sender_code: int) -> None:
    """Every phone in a pulled file is the contact's own, with its plus."""
    foreign = "phone\n+442079460000\n+4930901820\n+14165550123\n+13035550123\n"
    world.admin(f"contacts?sender_code={sender_code}", foreign)
    file = world.home / "all.csv"
    assert world.lsms("pull", "-o", file, "--sender-code", sender_code).code == 0
    phones = [row["phone"] for row in csv.DictReader(file.read_text("utf-8").splitlines())]
    assert len(set(phones)) == len(phones) > 90
    assert set(phones) <= set(world.contacts(sender_code))


def test_opted_out_contacts_of_a_german_sender_code_are_left_out(world: World) -> None:
    """`--exclude-opted-out` drops exactly the opted-out contacts where phones can be read in two ways."""
    contacts = world.contacts(1029)
    out = sum(contact["opted_out"] for contact in contacts.values())
    audience = world.audience("phone,first_name\n" + "".join(f"{phone},N\n" for phone in contacts))
    report = world.lsms("push", audience, "--sender-code", 1029, "--exclude-opted-out", "--json").json
    assert out > 0
    assert (report["dropped"]["opted_out"], report["rows_sent"]) == (out, len(contacts) - out)


def test_a_large_german_audience_is_found_on_the_lists(make_world: Callable[..., World]) -> None:
    """Members held against the lists are found there, and nobody has to be asked for one by one."""
    world = make_world(invented_contacts=False)
    phones = [f"+49171392{n:05d}" for n in range(600)] + ["+17175559636"]
    rows = "".join(f"{phone},N\n" for phone in phones)
    world.admin("contacts?sender_code=1029", "phone,First Name\n" + rows)
    audience = world.audience("phone,First Name\n" + rows)
    report = world.lsms("push", audience, "--sender-code", 1029, "--only-existing", "--verify", "--json").json
    assert (report["rows_sent"], report["verify"]["matching"]) == (601, 601)
    assert not [one for one in world.admin("requests") if "/Contact/" in one["path"]]
