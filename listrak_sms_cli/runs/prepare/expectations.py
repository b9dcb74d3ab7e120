"""What a job expects of its audience, held against the audience: everything that fails is named at once.

A message holds counts and shapes of cells, and the values that are expected; never a value of a member.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct, field

from listrak_sms_cli.audience import FieldKind, column_key, shapes_of
from listrak_sms_cli.audience.source import Audience, Chunk
from listrak_sms_cli.audience.values import blank_nulls
from listrak_sms_cli.columnar import in_order, mask_of, nulls_as_empty, pc, raw, select, string_column, trimmed
from listrak_sms_cli.errors import GuardStopped
from listrak_sms_cli.runs.prepare.planned import PlannedAudience

if TYPE_CHECKING:
    from listrak_sms_cli.jobs import Expectation
    from listrak_sms_cli.options import ExpectingOfColumn

_SHAPES = 5  # named of the values that nobody expects
_NAMED = 12  # expected values named


def check_expectation(planned: PlannedAudience, rows: int, expected: Expectation) -> None:
    """Raise GuardStopped (`unexpected`) that names everything in which the audience of `rows` members is not as
    expected. Columns whose cells matter are read once more."""
    problems = [*_of_audience(planned.audience, rows, expected), *_of_columns(planned, expected)]
    if problems:
        raise GuardStopped(
            f"The audience is not what job {expected.job} expects: {'; '.join(problems)}. Nothing was sent.",
            hint=f"Fix the audience where it is made, or change [jobs.{expected.job}.expect].",
            code="unexpected",
        )


def _of_audience(audience: Audience, rows: int, expected: Expectation) -> Iterator[str]:
    least, most, oldest = expected.audience.min_rows, expected.audience.max_rows, expected.audience.max_age
    if least is not None and rows < least:
        yield f"it has {rows:,} members, fewer than min_rows {least:,}"
    if most is not None and rows > most:
        yield f"it has {rows:,} members, more than max_rows {most:,}"
    if oldest is None:
        return
    changed = max(file.mtime_ns for file in audience.identity) / 1e9
    if not changed:
        yield f"max_age is set, and the age of {audience.name} is not known"
    elif (age := time.time() - changed) > oldest:
        yield f"its newest file is {_span(age)} old, more than max_age {expected.max_age}"


def _span(seconds: float) -> str:
    """A duration as it is typed, in a unit of which it has at least two; in days from three on."""
    for start, length, unit in ((259_200, 86_400, "d"), (7200, 3600, "h"), (120, 60, "m")):
        if seconds >= start:
            return f"{seconds / length:.4g}{unit}"
    return f"{seconds:.3g}s"


def _of_columns(planned: PlannedAudience, expected: Expectation) -> Iterator[str]:
    places = {column_key(name): place for place, name in enumerate(planned.plan.header)}
    found = {name: places[column_key(name)] for name in expected.columns if column_key(name) in places}
    cells = _cells_of(
        planned, {found[name]: of_column for name, of_column in expected.columns.items() if name in found}
    )
    for name, of_column in expected.columns.items():
        if name not in found:
            yield f"there is no column {name}"
            continue
        yield from _of_field(planned, name, found[name], of_column)
        if found[name] in cells:
            yield from cells[found[name]].problems(name, of_column)


def _of_field(planned: PlannedAudience, name: str, place: int, expected: ExpectingOfColumn) -> Iterator[str]:
    if expected.field_id is None and expected.type is None:
        return
    field_of = {column.index: column.field for column in planned.plan.columns}
    sent_to = field_of.get(place)
    if sent_to is None:
        yield f"{name} is not sent"
    elif sent_to.id:  # 0: the account was not asked
        if expected.field_id not in (None, sent_to.id):
            yield f"{name} goes to profile field {sent_to.name} (id {sent_to.id}), not to id {expected.field_id}"
        if expected.type is not None and sent_to.kind is not FieldKind(expected.type):
            yield f"{name} goes to a field of type {sent_to.kind.value}, not {expected.type}"


class _Cells(Struct):
    """Cells of a column: all, filled ones, those that hold no expected value, and of these those that differ from one
    in case only."""

    rows: int = 0
    filled: int = 0
    unexpected: int = 0
    other_case: int = 0
    shapes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, column: pa.StringArray, values: tuple[str, ...] | None) -> _Cells:
        """Count the cells of a batch, blanks around them aside."""
        cells = trimmed(nulls_as_empty(column))
        filled = raw(cells).lengths > 0
        counts = cls(len(cells), int(np.count_nonzero(filled)))
        if values is not None:
            unknown = select(cells, filled & ~mask_of(pc.is_in(cells, value_set=string_column(values))))
            lower = string_column([value.lower() for value in values])
            counts.unexpected = len(unknown)
            counts.other_case = int(np.count_nonzero(mask_of(pc.is_in(pc.utf8_lower(unknown), value_set=lower))))
            counts.shapes.update(shapes_of(unknown))
        return counts

    def add(self, other: _Cells) -> None:
        """Add the cells of another batch."""
        self.rows += other.rows
        self.filled += other.filled
        self.unexpected += other.unexpected
        self.other_case += other.other_case
        self.shapes.update(other.shapes)

    def problems(self, name: str, expected: ExpectingOfColumn) -> Iterator[str]:
        """What is not as expected, in words."""
        least = expected.min_filled
        if least is not None and 100 * self.filled < least * self.rows:
            yield f"{name} is filled in {100 * self.filled / self.rows:.3g} % of the cells, less than {least:g} %"
        if self.unexpected and expected.values is not None:
            more = ", …" if len(expected.values) > _NAMED else ""
            shapes = ", ".join(f"{shape} {count:,}" for shape, count in self.shapes.most_common(_SHAPES))
            case = f"{self.other_case:,} differ in case only; " if self.other_case else ""
            yield (
                f"{self.unexpected:,} of {self.filled:,} values of {name} are none of "
                f"{', '.join(expected.values[:_NAMED])}{more} ({case}their shapes: {shapes})"
            )


def _cells_of(planned: PlannedAudience, expected: dict[int, ExpectingOfColumn]) -> dict[int, _Cells]:
    """The cells of the columns of which something is expected, by their index; they are read for it."""
    wanted = sorted(
        place
        for place, of_column in expected.items()
        if (of_column.min_filled is not None or of_column.values is not None)
        and place not in planned.audience.unreadable
    )
    counts = {place: _Cells() for place in wanted}

    def count(chunk: Chunk) -> list[_Cells]:
        columns = (blank_nulls(column, planned.rules.null_values) for column in chunk.read(wanted).columns)
        return [_Cells.of(column, expected[place].values) for place, column in zip(wanted, columns, strict=True)]

    for _, of_chunk in in_order(count, planned.audience.chunks()) if wanted else ():
        for place, cells in zip(wanted, of_chunk, strict=True):
            counts[place].add(cells)
    return counts
