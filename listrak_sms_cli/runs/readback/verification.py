"""Members that were sent, or would be, checked: their contacts read back and compared with what is sent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import CleaningRules
from listrak_sms_cli.columnar import select
from listrak_sms_cli.errors import ListrakUnavailable, LsmsError, MembersDiffer
from listrak_sms_cli.runs.events import Listener, Phase
from listrak_sms_cli.runs.readback.compare import ComparedMembers, Comparison
from listrak_sms_cli.runs.readback.contacts import ASK_EACH, Contacts
from listrak_sms_cli.runs.readback.differences import DifferenceList
from listrak_sms_cli.runs.readback.reading import Reading
from listrak_sms_cli.runs.readback.sent_values import SentValues
from listrak_sms_cli.runs.readback.stored_values import empties_stay
from listrak_sms_cli.runs.record import Learned
from listrak_sms_cli.runs.report import Verification

_NOT_PUSHED = (
    "This audience has not been pushed from here yet: what differs is what a push would change, and lsms plan shows "
    "that column by column. "
)
_ALL_SENT = "Everything was sent, and the imports have ended. Read it back later: lsms verify AUDIENCE"


class Verifier(Struct, frozen=True):
    """Compares members with their contacts. `rules`: those the members were cleaned by; `learned`: of the account.
    Errors are those of Reading."""

    contacts: Contacts
    rules: CleaningRules
    learned: Learned
    tell: Listener

    def verify(
        self,
        sent: SentValues,
        members: np.ndarray | None = None,
        sample: int | None = None,
        differences: DifferenceList | None = None,
    ) -> Verification:
        """Compare these members of `sent` (int64, None = all), or a random `sample` of them; list their differences."""
        if members is None:
            members = np.arange(len(sent.rows))
        if sample is not None and sample < len(members):
            members = np.array(sorted(random.sample(members.tolist(), sample)), np.int64)
        comparison = Comparison(sent, members, empties_stay=empties_stay(self.rules, self.learned))
        matches = _Matches(sent, differences)
        hint = f"Check a sample, contact by contact: lsms verify AUDIENCE --sample {ASK_EACH}"
        reading = Reading(self.contacts, self.rules.phone_format, self.tell, Phase.VERIFYING, hint)
        reading.read(comparison, matches.add)
        return matches.result(comparison)


class _Matches:
    """Counts the members that match, and lists the differences of those that do not."""

    def __init__(self, sent: SentValues, differences: DifferenceList | None) -> None:
        self._rows, self._phones = sent.rows, sent.phones
        self._differences = differences
        self._different = self._opted_out = self._opted_out_different = 0
        self._fields: Counter[str] = Counter({column.name: 0 for column in sent.columns})

    def add(self, compared: ComparedMembers) -> None:
        for column in compared.columns:
            if not (unequal := column.different).any():
                continue
            name, members = column.column.name, compared.members[unequal]
            self._fields[name] += len(members)
            if self._differences is not None:
                ours, stored = select(column.ours, unequal), select(column.stored, unequal)
                self._differences.add(self._rows[members], self._phones[members], name, ours, stored)
        wrong = compared.different
        self._different += int(np.count_nonzero(wrong))
        self._opted_out += int(np.count_nonzero(compared.opted_out))
        self._opted_out_different += int(np.count_nonzero(compared.opted_out & wrong))

    def result(self, comparison: Comparison) -> Verification:
        """The counts, once all contacts have been added; lists the members that are not in Listrak too."""
        missing = np.sort(comparison.members[comparison.missing])
        if self._differences is not None:
            self._differences.add_missing(self._rows[missing], self._phones[missing])
        return Verification(
            checked=len(comparison.members),
            matching=comparison.found - self._different,
            different=self._different,
            not_in_listrak=len(missing),
            fields=dict(self._fields),
            opted_out=self._opted_out,
            opted_out_different=self._opted_out_different,
        )


def members_differ(
    result: Verification, rules: CleaningRules, min_match: float = 100.0, *, pushed: bool = True
) -> MembersDiffer | None:
    """The error, if fewer than `min_match` percent of the checked members match. `rules`: those they were cleaned by,
    for the command in the hint; `pushed`: whether the audience was pushed before, so that they should."""
    if 100 * result.matching >= min_match * result.checked:
        return None
    fields = ", ".join(f"{name} {count:,}" for name, count in result.fields.items() if count)
    values = f" ({fields})" if fields else ""
    keep = "--empty-cells keep " if rules.keep_empty else ""
    before = "" if pushed else _NOT_PUSHED
    return MembersDiffer(
        f"{before}Of {result.checked:,} members {result.matching:,} match, {result.different:,} differ{values}, "
        f"{result.not_in_listrak:,} are not in Listrak."
        + (f" {result.opted_out_different:,} of those that differ opted out." if result.opted_out_different else ""),
        hint=f"See each one: lsms verify AUDIENCE --sender-code ID {keep}--out FILE, with the options of the push.",
    )


@contextmanager
def after_push() -> Iterator[None]:
    """Verification after a push. An error in it gets a hint that everything was sent; one whose exit code would mean
    that nothing was (2) becomes MembersDiffer."""
    try:
        yield
    except LsmsError as error:
        again = error.code == ListrakUnavailable.default_code  # its hint is to repeat the command: the push, here
        error.hint = f"{'' if again else error.hint} {_ALL_SENT}".lstrip()
        if error.exit_code == MembersDiffer.exit_code or error.exit_code > 2:
            raise
        raise MembersDiffer(error.message, hint=error.hint, code=error.code) from None
