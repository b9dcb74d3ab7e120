"""`--empty-cells keep`: members grouped by the columns they fill, import files for each group, so that no empty cell
reaches Listrak. With `send` there is one group, which has all columns.

A fill is the set of columns that a member fills: a uint64 of which bit i stands for column i of the plan.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import Cleaned, CleaningRules, ColumnPlan, Verdict
from listrak_sms_cli.audience.phones import write_phones
from listrak_sms_cli.columnar import indices
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack.import_files import ImportFile, ImportSpool, Packer, header_line, write_lines

MOST_GROUPS = 64
MOST_COLUMNS = 64
_ENOUGH = 10_000_000  # fills looked at in search of the smallest set of columns: about a second
_FEW = 50_000  # fills that a set of columns is found for first
_SAMPLE = 2_000  # fills that tell which column makes the most difference


class Lines(Struct, frozen=True):
    """Members of a batch that have the same columns. `columns`: their places in the plan, None = all; `rows`: int64,
    ascending places in the batch; `text`: a CSV line for each row, "" for who does not travel."""

    columns: tuple[int, ...] | None
    rows: np.ndarray
    text: pa.StringArray

    def before(self, row: int) -> Lines:
        """Those of the rows before this one."""
        count = int(np.searchsorted(self.rows, row))
        return replace(self, rows=self.rows[:count], text=self.text.slice(0, count))


def lines_of(cleaned: Cleaned, numbers: np.ndarray, rules: CleaningRules, *, by_fill: bool) -> Iterator[Lines]:
    """The lines of a batch. `numbers`: int64 a row, its phone. None where there are more groups than can be sent."""
    texts = [column.values.text for column in cleaned.columns]
    travels = cleaned.verdicts == Verdict.SENDABLE
    if not by_fill or cleaned.fills is None:
        phones = write_phones(np.where(travels, numbers, 0), rules.phone_format, rules.region)
        yield Lines(None, np.arange(len(numbers)), write_lines(phones, texts))
        return
    fills = distinct(cleaned.fills[travels])
    for fill in fills if len(fills) <= MOST_GROUPS else ():
        rows = np.flatnonzero(travels & (cleaned.fills == fill))
        columns = _columns_of(int(fill))
        phones = write_phones(numbers[rows], rules.phone_format, rules.region)
        some = [texts[column].take(indices(rows)) for column in columns]
        yield Lines(columns if len(columns) < len(texts) else None, rows, write_lines(phones, some))


class Packing:
    """The import files of a run in the making: a Packer for each group. One thread only."""

    def __init__(self, spool: ImportSpool, names: list[str], rows: int, limit: int, *, by_fill: bool = False) -> None:
        """`names`: of the columns after the phone, as the import files call them; `rows`, `limit`: as a Packer's."""
        self.by_fill = by_fill
        self._spool = spool
        self._names = names
        self._rows = rows
        self._limit = limit
        self._groups: dict[tuple[int, ...] | None, Packer] = {}
        self._of_row = np.empty(0, np.uint8)

    def begin(self, members: int) -> None:
        """`members`: rows of the audience."""
        if self.by_fill:
            self._of_row = np.zeros(members, np.uint8)

    def add(self, start: int, batch: Iterable[Lines]) -> None:
        """The lines of a batch that begins at row `start` of the audience. Raises AudienceError for a member too
        large."""
        for lines in batch:
            if lines.columns not in self._groups:
                if len(self._groups) == MOST_GROUPS:
                    return  # `check_groups` refuses them all
                self._groups[lines.columns] = Packer(self._spool, self._header(lines.columns), self._rows, self._limit)
            self._groups[lines.columns].add(lines.text)
            if self.by_fill:
                self._of_row[lines.rows + start] = list(self._groups).index(lines.columns)

    def _header(self, columns: tuple[int, ...] | None) -> bytes:
        return header_line(["phone", *(self._names if columns is None else (self._names[place] for place in columns))])

    def parts(self) -> tuple[list[ImportFile], np.ndarray | None]:
        """The parts, the largest group's first, so that one of a single member, which Listrak may refuse, keeps nobody
        waiting; and, when there are groups, the rank of each row's group among them: uint8 a row of the audience.
        Raises AudienceError as a Packer."""
        groups = list(self._groups.items())
        order = sorted(range(len(groups)), key=lambda place: -groups[place][1].members)
        parts: list[ImportFile] = []
        for place in order:
            columns, packer = groups[place]
            parts += packer.parts(len(parts) + 1, columns)
        if not self.by_fill:
            return parts, None
        ranks = np.argsort(np.array(order, np.int64)).astype(np.uint8)
        return parts, ranks[self._of_row] if len(ranks) else self._of_row


