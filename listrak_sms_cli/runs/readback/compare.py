"""Members compared with the contacts Listrak has, page by page, as the type of each field means its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import PlannedColumn
from listrak_sms_cli.columnar import Mask
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.readback.stored_values import differing, stored_values


class Values(Protocol):
    """Members and what is sent of them, as SentValues has them."""

    columns: tuple[PlannedColumn, ...]

    @property
    def phones(self) -> np.ndarray:
        """int64 E.164 digits, one a member."""

    def values(self, column: int, members: np.ndarray) -> pa.StringArray:
        """The cells of these members (int64)."""


class ComparedColumn(Struct, frozen=True):
    """One column of members that were compared: what is sent, what is stored, and where that differs."""

    column: PlannedColumn
    ours: pa.StringArray
    stored: pa.StringArray
    different: Mask


class ComparedMembers(Struct, frozen=True):
    """Members whose contacts were found. `members`: int64, ascending, their places in SentValues; `ranks`: int64, the
    places of their phones among those of all members that are compared; `opted_out`: bool a member."""

    members: np.ndarray
    ranks: np.ndarray
    columns: tuple[ComparedColumn, ...]
    opted_out: Mask

    @property
    def different(self) -> Mask:
        """Bool a member: some column differs."""
        found = np.zeros(len(self.members), np.bool_)
        for column in self.columns:
            found |= column.different
        return found


class Comparison:
    """Compares the `chosen` members (int64, indices into those of `sent`) with their contacts, each once.

    `members` and `phones`: those chosen, in the order of their phones; `missing`: bool a member, no contact was found
    for it yet; `found`: how many a contact was found for. `empties_stay`: see `differing`.
    """

    def __init__(self, sent: Values, chosen: np.ndarray, *, empties_stay: bool) -> None:
        self._sent = sent
        phones = sent.phones[chosen]
        order = np.argsort(phones, kind="stable")
        self.members = chosen[order]
        self.phones = phones[order]
        self.missing = np.ones(len(chosen), np.bool_)
        self._empties_stay = empties_stay
        self.found = 0

    @property
    def complete(self) -> bool:
        """Whether every member's contact was found."""
        return self.found == len(self.members)

    @property
    def missing_phones(self) -> np.ndarray:
        """The phones of the members no contact was found for: sorted int64 E.164 digits."""
        phones: np.ndarray = self.phones[self.missing]
        return phones

    def add(self, contacts: Sequence[Contact], phones: np.ndarray) -> ComparedMembers | None:
        """Compare the contacts that are members and were not added before; None when there are none. `phones`: those
        of the contacts, int64 E.164 digits."""
        if not len(self.phones):
            return None
        positions = np.minimum(np.searchsorted(self.phones, phones), len(self.phones) - 1)
        hits = np.flatnonzero((self.phones[positions] == phones) & self.missing[positions])
        members, first = np.unique(self.members[positions[hits]], return_index=True)  # ascending, as rows are located
        if not len(members):
            return None
        hits = hits[first]
        self.missing[positions[hits]] = False
        self.found += len(members)
        matched = [contacts[hit] for hit in hits.tolist()]
        opted_out = np.fromiter((contact.opted_out for contact in matched), np.bool_, len(matched))
        return ComparedMembers(members, positions[hits], tuple(self._columns(matched, members)), opted_out)

    def _columns(self, contacts: list[Contact], members: np.ndarray) -> list[ComparedColumn]:
        compared = []
        for place, column in enumerate(self._sent.columns):
            ours, stored = self._sent.values(place, members), stored_values(contacts, column.field)
            different = differing(ours, stored, column.field.kind, empties_stay=self._empties_stay)
            compared.append(ComparedColumn(column, ours, stored, different))
        return compared
