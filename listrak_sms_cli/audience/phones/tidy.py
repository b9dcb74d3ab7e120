"""What people, programs and spreadsheets put around the digits of a phone, taken away."""

from __future__ import annotations

import pyarrow as pa

from listrak_sms_cli.columnar import matches, pc, raw, replace_cells, replace_matches, select

EXPONENT = r"^[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$"  # a number as a spreadsheet shortens it
DIGITS_OF_A_PHONE = 7  # behind a phone, so many are another one, and no extension
CONTEXT = ";phone-context="  # RFC 3966: what follows belongs to the number

_OTHER_SIGNS = {  # full-width, Arabic-Indic and Persian signs, and the ASCII ones for them
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
    "\uff0b": "+",
}
_BEYOND_ASCII = (
    # invisible marks: zero width, direction, byte order, soft hyphen
    (r"[\x{AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]+", ""),
    # blanks of every kind
    (r"[\x{80}-\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+", " "),
    # dashes of every kind, and the long-vowel mark that Japanese keyboards type for one
    (r"[\x{2010}-\x{2015}\x{2212}\x{30FC}\x{FF0D}]", "-"),
)
_TIDYING = (
    (r"[\x00-\x1F\x7F]+", " "),  # tabs, line breaks, control characters
    # the apostrophe with which a spreadsheet marks a text, and quotes that were escaped once too often
    (r"""^[ '"`\x{2018}\x{2019}\x{201C}\x{201D}]+""", ""),
    (r"""([^ '"`\x{2019}\x{201D};:,!?*_.()-])[ '"`\x{2019}\x{201D};:,!?*_.()-]+$""", r"\1"),
)
_WORDS_IN_FRONT = (r"^[^+\p{Nd}]+([+\p{Nd}])", r"\1")  # libphonenumber begins at the first plus or digit, too
_WORDS_IN_FRONT_ASCII = (r"^[^+0-9]+([+0-9])", r"\1")  # \p{Nd} is slow to compile
_THOUSANDS = r"^\+?[0-9]{1,3}(,[0-9]{3}){2,}(\.00?)?$"  # as a spreadsheet shows a number
_FLOAT = (r"^(\+?[0-9]+)\.00?$", r"\1")
_PLAIN_EXTENSION = (  # libphonenumber knows more of them; these are the usual ones, behind a number in plain signs
    r"(?i)^(\+?(?:[ ().\-/]*[0-9]){7,}[).\-/]*)(?:;ext=|[ ,]*(?:e?xt(?:ensio)?n?|x|#)[:.]?[ ,-]*)[0-9]"
    rf"{{1,{DIGITS_OF_A_PHONE - 1}}}#?$",
    r"\1",
)


def tidy(cells: pa.StringArray) -> pa.StringArray:
    """The cells (no nulls) without what does not matter for reading a phone; "" where nothing visible was there.

    Removed are invisible characters, apostrophes and words in front of the first plus or digit, commas between
    thousands, `.0` or `.00` behind a whole number, and usual extensions. Every kind of blank becomes a space, every
    dash a hyphen, and full-width, Arabic-Indic and Persian digits become ASCII ones.
    """
    if not is_ascii(cells):
        has_other_signs = matches(cells, f"[{''.join(_OTHER_SIGNS)}]")
        if has_other_signs.any():
            cells = replace_cells(cells, has_other_signs, _signs_replaced(select(cells, has_other_signs)))
        for expression, replacement in _BEYOND_ASCII:
            cells = replace_matches(cells, expression, replacement)
    for expression, replacement in _TIDYING:
        cells = replace_matches(cells, expression, replacement)
    in_front = _WORDS_IN_FRONT_ASCII if is_ascii(cells) else _WORDS_IN_FRONT
    without_context = ~matches(cells, CONTEXT)
    cells = replace_cells(cells, without_context, replace_matches(select(cells, without_context), *in_front))
    has_thousands = matches(cells, _THOUSANDS)
    cells = replace_cells(cells, has_thousands, pc.replace_substring(select(cells, has_thousands), ",", ""))
    return replace_matches(replace_matches(cells, *_FLOAT), *_PLAIN_EXTENSION)


def is_ascii(cells: pa.StringArray) -> bool:
    """Are all bytes of the column ASCII?"""
    return not len(data := raw(cells).data) or int(data.max()) < 128


def _signs_replaced(cells: pa.StringArray) -> pa.StringArray:
    for sign, ascii_sign in _OTHER_SIGNS.items():
        cells = pc.replace_substring(cells, sign, ascii_sign)
    return cells
