"""The sender code's contacts, read page by page: every phone list, active or not, opted in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience.phones import read_listed
from listrak_sms_cli.columnar import string_column
from listrak_sms_cli.errors import ListrakRefused, LsmsError
from listrak_sms_cli.listrak import Contact, ListrakClient, Page, PhoneList

Item = TypeVar("Item")

_AT_ONCE = 8  # contacts asked for one by one


class Place(Struct, frozen=True):
    """One listing that Listrak pages through: the subscribed, or the opted-out, contacts of a phone list."""

    list_id: int
    opted_out: bool


class Contacts(Struct, frozen=True):
    """Reads the contacts of one sender code. Phones come as int64 E.164 digits, whatever Listrak's spelling;
    `region` is the sender code's country."""

    client: ListrakClient
    sender_code: int
    region: str

    def lists(self) -> list[PhoneList]:
        return [found for active in (True, False) for found in self.client.phone_lists(self.sender_code, active=active)]

    def pages(self) -> Iterator[list[Contact]]:
        """Every contact of every list; one that is on several lists comes several times. The next page is asked for
        while the last one is worked on. A list that Listrak does not let us read (inactive) is passed over."""
        for place in self.places():
            for page in self.pages_of(place):
                yield page.items

    def places(self, *, opted_out: bool = True) -> list[Place]:
        """Where pages begin: each list, subscribed contacts and, with `opted_out`, the others."""
        kinds = (False, True) if opted_out else (False,)
        return [Place(phone_list.id, kind) for phone_list in self.lists() for kind in kinds]

    def pages_of(self, place: Place, cursor: str = "Start") -> Iterator[Page[Contact]]:
        """The pages of one place from a cursor on, the next one asked for while the last is worked on."""

        def fetch(cursor: str) -> Page[Contact]:
            return self.client.list_contacts(self.sender_code, place.list_id, opted_out=place.opted_out, cursor=cursor)

        try:
            yield from ahead(fetch, cursor)
        except LsmsError as error:
            if error.code != "error_list_inactive":
                raise

    def each(self, spellings: Sequence[str]) -> Iterator[Contact | None]:
        """The contact behind each spelling of a phone, None where there is none; several asked for at once."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lsms-contacts") as pool:
            yield from pool.map(lambda spelling: self.client.contact(self.sender_code, spelling), spellings)

    def phones(self, contacts: list[Contact]) -> np.ndarray:
        return self.numbers([contact.phone for contact in contacts])

    def numbers(self, spellings: list[str]) -> np.ndarray:
        """int64, one a spelling; <= 0 for what is not a phone."""
        return read_listed(string_column(spellings), self.region)

    def opted_out(self, seen: Callable[[int], None]) -> np.ndarray:
        """The opt-out list as sorted int64; `seen` is told how many so far."""

        def fetch(cursor: str) -> Page[str]:
            return self.client.opt_outs(self.sender_code, cursor)

        return _sorted(self._counted((self.numbers(page.items) for page in ahead(fetch)), seen))

    def existing(self, seen: Callable[[int], None]) -> np.ndarray:
        """The phones of every list as sorted int64, each once; `seen` is told how many contacts so far."""
        return _sorted(self._counted((self.phones(page) for page in self.pages()), seen))

    @staticmethod
    def _counted(batches: Iterator[np.ndarray], seen: Callable[[int], None]) -> Iterator[np.ndarray]:
        count = 0
        for batch in batches:
            count += len(batch)
            seen(count)
            yield batch


def ahead(fetch: Callable[[str], Page[Item]], cursor: str = "Start") -> Iterator[Page[Item]]:
    """Page after page, the next one requested while this one is worked on. Raises ListrakRefused (`paging`) when
    Listrak's cursors go round in a circle."""
    seen = {cursor}
    with ThreadPoolExecutor(1, thread_name_prefix="lsms-pages") as pool:
        page = fetch(cursor)
        while page.next_cursor is not None:
            if page.next_cursor in seen:
                raise ListrakRefused("Listrak's pages go round in a circle.", hint="Try again later.", code="paging")
            seen.add(page.next_cursor)
            following = pool.submit(fetch, page.next_cursor)
            yield page
            page = following.result()
        yield page


def _sorted(batches: Iterator[np.ndarray]) -> np.ndarray:
    phones = np.unique(np.concatenate([np.empty(0, np.int64), *batches]))
    return phones[phones > 0]
