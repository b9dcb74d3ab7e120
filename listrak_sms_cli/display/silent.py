"""The base of all displays, which shows nothing; it is used with `--json` and `--quiet`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from listrak_sms_cli.runs import Event


class Display:
    """A context manager that is called with events, from any thread, and shows nothing of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The screen is free for a question inside."""
        yield

    def __call__(self, event: Event, /) -> None:
        """Show what has changed."""
