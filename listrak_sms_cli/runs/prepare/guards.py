"""What stops a push before anything is sent: the guards that the options ask for, and that there is nothing to send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from listrak_sms_cli.audience import Verdict, dropped_by_reason
from listrak_sms_cli.errors import GuardStopped, NothingSent, UsageError
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.prepare.drift import Moved, in_words
from listrak_sms_cli.runs.record import StoredRun


def drop_rate(counts: Counter[Verdict], most: float, *, missing: bool) -> None:
    """Raise GuardStopped when more than `most` percent of the members read would be dropped. `missing`: those that are
    not in Listrak count."""
    read, dropped = counts.total(), sum(dropped_by_reason(counts).values())
    if not missing:
        dropped -= counts[Verdict.NOT_IN_LISTRAK]
    if read and 100 * dropped > most * read:
        raise GuardStopped(
            f"{dropped:,} of {read:,} members ({100 * dropped / read:.2f} %) would be dropped, more than "
            f"--max-drop-rate {most:g} allows; nothing was sent.",
            hint="See who they are with --rejects FILE, fix the audience, or raise --max-drop-rate.",
            code="max_drop_rate",
        )


def shrink(counts: Counter[Verdict], before: StoredRun, most: float) -> None:
    """Raise GuardStopped when the audience has lost more than `most` percent of the members it had in run `before`."""
    read, prepared = counts.total(), before.state.prepared
    read_before = sum(prepared.verdicts.values()) if prepared else 0
    if read_before and 100 * (read_before - read) > most * read_before:
        raise GuardStopped(
            f"The audience has {read:,} members; in run {before.run_id} it had {read_before:,}. It has shrunk by "
            f"{100 * (read_before - read) / read_before:.1f} %, more than --max-shrink {most:g} allows; nothing was "
            "sent.",
            hint="If that is right, push once without --max-shrink.",
            code="max_shrink",
        )


def fill_drop(falls: Sequence[Moved], before: str, most: float) -> None:
    """Raise GuardStopped when the filled share of a column has fallen by more than `most` percentage points since the
    run `before`."""
    if fallen := [fall for fall in falls if -fall.by > most]:
        raise GuardStopped(
            f"Fewer cells are filled than in run {before}: {in_words(fallen)}. That is more than --max-fill-drop "
            f"{most:g} allows; nothing was sent.",
            hint="If that is right, push once without --max-fill-drop.",
            code="max_fill_drop",
        )


def nothing_sendable(counts: Counter[Verdict], audience: str, reading: ReadingOptions, hint: str = "") -> None:
    """Raise NothingSent when no member can be sent and none is unchanged; an empty audience may be allowed. `hint`:
    where each member is named, unless by the rejects file."""
    read = counts.total()
    if counts[Verdict.SENDABLE] or counts[Verdict.UNCHANGED] or (reading.allow_empty and not read):
        return
    if not read:
        raise NothingSent(
            f"The audience {audience} has no members.",
            hint="If that can happen, add --allow-empty.",
            code="empty_audience",
        )
    if counts[Verdict.BEYOND_LIMIT] and reading.limit == 0:
        raise NothingSent("--limit 0 leaves no member to send.")
    left_out = {**dropped_by_reason(counts), "beyond the limit": counts[Verdict.BEYOND_LIMIT]}
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in left_out.items() if count)
    hint = hint or f"{reading.rejects or '--rejects FILE'} shows each member and what is wrong with it."
    raise NothingSent(f"None of the {read:,} members can be sent: {reasons}.", hint=hint)


def no_canary(members: int) -> GuardStopped:
    """The error for an audience of which nobody is found, and so nobody can go first."""
    who = "The member is" if members == 1 else f"None of the {members:,} members is"
    return GuardStopped(
        f"{who} found in Listrak, so there is no canary; nothing was sent.",
        hint="See in which form phones are found: lsms check --phone N, with a contact that exists.",
        code="no_canary",
    )


def many_one_by_one(sendable: int, most: int) -> None:
    """Raise UsageError when more than `most` members would be updated one by one."""
    if sendable > most:
        raise UsageError(
            f"{sendable:,} members would be updated one by one, two requests each; nothing was sent.",
            hint="If that is what you want, add --yes. An import (without --per-contact) is far faster.",
            code="many_contacts",
        )
