"""Spellings with letters or rare signs between the digits (`1-800-FLOWERS`), for whole columns.

libphonenumber first checks whether a text is viable (looks like a phone), then cuts an extension off, then goes on with
the digits alone: three or more letters are keys of a telephone (2 = ABC), fewer are dropped. Here are these three
steps for ASCII texts. Other texts, and those with an extension, libphonenumber has to read itself.
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
_VIABLE = rf"(?i){_BODY}{_ANY_EXTENSION}?$"
_WITHOUT_EXTENSION = _BODY + r"$"
_MAYBE_EXTENSION = r"(?i)(?:xt(?:ensio?)?n?|anexo|[x~]|int)\.?[ -]*[0-9]{1,20}$"
# libphonenumber cuts a text there before it checks it.
_CUT = r";phone-context=|;isub=|[\\/] *x|[^A-Za-z0-9#]$"
_TWO_ZEROS = r"^0[^0-9]*0"  # may stand for a plus
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


def not_viable(tidied: pa.StringArray) -> Mask:
    """True for each text that libphonenumber refuses in every region because it does not look like a phone. `tidied`
    has no nulls."""
    refused = ~matches(tidied, _VIABLE)
    if refused.any():
        refused[refused] = ~matches(select(tidied, refused), f"{_CUT}|{_TWO_ZEROS}|{_BEYOND_ASCII}")
    return refused


def as_dialled(tidied: pa.StringArray) -> tuple[Mask, pa.StringArray]:
    """True for each text that only its digits and letters matter for; and those texts (no others) as they are dialled,
    in digits, hyphens and the plus that stood in front. `tidied` has no nulls."""
    simple = matches(tidied, _WITHOUT_EXTENSION)
    if simple.any():
        simple[simple] = ~matches(select(tidied, simple), f"{_MAYBE_EXTENSION}|{_CUT}|{_TWO_ZEROS}")
    return simple, _dialled(select(tidied, simple))


def _dialled(cells: pa.StringArray) -> pa.StringArray:
    octets = raw(cells)
    starts, data = octets.starts, octets.data
    letters_before = np.zeros(len(data) + 1, np.int32)
    np.cumsum(_IS_LETTER.take(data), out=letters_before[1:])
    has_word = np.diff(letters_before.take(starts)) >= _LETTERS_OF_A_WORD
    digits = np.where(np.repeat(has_word, np.diff(starts)), _WORDS.take(data), _TYPING_ERRORS.take(data))
    firsts = starts[:-1]
    digits[firsts[data.take(firsts) == ord("+")]] = ord("+")  # a simple text is never empty
    return column_at(starts, digits)


def has_too_many_digits(cells: pa.StringArray, plan: Plan | None) -> Mask:
    """True for each cell with more digits than a phone has, of which the first begins no prefix and no calling code
    that could be taken away. `cells` are from `as_dialled`; `plan` None = no region."""
    octets = raw(cells)
    starts, data = octets.starts, octets.data
    begins_prefix = np.ones(256, np.bool_)
    begins_prefix[ord("1") : ord("9") + 1] = False  # a 0 may begin `00`, which stands for a plus
    if plan is not None:
        begins_prefix[ord(str(plan.code)[0])] = True
        for lengths in (plan.dialled_abroad, plan.national_prefixes(_MOST_NATIONAL_DIGITS + 1)):
            if lengths is not None:
                begins_prefix[ord("0") + np.flatnonzero(lengths) // 100] = True
    digits_before = np.zeros(len(data) + 1, np.int32)
    np.cumsum((data - np.uint8(ord("0"))) < np.uint8(10), out=digits_before[1:])
    too_many = np.diff(digits_before.take(starts)) > _MOST_NATIONAL_DIGITS
    too_many[too_many] = ~begins_prefix[data.take(starts[:-1][too_many])]
    return too_many
