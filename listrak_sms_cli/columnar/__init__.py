"""Columns: Arrow strings, dictionary-encoded columns, numbers and masks, and the compiled loops over their bytes.

Nothing here knows what a phone, a profile field or Listrak is. Change it to make a loop faster or to add one that
several rooms need; a rule about members belongs to `audience`.
"""

from __future__ import annotations

from listrak_sms_cli.columnar.dictionaries import (
    Column,
    Places,
    as_read,
    empty_cells,
    folded,
    opened,
    unfolded,
)
from listrak_sms_cli.columnar.parallel import (
    in_order,
)
from listrak_sms_cli.columnar.strings import (
    Bytes,
    Mask,
    Raw,
    blanked,
    booleans,
    column_at,
    column_of,
    column_of_numbers,
    counts_of,
    filled,
    indices,
    integers,
    mask_of,
    matches,
    numbers_of,
    only,
    put,
    raw,
    replaced,
    string_column,
    trimmed,
    where,
    words,
)

__all__ = [
    "Bytes",
    "Column",
    "Mask",
    "Places",
    "Raw",
    "as_read",
    "blanked",
    "booleans",
    "column_at",
    "column_of",
    "column_of_numbers",
    "counts_of",
    "empty_cells",
    "filled",
    "folded",
    "in_order",
    "indices",
    "integers",
    "mask_of",
    "matches",
    "numbers_of",
    "only",
    "opened",
    "put",
    "raw",
    "replaced",
    "string_column",
    "trimmed",
    "unfolded",
    "where",
    "words",
]
