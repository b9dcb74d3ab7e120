"""The second pass over an audience, once duplicates are known: everything but the phones is checked, and the members
that will be sent are packed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience import (
    AudienceProfile,
    Cleaned,
    CleaningRules,
    ColumnFacts,
    Verdict,
    among,
    clean_members,
    counted,
    dropped_by_reason,
)
from listrak_sms_cli.audience.source import Chunk
from listrak_sms_cli.columnar import Column, distinct, in_order
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.runs.events import Listener, MembersCounted, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.pack import GroupPacker, Lines, lines_of
from listrak_sms_cli.runs.prepare.ask_listrak import NOT_QUERIED, LookedUp
from listrak_sms_cli.runs.prepare.column_counts import ColumnCounts
from listrak_sms_cli.runs.prepare.drift import LookedAt, Samples, Sampling, figures_of
from listrak_sms_cli.runs.prepare.part import ForeignPhones
from listrak_sms_cli.runs.prepare.phone_pass import PhonePass
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.rejects import Rejected, Rejects, explain
from listrak_sms_cli.runs.record import ColumnFigures
from listrak_sms_cli.runs.remember import Recall


class Receivers(Struct, frozen=True):
    """What the value pass works for; each may be None.

    `packer` packs the lines of the members that are sent; `recall` leaves out those that are unchanged; `keep` is
    called with the first row of each batch and the cleaned batch; `profile` counts what the columns hold; `sampling`
    says which rows are looked at to compare the columns with earlier pushes. Each begins anew where the pass does.
    """

    packer: GroupPacker | None = None
    recall: Recall | None = None
    keep: Callable[[int, Cleaned], None] | None = None
    profile: AudienceProfile | None = None
    sampling: Sampling | None = None


class Checked(Struct, frozen=True):
    """The whole audience after all checks. `phones`: with the final verdicts; `counts`: members by verdict; `columns`:
    of the members that are sent. `column_sets` (see Cleaned): uint64, those of the members that passed every check,
    also of unchanged ones and of those beyond the limit; empty unless the rules keep empty cells. `rules`: those that
    the members were cleaned by in the end. `figures`: what each column that is sent holds; `foreign`: None where all
    `phones` are here."""

    phones: PhonePass
    counts: Counter[Verdict]
    columns: ColumnCounts
    column_sets: np.ndarray
    rules: CleaningRules
    figures: tuple[ColumnFigures, ...]
    foreign: ForeignPhones | None = None

    @property
    def read(self) -> int:
        """Rows of the audience."""
        return self.counts.total()

    @property
    def dropped(self) -> int:
        """Members dropped for any reason."""
        return sum(dropped_by_reason(self.counts).values())


def check_members(
    planned: PlannedAudience, phones: PhonePass, receivers: Receivers, tell: Listener, looked_up: LookedUp = NOT_QUERIED
) -> Checked:
    """Check consent, opt-outs, values, who exists, who is unchanged, and the limit; complete `phones.verdicts`.

    The dropped members are in the rejects file when this returns. Raises AudienceError, also when the audience has
    changed since its phones were read, and SettingsError when a disk is full.

    What a column means may only be known at its end (one decimal comma in a column of numbers): then all of it is done
    again, with rules that say so. That costs nothing where no column is of that kind.
    """
    verdicts = phones.verdicts.copy()
    while True:
        checked = _check_once(planned, phones, receivers, tell, looked_up)
        mixed = checked.columns.mixed
        if not mixed:
            return checked
        planned = planned.with_mixed_columns(mixed)
        phones.verdicts[:] = verdicts
        if receivers.profile is not None:
            receivers.profile.restart(but=planned.plan.phone)


def _check_once(
    planned: PlannedAudience, phones: PhonePass, receivers: Receivers, tell: Listener, looked_up: LookedUp
) -> Checked:
    if receivers.packer is not None:
        receivers.packer.begin(len(phones.verdicts))
    if receivers.recall is not None:
        receivers.recall.begin(phones.numbers, phones.verdicts)
    check = _ChunkCheck(planned, phones, receivers, looked_up)
    with closing(_Collector(planned, phones, receivers, tell)) as collector:
        for stretch, of_chunk in in_order(check, _stretches(planned, phones)):
            collector.add(stretch, of_chunk)
        checked = collector.checked()
        if not checked.columns.mixed:
            collector.publish_rejects()
    tell(PhaseEnded(Phase.CHECKING))
    return checked


class _Stretch(Struct, frozen=True):
    """A chunk and the rows of the audience it holds."""

    chunk: Chunk
    rows: slice


def _stretches(planned: PlannedAudience, phones: PhonePass) -> Iterator[_Stretch]:
    start = 0
    for chunk, rows in zip(planned.audience.chunks(), phones.chunk_rows, strict=False):
        yield _Stretch(chunk, slice(start, start + rows))
        start += rows


class _CheckedChunk(Struct, frozen=True):
    """`lines`: by the columns the members have; `column_sets`: as those of Checked."""

    cleaned: Cleaned
    column_sets: np.ndarray
    lines: tuple[Lines, ...]
    rejected: Rejected | None
    columns: ColumnCounts
    facts: dict[int, ColumnFacts]
    sample: LookedAt | None


class _ChunkCheck(Struct, frozen=True):
    """The work on one chunk: done in several threads at once, changes nothing outside."""

    planned: PlannedAudience
    phones: PhonePass
    receivers: Receivers
    looked_up: LookedUp

    def __call__(self, stretch: _Stretch) -> _CheckedChunk:
        plan, rules, profile = self.planned.plan, self.planned.rules, self.receivers.profile
        cells = self._read(stretch)
        numbers = self.phones.numbers[stretch.rows]
        opted_out, missing, same = self.looked_up.masks(numbers)
        cleaned = clean_members(cells, plan, rules, self.phones.verdicts[stretch.rows], opted_out, missing)
        if same is not None:
            cleaned.verdicts[same & Verdict.SENDABLE.of(cleaned.verdicts)] = Verdict.UNCHANGED
        column_sets = np.empty(0, np.uint64)
        if cleaned.column_sets is not None:
            column_sets = distinct(cleaned.column_sets[Verdict.SENDABLE.of(cleaned.verdicts)])
        lines = tuple(self._lines(stretch.rows, cleaned, numbers))
        rejected = explain(cells, cleaned, self.planned) if self.planned.options.rejects else None
        facts = {}
        if profile is not None:
            facts = profile.facts_of({index: column for index, column in cells.items() if index != plan.phone})
        sampling = self.receivers.sampling
        sample = sampling.of_columns(stretch.rows, cleaned.columns) if sampling is not None else None
        return _CheckedChunk(cleaned, column_sets, lines, rejected, ColumnCounts.of(cleaned), facts, sample)

    def _read(self, stretch: _Stretch) -> dict[int, Column]:
        planned = self.planned
        wanted = planned.readable if planned.options.rejects else planned.attributes(self.receivers.profile)
        # To keep cells, or to group members by the columns they fill, columns must not be dictionary-encoded.
        plain = self.receivers.keep is not None or planned.rules.keep_empty
        batch = stretch.chunk.read(wanted, keep_dictionaries=not plain)
        if batch.num_rows != stretch.rows.stop - stretch.rows.start:
            raise AudienceError(
                f"The audience {planned.audience.name} changed while it was read; nothing was sent.",
                hint="Push it again once nothing writes to it.",
                code="audience_changed",
            )
        return dict(zip(wanted, batch.columns, strict=True))

    def _lines(self, rows: slice, cleaned: Cleaned, numbers: np.ndarray) -> Iterator[Lines]:
        packer, recall = self.receivers.packer, self.receivers.recall
        if packer is None and recall is None:
            return
        groups = cleaned.column_sets is not None
        by_filled_columns = groups if packer is None else packer.by_filled_columns
        canary = self.looked_up.canary
        known = recall.known(rows) if recall is not None else None
        if recall is not None and groups and not by_filled_columns:
            # One by one: a member is remembered by the columns it fills, as one in an import file is.
            for lines in lines_of(cleaned, numbers, self.planned.rules, by_filled_columns=True, most=None, known=known):
                recall.note(rows, lines, cleaned.verdicts)
            recall = known = None
        for lines in lines_of(cleaned, numbers, self.planned.rules, by_filled_columns=by_filled_columns, known=known):
            if recall is not None:
                recall.note(rows, lines, cleaned.verdicts)
            yield from [lines] if canary is None else lines.parted(among(numbers, canary))


class _Collector:
    """Takes the checked chunks in their order: counts them and hands them on."""

    def __init__(self, planned: PlannedAudience, phones: PhonePass, receivers: Receivers, tell: Listener) -> None:
        limit = planned.options.limit
        self._left = limit if limit is not None else len(phones.verdicts)
        self._plan, self._rules = planned.plan, planned.rules
        self._phones = phones
        self._receivers = receivers
        self._rejects = Rejects(planned.options.rejects, planned) if planned.options.rejects else None
        self._tell = tell
        self._counts = counted(phones.verdicts)
        del self._counts[Verdict.SENDABLE]
        self._columns = ColumnCounts()
        self._column_sets = [np.empty(0, np.uint64)]
        sampling = receivers.sampling
        self._samples = Samples(sampling, len(planned.plan.columns)) if sampling is not None else None
        self._done = 0
        tell(PhaseStarted(Phase.CHECKING, planned.audience.size, "bytes"))

    def add(self, stretch: _Stretch, checked: _CheckedChunk) -> None:
        checked = self._limited(checked)
        start, cleaned = stretch.rows.start, checked.cleaned
        if self._receivers.packer is not None:
            self._receivers.packer.add(start, checked.lines)
        if self._receivers.keep is not None:
            self._receivers.keep(start, cleaned)
        if self._receivers.profile is not None:
            self._receivers.profile.add(checked.facts, cleaned.columns)
        if self._rejects is not None and checked.rejected is not None:
            self._rejects.add(start, checked.rejected)
        undecided = Verdict.SENDABLE.of(self._phones.verdicts[stretch.rows])
        self._counts.update(counted(cleaned.verdicts[undecided]))
        self._phones.verdicts[stretch.rows] = cleaned.verdicts
        self._columns.add(checked.columns)
        if len(checked.column_sets):
            self._column_sets.append(checked.column_sets)
        if self._samples is not None and checked.sample is not None:
            self._samples.add(stretch.rows, checked.sample)
        self._done += stretch.chunk.size
        self._tell(PhaseAdvanced(Phase.CHECKING, self._done))
        self._tell(MembersCounted(len(self._phones.verdicts), dropped_by_reason(self._counts)))

    def _limited(self, checked: _CheckedChunk) -> _CheckedChunk:
        """`--limit`: members past the last one allowed are not sent."""
        verdicts = checked.cleaned.verdicts
        sendable = np.flatnonzero(Verdict.SENDABLE.of(verdicts))
        left, self._left = self._left, max(0, self._left - len(sendable))
        if len(sendable) <= left:
            return checked
        verdicts[sendable[left:]] = Verdict.BEYOND_LIMIT
        lines = tuple(group.before(int(sendable[left])) for group in checked.lines)
        return replace(checked, lines=lines, columns=ColumnCounts.of(checked.cleaned))

    def publish_rejects(self) -> None:
        if self._rejects is not None:
            self._rejects.publish()

    def close(self) -> None:
        if self._rejects is not None:
            self._rejects.close()

    def checked(self) -> Checked:
        column_sets = np.concatenate(self._column_sets)
        figures = figures_of(self._plan.columns, self._columns.filled, self._samples)
        return Checked(self._phones, self._counts, self._columns, column_sets, self._rules, figures)
