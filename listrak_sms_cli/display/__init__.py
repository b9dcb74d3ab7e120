"""The only room that draws: progress on standard error, results on standard output.

A column of the summary or another form of progress belongs here. Modules are imported when they draw: a push with
`--json`, or a page of help, needs few of them.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TextIO

from listrak_sms_cli.display.silent import Display
from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.display.checks import *
    from listrak_sms_cli.display.error_message import *
    from listrak_sms_cli.display.log import *
    from listrak_sms_cli.display.overview import *
    from listrak_sms_cli.display.page import *
    from listrak_sms_cli.display.plain import *
    from listrak_sms_cli.display.profile import *
    from listrak_sms_cli.display.result import *
    from listrak_sms_cli.display.snippet import *
    from listrak_sms_cli.display.spinner import *
    from listrak_sms_cli.display.tables import *
    from listrak_sms_cli.display.trend import *
    from listrak_sms_cli.display.verdict import *
    from listrak_sms_cli.display.words import *
    from listrak_sms_cli.runs import Listener

__all__, __getattr__ = on_demand(
    __name__,
    checks="draw_checks",
    error_message="error",
    log="LogFile",
    overview="draw_overview",
    page="PageFile page_of",
    plain="warning",
    profile="columns_of",
    result="summary",
    snippet="snippet_of",
    spinner="Spinner can_redraw",
    tables="show table",
    trend="draw_trends",
    verdict="tone_of verdict_of",
    words="duration printable",
)
__all__ += ["Display", "choose", "choose_in_python"]


def choose(*, json: bool, quiet: bool, stream: TextIO | None = None, summary: bool = False) -> Display:
    """The display for progress: none with `json` or `quiet`, a live one on a terminal, else a plain line now and then.

    `stream`: standard error when None. A terminal that cannot move its cursor (TERM unset or "dumb") gets lines.
    `summary`: one follows, in which the warnings are.
    """
    stream = stream or sys.stderr
    if json or quiet:
        return Display()
    if __getattr__("can_redraw")(stream):
        from listrak_sms_cli.display.live import Live

        return Live(stream, summary=summary)
    from listrak_sms_cli.display.plain import Plain

    return Plain(stream, summary=summary)


def choose_in_python(on_event: Listener | None) -> AbstractContextManager[Listener]:
    """What a call from Python tells its events: `on_event`; a progress bar where there is none and the call comes from
    a notebook; else nobody."""
    if on_event is not None:
        return nullcontext(on_event)
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return Display()
    from listrak_sms_cli.display.notebook import Notebook

    return Notebook()
