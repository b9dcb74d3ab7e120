"""The import files of an earlier run that Listrak has not accepted, made again from the audience, row for row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import CleaningRules, ColumnPlan, Verdict, clean_members, clean_phones
from listrak_sms_cli.audience.phones import write_phones
from listrak_sms_cli.audience.source import Audience, Chunk, ReadOptions, RemoteRows, open_audience
from listrak_sms_cli.columnar import in_order, raw
from listrak_sms_cli.errors import AudienceError, SettingsError
from listrak_sms_cli.runs.events import Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.options import IMPORT_FILE_LIMIT
from listrak_sms_cli.runs.pack import GroupPacker, ImportFile, ImportSpool, ImportText, header_line, write_lines
from listrak_sms_cli.runs.prepare import PartRules, RemotePreparation
from listrak_sms_cli.runs.record import (
    PartState,
    Recipe,
    RunState,
    StoredRun,
    identity_of,
    parts_of_rows,
    plan_of,
    rules_of,
)


def rebuild(stored: StoredRun, source: object, config: Path, spool: ImportSpool, tell: Listener) -> list[ImportFile]:
    """The import files of a run that Listrak has not accepted (or whose import ended badly), and those of a canary that
    is to be read back, row for row as they were prepared, and proved to be; Listrak is not asked again who exists.

    `source`: where the audience is now, None = where it was; `config`: the config file, which
    knows the database of a query, and that is run again. Raises AudienceError when it has changed, SettingsError when
    the record of the run is damaged or an import file is not what it was.
    """
    recipe, unsent = stored.state.started.recipe, parts_to_rebuild(stored.state)
    columns = {part.line.origin: part.line.columns for part in unsent}
    origins = {line.part: line for line in stored.state.prepared.parts if line.part in columns}
    if not all(line.digest for line in origins.values()):
        raise _cannot_be_proved(stored)
    if isinstance(source, RemoteRows):
        source = source.again(recipe.remote)
    elif source is None:
        source = recipe.path
    with _opened(source, ReadOptions(**{**recipe.read, "config": str(config)})) as opened:
        if len(opened.columns) != len(recipe.header):
            raise _changed(stored, opened)
        if isinstance(source, RemotePreparation):
            files = _prepared_again(recipe, source, opened, spool, tell)
            differs = _changed(stored, opened)
        else:
            files = _made_again(stored, opened, columns, spool, tell)
            differs = None
    for origin, line in origins.items():
        content = files.get(origin)
        if content is None or (content.size, content.digest()) != (line.bytes, line.digest):
            raise differs or _differs(stored, origin)
    return [_piece(part, files[part.line.origin]) for part in unsent]


def _made_again(
    stored: StoredRun, audience: Audience, columns: dict[int, list[int] | None], spool: ImportSpool, tell: Listener
) -> dict[int, ImportText]:
    """The text of the import files with these numbers and columns, row for row. Raises AudienceError when the audience
    has changed."""
    recipe = stored.state.started.recipe
    plan = plan_of(recipe)
    stretches: dict[int, list[tuple[int, int]]] = {origin: [] for origin in columns}
    lines_of = _Rebuild(plan, rules_of(recipe), columns)
    tell(PhaseStarted(Phase.CHECKING, audience.size, "bytes"))
    done = 0
    for batch, texts in in_order(lines_of, _assigned(stored, audience, plan)):
        for origin, text in texts.items():
            stretches[origin].append((spool.append(text), len(text)))
        done += batch.size
        tell(PhaseAdvanced(Phase.CHECKING, done))
    if identity_of(audience) != recipe.identity:
        raise _changed(stored, audience)
    tell(PhaseEnded(Phase.CHECKING))
    return {origin: ImportText(spool, _header(columns[origin], plan), tuple(stretches[origin])) for origin in columns}


def _prepared_again(
    recipe: Recipe, source: RemotePreparation, audience: Audience, spool: ImportSpool, tell: Listener
) -> dict[int, ImportText]:
    """The text of all import files by their number, cleaned and packed anew where the rows are."""
    plan, rules = replace(plan_of(recipe), consent=recipe.remote["consent"]), rules_of(recipe)
    tell(PhaseStarted(Phase.CHECKING, 0, "members"))
    _, texts = source.prepare(audience.columns, PartRules(plan, rules, recipe.remote["keep"]), spool, tell)
    names, rows = [column.name for column in plan.columns], recipe.remote["batch_rows"]
    packer = GroupPacker(spool, names, rows, IMPORT_FILE_LIMIT, by_filled_columns=rules.keep_empty)
    packer.begin(0)
    packer.add_spooled(texts)
    files, _ = packer.import_files()
    tell(PhaseEnded(Phase.CHECKING))
    return {file.number: file.content for file in files}


def parts_to_rebuild(state: RunState) -> list[PartState]:
    """What is to be sent, and a canary that is not proved yet."""
    canary = state.canary_parts if state.canary_is_open else []
    numbers = {part.line.part for part in [*state.unsent, *canary]}
    return [part for part in state.leaves if part.line.part in numbers]


def _opened(source: object, options: ReadOptions) -> Audience:
    try:
        return open_audience(source, options)
    except AudienceError as error:
        if error.code == "not_found":
            error.hint = "Say where it is now: --audience FILE"
        raise


def _header(columns: list[int] | None, plan: ColumnPlan) -> bytes:
    places = range(len(plan.columns)) if columns is None else columns
    return header_line(["phone", *(plan.columns[place].name for place in places)])


class _Batch(Struct, frozen=True):
    """Rows of the audience (column index -> pa.string()) and the import file each went to. `size` in bytes."""

    cells: dict[int, pa.StringArray]
    parts: np.ndarray
    size: int


def _assigned(stored: StoredRun, audience: Audience, plan: ColumnPlan) -> Iterator[_Batch]:
    assignment = parts_of_rows(stored)
    wanted = sorted({column.index for column in plan.columns} | {plan.phone})

    def read(chunk: Chunk) -> pa.RecordBatch:
        return chunk.read(wanted)

    start = 0
    for chunk, batch in in_order(read, audience.chunks()):
        parts = assignment[start : start + batch.num_rows]
        if len(parts) < batch.num_rows:
            raise _changed(stored, audience)
        start += batch.num_rows
        yield _Batch({index: batch.column(at) for at, index in enumerate(wanted)}, parts, chunk.size)
    if start != len(assignment):
        raise _changed(stored, audience)


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
            phones = write_phones(here, self.rules.phone_format, self.rules.country)
            columns = self.columns[origin]
            texts_of = cleaned.columns if columns is None else [cleaned.columns[place] for place in columns]
            lines = write_lines(phones, [column.values.text for column in texts_of])
            texts[origin] = raw(lines).data.data
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
        line.part,
        line.rows,
        content,
        line.origin,
        line.skip,
        tuple(line.columns) if line.columns else None,
        line.canary,
    )


def _changed(stored: StoredRun, audience: Audience) -> AudienceError:
    return AudienceError(
        f"The audience {audience.name} is not the one run {stored.run_id} began with: its content has changed.",
        hint="Push it as a new run, or name the old file with --audience FILE.",
        code="audience_changed",
    )


def _differs(stored: StoredRun, part: int) -> SettingsError:
    return SettingsError(
        f"Import file {part} of run {stored.run_id} cannot be made again as it was: the same audience now gives other "
        "members or values, as after an update of lsms or of its list of phone numbers. Nothing was sent.",
        hint="Push the audience as a new run; sending the same values twice does no harm.",
        code="rebuilt_differs",
    )


def _cannot_be_proved(stored: StoredRun) -> SettingsError:
    return SettingsError(
        f"Run {stored.run_id} was begun by lsms {stored.state.started.version}, whose record does not prove that its "
        "import files are made again as they were. Nothing was sent.",
        hint="Push the audience as a new run; sending the same values twice does no harm.",
        code="old_record",
    )
