"""Checkbox cells: what people and programs write for yes and no becomes `true` and `false`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from listrak_sms_cli.columnar import Mask, fixed_column, indices, integers, pc, trimmed

YES = ("true", "yes", "y", "on", "1", "t", "1.0")
NO = ("false", "no", "n", "off", "0", "f", "0.0")


def clean_checkboxes(column: pa.StringArray) -> tuple[pa.StringArray, Mask | None]:
    """Return `true`, `false` or "" (empty, or not understood), and where a cell is not understood (None = nowhere).

    Case and blanks around do not matter. `column` has no nulls. Listrak takes `on`, `true`, `1` and `off`, `false`, `0`
    (its help page on lists for import).
    """
    spellings = pc.dictionary_encode(column)  # few: each is read once
    known = (*YES, *NO, "")
    place = pc.index_in(pc.utf8_lower(trimmed(spellings.dictionary)), value_set=fixed_column(*known))
    meanings = np.array([0] * len(YES) + [1] * len(NO) + [2, 3], dtype=np.int64)  # of a place; the last is unknown
    unknown = pc.cast(fixed_column(str(len(known)))[0], pa.int32())
    rows = meanings[integers(pc.coalesce(place, unknown))].take(integers(spellings.indices))
    bad: Mask = rows == 3
    return pc.take(fixed_column("true", "false", "", ""), indices(rows)), bad if bad.any() else None
