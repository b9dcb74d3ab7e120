"""Work that Ctrl-C ends in good order, whenever it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from listrak_sms_cli.errors import Interrupted
from listrak_sms_cli.listrak import ListrakClient

Result = TypeVar("Result")

_LOOK_SECONDS = 0.25
"""A signal that comes just before a wait begins does not end the wait: it is seen when the wait is over."""


def steered(work: Callable[[], Result], stop: threading.Event, client: ListrakClient) -> Result:
    """Does the work on a thread of its own, where no signal comes between an answer of Listrak and its line in the
    journal, and returns its result. Ctrl-C sets `stop` and wakes the requests under way; the work then ends by itself,
    within a second."""
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
    except KeyboardInterrupt:
        stop.set()
        client.close()
        if thread.is_alive():
            thread.join()
    if not done.done():
        raise Interrupted("Interrupted.")
    return done.result()
