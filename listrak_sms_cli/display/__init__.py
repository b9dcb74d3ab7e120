"""The only place that draws: progress on standard error, results on standard output. What draws is imported when it
draws: a push with `--json`, or a page of help, needs little of it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from listrak_sms_cli.display.silent import Display, Silent
from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.display.log import LogFile
    from listrak_sms_cli.display.overview import draw_overview
    from listrak_sms_cli.display.profile import columns_of, validated
    from listrak_sms_cli.display.result import summary
    from listrak_sms_cli.display.tables import show, table
    from listrak_sms_cli.display.trouble import error
    from listrak_sms_cli.display.words import printable

__all__ = [
    "Display",
    "LogFile",
    "choose",
    "columns_of",
    "draw_overview",
    "error",
    "printable",
    "show",
    "summary",
    "table",
    "validated",
]

__getattr__ = on_demand(
    __name__,
    {
        "LogFile": "log",
        "draw_overview": "overview",
        "columns_of": "profile",
        "validated": "profile",
        "summary": "result",
        "show": "tables",
        "table": "tables",
        "error": "trouble",
        "printable": "words",
    },
)


def choose(*, json: bool, quiet: bool, stream: TextIO | None = None) -> Display:
    """Nothing with `json` or `quiet`, a live display on a terminal, else a plain line now and then.

    `stream`: standard error when None. A terminal that cannot move its cursor (TERM unset or "dumb") gets lines.
    """
    stream = stream or sys.stderr
    if json or quiet:
        return Silent()
    if stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown"):
        from listrak_sms_cli.display.live import Live

        return Live(stream)
    from listrak_sms_cli.display.plain import Plain

    return Plain(stream)
