"""The command line: a command parses its options, calls one function of `runs`, hands the result to one renderer.

A new command or option belongs here; what it does belongs to `runs`.
"""

from __future__ import annotations

from listrak_sms_cli.cli.app import main

__all__ = ["main"]
