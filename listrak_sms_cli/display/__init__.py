"""The only place that draws: progress on standard error, results on standard output."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from listrak_sms_cli.display.profile import columns_of, validated
from listrak_sms_cli.display.result import summary
from listrak_sms_cli.display.silent import Display, Silent
from listrak_sms_cli.display.tables import table
from listrak_sms_cli.display.trouble import error

__all__ = ["Display", "choose", "columns_of", "error", "summary", "table", "validated"]


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
