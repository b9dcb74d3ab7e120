"""What the values that travel are like, counted by column."""

from __future__ import annotations

from collections import Counter

import numpy as np
from msgspec import Struct, field

from listrak_sms_cli.audience.clean import Cleaned, Verdict
from listrak_sms_cli.audience.folded import empty_cells, unfolded
from listrak_sms_cli.audience.profile import short_zips


class ColumnCounts(Struct):
    """Per column, among the members that travel: cells that are empty, values cleaned, values sent empty, ZIPs that
    are too short. Values left out count also where nothing is left to say of the member."""

    empty: Counter[str] = field(default_factory=Counter)
    cleaned: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    short_zips: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, members: Cleaned) -> ColumnCounts:
        counts = cls()
        travels = members.verdicts == Verdict.SENDABLE
        judged = travels
        if members.fills is not None:
            judged = travels | (members.fills == 0) & (members.verdicts == Verdict.UNCHANGED)
        for column in members.columns:
            name = column.plan.name
            empty = empty_cells(column.values.text)
            counts.empty[name] = int(np.count_nonzero(empty & travels)) if empty is not None else 0
            if column.values.changed is not None:
                counts.cleaned[name] = int(np.count_nonzero(column.values.changed & travels))
            if (unfit := column.unfit) is not None:
                counts.blanked[name] = int(np.count_nonzero(unfit & judged))
            if column.plan.holds_zips:
                counts.short_zips[name] = short_zips(unfolded(column.values.text))
        return counts

    def add(self, other: ColumnCounts) -> None:
        self.empty.update(other.empty)
        self.cleaned.update(other.cleaned)
        self.blanked.update(other.blanked)
        self.short_zips.update(other.short_zips)
