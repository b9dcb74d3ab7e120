"""Numbers, names and durations as people read them."""

from __future__ import annotations

import unicodedata

from listrak_sms_cli.runs.events import Phase

_STEPS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    step = 0
    while count >= 1000 and step < len(_STEPS) - 1:
        count, step = count / 1000, step + 1
    return f"{count:.0f} {_STEPS[step]}" if step == 0 else f"{count:.1f} {_STEPS[step]}"


def rate(count: float, seconds: float) -> str:
    """Members a second: 850, 12 k, 1.7 M."""
    each = count / seconds if seconds > 0 else 0.0
    if each >= 999_500:
        return f"{each / 1e6:.1f} M/s"
    return f"{each / 1e3:.0f} k/s" if each >= 9_950 else f"{each:,.0f}/s"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def members(count: int) -> str:
    return f"{count:,} member" if count == 1 else f"{count:,} members"


def many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def plain(text: str, most: int = 0) -> str:
    """Text from outside (file and column names, Listrak's words) without control characters or escape sequences;
    cut in the middle to `most` characters when that is not 0."""
    clean = "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C")
    if most and len(clean) > most:
        head = (most - 1) * 2 // 3
        clean = f"{clean[:head]}…{clean[len(clean) - (most - 1 - head) :]}"
    return clean


def reasons(dropped: dict[str, int]) -> str:
    return " · ".join(f"{reason} {count:,}" for reason, count in dropped.items() if count)


DOING = {
    Phase.READING: "reading phones",
    Phase.LOOKING_UP: "looking up contacts",
    Phase.CHECKING: "checking values",
    Phase.SENDING: "sending",
    Phase.IMPORTING: "importing",
    Phase.VERIFYING: "verifying",
}
