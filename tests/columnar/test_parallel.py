"""Work on several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from listrak_sms_cli.columnar import ahead, in_order


def test_the_next_item_is_made_while_one_is_in_use() -> None:
    """Item 2 is made before item 1 is given back, on another thread; they come in their order, None among them."""
    second = threading.Event()

    def items() -> Iterator[tuple[int, str] | None]:
        yield 1, threading.current_thread().name
        second.set()
        yield 2, threading.current_thread().name
        yield None

    made = ahead(items())
    first = next(made)
    assert second.wait(10)
    assert [first, *made] == [(1, "lsms-ahead_0"), (2, "lsms-ahead_0"), None]
    assert list(ahead([])) == []


def test_an_error_comes_behind_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("torn")

    made = ahead(items())
    assert next(made) == 1
    with pytest.raises(OSError, match="torn"):
        next(made)


def test_who_leaves_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for number in ahead(range(1_000_000)):
        if number == 3:
            break
    for _, number in in_order(abs, range(1_000_000)):
        if number == 3:
            break
    assert threading.active_count() == before
