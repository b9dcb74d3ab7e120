"""The whole audience, read and checked before anything is sent: phones first, then everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import (
    AudienceProfile,
    Cleaned,
    CleaningRules,
    ColumnFacts,
    ColumnPlan,
    Verdict,
    among,
    clean_members,
    counted,
    dropped_by_reason,
)
from listrak_sms_cli.audience.source import Audience, Chunk
from listrak_sms_cli.columnar import in_order
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.events import Listener, MembersCounted, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.options import ReadingOptions
from listrak_sms_cli.runs.pack import Lines, Packing, distinct, lines_of
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts
from listrak_sms_cli.runs.prepare.phone_pass import Gathering, Members, Phones
from listrak_sms_cli.runs.prepare.rejects import Rejected, Rejects, explain, readable
from listrak_sms_cli.runs.remember import Recall


class Job(Struct, frozen=True):
    """What to prepare and how: the audience, where its columns go, how its members are cleaned."""

    audience: Audience
    plan: ColumnPlan
    rules: CleaningRules
    options: ReadingOptions


class LookedUp(Struct, frozen=True):
    """What Listrak was asked about the audience's phones. Both are sorted int64 E.164 digits; None = not asked.

    `opted_out`: phones on the opt-out list; `existing`: phones of contacts the sender code has.
    """

    opted_out: np.ndarray | None = None
    existing: np.ndarray | None = None

    def says_no(self, numbers: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Bool a row: opted out; not in Listrak."""
        opted_out = None if self.opted_out is None else among(numbers, self.opted_out)
        missing = None if self.existing is None else ~among(numbers, self.existing)
        return opted_out, missing


NOT_ASKED = LookedUp()


class Prepared(Struct, frozen=True):
    """`verdicts`: uint8 a row of the audience; `counts` of members by verdict. `fills`: uint64, the sets of
    columns filled (see Cleaned) by who passed every check, also when unchanged or beyond the limit: lines are made for
    all of these, or for none when they are too many. None unless empty cells are to be kept from travelling."""

    verdicts: np.ndarray
    counts: Counter[Verdict]
    columns: ColumnCounts
    fills: np.ndarray

    @property
    def read(self) -> int:
        return len(self.verdicts)

    @property
    def dropped(self) -> dict[str, int]:
        return dropped_by_reason(self.counts)


def read_members(job: Job, tell: Listener, profile: AudienceProfile | None = None) -> Members:
    """First pass: the phone column alone; then duplicates among all valid phones. Nine bytes a member are kept. What
    the cells are like goes to `profile`. Where nobody is sent, `survey_members` reads once.

    Measured against one parse of all columns, whose lines are spooled before duplicates are known and left out when
    the spool is read: CPU seconds of preparing 4 M members of `python -m tests.bench.audiences FOLDER 4000000 0.02
    0.03` on two cores were 3.9 with two passes and 3.0 with one parse from CSV, 4.0 and 4.1 from Parquet. So a second
    parse costs a seventh of a push from CSV, and nothing from Parquet. It is kept because much else than duplicates is
    known only when all phones are (who exists, who opted out, who is unchanged, where the limit is): lines are written
    once, for who travels, parts are whole stretches of the spool, and columns are counted over those members alone.
    """

    def look(chunk: Chunk) -> tuple[Phones, dict[int, ColumnFacts]]:
        cells = chunk.read([job.plan.phone]).column(0)
        return Phones.of(cells, job.rules), profile.look({job.plan.phone: cells}) if profile is not None else {}

    gathering = Gathering(job.audience, job.options.keep, Phase.READING, tell)
    for chunk, (phones, facts) in in_order(look, job.audience.chunks()):
        gathering.add(chunk.size, phones)
        if profile is not None:
            profile.add(facts)
    return gathering.ended()


