"""`lsms explain CODE`: what the code of an error, a warning or a drop reason means, and what to do."""

from __future__ import annotations

import dataclasses

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.explain import explanation_of


def explain(given: Given) -> None:
    """What the code of an error, a warning or a drop reason means, and what to do.

    A code stands in brackets behind a warning, and in the JSON of an error.

    Example: lsms explain unmatched_columns
    """
    found = explanation_of(given["code"])
    if given["json"]:
        output.document({**dataclasses.asdict(found), "exit_code": 0, "error": None})
    else:
        output.line(f"{found.code}: {found.means}\nWhat to do: {found.do}")
