"""The contacts of a sender code, read list by list (active or not, opted in and out) or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience.phones import PhoneFormat, read_listed, write_phones
from listrak_sms_cli.columnar import string_column
from listrak_sms_cli.errors import ListrakRefused, LsmsError
from listrak_sms_cli.listrak import Contact, ContactRefused, ListrakClient, Page, PhoneList, pages

ASK_EACH = 500  # phones: up to so many are requested contact by contact, without reading lists
CONFIRM_ALL = 2000  # phones on no list: up to so many are requested contact by contact, of more a random SAMPLE
SAMPLE = 500
_REQUESTS_AT_ONCE = 8


class Listing(Struct, frozen=True):
    """What Listrak pages through: the subscribed, or the opted-out, contacts of a phone list."""

    list_id: int
    opted_out: bool

    @property
    def name(self) -> str:
        """What an interrupted reading notes it as."""
        return f"{self.list_id} {'opted out' if self.opted_out else 'subscribed'}"


class Contacts(Struct, frozen=True):
    """Reads the contacts of one sender code. Phones are int64 E.164 digits, whatever Listrak's spelling; `region` is
    the sender code's country. Errors are those of ListrakClient."""

    client: ListrakClient
    sender_code: int
    region: str

    def lists(self) -> list[PhoneList]:
        """The phone lists, active ones first."""
        return [found for active in (True, False) for found in self.client.phone_lists(self.sender_code, active=active)]

    def listings(self, *, opted_out: bool = True) -> list[Listing]:
        """Of each phone list the subscribed contacts and, with `opted_out`, the others."""
        kinds = (False, True) if opted_out else (False,)
        return [Listing(phone_list.id, kind) for phone_list in self.lists() for kind in kinds]

    def pages(self) -> Iterator[list[Contact]]:
        """Every contact of every listing, page by page; one that is on several lists comes several times."""
        for listing in self.listings():
            for page in self.pages_of(listing):
                yield page.items

    def pages_of(self, listing: Listing, cursor: str = "Start") -> Iterator[Page[Contact]]:
        """The pages of one listing from a cursor on; none when Listrak does not let the list be read (inactive)."""

        def fetch(cursor: str) -> Page[Contact]:
            list_id, opted_out = listing.list_id, listing.opted_out
            return self.client.list_contacts(self.sender_code, list_id, opted_out=opted_out, cursor=cursor)

        try:
            yield from pages(fetch, cursor)
        except LsmsError as error:
            if error.code != "error_list_inactive":
                raise

    def pages_from(self, listing: Listing, cursor: str) -> Iterator[Page[Contact]]:
        """As `pages_of`; from the beginning where Listrak does not know the cursor of an earlier command any more."""
        pages = 0
        try:
            for page in self.pages_of(listing, cursor):
                pages += 1
                yield page
        except ListrakRefused:
            if cursor == "Start" or pages:
                raise
            yield from self.pages_of(listing)

    def ask(self, phones: np.ndarray, style: PhoneFormat) -> Iterator[Contact | None]:
        """The contact with each of these phones, None where there is none or Listrak refuses it; several are requested
        at once, each by the spelling in which the phone would be sent."""
        spellings = write_phones(phones, style, self.region).to_pylist()
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="lsms-contacts") as pool:
            yield from pool.map(self._contact, spellings)

    def _contact(self, spelling: str) -> Contact | None:
        try:
            return self.client.contact(self.sender_code, spelling)
        except ContactRefused:
            return None

    def phones(self, spellings: list[str]) -> np.ndarray:
        """The phone behind each of Listrak's spellings; <= 0 for what is not a phone."""
        return read_listed(string_column(spellings), self.region)

    def opted_out(self, progress: Callable[[int], None]) -> np.ndarray:
        """The opt-out list: sorted phones, each once. `progress` is called with the number of phones read so far."""

        def fetch(cursor: str) -> Page[str]:
            return self.client.opt_outs(self.sender_code, cursor)

        return _sorted((self.phones(page.items) for page in pages(fetch)), progress)

    def existing(self, progress: Callable[[int], None]) -> np.ndarray:
        """The phones on the lists: sorted, each once. `progress` is called with the number of contacts read so far."""
        return _sorted((self.phones([contact.phone for contact in page]) for page in self.pages()), progress)


def _sorted(batches: Iterator[np.ndarray], progress: Callable[[int], None]) -> np.ndarray:
    count, kept = 0, [np.empty(0, np.int64)]
    for batch in batches:
        count += len(batch)
        progress(count)
        kept.append(batch)
    phones = np.unique(np.concatenate(kept))
    return phones[phones > 0]
