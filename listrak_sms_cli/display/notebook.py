"""The progress of a call from Python in a notebook: one line of HTML with a bar, which is gone when the call ends."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import Any, Self

from listrak_sms_cli.display.silent import Display
from listrak_sms_cli.display.tally import Tally
from listrak_sms_cli.display.words import duration, members
from listrak_sms_cli.runs import Event, PhaseEnded, PhaseStarted

_EVERY = 0.2  # seconds between two drawings


class Notebook(Display):
    """Draws in the output of the cell. Events may come from any thread, one of them draws at a time."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._shown: Any = None

    def __enter__(self) -> Self:
        from IPython.display import HTML, display

        self._shown = display(HTML("Getting ready"), display_id=True)
        return self

    def __exit__(self, *_error: object) -> None:
        from IPython.display import HTML

        with self._lock:
            self._shown.update(HTML(""))
            self._shown = None

    def __call__(self, event: Event, /) -> None:
        """Keep the event, and draw what is known now and then."""
        self._tally.take(event)
        due = time.monotonic() - self._drawn > _EVERY or isinstance(event, PhaseStarted | PhaseEnded)
        if due and self._lock.acquire(blocking=False):
            try:
                self._draw()
            finally:
                self._lock.release()

    def _draw(self) -> None:
        if self._shown is None or not self._tally.phases:
            return
        from IPython.display import HTML

        self._drawn = time.monotonic()
        phase = list(self._tally.phases.values())[-1]
        share, left = phase.share, phase.left(self._drawn)
        value = "" if share is None else f' value="{share:.3f}"'
        words = [phase.phase.value, members(self._tally.read) if self._tally.read else ""]
        words += [f"sent {self._tally.sent:,}" if self._tally.sent else "", f"{duration(left)} left" if left else ""]
        shown = escape(" · ".join(word for word in words if word))
        self._shown.update(HTML(f'<progress max="1"{value} aria-label="{phase.phase.value}"></progress> {shown}'))
