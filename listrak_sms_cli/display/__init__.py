"""The only place that draws: progress on standard error, results on standard output. What draws is imported when it
draws: a push with `--json`, or a page of help, needs little of it."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

from listrak_sms_cli.display.silent import Display, Silent

if TYPE_CHECKING:
    from listrak_sms_cli.display.profile import columns_of, validated
    from listrak_sms_cli.display.result import summary
    from listrak_sms_cli.display.tables import table
    from listrak_sms_cli.display.trouble import error

__all__ = ["Display", "choose", "columns_of", "error", "summary", "table", "validated"]

_ROOMS = {"columns_of": "profile", "validated": "profile", "summary": "result", "table": "tables", "error": "trouble"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


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
