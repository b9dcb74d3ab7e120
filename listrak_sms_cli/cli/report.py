"""`lsms report`: a run as one HTML page."""

from __future__ import annotations

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output


def report(given: Given) -> None:
    """Write a run as one HTML page, as its record has it. Listrak is not asked.

    Verdict, counts, drop reasons with what to do, columns, imports and settings; no member data. `lsms status` asks
    Listrak first, where imports have not ended.

    Example: lsms report -o run.html
    """
    from listrak_sms_cli.display import PageFile, verdict_of
    from listrak_sms_cli.runs import report_of

    path = given["output"]
    file = PageFile(path, "--output")
    recorded = report_of(given.settings(), given["run"])
    file.write(recorded)
    if output.json:
        output.document({**recorded.as_json(), "page": str(path)})
    else:
        output.line(f"{verdict_of(recorded)}\nThe page of run {recorded.run_id}: {path}")
