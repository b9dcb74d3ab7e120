"""`--empty-cells keep`: members grouped by the columns they fill, import files for each group, so that no empty cell
reaches Listrak. With `send` there is one group, which has all columns.

A column set says which columns a member fills: a uint64 of which bit i stands for column i of the plan.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import Cleaned, CleaningRules, ColumnPlan, Verdict
from listrak_sms_cli.audience.phones import write_phones
from listrak_sms_cli.columnar import Column, Mask, distinct, indices, select
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.pack.import_files import (
    ImportFile,
    KnownLines,
    Packer,
    header_line,
    write_lines,
    write_new_lines,
)
from listrak_sms_cli.runs.pack.spool import ImportSpool

MOST_GROUPS = 64
MOST_COLUMNS = 64
_SEARCH_LIMIT = 10_000_000  # column sets examined in search of the fewest columns: about a second
_FIRST_TRIED = 50_000  # column sets that a solution is found for before all of them are tried
_SAMPLE = 2_000  # column sets that show which column makes the most difference
Known: TypeAlias = Callable[[tuple[int, ...] | None, np.ndarray], KnownLines]


class Lines(Struct, frozen=True):
    """Members of a batch that have the same columns. `columns`: their places in the plan, None = all; `rows`: int64,
    ascending, their rows in the batch; `text`: pa.string(), a CSV line for each, "" for a member that is not sent;
    `digests`: uint64, of each line, also of one that is "" because it is known, 0 = no line, None = not wanted;
    `canary`: they are sent first."""

    columns: tuple[int, ...] | None
    rows: np.ndarray
    text: pa.StringArray
    digests: np.ndarray | None = None
    canary: bool = False

    def parted(self, canary: Mask) -> Iterator[Lines]:
        """Those of the canary (bool a row of the batch), and the others."""
        mine = canary[self.rows]
        if not mine.any():
            yield self
            return
        yield Lines(self.columns, self.rows[mine], select(self.text, mine), canary=True)
        yield Lines(self.columns, self.rows[~mine], select(self.text, ~mine))

    def before(self, row: int) -> Lines:
        """Only the members in rows before this one."""
        count = int(np.searchsorted(self.rows, row))
        return Lines(self.columns, self.rows[:count], self.text.slice(0, count), canary=self.canary)


class SpooledText(Struct, frozen=True):
    """Lines of members with the same `columns` (as of Lines) that stand together in a spool: where, and their bytes."""

    columns: tuple[int, ...] | None
    offset: int
    size: int


def lines_of(
    cleaned: Cleaned,
    numbers: np.ndarray,
    rules: CleaningRules,
    *,
    by_filled_columns: bool,
    most: int | None = MOST_GROUPS,
    known: Known | None = None,
) -> Iterator[Lines]:
    """Yield the lines of a batch, group by group. `numbers`: int64 a row, its phone. Nothing where the batch has more
    groups than can be sent (`most`, None = any number): `check_groups` will refuse the audience. `known`: the lines
    that are known of the `columns` and `rows` of a group; None = of none."""
    texts = [column.values.text for column in cleaned.columns]
    sent = Verdict.SENDABLE.of(cleaned.verdicts)
    if not by_filled_columns or cleaned.column_sets is None:
        phones = write_phones(np.where(sent, numbers, 0), rules.phone_format, rules.country)
        yield _lines(None, np.arange(len(numbers)), phones, texts, known)
        return
    column_sets = distinct(cleaned.column_sets[sent])
    for column_set in column_sets if most is None or len(column_sets) <= most else ():
        rows = np.flatnonzero(sent & (cleaned.column_sets == column_set))
        columns = _columns_of(int(column_set))
        phones = write_phones(numbers[rows], rules.phone_format, rules.country)
        filled = [texts[column].take(indices(rows)) for column in columns]
        yield _lines(columns if len(columns) < len(texts) else None, rows, phones, filled, known)


def _lines(
    columns: tuple[int, ...] | None, rows: np.ndarray, phones: pa.StringArray, texts: list[Column], known: Known | None
) -> Lines:
    if known is None:
        return Lines(columns, rows, write_lines(phones, texts))
    return Lines(columns, rows, *write_new_lines(phones, texts, known(columns, rows)))


class GroupPacker:
    """The import files of a run in the making: a Packer for each group of members with the same columns, and for each
    such group of the canary. For one thread."""

    def __init__(
        self,
        spool: ImportSpool,
        names: list[str],
        rows: int,
        limit: int,
        *,
        by_filled_columns: bool = False,
        canary: bool = False,
    ) -> None:
        """`names`: of the columns after the phone, as the import files call them; `rows`, `limit`: as a Packer's;
        `canary`: there may be one."""
        self.by_filled_columns = by_filled_columns
        self._in_groups = by_filled_columns or canary
        self._spool = spool
        self._names = names
        self._rows = rows
        self._limit = limit
        self._packers: dict[tuple[bool, tuple[int, ...] | None], Packer] = {}
        self._group_of_row = np.empty(0, np.uint8)

    def begin(self, members: int) -> None:
        """Get ready for an audience of that many rows; what was packed before is left out."""
        self._packers.clear()
        if self._in_groups:
            self._group_of_row = np.zeros(members, np.uint8)

    def add(self, start: int, batch: Iterable[Lines]) -> None:
        """Pack the lines of a batch that begins at row `start` of the audience. Raises AudienceError for a member
        larger than an import file."""
        for lines in batch:
            group = (not lines.canary, lines.columns)
            packer = self._packer_of(group)
            if packer is None:
                return
            packer.add(lines.text)
            if self._in_groups:
                self._group_of_row[lines.rows + start] = list(self._packers).index(group)

    def add_spooled(self, texts: Iterable[SpooledText]) -> None:
        """Pack lines that are in the spool already; which row of the audience each is of is not known. Raises
        AudienceError as `add`."""
        for text in texts:
            packer = self._packer_of((True, text.columns))
            if packer is None:
                return
            packer.add_spooled(text.offset, text.size)

    def _packer_of(self, group: tuple[bool, tuple[int, ...] | None]) -> Packer | None:
        """None where there are so many groups that `check_groups` will refuse the audience."""
        if group not in self._packers:
            if len(self._packers) == 2 * MOST_GROUPS:
                return None
            header = header_line(["phone", *(self._names[place] for place in self._places(group[1]))])
            self._packers[group] = Packer(self._spool, header, self._rows, self._limit)
        return self._packers[group]

    def _places(self, columns: tuple[int, ...] | None) -> Iterable[int]:
        return range(len(self._names)) if columns is None else columns

    def import_files(self) -> tuple[list[ImportFile], np.ndarray | None]:
        """Return the import files and the rank of each row's group (uint8 a row of the audience; None without groups).

        The canary comes first, then the largest group: a file of a single member, which Listrak may refuse, delays
        nobody. Raises AudienceError for a member so large that no other fits beside it.
        """
        groups = list(self._packers.items())

        def rank(group: int) -> tuple[bool, bool, int]:
            (rest, _columns), packer = groups[group]
            return not packer.members, rest, -packer.members

        order = sorted(range(len(groups)), key=rank)
        files: list[ImportFile] = []
        for group in order:
            (rest, columns), packer = groups[group]
            files += packer.import_files(len(files) + 1, columns, canary=not rest)
        if not self._in_groups:
            return files, None
        ranks = np.argsort(np.array(order, np.int64)).astype(np.uint8)
        return files, ranks[self._group_of_row] if len(ranks) else self._group_of_row


def check_columns(plan: ColumnPlan) -> None:
    """Raise AudienceError for more columns than a column set has bits."""
    if len(plan.columns) > MOST_COLUMNS:
        raise AudienceError(
            f"--empty-cells keep takes at most {MOST_COLUMNS} columns beside the phone; this audience has "
            f"{len(plan.columns)}.",
            hint="Leave some out with --skip-column NAME.",
            code="too_many_columns",
        )


def check_groups(column_sets: np.ndarray, plan: ColumnPlan) -> None:
    """Raise AudienceError when there are more than MOST_GROUPS different ones among the `column_sets` (uint64, in any
    order)."""
    if len(column_sets) <= MOST_GROUPS or len(column_sets := distinct(column_sets)) <= MOST_GROUPS:
        return
    places, is_smallest = fewest_to_skip(column_sets, MOST_GROUPS)
    skips = shlex.join(word for place in places for word in ("--skip-column", plan.columns[place].name))
    raise AudienceError(
        f"The members fill their columns in {len(column_sets):,} different ways, and --empty-cells keep sends import "
        f"files for each: {MOST_GROUPS} at most.",
        hint=f"{'The fewest columns to leave out' if is_smallest else 'Leave columns out, for instance'}: {skips}",
        code="too_many_groups",
    )


def fewest_to_skip(column_sets: np.ndarray, most: int) -> tuple[tuple[int, ...], bool]:
    """Return the fewest columns without which at most `most` of the `column_sets` (distinct, ascending) are left, and
    whether it is certain that no fewer columns do.

    A member who then fills nothing belongs to no group. Only columns that some members fill and others do not can
    make a difference.
    """
    varying = _columns_of(int(np.bitwise_or.reduce(column_sets) & ~np.bitwise_and.reduce(column_sets)))
    best = _greedy(column_sets, varying, most)
    search = _Search(varying, most)
    for size in range(1, len(best)):
        if len(column_sets) > (most + 1) << size:
            continue
        columns = search.within(column_sets, 0, size)
        if columns is not None:
            return columns, True
        if search.gave_up:
            return best, False
    return best, True


class _Search:
    """Tries columns to leave out. Each one at most halves the column sets, so combinations that cannot be enough are
    not tried."""

    def __init__(self, columns: tuple[int, ...], most: int) -> None:
        self._columns = columns
        self._most = most
        self._examined = 0

    @property
    def gave_up(self) -> bool:
        return self._examined > _SEARCH_LIMIT

    def within(self, column_sets: np.ndarray, first: int, size: int) -> tuple[int, ...] | None:
        """At most `size` columns, of those from place `first` on, that are enough; None when there are none."""
        for place in range(first, len(self._columns)):
            column = self._columns[place]
            left = _without(column_sets, column)
            self._examined += len(column_sets)
            if _groups(left) <= self._most:
                return (column,)
            if self.gave_up:
                return None
            if size > 1 and len(left) <= (self._most + 1) << (size - 1):
                more = self.within(left, place + 1, size - 1)
                if more is not None:
                    return (column, *more)
        return None


def _greedy(column_sets: np.ndarray, columns: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Enough columns: again and again the one without which the fewest column sets are left, then without those that
    turn out not to be needed. A part of the column sets comes first: it rules out most of what all of them would."""
    rounds = (column_sets[:: 1 + len(column_sets) // _FIRST_TRIED], column_sets)
    skipped: list[int] = []
    for tried in rounds:
        left = _without(tried, *skipped)
        while _groups(left) > most:
            sample = left[:: max(1, len(left) // _SAMPLE)]
            counts = {column: len(_without(sample, column)) for column in columns if column not in skipped}
            skipped.append(min(counts, key=lambda column: counts[column]))
            left = _without(left, skipped[-1])
    for column in list(skipped):
        others = [other for other in skipped if other != column]
        if all(_groups(_without(tried, *others)) <= most for tried in rounds):
            skipped = others
    return tuple(sorted(skipped))


def _without(column_sets: np.ndarray, *columns: int) -> np.ndarray:
    return distinct(column_sets & ~np.uint64(sum(1 << column for column in columns)))


def _groups(column_sets: np.ndarray) -> int:
    """Those that fill any column."""
    return int(np.count_nonzero(column_sets))


def _columns_of(column_set: int) -> tuple[int, ...]:
    return tuple(place for place in range(column_set.bit_length()) if column_set >> place & 1)
