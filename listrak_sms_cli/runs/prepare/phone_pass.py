"""The first pass over an audience: its phones, and which members are duplicates.

One parse of all columns would need a spool of lines from which duplicates are left out when it is read. To find the
phones of a CSV by a pass of its own takes 0.08 CPU seconds a million members of `python -m tests.bench.audiences`, one
in fourteen of a push; from Parquet, two passes and one were measured alike. Two are kept because much more than
duplicates is known only when all phones are (who exists, who opted out, who is unchanged, where the limit is): lines
are written once, for members that are sent; import files are whole stretches of the spool; columns are counted over
those members alone.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience import (
    AudienceProfile,
    CleaningRules,
    ColumnFacts,
    Verdict,
    clean_phones,
    counted,
    dropped_by_reason,
    duplicates,
    in_exponent_form,
)
from listrak_sms_cli.audience.source import Chunk
from listrak_sms_cli.columnar import in_order
from listrak_sms_cli.runs.events import Listener, MembersCounted, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.prepare.planned import PlannedAudience


class PhonePass(Struct, frozen=True):
    """The phones of the whole audience. `numbers`: int64 a row, E.164 digits; `verdicts`: uint8 a row, completed by the
    value pass; `chunk_rows`: rows of each chunk; `exponents`: phones that a spreadsheet turned into scientific
    notation."""

    numbers: np.ndarray
    verdicts: np.ndarray
    chunk_rows: tuple[int, ...]
    exponents: int = 0


def read_phones(planned: PlannedAudience, tell: Listener, profile: AudienceProfile | None = None) -> PhonePass:
    """Read the phone column alone, then find duplicates among all valid phones. Keeps nine bytes a member.

    The facts of the column go to `profile`. Where nothing is sent, `check_in_one_pass` reads the audience only once.
    """
    phone = planned.plan.phone

    def read(chunk: Chunk) -> tuple[ChunkPhones, dict[int, ColumnFacts]]:
        cells = chunk.read([phone]).column(0)
        return ChunkPhones.of(cells, planned.rules), profile.facts_of({phone: cells}) if profile is not None else {}

    collector = PhoneCollector(planned, Phase.READING, tell)
    for chunk, (phones, facts) in in_order(read, planned.audience.chunks()):
        collector.add(chunk.size, phones)
        if profile is not None:
            profile.add(facts)
    return collector.ended()


class ChunkPhones(Struct, frozen=True):
    """The phones of a chunk, as a PhonePass has them. The verdicts may be those of further checks too."""

    numbers: np.ndarray
    verdicts: np.ndarray
    exponents: int

    @classmethod
    def of(cls, cells: pa.StringArray, rules: CleaningRules) -> ChunkPhones:
        """Clean the cells of a phone column."""
        numbers, verdicts = clean_phones(cells, rules)
        return cls(numbers, verdicts, in_exponent_form(cells, Verdict.INVALID_PHONE.of(verdicts)))


class PhoneCollector:
    """Collects phones chunk by chunk, in a phase of the run that ends when all of them are known."""

    def __init__(self, planned: PlannedAudience, phase: Phase, tell: Listener) -> None:
        self._keep = planned.options.keep
        self._rejects = planned.audience.rejects
        self._phase = phase
        self._tell = tell
        # Flat, and grown in place: an array kept of each chunk would fragment the memory between them.
        self._numbers, self._verdicts = bytearray(), bytearray()
        self._chunk_rows: list[int] = []
        self._counts: Counter[Verdict] = Counter()
        self._exponents = self._done = 0
        tell(PhaseStarted(phase, planned.audience.size, "bytes"))

    def add(self, size: int, phones: ChunkPhones) -> None:
        """Add the next chunk, `size` bytes of the source. Duplicates are not marked yet."""
        self._numbers += phones.numbers.data
        self._verdicts += phones.verdicts.data
        self._chunk_rows.append(len(phones.numbers))
        self._counts.update(counted(phones.verdicts))
        self._exponents += phones.exponents
        self._done += size
        self._tell(PhaseAdvanced(self._phase, self._done))
        self._tell(MembersCounted(self._counts.total(), dropped_by_reason(self._counts)))

    def ended(self) -> PhonePass:
        """Mark the duplicates and return all phones. A duplicate keeps no other verdict: only a missing or invalid
        phone is checked before. A member that comes back from a rejects file as a duplicate stays one, and is nobody's
        rival."""
        numbers, verdicts = np.frombuffer(self._numbers, np.int64), np.frombuffer(self._verdicts, np.uint8)
        if self._rejects is not None:
            numbers[self._rejects.duplicates] = 0
            verdicts[self._rejects.duplicates] = Verdict.DUPLICATE_PHONE
        verdicts[duplicates(numbers, self._keep)] = Verdict.DUPLICATE_PHONE
        self._tell(MembersCounted(len(verdicts), dropped_by_reason(counted(verdicts))))
        self._tell(PhaseEnded(self._phase))
        return PhonePass(numbers, verdicts, tuple(self._chunk_rows), self._exponents)
