"""What Listrak knows of the audience's phones, before anything is sent, for options such as `--only-existing`."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from listrak_sms_cli.audience import CleaningRules, Verdict, among
from listrak_sms_cli.errors import AccountError
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.options import ASK_FIRST, PushOptions
from listrak_sms_cli.runs.prepare.phone_pass import PhonePass
from listrak_sms_cli.runs.readback import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts


class LookedUp(Struct, frozen=True):
    """What Listrak knows of the audience's phones. All are ascending int64 E.164 digits; None = not queried.

    `opted_out`: phones on the opt-out list; `existing`: phones of contacts that the sender code has; of the members
    compared with what is stored `missing`: those that no contact has, and `same`: those of whom nothing would change;
    `canary`: those of the members that are sent first, None without a canary.
    """

    opted_out: np.ndarray | None = None
    existing: np.ndarray | None = None
    missing: np.ndarray | None = None
    same: np.ndarray | None = None
    canary: np.ndarray | None = None

    def masks(self, numbers: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
        """Bool a phone, None = not queried: opted out; not in Listrak; nothing would change."""
        opted_out = None if self.opted_out is None else among(numbers, self.opted_out)
        missing = None if self.existing is None else ~among(numbers, self.existing)
        if self.missing is not None:  # members of whom nothing would be sent are not compared
            not_found = among(numbers, self.missing)
            missing = not_found if missing is None else missing | not_found
        return opted_out, missing, None if self.same is None else among(numbers, self.same)


NOT_QUERIED = LookedUp()


def look_up(
    contacts: Contacts, phones: PhonePass, rules: CleaningRules, options: PushOptions, tell: Listener
) -> LookedUp:
    """Query what the options ask for about the valid phones of the audience.

    Few phones are queried one by one, more are compared with the lists. Raises AccountError (`lists_incomplete`) when
    the lists do not hold every contact of the sender code.
    """
    if not options.asks_who_exists and not options.exclude_opted_out:
        return NOT_QUERIED
    tell(PhaseStarted(Phase.LOOKING_UP, 0, "contacts"))

    def advance(count: int) -> None:
        tell(PhaseAdvanced(Phase.LOOKING_UP, count))

    opted_out = contacts.opted_out(advance) if options.exclude_opted_out else None
    existing = None
    if options.asks_who_exists:
        ask_each = ASK_FIRST if options.per_contact else ASK_EACH
        valid = np.unique(phones.numbers[Verdict.SENDABLE.of(phones.verdicts)])
        existing = _existing(contacts, valid, rules, advance, ask_each)
    tell(PhaseEnded(Phase.LOOKING_UP))
    return LookedUp(opted_out, existing)


def _existing(
    contacts: Contacts, phones: np.ndarray, rules: CleaningRules, advance: Callable[[int], None], ask_each: int
) -> np.ndarray:
    if len(phones) <= ask_each:
        return _queried_one_by_one(contacts, phones, rules, advance)
    listed = contacts.existing(advance)
    missing = np.setdiff1d(phones, listed, assume_unique=True)
    if len(missing) <= CONFIRM_ALL:
        # A contact may be on no list.
        return np.union1d(listed, _queried_one_by_one(contacts, missing, rules))
    sample = np.array(random.sample(missing.tolist(), SAMPLE), np.int64)
    if len(unlisted := _queried_one_by_one(contacts, sample, rules)):
        raise AccountError(
            f"The phone lists of the sender code do not hold all of its contacts: of {SAMPLE} phones that are on no "
            f"list {len(unlisted)} exist; nothing was sent.",
            hint=f"Push without --only-existing, or audiences with at most {CONFIRM_ALL:,} phones that are on no list.",
            code="lists_incomplete",
        )
    return listed


def _queried_one_by_one(
    contacts: Contacts, phones: np.ndarray, rules: CleaningRules, advance: Callable[[int], None] = lambda _count: None
) -> np.ndarray:
    """Those of `phones` that exist, each queried in the spelling it would be sent in."""
    exists = np.zeros(len(phones), np.bool_)
    for place, contact in enumerate(contacts.ask(phones, rules.phone_format)):
        exists[place] = contact is not None
        advance(place + 1)
    return phones[exists]
