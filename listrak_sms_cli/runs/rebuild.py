"""The import files of an earlier run that Listrak has not accepted, made again from the audience, row for row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import (
    CleaningRules,
    ColumnPlan,
    FieldKind,
    PlannedColumn,
    ProfileField,
    Verdict,
    clean_members,
    clean_phones,
)
from listrak_sms_cli.audience.phones import PhoneFormat, write_phones
from listrak_sms_cli.audience.source import Audience, Chunk, ReadOptions, open_audience
from listrak_sms_cli.columnar import in_order
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.pack import ImportFile, ImportSpool, ImportText, header_line, string_offsets, write_lines
from listrak_sms_cli.runs.record import FieldOf, PartState, Recipe, StoredRun, read_assignment


def recipe_of(audience: Audience, plan: ColumnPlan, rules: CleaningRules, read: ReadOptions, path: str) -> Recipe:
    """What the journal keeps so that `rebuild` can make the same import files; valid after a full pass."""
    return Recipe(
        path=path,
        read={"format": read.format, "delimiter": read.delimiter, "encoding": read.encoding, "sheet": read.sheet},
        identity=[(file.size, file.digest) for file in audience.identity.files],
        phone=plan.phone,
        header=list(plan.header),
        columns=[
            FieldOf(c.index, c.name, c.field.id, c.field.name, c.field.kind.value, c.field.max_length)
            for c in plan.columns
        ],
        rules={
            "region": rules.region,
            "phone_format": rules.phone_format.value,
            "date_format": rules.date_format,
            "null_values": list(rules.null_values),
            "blank_bad_values": rules.blank_bad_values,
            "empty_cells": "keep" if rules.keep_empty else "send",
        },
    )


def plan_of(recipe: Recipe) -> ColumnPlan:
    columns = tuple(
        PlannedColumn(c.index, c.name, ProfileField(c.field_id, c.field_name, FieldKind(c.kind), c.max_length))
        for c in recipe.columns
    )
    travelling = {column.index for column in columns} | {recipe.phone}
    skipped = tuple(name for index, name in enumerate(recipe.header) if index not in travelling)
    return ColumnPlan(recipe.phone, columns, None, skipped, tuple(recipe.header))


def _rules_of(recipe: Recipe) -> CleaningRules:
    rules = recipe.rules
    null_values = rules["null_values"]
    return CleaningRules(
        region=str(rules["region"]),
        phone_format=PhoneFormat(rules["phone_format"]),
        date_format=None if rules["date_format"] is None else str(rules["date_format"]),
        null_values=tuple(null_values) if isinstance(null_values, list) else (),
        blank_bad_values=bool(rules["blank_bad_values"]),
        keep_empty=rules.get("empty_cells") == "keep",  # runs of before there was such a choice do not have it
    )


def rebuild(run: StoredRun, audience_path: str | None, spool: ImportSpool, tell: Listener) -> list[ImportFile]:
    """The import files of the run that Listrak has not accepted (or whose import ended badly), row for row as they
    were prepared; Listrak is not asked again who exists.

    `audience_path`: where the audience is now, None = where it was. Raises AudienceError when it has changed.
    """
    started, unsent = run.state.started, run.state.unsent
    assert started is not None
    recipe = started.recipe
    plan = plan_of(recipe)
    columns = {part.line.origin: part.line.columns for part in unsent}
    stretches: dict[int, list[tuple[int, int]]] = {origin: [] for origin in columns}
    with _opened(audience_path or recipe.path, ReadOptions(**recipe.read)) as audience:
        if len(audience.columns) != len(recipe.header):
            raise _changed(run, audience)
        work = _Rebuild(plan, _rules_of(recipe), columns)
        tell(PhaseStarted(Phase.CHECKING, audience.size, "bytes"))
        done = 0
        for batch, texts in in_order(work, _assigned(run, audience, plan)):
            for origin, text in texts.items():
                stretches[origin].append((spool.append(text), len(text)))
            done += batch.size
            tell(PhaseAdvanced(Phase.CHECKING, done))
        if [(file.size, file.digest) for file in audience.identity.files] != [tuple(f) for f in recipe.identity]:
            raise _changed(run, audience)
        tell(PhaseEnded(Phase.CHECKING))
    return [_piece(part, ImportText(spool, _header(part, plan), tuple(stretches[part.line.origin]))) for part in unsent]


def _opened(path: str, options: ReadOptions) -> Audience:
    try:
        return open_audience(path, options)
    except AudienceError as error:
        if error.code == "not_found":
            error.hint = "Say where it is now: --audience FILE"
        raise


def _header(part: PartState, plan: ColumnPlan) -> bytes:
    places = range(len(plan.columns)) if part.line.columns is None else part.line.columns
    return header_line(["phone", *(plan.columns[place].name for place in places)])


class _Batch(Struct, frozen=True):
    """Rows of the audience (column index -> pa.string()) and the import file each went to. `size` in bytes."""

    cells: dict[int, pa.StringArray]
    parts: np.ndarray
    size: int


def _assigned(run: StoredRun, audience: Audience, plan: ColumnPlan) -> Iterator[_Batch]:
    assignment = read_assignment(run.folder)
    wanted = sorted({column.index for column in plan.columns} | {plan.phone})

    def read(chunk: Chunk) -> pa.RecordBatch:
        return chunk.read(wanted)

    start = 0
    for chunk, batch in in_order(read, audience.chunks()):
        parts = assignment[start : start + batch.num_rows]
        if len(parts) < batch.num_rows:
            raise _changed(run, audience)
        start += batch.num_rows
        yield _Batch({index: batch.column(at) for at, index in enumerate(wanted)}, parts, chunk.size)
    if start != len(assignment):
        raise _changed(run, audience)


class _Rebuild(Struct, frozen=True):
    """Makes the lines of a batch again, by import file; done on several threads at once. `columns`: those of each
    import file, as in its PartLine."""

    plan: ColumnPlan
    rules: CleaningRules
    columns: dict[int, list[int] | None]

    def __call__(self, batch: _Batch) -> dict[int, memoryview]:
        wanted = np.isin(batch.parts, list(self.columns))
        if not wanted.any():
            return {}
        verdicts = np.where(wanted, np.uint8(Verdict.SENDABLE), np.uint8(Verdict.UNCHANGED))
        cleaned = clean_members(batch.cells, self.plan, self.rules, verdicts)
        numbers, _ = clean_phones(batch.cells[self.plan.phone], self.rules)
        texts: dict[int, memoryview] = {}
        for origin in np.unique(batch.parts[wanted]).tolist():
            here = np.where(batch.parts == origin, numbers, 0)
            phones = write_phones(here, self.rules.phone_format, self.rules.region)
            columns = self.columns[origin]
            texts_of = cleaned.columns if columns is None else [cleaned.columns[place] for place in columns]
            lines = write_lines(phones, [column.values.text for column in texts_of])
            offsets = string_offsets(lines)
            texts[origin] = memoryview(lines.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
        return texts


def _piece(part: PartState, whole: ImportText) -> ImportFile:
    """The import file that `part` stands for: all of what was packed, or its piece of it after a split."""
    line = part.line
    content = whole
    if line.skip:
        content = content.split(line.skip)[1]
    if content.size > line.bytes:
        content = content.split(line.rows)[0]
    return ImportFile(
        line.part, line.rows, content, line.origin, line.skip, tuple(line.columns) if line.columns else None
    )


def _changed(run: StoredRun, audience: Audience) -> AudienceError:
    return AudienceError(
        f"The audience {audience.name} is not the one run {run.run_id} began with: its content has changed.",
        hint="Push it as a new run, or name the old file with --audience FILE.",
        code="audience_changed",
    )
