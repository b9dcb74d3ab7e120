"""The only room that draws: progress on standard error, results on standard output.

A column of the summary or another form of progress belongs here. Modules are imported when they draw: a push with
`--json`, or a page of help, needs few of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from listrak_sms_cli.display.silent import Display
from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.display.changes import *
    from listrak_sms_cli.display.checks import *
    from listrak_sms_cli.display.error_message import *
    from listrak_sms_cli.display.log import *
    from listrak_sms_cli.display.overview import *
    from listrak_sms_cli.display.page import *
    from listrak_sms_cli.display.profile import *
    from listrak_sms_cli.display.result import *
    from listrak_sms_cli.display.spinner import *
    from listrak_sms_cli.display.tables import *
    from listrak_sms_cli.display.trend import *
    from listrak_sms_cli.display.verdict import *
    from listrak_sms_cli.display.words import *

__all__, __getattr__ = on_demand(
    __name__,
    changes="planned",
    checks="draw_checks",
    error_message="error",
    log="LogFile",
    overview="draw_overview",
    page="PageFile page_of",
    profile="columns_of validated",
    result="summary",
    spinner="Spinner can_redraw",
    tables="show table",
    trend="draw_trends",
    verdict="tone_of verdict_of",
    words="duration printable",
)
__all__ += ["Display", "choose"]


def choose(*, json: bool, quiet: bool, stream: TextIO | None = None) -> Display:
    """The display for progress: none with `json` or `quiet`, a live one on a terminal, else a plain line now and then.

    `stream`: standard error when None. A terminal that cannot move its cursor (TERM unset or "dumb") gets lines.
    """
    stream = stream or sys.stderr
    if json or quiet:
        return Display()
    if __getattr__("can_redraw")(stream):
        from listrak_sms_cli.display.live import Live

        return Live(stream)
    from listrak_sms_cli.display.plain import Plain

    return Plain(stream)
