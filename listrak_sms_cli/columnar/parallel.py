"""Work on several threads whose results come back in order, with no more under way than can be used soon."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def workers() -> int:
    """Threads that clean and pack: the cores this process may use, at least two so that reading overlaps."""
    return max(2, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2))


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Yields (item, work(item)) in the order of `items`. At most two items a thread are under way, so memory
    stays flat however slow the consumer is. The first error stops everything and is raised."""
    threads = workers()
    under_way: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="lsms-prepare")
    try:
        for item in items:
            under_way.append((item, pool.submit(work, item)))
            if len(under_way) >= threads + 2:
                first, future = under_way.popleft()
                yield first, future.result()
        while under_way:
            first, future = under_way.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
