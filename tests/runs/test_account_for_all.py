"""Twenty thousand members with every kind of trouble (in `make test` the first five thousand), against a computation
that shares nothing with ours: the csv module, phonenumbers, datetime and decimal, a row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from tests.support.reference_account import judge, reasons
from tests.support.reference_members import MEMBERS, make_members, write
from tests.support.world import World


def contacts_csv(phones: list[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["phone", "opted_out", "First Name", "Loyalty Tier", "Lifetime Value"])
    writer.writerows([phone, "true" if n % 7 == 0 else "false", f"Old {n}", "Old", n] for n, phone in enumerate(phones))
    return text.getvalue()


@pytest.mark.parametrize("count", [5_000, pytest.param(MEMBERS, marks=pytest.mark.long)])
def test_every_contact_holds_what_a_row_by_row_computation_says(make_world: Callable[..., World], count: int) -> None:
    """Contacts of the audience, as CSV and as Parquet, are right in every field, all others and every opt status
    untouched, counts equal."""
    members = make_members(20261124, count)
    rows = judge(members)
    dropped, sent = reasons(rows), {row.phone: row.stored for row in rows if not row.reason}
    assert len(dropped) == 6
    known = [phone for n, phone in enumerate(sorted(sent)) if n % 5]
    strangers = [f"+1917555{n:04d}" for n in range(100, 200) if f"+1917555{n:04d}" not in sent]
    for suffix in (".csv", ".parquet"):
        world = make_world(invented_contacts=False)
        world.admin("contacts?sender_code=1026", contacts_csv(known + strangers))
        before = world.contacts()

        audience = write(members, world.home / f"audience{suffix}")
        ended = world.lsms("push", audience, "--consent-column", "SMS Consent", "--batch-rows", 1500, "--json")

        assert ended.code == 0, ended.err + ended.out
        report = ended.json
        assert {reason: count for reason, count in report["dropped"].items() if count} == dropped
        assert (report["rows_read"], report["rows_sent"]) == (count, len(sent))
        after = world.contacts()
        assert after == {phone: contact | sent.get(phone, {}) for phone, contact in before.items()}
        imports = world.admin("imports")
        assert sum(one["rows"] for one in imports) == len(sent)
        assert sum(one["values_ignored"] for one in imports) == 0
