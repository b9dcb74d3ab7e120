"""`lsms verify`: does Listrak have what the audience says."""

from __future__ import annotations

import sys

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def verify(given: Given) -> int:
    """Read the contacts back and compare them with an audience, column by column, as the type of each field means it.

    The audience is read and cleaned as push would; only members that would be sent are checked. Exit 1 when some differ
    or are not in Listrak.

    Example: lsms verify spring_launch.csv --sender-code 1026 --sample 200
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.errors import MembersDiffer
        from listrak_sms_cli.runs import VerifyOptions, verify_audience

        options = VerifyOptions.of(given.values)
        verified = verify_audience(given["audience"], settings, options, tell)
    output.paged(verified.report)
    phone_shown = str if given["show_phones"] else _masked
    if given["json"]:
        output.document(verified.as_json(phone_shown))
        return verified.exit_code
    if given["quiet"] and not verified.exit_code:
        return 0

    from listrak_sms_cli import display

    result, console = verified.result, output.console()
    names = ("read", "checked", "matching", "different", "not in Listrak", "opted out")
    found = (result.matching, result.different, result.not_in_listrak, result.opted_out)
    counts = (verified.rows_read, result.checked, *found)
    with output.writing():
        display.table("Verified", names, [tuple(f"{count:,}" for count in counts)], console)
        if fields := [(name, f"{count:,}") for name, count in result.fields.items() if count]:
            display.table("Values that differ", ("column", "members"), fields, console)
        if verified.shown:
            rows = [(f"{d.file} {d.row}".strip(), phone_shown(d.phone), d.column, d.kind) for d in verified.shown]
            display.table("The first of them", ("row", "phone", "column", "what"), rows, console)
        sys.stdout.flush()
    if verified.error is not None:
        display.error(
            MembersDiffer(verified.error.message, hint="" if options.out else verified.error.hint),
            sys.stderr,
            "Error" if verified.pushed else "Not pushed yet",
        )
    return verified.exit_code


def _masked(phone: str) -> str:
    return f"{phone[:2]}…{phone[-2:]}"
