"""The canary: members, drawn at random, who exist in Listrak and would change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.columnar import raw
from listrak_sms_cli.runs.events import Phase, PhaseAdvanced, PhaseEnded, PhaseStarted, silent
from listrak_sms_cli.runs.readback import ASK_EACH, ComparedMembers, Comparison, Reading, SentValues, Survey

_ASKED_TOGETHER = 200
_MISSING, _SAME, _EMPTIED, _CHANGED = range(4)  # what is known of a member; the last two would change


class Drawn(Struct, frozen=True):
    """`phones`: ascending int64 E.164 digits; `exist`: some member does, in Listrak."""

    phones: np.ndarray
    exist: bool


class CanaryDraw:
    """Draws from the members that are sent (`places` in `sent`, int64), contact by contact as far as it takes; where
    few of them would change, the survey reads them all. `is_read`: it has, and `places` would all change."""

    def __init__(
        self, sent: SentValues, places: np.ndarray, survey: Survey, reading: Reading, *, is_read: bool
    ) -> None:
        self._sent = sent
        self._places = places
        self._survey = survey
        self._reading = reading
        self._is_read = is_read
        self._known = np.zeros(len(sent.rows), np.uint8)

    def draw(self, wanted: int, seed: int, *, by_filled_columns: bool) -> Drawn:
        """Draw `wanted` members, or fewer; one or two more or less where an import file, of those that fill the same
        columns, would hold a single member."""
        order = np.random.default_rng(seed).permutation(self._places)
        self._look(order, max(wanted, 2))
        known = self._known[order]
        # Those of whom a value can be seen to arrive come first: an empty cell may change nothing.
        ranked = np.concatenate([order[known == _CHANGED], order[known == _EMPTIED]])
        exist = bool(known.any()) or (self._is_read and bool(len(self._survey.existing_phones)))
        filler = np.concatenate([order[known == _SAME], order[known == _MISSING]])
        groups = self._sent.filled_columns() if by_filled_columns else np.zeros(len(self._known), np.uint64)
        chosen = list(self._fitted(ranked, ranked[:wanted], groups, None))
        if not chosen:  # rather with members of whom nothing would change than no canary
            chosen = list(self._fitted(ranked, ranked[:wanted], groups, filler))
        members = np.concatenate([np.empty(0, np.int64), *chosen])
        return Drawn(np.sort(self._sent.phones[members]), exist)

    def _look(self, order: np.ndarray, wanted: int) -> None:
        tell = self._reading.tell
        tell(PhaseStarted(Phase.LOOKING_UP, 0, "contacts"))
        most = len(order) if self._is_read else min(len(order), ASK_EACH)
        asked = 0
        while asked < most and np.count_nonzero(self._known >= _EMPTIED) < wanted:
            self._ask(order[asked : asked + _ASKED_TOGETHER])
            asked += _ASKED_TOGETHER
            tell(PhaseAdvanced(Phase.LOOKING_UP, min(asked, len(order))))
        tell(PhaseEnded(Phase.LOOKING_UP))
        if asked >= len(order) or np.count_nonzero(self._known >= _EMPTIED) >= wanted:
            return
        self._survey.read(self._reading)
        self._is_read = True
        rest = order[asked:]
        self._ask(rest[self._survey.differs[rest]][: max(wanted, _ASKED_TOGETHER)])

    def _ask(self, members: np.ndarray) -> None:
        comparison = Comparison(self._sent, members, empties_stay=self._survey.empties_stay)
        replace(self._reading, tell=silent, ask_each=len(members)).read(comparison, self._note)

    def _note(self, compared: ComparedMembers) -> None:
        known = np.full(len(compared.members), _SAME, np.uint8)
        known[compared.different] = _EMPTIED
        for column in compared.columns:
            known[column.different & (raw(column.ours).lengths > 0)] = _CHANGED
        self._known[compared.members] = known

    def _fitted(
        self, ranked: np.ndarray, drawn: np.ndarray, groups: np.ndarray, filler: np.ndarray | None
    ) -> Iterator[np.ndarray]:
        """Of each group the members of the canary. `filler`: who may stand beside a single one."""
        for group in np.unique(groups[drawn]):
            first = int(np.count_nonzero(groups[drawn] == group))
            candidates = ranked if filler is None else np.concatenate([ranked, filler])
            mine = candidates[groups[candidates] == group]
            every = int(np.count_nonzero(groups[self._places] == group))
            size = _size(first, every, len(mine), alone=filler is not None or len(self._places) == 1)
            yield from [mine[:size]] * bool(size)


def _size(drawn: int, every: int, most: int, *, alone: bool) -> int:
    """How many of a group's members (`every`) go first, so that no import file has a single one: `drawn`, or one or two
    more, of `most`, else fewer. `alone`: a group of one may."""
    for size in (drawn, drawn + 1, drawn + 2, *reversed(range(drawn))):
        fits = size in (0, every) or 2 <= size <= every - 2
        if size <= most and fits and (alone or every > 1 or not size):
            return size
    return 0
