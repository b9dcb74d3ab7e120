"""Members compared with the contacts Listrak has, page by page, as the type of each field means its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from listrak_sms_cli.columnar import raw, select
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.readback.differences import DifferenceList
from listrak_sms_cli.runs.readback.sent_values import SentValues
from listrak_sms_cli.runs.readback.stored_values import differing, stored_values
from listrak_sms_cli.runs.report import Verification


class Comparison:
    """Which of the `chosen` members (int64, indices into those of `sent`) match what Listrak stores.

    `only_filled`: an empty cell was not sent, so whatever is stored matches it.
    """

    def __init__(
        self, sent: SentValues, chosen: np.ndarray, differences: DifferenceList | None, *, only_filled: bool
    ) -> None:
        self._sent = sent
        self._rows, self._phones = sent.rows, sent.phones
        self._members = chosen[np.argsort(self._phones[chosen], kind="stable")]
        self._sorted_phones = self._phones[self._members]
        self._missing = np.ones(len(chosen), np.bool_)  # in the order of _members
        self._differences = differences
        self._only_filled = only_filled
        self.found = 0  # members that a contact was found for
        self._different = self._opted_out = self._opted_out_different = 0
        self._fields: Counter[str] = Counter({column.name: 0 for column in sent.columns})

    @property
    def complete(self) -> bool:
        """Whether every member's contact was found."""
        return self.found == len(self._members)

    @property
    def missing_phones(self) -> np.ndarray:
        """The phones of the members no contact was found for: sorted int64 E.164 digits."""
        phones: np.ndarray = self._sorted_phones[self._missing]
        return phones

    def add(self, contacts: Sequence[Contact], phones: np.ndarray) -> None:
        """Compare the contacts that are members and were not added before. `phones`: theirs, int64 E.164 digits."""
        if not len(self._sorted_phones):
            return
        positions = np.minimum(np.searchsorted(self._sorted_phones, phones), len(self._sorted_phones) - 1)
        hits = np.flatnonzero((self._sorted_phones[positions] == phones) & self._missing[positions])
        members, first = np.unique(self._members[positions[hits]], return_index=True)  # ascending, as rows are located
        if len(members):
            hits = hits[first]
            self._missing[positions[hits]] = False
            self.found += len(members)
            self._compare([contacts[hit] for hit in hits.tolist()], members)

    def _compare(self, contacts: Sequence[Contact], members: np.ndarray) -> None:
        wrong = np.zeros(len(members), np.bool_)
        for index, column in enumerate(self._sent.columns):
            ours, stored = self._sent.values(index, members), stored_values(contacts, column.field)
            unequal = differing(ours, stored, column.field.kind)
            if self._only_filled:
                unequal &= raw(ours).lengths > 0
            if unequal.any():
                wrong |= unequal
                self._fields[column.name] += int(np.count_nonzero(unequal))
                if self._differences is not None:
                    rows, phones = self._rows[members[unequal]], self._phones[members[unequal]]
                    self._differences.add(rows, phones, column.name, select(ours, unequal), select(stored, unequal))
        opted_out = np.fromiter((contact.opted_out for contact in contacts), np.bool_, len(contacts))
        self._different += int(np.count_nonzero(wrong))
        self._opted_out += int(np.count_nonzero(opted_out))
        self._opted_out_different += int(np.count_nonzero(opted_out & wrong))

    def result(self) -> Verification:
        """The counts, once all contacts have been added; lists the members that are not in Listrak too."""
        missing = np.sort(self._members[self._missing])
        if self._differences is not None:
            self._differences.add_missing(self._rows[missing], self._phones[missing])
        return Verification(
            checked=len(self._members),
            matching=self.found - self._different,
            different=self._different,
            not_in_listrak=len(missing),
            fields=dict(self._fields),
            opted_out=self._opted_out,
            opted_out_different=self._opted_out_different,
        )
