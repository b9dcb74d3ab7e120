"""Which of several members with one phone."""

from __future__ import annotations

from typing import Literal

import numpy as np

from listrak_sms_cli.columnar import mark_repeated

Keep = Literal["first", "last"]


def duplicates(numbers: np.ndarray, keep: Keep) -> np.ndarray:
    """Rows that give way to another row with the same phone.

    `numbers`: int64, one a row, E.164 digits; values <= 0 are no phones and never duplicates. Returns the sorted
    int64 row indices of every member but the first or last of its phone. Exact for phones of every country.
    """
    return np.flatnonzero(mark_repeated(numbers, keep_last=keep == "last"))


def among(numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Bool a number: whether it is among these sorted ones."""
    if not len(known):
        return np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    found: np.ndarray = known[places] == numbers
    return found
