"""A spinner while one request is waited for, where there is a terminal that can be redrawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from listrak_sms_cli.display.words import duration, printable
from listrak_sms_cli.runs import Event, RequestRetried

if TYPE_CHECKING:
    from rich.status import Status


def can_redraw(stream: TextIO) -> bool:
    """Whether this is a terminal whose cursor moves (TERM is set, and not "dumb")."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


class Spinner:
    """Called with events: a request that is tried again is shown beside what is waited for. Nothing of it stays."""

    def __init__(self, stream: TextIO, *, wanted: bool = True) -> None:
        self._stream = stream
        self._wanted = wanted and can_redraw(stream)
        self._status: Status | None = None
        self._text = ""

    @contextmanager
    def during(self, text: str) -> Iterator[None]:
        """It turns while the work inside goes on."""
        if not self._wanted:
            yield
            return
        from rich.console import Console

        console = Console(file=self._stream, highlight=False)
        self._text = text
        try:
            with console.status(
                f"{text} …" if _is_unicode(self._stream) else text, spinner=self._shape
            ) as self._status:
                yield
        finally:
            self._status = None

    @property
    def _shape(self) -> str:
        return "dots" if _is_unicode(self._stream) else "line"

    def __call__(self, event: Event, /) -> None:
        """Show that a request is tried again."""
        if self._status is not None and isinstance(event, RequestRetried):
            from rich.text import Text

            words = f"{self._text}: {printable(event.reason)}; trying again in {duration(event.wait)}"
            self._status.update(Text(words, "yellow", no_wrap=True, overflow="ellipsis"))


def _is_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
