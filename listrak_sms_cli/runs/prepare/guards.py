"""What stops a push before anything is sent: guards the person asked for, and that there is nothing to send."""

from __future__ import annotations

from collections import Counter

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.errors import GuardStopped, NothingSent, UsageError
from listrak_sms_cli.runs.record import StoredRun


def drop_rate(verdicts: Counter[Verdict], most: float) -> None:
    """Raises GuardStopped when more than `most` percent of the members read would be dropped."""
    read, dropped = sum(verdicts.values()), _dropped(verdicts)
    if read and 100 * dropped > most * read:
        raise GuardStopped(
            f"{dropped:,} of {read:,} members ({100 * dropped / read:.2f} %) would be dropped, more than "
            f"--max-drop-rate {most:g} allows; nothing was sent.",
            hint="See who they are with --rejects FILE, mend the audience, or raise --max-drop-rate.",
            code="max_drop_rate",
        )


def shrink(verdicts: Counter[Verdict], before: StoredRun, most: float) -> None:
    """Raises GuardStopped when the audience has lost more than `most` percent of its members since `before`."""
    read, prepared = sum(verdicts.values()), before.state.prepared
    then = sum(prepared.verdicts.values()) if prepared else 0
    if then and 100 * (then - read) > most * then:
        raise GuardStopped(
            f"The audience has {read:,} members; in run {before.run_id} it had {then:,}. It has shrunk by "
            f"{100 * (then - read) / then:.1f} %, more than --max-shrink {most:g} allows; nothing was sent.",
            hint="If that is right, push once without --max-shrink.",
            code="max_shrink",
        )


def nothing_sendable(verdicts: Counter[Verdict], audience: str, allow_empty: bool, rejects: str | None = None) -> None:
    """Raises NothingSent when no member can be sent and none is unchanged; an empty audience may be allowed."""
    read = sum(verdicts.values())
    if verdicts[Verdict.SENDABLE] or verdicts[Verdict.UNCHANGED] or (allow_empty and not read):
        return
    if not read:
        raise NothingSent(
            f"The audience {audience} has no members.",
            hint="If that can happen, add --allow-empty.",
            code="empty_audience",
        )
    if verdicts[Verdict.BEYOND_LIMIT]:
        raise NothingSent("--limit 0 leaves no member to send.")
    reasons = ", ".join(f"{v.reason} {n:,}" for v, n in sorted(verdicts.items()) if v.drops and n)
    raise NothingSent(
        f"None of the {read:,} members can be sent: {reasons}.",
        hint=f"{rejects or '--rejects FILE'} shows each member and what is wrong with it.",
    )


def many_one_by_one(sendable: int, most: int) -> None:
    """Raises UsageError when more than `most` members would be updated one by one."""
    if sendable > most:
        raise UsageError(
            f"{sendable:,} members would be updated one by one, two requests each; nothing was sent.",
            hint="If that is what you want, add --yes. An import (without --per-contact) is far faster.",
            code="many_contacts",
        )


def _dropped(verdicts: Counter[Verdict]) -> int:
    return sum(count for verdict, count in verdicts.items() if verdict.drops)
