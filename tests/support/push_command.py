"""`lsms push … --json`: the document, after what holds for every one of them."""

from __future__ import annotations

from typing import Any

from tests.support.world import World

KEYS = set(
    """run_id audience sender_code dry_run rows_read rows_sendable rows_sent rows_refused rows_pending rows_dropped
    rows_unchanged rows_beyond_limit rows_import_failed dropped columns imports warnings seconds exit_code
    error""".split()
)
REASONS = set(
    """missing_phone invalid_phone duplicate_phone no_consent opted_out bad_value value_too_long
    not_in_listrak""".split()
)
THREE = "phone,first_name,Loyalty Tier\n212-555-0100,Ann,Gold\n212-555-0101,Bob,Silver\n(212) 555-0102,Cleo,\n"


def check_counts(report: dict[str, Any]) -> None:
    assert report["rows_read"] == (
        report["rows_sendable"] + report["rows_dropped"] + report["rows_unchanged"] + report["rows_beyond_limit"]
    )
    assert report["rows_sendable"] == report["rows_sent"] + report["rows_refused"] + report["rows_pending"]
    assert report["rows_dropped"] == sum(report["dropped"].values())
    assert set(report["dropped"]) == REASONS


def pushed(world: World, *arguments: object, code: int = 0, **more: Any) -> dict[str, Any]:
    """`lsms push … --json`: the document, after what holds for every one."""
    ended = world.lsms("push", *arguments, "--json", **more)
    assert ended.code == code, (ended.code, ended.out, ended.err)
    report = ended.json
    assert set(report) >= KEYS
    assert report["exit_code"] == code
    assert (report["error"] is None) == (code == 0)
    check_counts(report)
    assert ended.err == ""
    return report
