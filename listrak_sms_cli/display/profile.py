"""The columns of an audience, as `validate` has found them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

from listrak_sms_cli.display.tables import columns, fitted, show
from listrak_sms_cli.display.words import percent, printable
from listrak_sms_cli.runs import ProfiledColumn, Report

_COLUMNS_SHOWN = 60  # on a terminal
_WIDEST = (22, 24, 12)  # cells of the first columns on a terminal; the others are numbers
_NARROWEST = (12, 12, 10)
_ROOM_FOR_ALL = 80  # cells of a line
_GAP = "  "
_GOES_TO = {"phone": "the phone", "consent": "consent, not sent", "skipped": "left out"}
_BAD = {"number": "not numbers", "date": "not dates", "checkbox": "not checkbox values"}


def columns_of(report: Report, console: Console) -> None:
    """Write a line for each column of the audience. Raises BrokenPipeError when nobody reads."""
    if (shown := columns_shown(report, console)) is not None:
        show(console, shown)


def columns_shown(report: Report, console: Console) -> Group | None:
    """A line for each column of the audience that `validate` has looked at; on a terminal two or three, so that it fits
    80 columns."""
    lines = report.profile or ()
    if not lines:
        return None
    known = any(line.type for line in lines)
    heads = ("column", "goes to", "type" if known else "looks like", "filled", "distinct", "longest")
    if not console.is_terminal:
        rows = [[*_facts(line), _sample(line), _problems(line)] for line in lines]
        return Group(columns((*heads, "sample", "problems"), rows, console))
    shown = _stacked(heads, lines[:_COLUMNS_SHOWN], console.width)
    if len(lines) > _COLUMNS_SHOWN:
        shown.append(Text(f"… and {len(lines) - _COLUMNS_SHOWN:,} columns more; --json has them all", "dim"))
    return Group(*shown)


def _stacked(heads: Sequence[str], lines: Sequence[ProfiledColumn], room: int) -> list[Text | Padding]:
    """The facts of each column under the heads, its sample and its problems below. `room`: cells of a line; a narrow
    one has no room for the longest."""
    shown_heads = heads if room >= _ROOM_FOR_ALL else heads[:-1]
    table = [list(heads), *(_facts(line, _WIDEST[1]) for line in lines)]
    numbers = [max(cell_len(row[n]) for row in table) for n in range(len(_WIDEST), len(shown_heads))]
    texts = fitted(
        [min(_WIDEST[n], max(cell_len(row[n]) for row in table)) for n in range(len(_WIDEST))],
        _NARROWEST,
        room - sum(numbers) - len(_GAP) * len(numbers),
    )
    rows = [_facts(line, texts[1]) for line in lines]

    def laid_out(row: Sequence[str]) -> str:
        row = row[: len(shown_heads)]
        left = [_padded(printable(cell, width), width) for cell, width in zip(row, texts, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(row[len(texts) :], numbers, strict=True)]
        return _GAP.join([*left, *right])

    shown: list[Text | Padding] = [Text(laid_out(heads), "dim", no_wrap=True)]
    for row, line in zip(rows, lines, strict=True):
        shown.append(Text(laid_out(row), no_wrap=True))
        below = Text(_sample(line), "dim")
        if problems := _problems(line):
            below = Text.assemble(below, _GAP if below else "", (f"! {problems}", "yellow"))
        if below:
            shown.append(Padding(below, (0, 0, 0, len(_GAP))))
    return shown


def _facts(line: ProfiledColumn, room: int = 0) -> list[str]:
    """The cells of a column; `room`: cells of the screen for where it goes, 0 = as many as it takes."""
    goes_to = _GOES_TO.get(line.role) or printable(line.field or "")
    if line.needs_field:
        goes_to = _that_fits(f"needs a field named {goes_to}", "needs a field", room)
    elif line.guessed:
        goes_to = _that_fits(f"{goes_to}, guessed", goes_to, room)
    kind = line.type or line.looks_like or ""
    if line.type and line.max_length:
        kind = f"{kind}({line.max_length})"
    if not line.readable:
        return [printable(line.column), f"{goes_to}, not read", "", "", "", ""]
    filled = percent(line.filled, line.rows)
    distinct = f"{line.distinct:,}{'' if line.distinct_is_exact else '+'}"
    return [printable(line.column), goes_to, kind, filled, distinct, f"{line.longest:,}"]


def _that_fits(words: str, fewer: str, room: int) -> str:
    return words if not room or cell_len(words) <= room else fewer


def _sample(line: ProfiledColumn) -> str:
    return " | ".join(printable(shape) for shape in line.sample)


def _problems(line: ProfiledColumn) -> str:
    """What is wrong, in words: "7 invalid (2 in exponent form), 3 duplicate"."""
    words = {
        "missing": "missing",
        "invalid": "invalid",
        "duplicate": "duplicate",
        "bad": _BAD.get((line.type or "").casefold(), "not valid"),
        "too_long": "too long",
        "cleaned": "tidied",
        "unlike": _BAD.get(line.looks_like or "", "not alike"),
    }
    problems = []
    for kind, word in words.items():
        if count := line.problems.get(kind, 0):
            exponents = line.problems.get("exponent_form", 0) if kind == "invalid" else 0
            problems.append(f"{count:,} {word}" + (f" ({exponents:,} in exponent form)" if exponents else ""))
    return ", ".join(problems)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
