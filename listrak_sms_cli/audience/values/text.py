"""Text cells: line breaks become spaces, control characters are removed, accents are composed."""

from __future__ import annotations

import pyarrow as pa

from listrak_sms_cli.audience.cell_errors import error_cells
from listrak_sms_cli.columnar import Mask, blanked, mask_of, matches, pc, raw, replace_cells, select

_BREAKS = "[\t\n\x0b\x0c\r\u0085\u2028\u2029]+"
_OTHER_CONTROLS = "[\\x00-\x08\x0e-\x1f\x7f-\u0084\u0086-\u009f]+"

# Printable characters, of scripts in wide use, that are composed whatever stands beside them: Latin, Cyrillic,
# punctuation and the euro sign, kana, Chinese and Japanese characters, Hangul syllables, emoji.
SETTLED = (
    (0x20, 0x7E), (0xA0, 0x2FF), (0x400, 0x482), (0x48A, 0x52F), (0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF),
    (0x3041, 0x3096), (0x30A1, 0x30FC), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F64F),
)  # fmt: skip
_UNSETTLED = "[^" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in SETTLED) + "]"


def clean_text(column: pa.StringArray) -> tuple[pa.StringArray, Mask | None, Mask | None]:
    """Return the cells as they may be sent, which rows hold the error of a spreadsheet ("" then), and which rows had to
    be changed (None = none).

    A run of line breaks and tabs becomes one space, other control characters are removed, accents are composed (NFC).
    Blanks at the ends stay. `column` has no nulls.
    """
    suspects = _suspects(column)
    if suspects is None:
        return column, None, None
    errors = suspects.copy()
    errors[suspects] = error_cells(select(column, suspects))
    if errors.any():
        text, _, changed = clean_text(blanked(column, errors))
        return text, errors, changed
    suspects[suspects] = matches(select(column, suspects), _UNSETTLED)
    before = select(column, suspects)
    after = pc.replace_substring_regex(before, _OTHER_CONTROLS, "")
    after = pc.replace_substring_regex(after, _BREAKS, " ")
    after = pc.utf8_normalize(after, form="NFC")
    differs = mask_of(pc.not_equal(before, after))
    if not differs.any():
        return column, None, None
    cells = replace_cells(column, suspects, after)
    suspects[suspects] = differs
    return cells, None, suspects


def _suspects(column: pa.StringArray) -> Mask | None:
    """Rows that may need cleaning, found by single bytes; None when there is none.

    Every character below U+0300 is composed already. What is left are ASCII controls, the lead byte of U+0080..U+00BF
    (C1 controls), and the lead bytes of U+0300 and above.
    """
    content = raw(column)
    data = content.data
    if len(data) == 0 or (data.min() >= 0x20 and data.max() < 0x7F):
        return None
    flags = data >= 0xCC
    flags |= data == 0xC2
    flags |= data < 0x20
    flags |= data == 0x7F
    return content.rows_of(flags) if flags.any() else None