def check_members(
    job: Job,
    members: Members,
    packing: Packing | None,
    tell: Listener,
    looked_up: LookedUp = NOT_ASKED,
    profile: AudienceProfile | None = None,
    recall: Recall | None = None,
    keep: Callable[[int, Cleaned], None] | None = None,
) -> Prepared:
    """Second pass: consent, opt-outs, values, who exists, who is unchanged (says `recall`), limit. The members that
    travel go to `packing` (None: nothing is packed), the dropped ones to the rejects file, which is in its place when
    this returns, and what the columns hold to `profile`. `keep` is told the first row of each batch
    and the batch as it travels. `members.verdicts` is completed."""
    rejects = Rejects(job.options.rejects, job.audience) if job.options.rejects else None
    # Who keeps the cells, or groups members by those they fill, wants them plain.
    folded = keep is None and not job.rules.keep_empty
    wanted = readable(job.audience) if rejects is not None else wanted_columns(job.plan, profile)
    check = _Check(job, members, looked_up, packing, wanted, rejects is not None, folded, profile, recall)
    left = job.options.limit if job.options.limit is not None else len(members.verdicts)
    counts = counted(members.verdicts)
    del counts[Verdict.SENDABLE]
    columns = ColumnCounts()
    fills: list[np.ndarray] = []
    done = 0
    if packing is not None:
        packing.begin(len(members.verdicts))
    tell(PhaseStarted(Phase.CHECKING, job.audience.size, "bytes"))
    try:
        for stretch, checked in in_order(check, _stretches(job.audience, members)):
            fresh = members.verdicts[stretch.rows] == Verdict.SENDABLE
            checked, left = _limited(checked, left)
            if packing is not None:
                packing.add(stretch.rows.start, checked.lines)
            fills.append(checked.fills)
            if keep is not None:
                keep(stretch.rows.start, checked.cleaned)
            if rejects is not None and checked.rejected is not None:
                rejects.add(stretch.rows.start, checked.rejected)
            counts.update(counted(checked.verdicts[fresh]))
            columns.add(checked.columns)
            if profile is not None:
                profile.add(checked.facts, checked.cleaned.columns)
            members.verdicts[stretch.rows] = checked.verdicts
            done += stretch.chunk.size
            tell(PhaseAdvanced(Phase.CHECKING, done))
            tell(MembersCounted(len(members.verdicts), dropped_by_reason(counts)))
        if rejects is not None:
            rejects.publish()
    finally:
        if rejects is not None:
            rejects.close()
    tell(PhaseEnded(Phase.CHECKING))
    return Prepared(members.verdicts, counts, columns, np.concatenate([np.empty(0, np.uint64), *fills]))


class _Stretch(Struct, frozen=True):
    """A chunk and the rows of the audience it holds."""

    chunk: Chunk
    rows: slice


def _stretches(audience: Audience, members: Members) -> Iterator[_Stretch]:
    start = 0
    for chunk, rows in zip(audience.chunks(), members.chunk_rows, strict=False):
        yield _Stretch(chunk, slice(start, start + rows))
        start += rows


class _Checked(Struct, frozen=True):
    """A chunk of members, judged. `lines`: their CSV lines, by the columns they have; `fills`: as Prepared's."""

    verdicts: np.ndarray
    cleaned: Cleaned
    fills: np.ndarray
    lines: tuple[Lines, ...]
    rejected: Rejected | None
    columns: ColumnCounts
    facts: dict[int, ColumnFacts]


class _Check(Struct, frozen=True):
    """The work on one chunk: done on several threads at once, changes nothing outside."""

    job: Job
    members: Members
    looked_up: LookedUp
    packing: Packing | None
    wanted: list[int]
    explained: bool
    folded: bool
    profile: AudienceProfile | None
    recall: Recall | None

    def __call__(self, stretch: _Stretch) -> _Checked:
        plan, rules = self.job.plan, self.job.rules
        batch = stretch.chunk.read(self.wanted, keep_dictionaries=self.folded)
        if batch.num_rows != stretch.rows.stop - stretch.rows.start:
            raise AudienceError(
                f"The audience {self.job.audience.name} changed while it was read; nothing was sent.",
                hint="Push it again once nothing writes to it.",
                code="audience_changed",
            )
        cells = {index: batch.column(position) for position, index in enumerate(self.wanted)}
        numbers = self.members.numbers[stretch.rows]
        opted_out, missing = self.looked_up.says_no(numbers)
        cleaned = clean_members(cells, plan, rules, self.members.verdicts[stretch.rows], opted_out, missing)
        fills = np.empty(0, np.uint64)
        if cleaned.fills is not None:
            fills = distinct(cleaned.fills[cleaned.verdicts == Verdict.SENDABLE])
        lines: tuple[Lines, ...] = ()
        if self.packing is not None:
            lines = tuple(lines_of(cleaned, numbers, rules, by_fill=self.packing.by_fill))
        if self.recall is not None:
            lines = tuple(self.recall.leave_out(stretch.rows, numbers, some, cleaned.verdicts) for some in lines)
        rejected = explain(cells, cleaned, plan, rules, self.job.options.keep) if self.explained else None
        attributes = {index: column for index, column in cells.items() if index != plan.phone}
        facts = self.profile.look(attributes) if self.profile is not None else {}
        return _Checked(cleaned.verdicts, cleaned, fills, lines, rejected, ColumnCounts.of(cleaned), facts)


def _limited(checked: _Checked, left: int) -> tuple[_Checked, int]:
    """`--limit`: members past the first `left` sendable ones stay at home."""
    kept = np.flatnonzero(checked.verdicts == Verdict.SENDABLE)
    if len(kept) <= left:
        return checked, left - len(kept)
    checked.verdicts[kept[left:]] = Verdict.BEYOND_LIMIT
    lines = tuple(some.before(int(kept[left])) for some in checked.lines)
    return replace(checked, lines=lines, columns=ColumnCounts.of(checked.cleaned)), 0


def wanted_columns(plan: ColumnPlan, profile: AudienceProfile | None) -> list[int]:
    """Columns to be read beside the phone, ascending."""
    wanted = {column.index for column in plan.columns} | ({plan.consent} if plan.consent is not None else set())
    return sorted(wanted | profile.columns.keys() - {plan.phone} if profile is not None else wanted)
