"""`--only-existing` and `--exclude-opted-out`: what Listrak knows of the audience's phones, before anything is sent."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from listrak_sms_cli.audience import CleaningRules
from listrak_sms_cli.errors import AccountError
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.prepare.two_passes import LookedUp
from listrak_sms_cli.runs.readback import ASK_EACH, CONFIRM_ALL, SAMPLE, Contacts


def look_up(
    contacts: Contacts,
    phones: np.ndarray,
    rules: CleaningRules,
    tell: Listener,
    *,
    existing: bool,
    opted_out: bool,
    ask_each: int = ASK_EACH,
) -> LookedUp:
    """`phones`: int64, the distinct valid phones of the audience; up to `ask_each` are asked for one by one, more are
    held against the lists. Raises AccountError (`lists_incomplete`) when those do not hold everybody the sender code
    knows."""
    tell(PhaseStarted(Phase.LOOKING_UP, 0, "contacts"))

    def seen(count: int) -> None:
        tell(PhaseAdvanced(Phase.LOOKING_UP, count))

    out = contacts.opted_out(seen) if opted_out else None
    known = _existing(contacts, np.unique(phones), rules, seen, ask_each) if existing else None
    tell(PhaseEnded(Phase.LOOKING_UP))
    return LookedUp(opted_out=out, existing=known)


def _existing(
    contacts: Contacts, phones: np.ndarray, rules: CleaningRules, seen: Callable[[int], None], ask_each: int
) -> np.ndarray:
    if len(phones) <= ask_each:
        return _asked(contacts, phones, rules, seen)
    known = contacts.existing(seen)
    misses = np.setdiff1d(phones, known, assume_unique=True)
    if len(misses) <= CONFIRM_ALL:
        # A contact may be on no list.
        return np.union1d(known, _asked(contacts, misses, rules, lambda _count: None))
    sample = np.array(random.sample(misses.tolist(), SAMPLE), np.int64)
    if len(found := _asked(contacts, sample, rules, lambda _count: None)):
        raise AccountError(
            f"The phone lists of the sender code do not hold all of its contacts: of {SAMPLE} phones that are on no "
            f"list {len(found)} exist; nothing was sent.",
            hint=f"Push without --only-existing, or audiences with at most {CONFIRM_ALL:,} phones that are on no list.",
            code="lists_incomplete",
        )
    return known


def _asked(contacts: Contacts, phones: np.ndarray, rules: CleaningRules, seen: Callable[[int], None]) -> np.ndarray:
    """Those of `phones` that exist, each asked for in the spelling it would travel in."""
    found = np.zeros(len(phones), np.bool_)
    for place, contact in enumerate(contacts.ask(phones, rules.phone_format)):
        found[place] = contact is not None
        seen(place + 1)
    return phones[found]
