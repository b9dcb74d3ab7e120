"""Phones as an import file or a person wants them spelled."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pyarrow as pa

from listrak_sms_cli.audience.phones.foreign import rows_read_at_home
from listrak_sms_cli.audience.phones.numbering_plans import calling_codes_of
from listrak_sms_cli.columnar import Integers, booleans, pc, replace_cells, write_numbers


class PhoneFormat(Enum):
    """How phones are written in an import file."""

    DIGITS = "digits"  # 17175559636
    E164 = "e164"  # +17175559636
    NATIONAL = "national"  # 7175559636


def write_phones(numbers: Integers, style: PhoneFormat, country: str = "") -> pa.StringArray:
    """E.164 digits (int64) as text: pa.string(), one a row, null where the number is not above 0.

    `country`: the sender code's, ISO 3166-1 alpha-2. With DIGITS a foreign phone that could be read as a national one
    of that country keeps its plus; "" = none does.

    NATIONAL is the national significant number: the digits behind the calling code, with the zeros that belong to them
    (Italy). It does not say which country it is for: leave out phones of other calling codes before.
    """
    left_out = np.zeros(len(numbers), np.uint8)
    if style is PhoneFormat.NATIONAL:
        left_out += np.searchsorted((1, 10, 100), calling_codes_of(numbers), side="right").astype(np.uint8)
    texts = write_numbers(numbers, left_out, plus=style is PhoneFormat.E164)
    if style is PhoneFormat.DIGITS and len(rows := rows_read_at_home(numbers, country)):
        with_plus = np.zeros(len(numbers), np.bool_)
        with_plus[rows] = True
        texts = replace_cells(texts, with_plus, write_numbers(numbers[rows], left_out[rows], plus=True))
    present = numbers > 0
    return texts if present.all() else pc.if_else(booleans(present), texts, pa.nulls(1, pa.string())[0])
