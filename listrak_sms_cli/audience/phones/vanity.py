"""Spellings with letters or rarer signs between the digits (`1-800-FLOWERS`), settled by columns.

libphonenumber first asks whether a text is shaped like a phone, then cuts an extension off, then goes on with
the digits alone: three or more letters are keys of a telephone (2 = ABC), fewer are dropped. Here are these
three steps for ASCII texts; the others, and those with an extension, it has to read itself.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.phones.numbering_plans import Plan
from listrak_sms_cli.columnar import Bytes, Mask, column_at, matches, raw, select

_SIGN = r"[-xX .()\[\]/~*]"
_BODY = rf"^\+*(?:{_SIGN}*[0-9]){{3}}[-xX .()\[\]/~*A-Za-z0-9]*"
_ANY_EXTENSION = (
    r"(?:;ext=[0-9]{1,20}|[ \t,]*(?:e?xt(?:ensio?)?n?|anexo)[:.]?[ \t,-]*[0-9]{1,20}#?"
    r"|[ \t,]*(?:[x#~]|int)[:.]?[ \t,-]*[0-9]{1,9}#?|[- ]+[0-9]{1,6}#"
    r"|[ \t]*(?:,,|;)[:.]?[ \t,-]*[0-9]{1,15}#?|[ \t]*,+[:.]?[ \t,-]*[0-9]{1,9}#?)"
)
_SHAPED = rf"(?i){_BODY}{_ANY_EXTENSION}?$"
_WITHOUT_EXTENSION = _BODY + r"$"
_PERHAPS_EXTENSION = r"(?i)(?:xt(?:ensio?)?n?|anexo|[x~]|int)\.?[ -]*[0-9]{1,20}$"
# A text is cut there before its shape counts; or the digits 00 may or may not stand for a plus.
_CUT = r";phone-context=|;isub=|[\\/] *x|[^A-Za-z0-9#]$"
_TWO_ZEROS = r"^0[^0-9]*0"
_BEYOND_ASCII = r"[^\x00-\x7F]"

_KEYS = b"22233344455566677778889999"  # A to Z on a telephone
_MOST_NATIONAL_DIGITS = 17  # libphonenumber refuses more
_LETTERS_OF_A_WORD = 3  # fewer are taken for typing errors, and dropped


def _table(letters: bytes) -> Bytes:
    table = np.full(256, ord("-"), np.uint8)
    table[ord("0") : ord("9") + 1] = np.arange(ord("0"), ord("9") + 1)
    table[ord("A") : ord("Z") + 1] = table[ord("a") : ord("z") + 1] = np.frombuffer(letters, np.uint8)
    return table


_WORDS, _TYPING_ERRORS = _table(_KEYS), _table(b"-" * 26)
_IS_LETTER = _WORDS != _TYPING_ERRORS


def shapeless(tidied: pa.StringArray) -> Mask:
    """Bool a row: libphonenumber refuses the text for its shape, whatever its digits. `tidied` has no nulls."""
    unshaped = ~matches(tidied, _SHAPED)
    if unshaped.any():
        unshaped[unshaped] = ~matches(select(tidied, unshaped), f"{_CUT}|{_TWO_ZEROS}|{_BEYOND_ASCII}")
    return unshaped


def digits_alone(tidied: pa.StringArray) -> tuple[Mask, pa.StringArray]:
    """Which texts count by their digits and letters alone, and these (only these) as digits and hyphens, with the plus
    that stood in front. `tidied` has no nulls."""
    simple = matches(tidied, _WITHOUT_EXTENSION)
    if simple.any():
        simple[simple] = ~matches(select(tidied, simple), f"{_PERHAPS_EXTENSION}|{_CUT}|{_TWO_ZEROS}")
    return simple, _keyed(select(tidied, simple))


def _keyed(cells: pa.StringArray) -> pa.StringArray:
    seen = raw(cells)
    letters_before = np.zeros(len(seen.data) + 1, np.int32)
    np.cumsum(_IS_LETTER.take(seen.data), out=letters_before[1:])
    is_word = np.diff(letters_before.take(seen.starts)) >= _LETTERS_OF_A_WORD
    digits = np.where(np.repeat(is_word, seen.lengths), _WORDS.take(seen.data), _TYPING_ERRORS.take(seen.data))
    firsts = seen.starts[:-1]
    digits[firsts[seen.data.take(firsts) == ord("+")]] = ord("+")  # a simple text is never empty
    return column_at(seen.starts, digits)


def endless(cells: pa.StringArray, plan: Plan | None) -> Mask:
    """Bool a row: more digits than a phone has, and the first of them begins no prefix and no calling code that could
    be taken away. `cells` as `digits_alone` gives them; None = no region."""
    seen = raw(cells)
    begins_prefix = np.ones(256, np.bool_)
    begins_prefix[ord("1") : ord("9") + 1] = False  # 0: `00` stands for a plus
    if plan is not None:
        begins_prefix[ord(str(plan.code)[0])] = True
        for lengths in (plan.dialled_abroad, plan.national_prefixes(_MOST_NATIONAL_DIGITS + 1)):
            if lengths is not None:
                begins_prefix[ord("0") + np.flatnonzero(lengths) // 100] = True
    digits_before = np.zeros(len(seen.data) + 1, np.int32)
    np.cumsum((seen.data - np.uint8(48)) < np.uint8(10), out=digits_before[1:])
    too_many = np.diff(digits_before.take(seen.starts)) > _MOST_NATIONAL_DIGITS
    too_many[too_many] = ~begins_prefix[seen.data.take(seen.starts[:-1][too_many])]
    return too_many
