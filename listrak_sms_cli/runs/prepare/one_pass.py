"""The whole audience read and checked where nobody is sent: one pass, as no line has to wait for the duplicates."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import AudienceProfile, CleanedColumn, ColumnFacts, Verdict, clean_members, counted
from listrak_sms_cli.audience.source import Chunk
from listrak_sms_cli.columnar import decoded, in_order
from listrak_sms_cli.runs.events import Listener, Phase
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts, ColumnMarks
from listrak_sms_cli.runs.prepare.phone_pass import Gathering, Members, Phones
from listrak_sms_cli.runs.prepare.two_passes import Job, Prepared, check_members, read_members, wanted_columns

MOST_COLUMNS = 24  # that travel: up to three bits of each are kept a member, so nine bytes of all where chunks are full


def survey_members(job: Job, tell: Listener, profile: AudienceProfile) -> tuple[Members, Prepared]:
    """What `read_members` and `check_members` find, without look-ups; what the cells are like goes to `profile`. Two
    passes only for who wants more of the members than counts, or has so many columns that their marks weigh too much.
    Raises AudienceError as they do."""
    if job.options.rejects is not None or job.rules.keep_empty or len(job.plan.columns) > MOST_COLUMNS:
        members = read_members(job, tell, profile)
        return members, check_members(job, members, None, tell, profile=profile)
    gathering = Gathering(job.audience, job.options.keep, Phase.CHECKING, tell)
    marks: list[tuple[ColumnMarks, ...]] = []
    look = _Look(job, profile, wanted_columns(job.plan, profile))
    for chunk, seen in in_order(look, job.audience.chunks()):
        gathering.add(chunk.size, seen.phones)
        marks.append(seen.marks)
        profile.add(seen.facts, seen.columns)
    members = gathering.ended()
    travels = members.verdicts == Verdict.SENDABLE
    if job.options.limit is not None:
        beyond = np.flatnonzero(travels)[job.options.limit :]
        members.verdicts[beyond], travels[beyond] = Verdict.BEYOND_LIMIT, False
    columns, start = ColumnCounts(), 0
    for batch, rows in zip(marks, members.chunk_rows, strict=True):
        some = travels[start : start + rows]
        columns.count(batch, some, some)
        start += rows
    return members, Prepared(members.verdicts, counted(members.verdicts), columns, np.empty(0, np.uint64))


class _Seen(Struct, frozen=True):
    """A chunk of members, judged but for the duplicates."""

    phones: Phones
    columns: tuple[CleanedColumn, ...]
    marks: tuple[ColumnMarks, ...]
    facts: dict[int, ColumnFacts]


class _Look(Struct, frozen=True):
    """The work on one chunk: done on several threads at once, changes nothing outside."""

    job: Job
    profile: AudienceProfile
    attributes: list[int]

    def __call__(self, chunk: Chunk) -> _Seen:
        plan, rules = self.job.plan, self.job.rules
        wanted = list(dict.fromkeys([plan.phone, *self.attributes]))
        cells = dict(zip(wanted, chunk.read(wanted, keep_dictionaries=True).columns, strict=True))
        phones = Phones.of(decoded(cells[plan.phone]), rules)
        cleaned = clean_members(cells, plan, rules, phones.verdicts)
        marks = tuple(map(ColumnMarks.of, cleaned.columns))
        return _Seen(replace(phones, verdicts=cleaned.verdicts), cleaned.columns, marks, self.profile.look(cells))
