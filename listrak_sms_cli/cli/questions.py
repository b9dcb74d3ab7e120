"""Questions on the terminal: on standard error, so that a result can go elsewhere; none is asked without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from listrak_sms_cli.errors import GuardStopped, Interrupted

if TYPE_CHECKING:
    from rich.console import Console

    from listrak_sms_cli.runs import FirstPush

_FIELDS_SHOWN = 8


def can_ask() -> bool:
    """Whether somebody sits there: standard input and standard error are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str | None = None) -> str:
    """A line of text. `default`: that of an empty answer; None: asked until there is one."""
    while True:
        answer = _prompt(question, default or "")
        if answer or default is not None:
            return answer


def ask_secret(question: str, *, may_be_empty: bool) -> str:
    """A line that is not shown while it is typed."""
    from getpass import getpass

    while True:
        with _to_the_end():
            answer = getpass(f"{question}: ", sys.stderr).strip()
        if answer or may_be_empty:
            return answer


def pick(question: str, choices: Collection[str], default: str) -> str:
    """One of the choices, as it is typed."""
    while (answer := _prompt(question, default)) not in choices:
        _console().print(f"One of: {', '.join(choices)}", style="yellow", markup=False)
    return answer


def _prompt(question: str, default: str) -> str:
    from rich.prompt import Prompt
    from rich.text import Text

    with _to_the_end():
        return Prompt.ask(Text(question), console=_console(), default=default, show_default=bool(default)).strip()


@contextmanager
def _to_the_end() -> Iterator[None]:
    """The end of the input is no answer."""
    try:
        yield
    except EOFError:
        raise Interrupted("The input ended before the answer.") from None


def agree(question: str, *, default: bool = False) -> bool:
    """Yes or no; the end of the input is no."""
    from rich.prompt import Confirm
    from rich.text import Text

    try:
        return Confirm.ask(Text(question), console=_console(), default=default)
    except EOFError:
        return False


def confirm_first_push(push: FirstPush) -> None:
    """Raises GuardStopped unless the answer is yes."""
    from rich.text import Text

    from listrak_sms_cli.display import draw_checks, show

    more = len(push.fields) - _FIELDS_SHOWN
    fields = ", ".join(push.fields[:_FIELDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    lines = [
        ("account", f"client id {push.client_id} at {push.api_url}"),
        ("sender code", push.sender_code),
        ("members", f"{push.members:,} of {push.read:,}"),
        ("fields", fields),
    ]
    show(_console(), Text("The first push of this account from here.", "bold"))
    draw_checks([(None, name, detail, "") for name, detail in lines], _console())
    if not agree("Update these members in Listrak?"):
        raise GuardStopped(
            "Not confirmed: nothing was sent.",
            hint="To push without being asked, add --yes. A rehearsal: --dry-run or --sandbox.",
            code="not_confirmed",
        )


def _console() -> Console:
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)
