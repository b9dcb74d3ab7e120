"""An audience that another system cleans and packs, where it holds the rows: what comes back is counts and text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from listrak_sms_cli.audience.source import RemoteRows
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.events import Listener, MembersCounted, Phase, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.pack import GroupPacker, ImportSpool, SpooledText
from listrak_sms_cli.runs.prepare.drift import figures_of
from listrak_sms_cli.runs.prepare.part import PartCounts, PartRules
from listrak_sms_cli.runs.prepare.phone_pass import PhonePass
from listrak_sms_cli.runs.prepare.planned import PlannedAudience
from listrak_sms_cli.runs.prepare.value_pass import Checked


class RemotePreparation(RemoteRows):
    """Rows of which only the header comes here."""

    @abstractmethod
    def prepare(
        self, columns: Sequence[str], how: PartRules, spool: ImportSpool, tell: Listener
    ) -> tuple[PartCounts, list[SpooledText]]:
        """Check all rows; return what was found, and where the lines of members that are sent stand in the spool, in an
        order that depends on the rows alone. `columns`: the header, by whose indices the plan goes."""


def check_remotely(
    source: RemotePreparation, planned: PlannedAudience, packer: GroupPacker, spool: ImportSpool, tell: Listener
) -> Checked:
    """Return what `check_members` returns, but for the single rows. Raises as `check_members`.

    It is done again where the whole shows how a column is meant, as there.
    """
    if planned.audience.rejects is not None:
        raise UsageError("Rejects are pushed from their file, or with prepare='driver'.", code="executors_cannot")
    tell(PhaseStarted(Phase.CHECKING, 0, "members"))
    while True:
        packer.begin(0)
        how = PartRules(planned.plan, planned.rules, planned.options.keep)
        found, texts = source.prepare(planned.audience.columns, how, spool, tell)
        if not found.columns.mixed:
            break
        planned = planned.with_mixed_columns(found.columns.mixed)
    packer.add_spooled(texts)
    tell(MembersCounted(found.counts.total(), found.dropped))
    tell(PhaseEnded(Phase.CHECKING))
    phones = PhonePass(np.empty(0, np.int64), np.empty(0, np.uint8), (), found.exponents)
    figures = figures_of(planned.plan.columns, found.columns.filled)
    return Checked(phones, found.counts, found.columns, found.column_sets, planned.rules, figures, found.foreign)