def check_columns(plan: ColumnPlan) -> None:
    """Raises AudienceError for more columns than a fill has bits."""
    if len(plan.columns) > MOST_COLUMNS:
        raise AudienceError(
            f"--empty-cells keep takes at most {MOST_COLUMNS} columns beside the phone; {len(plan.columns)} travel.",
            hint="Leave some out with --skip-column NAME.",
            code="too_many_columns",
        )


def check_groups(fills: np.ndarray, plan: ColumnPlan) -> None:
    """`fills`: those that occur. Raises AudienceError when there are more than MOST_GROUPS different ones."""
    if len(fills) <= MOST_GROUPS or len(fills := distinct(fills)) <= MOST_GROUPS:
        return
    places, smallest = fewest_to_skip(fills, MOST_GROUPS)
    skips = shlex.join(word for place in places for word in ("--skip-column", plan.columns[place].name))
    raise AudienceError(
        f"The members fill their columns in {len(fills):,} different ways, and --empty-cells keep sends import files "
        f"for each: {MOST_GROUPS} at most.",
        hint=f"{'The fewest columns to leave out' if smallest else 'Leave columns out, for instance'}: {skips}",
        code="too_many_groups",
    )


def fewest_to_skip(fills: np.ndarray, most: int) -> tuple[tuple[int, ...], bool]:
    """The smallest set of columns without which at most `most` of the `fills` (different ones, in order) are left (a
    member that fills none then is no group), and whether it is certain that no smaller one does. Looked for among
    columns that some members fill and others do not."""
    varying = _columns_of(int(np.bitwise_or.reduce(fills) & ~np.bitwise_and.reduce(fills)))
    best = _greedy(fills, varying, most)
    search = _Search(varying, most)
    for size in range(1, len(best)):
        if len(fills) > (most + 1) << size:
            continue
        found = search.within(fills, 0, size)
        if found is not None:
            return found, True
        if search.tired:
            return best, False
    return best, True


class _Search:
    """Leaving a column out at most halves the fills: sets that cannot be enough are not looked at."""

    def __init__(self, columns: tuple[int, ...], most: int) -> None:
        self._columns = columns
        self._most = most
        self._seen = 0

    @property
    def tired(self) -> bool:
        return self._seen > _ENOUGH

    def within(self, fills: np.ndarray, first: int, size: int) -> tuple[int, ...] | None:
        """`size` columns, of those from place `first` on, that are enough; None when there are none."""
        for place in range(first, len(self._columns)):
            column = self._columns[place]
            left = _without(fills, column)
            self._seen += len(fills)
            if _groups(left) <= self._most:
                return (column,)
            if self.tired:
                return None
            if size > 1 and len(left) <= (self._most + 1) << (size - 1):
                further = self.within(left, place + 1, size - 1)
                if further is not None:
                    return (column, *further)
        return None


def _greedy(fills: np.ndarray, columns: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Enough columns: time and again the one without which the fewest fills are left; then those that are not needed
    after all are taken back. A few of the fills rule out most of what all of them would."""
    few = fills[:: 1 + len(fills) // _FEW]
    skipped: list[int] = []
    for known in (few, fills):
        left = _without(known, *skipped)
        while _groups(left) > most:
            some = left[:: max(1, len(left) // _SAMPLE)]
            smaller = {column: len(_without(some, column)) for column in columns if column not in skipped}
            skipped.append(min(smaller, key=lambda column: smaller[column]))
            left = _without(left, skipped[-1])
    for column in list(skipped):
        others = [other for other in skipped if other != column]
        if all(_groups(_without(known, *others)) <= most for known in (few, fills)):
            skipped = others
    return tuple(sorted(skipped))


def distinct(fills: np.ndarray) -> np.ndarray:
    """Each fill once, in order. `np.unique` takes ten times as long where most of them are different."""
    ordered = np.sort(fills)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def _without(fills: np.ndarray, *columns: int) -> np.ndarray:
    return distinct(fills & ~np.uint64(sum(1 << column for column in columns)))


def _groups(fills: np.ndarray) -> int:
    return int(np.count_nonzero(fills))


def _columns_of(fill: int) -> tuple[int, ...]:
    return tuple(place for place in range(fill.bit_length()) if fill >> place & 1)
