"""Thousands of members and contacts of every kind: what lsms says of them, and what becomes of them, against a
computation a row at a time; without faults, with faults, and with a kill in the middle."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import reference_account as reference
from tests.support.in_process import pulled, pushed, resumed, verified
from tests.support.passing_faults import reading_faults
from tests.support.reference_account import KINDS, Row, after, differences, judge, pulled_row, reasons
from tests.support.reference_members import FIELDS, plain_phone, write
from tests.support.remembered import begin_remembering
from tests.support.world import World

COUNT = 2200
ASKED: dict[str, Any] = {"consent_column": "SMS Consent", "only_existing": True, "exclude_opted_out": True}
WRITING = [
    {"route": "start_import", "fault": "lost_reply", "skip": 1, "count": 2},
    {"route": "start_import", "fault": "status", "status": 502, "applied": True, "skip": 4, "count": 1},
    {"route": "start_import", "fault": "reset_mid_body", "probability": 0.2, "count": None},
    {"route": "import_status", "fault": "truncated_json", "probability": 0.3, "count": None},
    {"route": "update_contact", "fault": "lost_reply", "probability": 0.1, "count": None},
    {"route": "update_contact", "fault": "status", "status": 500, "applied": True, "probability": 0.1, "count": None},
]


# `make test` has what proves the most in its time; looks, kills, and no faults at all: `make test-all`.
@pytest.mark.parametrize(
    ("how", "looked_at"),
    [
        ("with faults", False),
        pytest.param("with faults", True, marks=pytest.mark.long),
        pytest.param("killed", False, marks=pytest.mark.long),
        pytest.param("killed", True, marks=pytest.mark.long),
        pytest.param("undisturbed", True, marks=pytest.mark.long),
    ],
)
def test_all_of_it_agrees(make_world: Callable[..., World], how: str, looked_at: bool) -> None:
    """Counts, files and contacts are those of the computation, from the first look to the way back."""
    world = make_world(invented_contacts=False)
    begin_remembering(world)
    scene = Scene(world, how == "killed")
    if how == "with faults":
        world.admin("faults", [*reading_faults(3), *WRITING])
    if looked_at:
        scene.verify()
    scene.push()
    if looked_at:
        scene.verify()
        scene.pull()
    scene.push_what_changed()
    if looked_at:
        scene.push_contact_by_contact()
    scene.push_what_was_pulled()


class Scene:
    """An audience, an account, and what must be stored there (`contacts`) and remembered (`arrived`)."""

    def __init__(self, world: World, killed: bool) -> None:
        self.world = world
        self.killed = killed
        self.members = [dict(member) for member in reference.members(COUNT)]
        self.on = reference.furnish(world, self.members)
        self.contacts = world.contacts()
        self.out = {phone for phone, contact in self.contacts.items() if contact["opted_out"]}
        self.arrived: dict[str, dict[str, str | None]] = {}
        self.patience: dict[str, Any] = {"give_up_after": "5s"}

    @property
    def audience(self) -> Path:
        return write(self.members, self.world.home / "audience.csv")

    def verify(self) -> None:
        """Every difference is counted and listed."""
        rows = [row for row in judge(self.members) if not row.reason]
        assert len(rows) > 500  # so the lists are read
        wanted, out = differences(rows, self.contacts), self.world.home / "differences.csv"
        found = verified(self.world, self.audience, out=out, code=1, consent_column="SMS Consent", **self.patience)
        missing = sum(column == "phone" for _, column in wanted)
        different = len({row for row, column in wanted if column != "phone"})
        assert (found["rows_read"], found["rows_dropped"]) == (COUNT, COUNT - len(rows))
        assert (found["checked"], found["not_in_listrak"], found["different"]) == (len(rows), missing, different)
        fields = Counter(column for _, column in wanted if column != "phone")
        assert found["fields"] == {column.replace(" ", "_"): fields[column.replace(" ", "_")] for column in FIELDS}
        listed = {(int(row["row"]), row["column"]): row for row in read(out)}
        assert listed.keys() == wanted.keys()
        for key, row in listed.items():
            meant = KINDS.get(next((name for name in FIELDS if name.replace(" ", "_") == key[1]), ""), str)
            told = (meant(row["audience_value"]), meant(row["stored_value"].removesuffix("T00:00:00")))
            assert told == wanted[key], key

    def push(self) -> None:
        """Each dropped member is named with its reason and as it was read; contacts hold what was sent, and no more."""
        rows = judge(self.members, self.out, self.contacts.keys())
        rejects = self.world.home / "rejects.csv"
        options = {**ASKED, "rejects": rejects, "batch_rows": 50, **self.patience}
        report = self.killed_and_resumed(rejects) if self.killed else pushed(self.world, self.audience, **options)
        sent = [row for row in rows if not row.reason]
        self.check(report, rows, sent)
        dropped = read(rejects)
        assert [(int(row["row"]), row["reason"]) for row in dropped] == [
            (row.number, row.reason) for row in rows if row.reason
        ]
        for row in dropped:
            assert {column: row[column] for column in self.members[0]} == self.members[int(row["row"]) - 2]

    def killed_and_resumed(self, rejects: Path) -> dict[str, Any]:
        hang = {"route": "start_import", "fault": "hang", "skip": 4, "count": None, "seconds": 600}
        self.world.admin("faults", [hang])
        options = ["--only-existing", "--exclude-opted-out", "--consent-column", "SMS Consent", "--batch-rows", 50]
        with self.world.start("push", self.audience, *options, "--rejects", rejects) as process:
            while not self.world.admin("faults")[0]["struck"]:
                assert process.poll() is None
                time.sleep(0.03)
            process.kill()
            process.communicate(timeout=60)
        self.world.admin("faults", [])
        return resumed(self.world)

    def check(self, report: dict[str, Any], rows: list[Row], sent: list[Row], unchanged: int = 0) -> None:
        assert {reason: count for reason, count in report["dropped"].items() if count} == reasons(rows)
        assert (report["rows_sent"], report["rows_unchanged"]) == (len(sent), unchanged)
        self.contacts = after(self.contacts, sent)
        assert self.world.contacts() == self.contacts
        assert sum(one["values_ignored"] for one in self.world.admin("imports")) == 0
        self.arrived |= {row.phone: row.values for row in sent}

    def push_what_changed(self) -> None:
        """One member in three has other values, some are new, some gone: only those whose values are not those that
        arrived are sent."""
        for number, member in enumerate(self.members):
            if number % 3 == 0:
                member["Favorite Store"] = f"Store {number}"
        self.members = [*self.members[100:], *reference.members(COUNT + 60)[-60:]]
        # Whoever was sent by `resume` was not asked for again: as far as anybody knows it may not exist any more.
        existing = not self.killed
        rows = judge(self.members, self.out, self.contacts.keys() if existing else None)
        stays = [row for row in rows if not row.reason and self.arrived.get(row.phone) == row.values]
        sent = [row for row in rows if not row.reason and self.arrived.get(row.phone) != row.values]
        assert len(stays) > 100
        assert len(sent) > 100
        report = pushed(
            self.world, self.audience, changed_only=True, **{**ASKED, "only_existing": existing}, **self.patience
        )
        self.check(report, rows, sent, len(stays))

    def push_contact_by_contact(self) -> None:
        """What Listrak says yes to is sent, opted out or not; nobody else is touched."""
        self.members = [{**member, "first_name": f"One {n}"} for n, member in enumerate(self.members[200:500])]
        rows = judge(self.members, (), self.contacts.keys())
        options = {"consent_column": "SMS Consent", "per_contact": True, "concurrency": 4, **self.patience}
        self.check(pushed(self.world, self.audience, **options), rows, [row for row in rows if not row.reason])

    def pull(self) -> None:
        """A pulled file holds whom it should, each once, with what is stored."""
        on_lists = self.on[reference.MAIN] | self.on[reference.OLD]
        subscribed = {phone for phone in on_lists if phone not in self.out}
        asked = {f"+{phone}" for member in self.members if (phone := plain_phone(member["phone"]))}
        audience = str(self.audience)
        wanted: list[tuple[dict[str, Any], set[str]]] = [
            ({}, on_lists),
            ({"subscribed_only": True}, subscribed),
            ({"list": int(reference.OLD)}, self.on[reference.OLD]),
            ({"list": int(reference.OLD), "subscribed_only": True}, self.on[reference.OLD] & subscribed),
            ({"audience": audience}, asked & self.contacts.keys()),
        ]
        for options, phones in wanted:
            file = self.world.home / "pulled.csv"
            document = pulled(self.world, file, force=True, **options, **self.patience)
            rows = read(file)
            assert {row.pop("phone"): row for row in rows} == {
                phone: pulled_row(self.contacts[phone]) for phone in phones
            }
            assert document["contacts"] == len(rows) == len(phones)
            assert document["opted_out"] == len(phones & self.out)
            assert document["not_found"] == (len(asked - self.contacts.keys()) if "audience" in options else None)

    def push_what_was_pulled(self) -> None:
        """It changes nothing, field by field, and nobody of it is dropped."""
        file = self.world.home / "back.csv"
        contacts = pulled(self.world, file, force=True, **self.patience)["contacts"]
        report = pushed(self.world, file, **self.patience)
        assert (report["rows_sent"], report["rows_dropped"]) == (contacts, 0)
        assert self.world.contacts() == self.contacts


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
