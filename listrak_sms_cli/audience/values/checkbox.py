"""Checkbox cells: what people and programs write for yes and no."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.columnar import Mask, fixed_column, indices, integers, trimmed

YES = ("true", "yes", "y", "on", "1", "t", "1.0")
NO = ("false", "no", "n", "off", "0", "f", "0.0")


def clean_checkboxes(column: pa.StringArray) -> tuple[pa.StringArray, Mask | None]:
    """`true`, `false` or "" (empty, or not understood), and True where a cell is not understood (None = nowhere).

    Listrak takes `on`, `true`, `1` and `off`, `false`, `0` (its help page on lists for import). Case and
    blanks around do not matter. `column` has no nulls.
    """
    # Few distinct spellings: only they are looked at.
    spellings = column.dictionary_encode()
    known = (*YES, *NO, "")
    found = pc.index_in(pc.utf8_lower(trimmed(spellings.dictionary)), value_set=fixed_column(*known))
    meaning = np.array([0] * len(YES) + [1] * len(NO) + [2, 3], dtype=np.int64)
    unknown = fixed_column(str(len(known)))[0].cast(pa.int32())
    rows = meaning[integers(pc.coalesce(found, unknown))].take(integers(spellings.indices))
    bad: Mask = rows == 3
    return fixed_column("true", "false", "", "").take(indices(rows)), bad if bad.any() else None
