"""Text cells: no line breaks, no control characters, composed accents."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from listrak_sms_cli.audience.cells import Mask, mask_of, put, raw, where

_BREAKS = "[\t\n\x0b\x0c\r\u0085\u2028\u2029]+"
_OTHER_CONTROLS = "[\\x00-\x08\x0e-\x1f\x7f-\u0084\u0086-\u009f]+"


def clean_text(column: pa.StringArray) -> tuple[pa.StringArray, Mask | None]:
    """Cells as they may travel, and True for each row that had to be changed (None = none).

    A run of line breaks and tabs becomes one space, other control characters go, accents are composed
    (NFC). Blanks at the ends stay. `column` has no nulls.
    """
    suspects = _suspects(column)
    if suspects is None:
        return column, None
    before = where(column, suspects)
    after = pc.replace_substring_regex(before, _OTHER_CONTROLS, "")
    after = pc.replace_substring_regex(after, _BREAKS, " ")
    after = pc.utf8_normalize(after, form="NFC")
    differs = mask_of(pc.not_equal(before, after))
    if not differs.any():
        return column, None
    cells = put(column, suspects, after)
    suspects[suspects] = differs
    return cells, suspects


def _suspects(column: pa.StringArray) -> Mask | None:
    """Rows that could need cleaning, told from single bytes; None when there is none.

    Below U+0300 every character is composed already, so what has to be looked at are ASCII controls, the
    lead byte of U+0080..U+00BF (C1 controls), and lead bytes of U+0300 and above.
    """
    seen = raw(column)
    data = seen.data
    if len(data) == 0 or (data.min() >= 0x20 and data.max() < 0x7F):
        return None
    flags = data >= 0xCC
    flags |= data == 0xC2
    flags |= data < 0x20
    flags |= data == 0x7F
    return seen.rows_of(flags) if flags.any() else None
