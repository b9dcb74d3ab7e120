"""`lsms pull`: the contacts of a sender code, into a file."""

from __future__ import annotations

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def pull(given: Given) -> None:
    """Write the contacts of a sender code, with their field values and whether they opted out, to a file.

    The file is itself an audience: taken before a push, it is the way back for every value that was not empty. An
    interrupted pull goes on when the same command is typed again. A file that is there is kept, unless with --force.

    Example: lsms pull --sender-code 1026 -o before.csv
    """
    settings = given.settings()
    with given.display() as tell:
        from listrak_sms_cli.runs import PullOptions, pull_contacts

        options = PullOptions.of(given.values)
        pulled = pull_contacts(settings, options, tell, given["audience"])
    if given["json"]:
        output.document(pulled.as_json())
        return
    counts = {
        "contacts": pulled.contacts,
        "opted_out": pulled.opted_out,
        "not_found": pulled.not_found,
        "columns": len(pulled.columns),
        "bytes": pulled.bytes,
    }
    shown = {name: f"{count:,}" for name, count in counts.items() if count is not None} | {"file": pulled.file}
    output.listing("pulled", "Pulled", tuple(shown), [tuple(shown.values())])
