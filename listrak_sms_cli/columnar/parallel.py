"""Work on several threads, with results in order and a bounded number of items in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def workers() -> int:
    """How many threads: as many as this process may use cores, two to eight; two let reading overlap with work."""
    return max(2, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2))


def in_order(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[tuple[_Item, _Result]]:
    """Yields (item, work(item)) in the order of `items`. At most two items more than there are threads are under way:
    memory is bounded, however slow the consumer is. The first error of `work` is raised and ends the work."""
    threads = workers()
    under_way: deque[tuple[_Item, Future[_Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="lsms-prepare")
    try:
        for item in items:
            under_way.append((item, pool.submit(work, item)))
            if len(under_way) >= threads + 2:
                oldest, future = under_way.popleft()
                yield oldest, future.result()
        while under_way:
            oldest, future = under_way.popleft()
            yield oldest, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yields the items; each is made on a thread of its own while the one before it is in use."""
    nothing, made = object(), iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="lsms-ahead") as pool:
        following: Future[_Item | object] = pool.submit(next, made, nothing)
        while (item := following.result()) is not nothing:
            following = pool.submit(next, made, nothing)
            yield cast(_Item, item)
