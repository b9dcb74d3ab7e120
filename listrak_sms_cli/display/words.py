"""Numbers, names and durations as people read them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from rich.cells import cell_len, chop_cells

_STEPS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes: 812 B, 4.1 kB, 195.0 MB."""
    step = 0
    while count >= 999.95 and step < len(_STEPS) - 1:
        count, step = count / 1000, step + 1
    return f"{count:.0f} {_STEPS[step]}" if step == 0 else f"{count:.1f} {_STEPS[step]}"


def rate(count: float, seconds: float) -> str:
    """Members a second: 850/s, 12 k/s, 1.7 M/s."""
    pace = count / seconds if seconds > 0 else 0.0
    if pace >= 999_500:
        return f"{pace / 1e6:.1f} M/s"
    return f"{pace / 1e3:.0f} k/s" if pace >= 9_950 else f"{pace:,.0f}/s"


def duration(seconds: float) -> str:
    """4.2 s, 48 s, 3:05, 1:00:00."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def percent(part: int, whole: int) -> str:
    """A share such as 12.5 %: never 0 % of something, never 100 % of less than all, "" of nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    if 0 < part < whole:
        return "< 0.1 %" if share < 0.1 else "> 99.9 %" if share > 99.9 else f"{share:.1f} %"
    return f"{share:.0f} %"


def members(count: int) -> str:
    """1 member, 2,000 members."""
    return many(count, "member")


def many(count: int, thing: str, things: str = "") -> str:
    """1 import, 2,000 imports. `things`: the plural that has more than an s."""
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def by_count(words: Iterable[str], most: int = 4) -> str:
    """The `most` frequent words with their counts, in the order of the words: "20 Completed, 2 Processing"."""
    counts = Counter(words)
    shown = {word for word, _ in counts.most_common(most)}
    return ", ".join(f"{count:,} {printable(word, 24)}" for word, count in counts.items() if word in shown)


def reasons(dropped: Mapping[str, int]) -> list[str]:
    """Each reason with its count, the most frequent first."""
    return [f"{reason} {count:,}" for reason, count in sorted(dropped.items(), key=lambda item: -item[1]) if count]


def printable(text: str, most: int = 0) -> str:
    """Text from outside (file and column names, Listrak's words) as one line without control characters, escape
    sequences and marks of writing direction; cut in the middle to `most` cells of the screen when not 0."""
    clean = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    if most and cell_len(clean) > most:
        tail = max(0, most - 1) // 3
        head = max(0, most - 1 - tail)
        start = chop_cells(clean, head)[0] if head else ""
        end = chop_cells(clean[::-1], tail)[0][::-1] if tail else ""
        clean = f"{start}…{end}"
    return clean
