"""The phones that were read so far."""

from __future__ import annotations

import numpy as np

from listrak_sms_cli.audience import among


class PhoneSet:
    """A set of int64 numbers, eight bytes each: sorted arrays, of which two are merged when they are about equally
    long, so there are few, and adding costs little."""

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []

    def holds(self, numbers: np.ndarray) -> np.ndarray:
        """Bool a number."""
        held = np.zeros(len(numbers), np.bool_)
        for array in self._arrays:
            held |= among(numbers, array)
        return held

    def add(self, numbers: np.ndarray) -> np.ndarray:
        """Add numbers; return the indices (int64, ascending) of those that are new, each where it stands first."""
        distinct, first = np.unique(numbers, return_index=True)
        new = ~self.holds(distinct)
        if new.any():
            self._arrays.append(distinct[new])
        while len(self._arrays) > 1 and len(self._arrays[-2]) < 2 * len(self._arrays[-1]):
            last = self._arrays.pop()
            self._arrays[-1] = np.sort(np.concatenate((self._arrays[-1], last)), kind="stable")
        return np.sort(first[new])
