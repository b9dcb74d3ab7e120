"""Work that Ctrl-C, or any exception from outside, ends in good order, whenever it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TypeVar

from listrak_sms_cli.errors import Interrupted
from listrak_sms_cli.runs.context import Context

_LOOK_SECONDS = 0.25
"""A signal that comes just before a wait begins does not end the wait: it is noticed when the wait is over."""

Result = TypeVar("Result")


def interruptible(work: Callable[[], Result], context: Context) -> Result:
    """Does the work on a thread of its own, where no signal comes between an answer of Listrak and its line in the
    journal. Ctrl-C, or an exception that a signal handler of the caller raises, sets `stop` and wakes the requests
    under way; the work then ends by itself, within a second, and no thread is left behind."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run, name="lsms-delivery")
    try:
        thread.start()
        while not done.done():
            wait([done], timeout=_LOOK_SECONDS)
    except BaseException as error:
        context.stop.set()
        context.client.close()
        while thread.is_alive():
            with suppress(BaseException):  # another signal: the work is about to end
                thread.join()
        if not isinstance(error, KeyboardInterrupt):
            raise
    if not done.done():
        raise Interrupted("Interrupted.")
    return done.result()
