"""A rejects file that is read as an audience, once its members have been repaired: what its own columns hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.drop_reasons import DROP_REASONS, DUPLICATE
from listrak_sms_cli.columnar import Mask, fixed_column, mask_of, nulls_as_empty, pc, trimmed

REJECT_COLUMNS = ("row", "reason", "detail", "run")
FILE_COLUMN = "file"  # behind them, where the audience had several files
REASON, RUN = 1, 3  # places of columns
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class RejectsRead(Struct, frozen=True):
    """`runs`: ids of the runs that rejected the members; `duplicates`: bool a row, the member was rejected as one."""

    runs: tuple[str, ...]
    duplicates: Mask


def behind_reject_columns(columns: Sequence[str]) -> list[str]:
    """Return the names that columns of an audience have in its rejects file. One that is called like a column of the
    rejects file itself gets underscores behind its name, which still name the same profile field."""
    own, names = (*REJECT_COLUMNS, FILE_COLUMN), list(columns)
    for place, name in enumerate(columns):
        while name in own or names.count(name) > (name == columns[place]):
            name += "_"
        names[place] = name
    return names


def own_columns(columns: Sequence[str]) -> int:
    """Return how many columns at the beginning of a header are those of a rejects file: 0, 4 or 5."""
    if tuple(columns[: len(REJECT_COLUMNS)]) != REJECT_COLUMNS:
        return 0
    return len(REJECT_COLUMNS) + (columns[len(REJECT_COLUMNS) :][:1] == (FILE_COLUMN,))


def read_rejects(batches: Iterable[pa.RecordBatch]) -> RejectsRead | None:
    """Return what the columns `reason` and `run` (pa.string()) say; None when any cell of theirs is not of our form."""
    runs: dict[str, None] = {}
    duplicates = [np.zeros(0, np.bool_)]
    for batch in batches:
        reasons, ids = (trimmed(nulls_as_empty(cells)) for cells in batch.columns)
        found = pc.unique(ids).to_pylist()
        if not set(pc.unique(reasons).to_pylist()) <= set(DROP_REASONS) or not all(map(_RUN_ID.fullmatch, found)):
            return None
        runs.update(dict.fromkeys(found))
        duplicates.append(mask_of(pc.equal(reasons, fixed_column(DUPLICATE)[0])))
    return RejectsRead(tuple(runs), np.concatenate(duplicates))
