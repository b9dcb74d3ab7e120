"""Members that were sent, or would be, checked: their contacts read back and compared with what is sent."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import CleaningRules
from listrak_sms_cli.errors import AccountError, ListrakUnavailable, LsmsError, MembersDiffer
from listrak_sms_cli.listrak import Contact
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.readback.compare import Comparison
from listrak_sms_cli.runs.readback.contacts import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts
from listrak_sms_cli.runs.readback.differences import DifferenceList
from listrak_sms_cli.runs.readback.sent_values import SentValues
from listrak_sms_cli.runs.report import Verification

_CONTACTS_AT_ONCE = 200  # requested one by one, and then compared together
_ALL_SENT = "Everything was sent, and the imports have ended. Read it back later: lsms verify AUDIENCE"


class Verifier(Struct, frozen=True):
    """Compares members with their contacts. `rules`: those the members were cleaned by. Errors are those of Contacts,
    and AccountError (`lists_incomplete`) when the phone lists do not hold all contacts of the sender code."""

    contacts: Contacts
    rules: CleaningRules
    tell: Listener

    def verify(
        self,
        sent: SentValues,
        members: np.ndarray | None = None,
        sample: int | None = None,
        differences: DifferenceList | None = None,
    ) -> Verification:
        """Compare these members of `sent` (int64, None = all), or a random `sample` of them; list their differences.

        Up to ASK_EACH are requested contact by contact; of more the lists are read, and who is on none is confirmed.
        """
        if members is None:
            members = np.arange(len(sent.rows))
        if sample is not None and sample < len(members):
            members = np.array(sorted(random.sample(members.tolist(), sample)), np.int64)
        comparison = Comparison(sent, members, differences, only_filled=self.rules.keep_empty)
        self.tell(PhaseStarted(Phase.VERIFYING, len(members), "members"))
        if len(members) <= ASK_EACH:
            self._ask(comparison, comparison.missing_phones)
        else:
            self._read_lists(comparison)
            self._confirm_missing(comparison)
        result = comparison.result()
        self.tell(PhaseAdvanced(Phase.VERIFYING, len(members)))
        self.tell(PhaseEnded(Phase.VERIFYING))
        return result

    def _read_lists(self, comparison: Comparison) -> None:
        for page in self.contacts.pages():
            self._compare(comparison, page, self.contacts.phones([contact.phone for contact in page]))
            if comparison.complete:
                return

    def _confirm_missing(self, comparison: Comparison) -> None:
        missing, before = comparison.missing_phones, comparison.found
        if len(missing) <= CONFIRM_ALL:
            self._ask(comparison, missing)  # a contact may be on no list
            return
        self._ask(comparison, np.array(random.sample(missing.tolist(), SAMPLE), np.int64))
        if existing := comparison.found - before:
            raise AccountError(
                "The phone lists of the sender code do not hold all of its contacts: of "
                f"{SAMPLE} members that are on no list {existing} exist.",
                hint=f"Check a sample, contact by contact: lsms verify AUDIENCE --sample {ASK_EACH}",
                code="lists_incomplete",
            )

    def _ask(self, comparison: Comparison, phones: np.ndarray) -> None:
        for start in range(0, len(phones), _CONTACTS_AT_ONCE):
            batch = phones[start : start + _CONTACTS_AT_ONCE]
            answers = list(self.contacts.ask(batch, self.rules.phone_format))
            existing = [index for index, contact in enumerate(answers) if contact is not None]
            self._compare(comparison, [contact for contact in answers if contact is not None], batch[existing])

    def _compare(self, comparison: Comparison, contacts: Sequence[Contact], phones: np.ndarray) -> None:
        comparison.add(contacts, phones)
        self.tell(PhaseAdvanced(Phase.VERIFYING, comparison.found))


def members_differ(result: Verification, rules: CleaningRules, min_match: float = 100.0) -> MembersDiffer | None:
    """The error, if fewer than `min_match` percent of the checked members match. `rules`: those they were cleaned by,
    for the command in the hint."""
    if 100 * result.matching >= min_match * result.checked:
        return None
    fields = ", ".join(f"{name} {count:,}" for name, count in result.fields.items() if count)
    values = f" ({fields})" if fields else ""
    keep = "--empty-cells keep " if rules.keep_empty else ""
    return MembersDiffer(
        f"Of {result.checked:,} members {result.matching:,} match, {result.different:,} differ{values}, "
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
