"""The row numbers of members that did not (all) arrive: `lsms status --members FILE`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.output_file import TableFile
from listrak_sms_cli.runs.record.row_map import rows_of
from listrak_sms_cli.runs.record.state import PartState, PartStatus
from listrak_sms_cli.runs.record.store import StoredRun


def write_members(run: StoredRun, path: Path) -> int:
    """One line a pending, refused or failed member, and one that was to be updated and is not in Listrak: `row` (its
    number in its file), `file` (its name), `part`, `state`. CSV or Parquet by suffix, mode 0600. Returns the number of
    members. Raises UsageError when it cannot be written there, or would replace the audience."""
    schema = pa.schema([("row", pa.int64()), ("file", pa.string()), ("part", pa.int32()), ("state", pa.string())])
    recipe = run.state.started.recipe
    if recipe.remote.get("prepare") == "executors":
        raise UsageError(
            f"Run {run.run_id} was prepared on the executors of Spark: which of its rows did not arrive is not known.",
            hint="Push with prepare='driver' where that is needed.",
            code="no_row_map",
        )
    names = pa.array(recipe.files or [f"file {number + 1}" for number in range(len(recipe.identity))], pa.string())
    unsent = [part for part in run.state.leaves if part in run.state.unsent or "m" in part.outcomes]
    written = 0
    audience = [recipe.path, *recipe.files]
    with closing(TableFile(path, "--members", schema, audience, "members_place")) as table:
        seen: dict[int, int] = {}
        for batch in rows_of(run, {part.line.origin for part in unsent}):
            for part in unsent:
                columns = _columns(batch, part, seen, names)
                table.write(columns)
                written += len(columns[0])
            for origin in {part.line.origin for part in unsent}:
                seen[origin] = seen.get(origin, 0) + int(np.count_nonzero(np.asarray(batch.column(0)) == origin))
        table.publish()
    return written


def _columns(batch: pa.RecordBatch, part: PartState, seen: dict[int, int], names: pa.StringArray) -> list[pa.Array]:
    line = part.line
    rows = np.flatnonzero(np.asarray(batch.column(0)) == line.origin)
    ordinals = seen.get(line.origin, 0) + np.arange(len(rows))
    here = (ordinals >= line.skip) & (ordinals < line.skip + line.rows)
    mine, states = rows[here], [_state(part)] * int(np.count_nonzero(here))
    if part.outcomes:
        letters = [part.outcomes[ordinal] for ordinal in ordinals[here].tolist()]
        mine = mine[[letter != "u" for letter in letters]]
        states = [_ONE_BY_ONE[letter] for letter in letters if letter != "u"]
    chosen = batch.take(pa.array(mine))
    return [
        chosen.column(2),
        names.take(chosen.column(1)),
        pa.array(np.full(len(mine), line.part, np.int32)),
        pa.array(states, pa.string()),
    ]


_ONE_BY_ONE = {".": "pending", "r": "refused", "m": "not_in_listrak"}


def _state(part: PartState) -> str:
    return "failed" if part.failed else "refused" if part.status is PartStatus.REFUSED else "pending"
