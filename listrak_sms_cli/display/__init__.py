"""The only place that draws: progress on standard error, results on standard output."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from listrak_sms_cli.display.result import error, summary, table
from listrak_sms_cli.display.silent import Display, Silent

__all__ = ["Display", "choose", "error", "summary", "table"]


def choose(*, json: bool, quiet: bool, stream: TextIO = sys.stderr) -> Display:
    """Nothing with `json` or `quiet`, a live display on a terminal, else a plain line now and then."""
    if json or quiet:
        return Silent()
    if stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        from listrak_sms_cli.display.live import Live

        return Live(stream)
    from listrak_sms_cli.display.plain import Plain

    return Plain(stream)
