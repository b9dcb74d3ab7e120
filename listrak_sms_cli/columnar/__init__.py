"""Columns: Arrow strings, dictionary-encoded columns, numbers and masks, and the compiled loops over their bytes.

Nothing here knows what a phone, a profile field or Listrak is. Change it to make a loop faster or to add one that
several rooms need; a rule about members belongs to `audience`.
"""

from __future__ import annotations

from listrak_sms_cli.columnar.dictionaries import (
    Column,
    Places,
    decoded,
    decoded_with_nulls,
    dictionary_encoded,
    empty_cells,
    words_and_places,
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
    fixed_column,
    indices,
    integers,
    keep_bytes,
    mask_of,
    matches,
    nulls_as_empty,
    numbers_of,
    raw,
    replace_cells,
    replace_matches,
    select,
    string_column,
    trimmed,
)

__all__ = [
    "Bytes",
    "Column",
    "Mask",
    "Places",
    "Raw",
    "blanked",
    "booleans",
    "column_at",
    "column_of",
    "column_of_numbers",
    "counts_of",
    "decoded",
    "decoded_with_nulls",
    "dictionary_encoded",
    "empty_cells",
    "fixed_column",
    "in_order",
    "indices",
    "integers",
    "keep_bytes",
    "mask_of",
    "matches",
    "nulls_as_empty",
    "numbers_of",
    "raw",
    "replace_cells",
    "replace_matches",
    "select",
    "string_column",
    "trimmed",
    "words_and_places",
]
