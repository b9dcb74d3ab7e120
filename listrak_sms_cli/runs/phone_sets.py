"""Sets of phones, or of their digests, as sorted arrays."""

from __future__ import annotations

import numpy as np


def among(numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Bool a number: whether it is among these sorted ones."""
    if not len(known):
        return np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    found: np.ndarray = known[places] == numbers
    return found
