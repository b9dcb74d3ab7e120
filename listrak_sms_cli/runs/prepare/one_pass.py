"""The whole audience read and checked in one pass, where nothing is sent: no line has to wait for the duplicates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import AudienceProfile, CleanedColumn, ColumnFacts, Verdict, clean_members, counted
from listrak_sms_cli.audience.source import Chunk
from listrak_sms_cli.columnar import decoded, in_order
from listrak_sms_cli.runs.events import Listener, Phase
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts, ColumnMarks, dropped_for_values
from listrak_sms_cli.runs.prepare.drift import figures_of
from listrak_sms_cli.runs.prepare.phone_pass import ChunkPhones, PhoneCollector, read_phones
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.value_pass import Checked, Receivers, check_members

MOST_BYTES = 64 << 20  # of the marks of all members: at most three bits a cell, most columns have none


def check_in_one_pass(planned: PlannedAudience, tell: Listener, profile: AudienceProfile) -> Checked:
    """Return what `check_members` returns, without look-ups; the facts of all columns go to `profile`.

    Two passes are made only for rejects and kept empty cells, which need more than counts of the members, and where
    the marks of many columns would take too much memory, by those of the chunks so far. Raises AudienceError as the two
    passes do.
    """
    limit, size = planned.options.limit, planned.audience.size
    if planned.options.rejects is not None or planned.rules.keep_empty:
        return _check_in_two_passes(planned, tell, profile)
    collector = PhoneCollector(planned, Phase.CHECKING, tell)
    marks: list[tuple[ColumnMarks, ...]] = []
    kept = done = 0
    counts = ColumnCounts()
    check = _ChunkCheck(planned, profile, planned.attributes(profile))
    for chunk, checked in in_order(check, planned.audience.chunks()):
        collector.add(chunk.size, checked.phones)
        marks.append(checked.marks)
        kept += sum(column.nbytes for column in checked.marks)
        done += chunk.size
        if kept * size > MOST_BYTES * done:
            profile.restart()
            return _check_in_two_passes(planned, tell, profile)
        counts.unknown_consents.update(checked.unknown_consents)
        profile.add(checked.facts, checked.columns)
    phones = collector.ended()
    sent = Verdict.SENDABLE.of(phones.verdicts)
    if limit is not None:
        beyond = np.flatnonzero(sent)[limit:]
        phones.verdicts[beyond], sent[beyond] = Verdict.BEYOND_LIMIT, False
    start = 0
    for columns, rows in zip(marks, phones.chunk_rows, strict=True):
        of_chunk = sent[start : start + rows]
        counts.count(columns, of_chunk, of_chunk, dropped_for_values(phones.verdicts[start : start + rows]))
        start += rows
    if counts.mixed:
        profile.restart()
        return check_in_one_pass(planned.with_mixed_columns(counts.mixed), tell, profile)
    figures = figures_of(planned.plan.columns, counts.filled)
    return Checked(phones, counted(phones.verdicts), counts, np.empty(0, np.uint64), planned.rules, figures)


def _check_in_two_passes(planned: PlannedAudience, tell: Listener, profile: AudienceProfile) -> Checked:
    phones = read_phones(planned, tell, profile)
    return check_members(planned, phones, Receivers(profile=profile), tell)


class _CheckedChunk(Struct, frozen=True):
    """A chunk of members after all checks but that for duplicates."""

    phones: ChunkPhones
    columns: tuple[CleanedColumn, ...]
    marks: tuple[ColumnMarks, ...]
    facts: dict[int, ColumnFacts]
    unknown_consents: Mapping[str, int]


class _ChunkCheck(Struct, frozen=True):
    """The work on one chunk: done in several threads at once, changes nothing outside."""

    planned: PlannedAudience
    profile: AudienceProfile
    attributes: list[int]

    def __call__(self, chunk: Chunk) -> _CheckedChunk:
        plan, rules = self.planned.plan, self.planned.rules
        wanted = list(dict.fromkeys([plan.phone, *self.attributes]))
        cells = dict(zip(wanted, chunk.read(wanted, keep_dictionaries=True).columns, strict=True))
        phones = ChunkPhones.of(decoded(cells[plan.phone]), rules)
        cleaned = clean_members(cells, plan, rules, phones.verdicts)
        marks = tuple(map(ColumnMarks.of, cleaned.columns))
        phones = replace(phones, verdicts=cleaned.verdicts)
        facts = self.profile.facts_of(cells)
        return _CheckedChunk(phones, cleaned.columns, marks, facts, cleaned.unknown_consents)
