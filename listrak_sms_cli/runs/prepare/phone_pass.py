"""The members of an audience by their phones, chunk by chunk, and which of them are duplicates."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import (
    CleaningRules,
    Keep,
    Verdict,
    clean_phones,
    counted,
    dropped_by_reason,
    duplicates,
    in_exponent_form,
)
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.runs.events import Listener, MembersCounted, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted


class Members(Struct, frozen=True):
    """The phones of the whole audience. `numbers`: int64 a row, E.164 digits; `verdicts`: uint8 a row;
    `chunk_rows`: rows of each chunk, so that a second pass knows where it is; `exponents`: invalid phones that a
    spreadsheet turned into scientific notation."""

    numbers: np.ndarray
    verdicts: np.ndarray
    chunk_rows: tuple[int, ...]
    exponents: int = 0


class Phones(Struct, frozen=True):
    """The phones of a chunk, as `Members` has them; `verdicts` may be those of further checks too."""

    numbers: np.ndarray
    verdicts: np.ndarray
    exponents: int

    @classmethod
    def of(cls, cells: pa.StringArray, rules: CleaningRules) -> Phones:
        numbers, verdicts = clean_phones(cells, rules)
        return cls(numbers, verdicts, in_exponent_form(cells, verdicts == Verdict.INVALID_PHONE))


class Gathering:
    """Members chunk by chunk, in a phase of the run that ends when all phones are known."""

    def __init__(self, audience: Audience, keep: Keep, phase: Phase, tell: Listener) -> None:
        self._keep: Keep = keep
        self._phase = phase
        self._tell = tell
        # Flat, and grown in place: arrays kept of each chunk would leave the memory between them in pieces.
        self._numbers, self._verdicts = bytearray(), bytearray()
        self._chunk_rows: list[int] = []
        self._counts: Counter[Verdict] = Counter()
        self._exponents = self._done = 0
        tell(PhaseStarted(phase, audience.size, "bytes"))

    def add(self, size: int, some: Phones) -> None:
        """The next chunk, of `size` bytes of the source; nobody in it is a duplicate yet."""
        self._numbers += some.numbers.data
        self._verdicts += some.verdicts.data
        self._chunk_rows.append(len(some.numbers))
        self._counts.update(counted(some.verdicts))
        self._exponents += some.exponents
        self._done += size
        self._tell(PhaseAdvanced(self._phase, self._done))
        self._tell(MembersCounted(self._counts.total(), dropped_by_reason(self._counts)))

    def ended(self) -> Members:
        """All of them, duplicates named, whatever else was said of these: only phones are judged before them."""
        numbers, verdicts = np.frombuffer(self._numbers, np.int64), np.frombuffer(self._verdicts, np.uint8)
        verdicts[duplicates(numbers, self._keep)] = Verdict.DUPLICATE_PHONE
        self._tell(MembersCounted(len(verdicts), dropped_by_reason(counted(verdicts))))
        self._tell(PhaseEnded(self._phase))
        return Members(numbers, verdicts, tuple(self._chunk_rows), self._exponents)
