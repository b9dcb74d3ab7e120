"""Collections that come page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from listrak_sms_cli.errors import ListrakRefused
from listrak_sms_cli.listrak.models import Page

_Item = TypeVar("_Item")


def pages(fetch: Callable[[str], Page[_Item]], cursor: str = "Start") -> Iterator[Page[_Item]]:
    """Page after page from a cursor on; the next one is requested while this one is worked on.

    Raises what `fetch` raises, and ListrakRefused (`paging`) when a cursor comes a second time.
    """
    cursors = {cursor}
    with ThreadPoolExecutor(1, thread_name_prefix="lsms-pages") as pool:
        page = fetch(cursor)
        while page.next_cursor is not None:
            if page.next_cursor in cursors:
                raise ListrakRefused("Listrak's pages repeat themselves.", hint="Try again later.", code="paging")
            cursors.add(page.next_cursor)
            following = pool.submit(fetch, page.next_cursor)
            yield page
            page = following.result()
        yield page
