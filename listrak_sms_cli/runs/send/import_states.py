"""How imports stand: Listrak is asked until they have ended."""

from __future__ import annotations

import time

from listrak_sms_cli.errors import Interrupted, ListrakRefused, ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak import NotFound
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.events import ImportChanged, Listener, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.record import NOT_FOUND, PartState, PartStatus, RunState, Seen
from listrak_sms_cli.runs.run import Run

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 5.0  # seconds between two looks at the imports: a small one ends at once
_UNSURE_PAUSE = 0.1  # seconds, where an import is not found and the time is over
_UNKNOWN_SECONDS, _UNKNOWN_LOOKS = 60.0, 3  # how long, and how often, Listrak may not know an import it gave the id of


def await_imports(run: Run, context: Context, timeout: float) -> list[LsmsError]:
    """Asks about the open imports until they have ended or `timeout` seconds are over; returns what went wrong. One
    that Listrak does not know (any more) is "not found" after a few looks, however little time there is; look after
    look for a minute, it counts as ended badly: nobody can tell what became of it. One look that does not find it says
    nothing."""
    return _Wait(run, context).until(time.monotonic() + timeout)


class _Wait:
    def __init__(self, run: Run, context: Context) -> None:
        self._run = run
        self._context = context
        self._patience = min(_UNKNOWN_SECONDS, context.settings.give_up_after)
        self._unknown: dict[str, tuple[float, int]] = {}  # import id -> since when, and looks, in a row

    def until(self, end: float) -> list[LsmsError]:
        state, tell = self._run.state, self._context.tell
        total = state.rows[PartStatus.ACCEPTED]
        tell(PhaseStarted(Phase.IMPORTING, total, "members"))
        pause = _FIRST_PAUSE
        try:
            while state.open_imports:
                for part in state.open_imports:
                    self._look(part)
                tell(PhaseAdvanced(Phase.IMPORTING, total - sum(part.line.rows for part in state.open_imports)))
                left = end - time.monotonic()
                if not state.open_imports or (left <= 0 and not self._unsure):
                    break
                if self._context.stop.wait(min(pause, left) if left > 0 else _UNSURE_PAUSE):
                    return [Interrupted("Interrupted.")]
                pause = min(pause * 1.5, _LONGEST_PAUSE)
        except LsmsError as error:
            return [error]
        tell(PhaseEnded(Phase.IMPORTING, complete=not state.open_imports))
        return []

    @property
    def _unsure(self) -> bool:
        """Whether an import was not found, and not often enough to say so."""
        return any(looks < _UNKNOWN_LOOKS for _, looks in self._unknown.values())

    def _look(self, part: PartState) -> None:
        import_id = part.import_file_id
        try:
            found = self._context.client.import_status(self._run.target.sender_code, import_id)
        except NotFound:
            since, looks = self._unknown.get(import_id, (time.monotonic(), 0))
            self._unknown[import_id] = (since, looks + 1)
            given_up = time.monotonic() - since >= self._patience
            if looks + 1 >= _UNKNOWN_LOOKS and (given_up or part.word != NOT_FOUND):
                self._record(part, NOT_FOUND, ended=given_up, failed=given_up)
            return
        except ListrakRefused as error:
            raise ListrakUnavailable(f"Listrak does not tell how the imports stand. {error.message}") from None
        self._unknown.pop(import_id, None)
        if (found.status, found.ended) != (part.word, part.ended):
            self._record(part, found.status, ended=found.ended, failed=found.failed, new_word=found.new_word)

    def _record(self, part: PartState, word: str, *, ended: bool, failed: bool, new_word: bool = False) -> None:
        number = part.line.part
        self._run.record(
            Seen(
                part=number,
                status=word,
                ended=ended,
                failed=failed,
                new_word=new_word,
                import_file_id=part.import_file_id,
            )
        )
        tell_state(self._run.state, number, self._context.tell)


def tell_state(state: RunState, number: int, tell: Listener) -> None:
    """Tells how an import file stands now."""
    part = state.parts[number]
    failed = part.failed or part.status is PartStatus.REFUSED
    tell(ImportChanged(number, part.line.file_name, part.line.rows, part.shown, part.ended, failed))
