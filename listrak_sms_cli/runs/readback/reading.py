"""The contacts of members read: pages of the phone lists, or contact by contact, whichever is less work."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience.phones import PhoneFormat
from listrak_sms_cli.errors import AccountError
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.readback.compare import ComparedMembers, Comparison
from listrak_sms_cli.runs.readback.contacts import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts, Listing

_CONTACTS_AT_ONCE = 200  # requested one by one, and then compared together


class Bookmark:
    """How far a reading of the lists is. This one keeps nothing. `resumed`: members that an
    interrupted reading had compared already."""

    resumed = 0

    @property
    def goes_on(self) -> bool:
        """Whether the same command would go on where this one is."""
        return False

    def cursor(self, listing: Listing) -> str | None:  # noqa: ARG002 (a subclass looks it up)
        """The page of a listing to go on with; None: it has been read to its end."""
        return "Start"

    def note(self, listing: Listing, cursor: str | None) -> None:
        """The pages before `cursor` have been compared; None: all of the listing."""


class Reading(Struct, frozen=True):
    """Reads the contacts of the members of a comparison. `phone_format`: how contacts are asked for; `incomplete`: what
    to do where the lists do not hold everybody; up to `ask_each` are requested contact by contact. Errors are
    those of Contacts, and AccountError (`lists_incomplete`)."""

    contacts: Contacts
    phone_format: PhoneFormat
    tell: Listener
    phase: Phase
    incomplete: str
    bookmark: Bookmark = Bookmark()
    ask_each: int = ASK_EACH

    def read(self, comparison: Comparison, receive: Callable[[ComparedMembers], None]) -> None:
        """Compare all members; where they are many, the lists are read, and who is on none is confirmed."""
        members = len(comparison.members)
        self.tell(PhaseStarted(self.phase, members, "members"))
        work = _Work(self, comparison, receive)
        if members <= self.ask_each:
            work.ask(comparison.missing_phones)
        else:
            work.read_lists()
            work.confirm_missing()
        self.tell(PhaseAdvanced(self.phase, members))
        self.tell(PhaseEnded(self.phase))


class _Work(Struct, frozen=True):
    reading: Reading
    comparison: Comparison
    receive: Callable[[ComparedMembers], None]

    def read_lists(self) -> None:
        contacts, bookmark = self.reading.contacts, self.reading.bookmark
        for listing in contacts.listings():
            cursor = bookmark.cursor(listing)
            for page in contacts.pages_from(listing, cursor) if cursor is not None else ():
                self._compare(page.items, contacts.phones([contact.phone for contact in page.items]))
                bookmark.note(listing, page.next_cursor)
                if self.comparison.complete:
                    return

    def confirm_missing(self) -> None:
        missing, before = self.comparison.missing_phones, self.comparison.found
        if len(missing) <= CONFIRM_ALL:
            self.ask(missing)  # a contact may be on no list
            return
        self.ask(np.array(random.sample(missing.tolist(), SAMPLE), np.int64))
        if existing := self.comparison.found - before:
            raise AccountError(
                "The phone lists of the sender code do not hold all of its contacts: of "
                f"{SAMPLE} members that are on no list {existing} exist.",
                hint=self.reading.incomplete,
                code="lists_incomplete",
            )

    def ask(self, phones: np.ndarray) -> None:
        for start in range(0, len(phones), _CONTACTS_AT_ONCE):
            batch = phones[start : start + _CONTACTS_AT_ONCE]
            answers = list(self.reading.contacts.ask(batch, self.reading.phone_format))
            existing = [index for index, contact in enumerate(answers) if contact is not None]
            self._compare([contact for contact in answers if contact is not None], batch[existing])

    def _compare(self, contacts: Sequence[Contact], phones: np.ndarray) -> None:
        compared = self.comparison.add(contacts, phones)
        if compared is not None:
            self.receive(compared)
        self.reading.tell(PhaseAdvanced(self.reading.phase, self.comparison.found))
