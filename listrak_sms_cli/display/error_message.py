"""The short message of an error."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from listrak_sms_cli.display.tables import show
from listrak_sms_cli.display.words import printable
from listrak_sms_cli.errors import LsmsError


def error(problem: LsmsError, stream: TextIO, word: str = "Error") -> None:
    """Write what is wrong and where, and on the next line what to type; `word`: how it begins. Raises BrokenPipeError
    when nobody reads."""
    console = Console(file=stream, highlight=False)
    style = "bold red" if word == "Error" else "bold yellow"
    show(console, Text.assemble((f"{word}: ", style), printable(problem.message)))
    for line in problem.hint.splitlines():
        copied = ": lsms " in line and not line.endswith(".")  # a command is not wrapped; in a sentence it is
        show(console, Text(printable(line)), whole=copied)
