"""Members held against the contacts Listrak has, page by page, as the type of each field means its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.columnar import raw, select
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.readback.differences import Differences
from listrak_sms_cli.runs.readback.sent_values import KeptMembers
from listrak_sms_cli.runs.readback.stored_values import differing, stored_values


class Comparison:
    """Which of the `chosen` members (int64, counted as `kept` counts them) match. `phones`: int64, one for each member
    of `kept`. `only_filled`: an empty cell says nothing, so whatever is stored matches it."""

    def __init__(
        self,
        kept: KeptMembers,
        phones: np.ndarray,
        chosen: np.ndarray,
        listing: Differences,
        *,
        only_filled: bool = False,
    ) -> None:
        self._kept = kept
        self._only_filled = only_filled
        self._phones = phones
        self._rows = kept.rows
        self._chosen = chosen[np.argsort(phones[chosen], kind="stable")]
        self._sorted = phones[self._chosen]
        self._open = np.ones(len(chosen), np.bool_)  # in the order of _sorted: not found yet
        self._listing = listing
        self.different = 0
        self.fields: Counter[str] = Counter({column.name: 0 for column in kept.columns})

    @property
    def found(self) -> int:
        return len(self._open) - self.missing

    @property
    def missing(self) -> int:
        return int(np.count_nonzero(self._open))

    @property
    def missing_phones(self) -> np.ndarray:
        """Sorted int64."""
        phones: np.ndarray = self._sorted[self._open]
        return phones

    def add(self, contacts: Sequence[Contact], numbers: np.ndarray) -> None:
        """Compares those of the contacts that are members and have not come before. `numbers`: their phones, int64."""
        if not len(self._sorted):
            return
        places = np.minimum(np.searchsorted(self._sorted, numbers), len(self._sorted) - 1)
        hits = np.flatnonzero((self._sorted[places] == numbers) & self._open[places])
        _, first = np.unique(places[hits], return_index=True)
        hits = hits[first]
        if not len(hits):
            return
        self._open[places[hits]] = False
        members = self._chosen[places[hits]]
        self._compare([contacts[hit] for hit in hits.tolist()], members)

    def _compare(self, contacts: Sequence[Contact], members: np.ndarray) -> None:
        wrong = np.zeros(len(members), np.bool_)
        for number, column in enumerate(self._kept.columns):
            ours, stored = self._kept.values(number, members), stored_values(contacts, column.field)
            unequal = differing(ours, stored, column.field.kind)
            if self._only_filled:
                unequal &= raw(ours).lengths > 0
            if unequal.any():
                wrong |= unequal
                self.fields[column.name] += int(np.count_nonzero(unequal))
                rows, phones = self._rows[members[unequal]], self._phones[members[unequal]]
                told = write_phones(phones, PhoneFormat.E164)
                self._listing.add(rows, told, column.name, select(ours, unequal), select(stored, unequal))
        self.different += int(np.count_nonzero(wrong))

    def list_missing(self, phone_column: str) -> None:
        """Lists those that no contact was found for."""
        members = np.sort(self._chosen[self._open])
        for start in range(0, len(members), 100_000):
            some = members[start : start + 100_000]
            phones = write_phones(self._phones[some], PhoneFormat.E164)
            self._listing.add(self._rows[some], phones, phone_column, phones, None)
