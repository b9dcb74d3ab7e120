"""What is known of a run so far. It can make the Report at any moment, so every path that ends has one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from listrak_sms_cli.audience import ColumnPlan, Verdict, dropped_by_reason
from listrak_sms_cli.errors import (
    AudienceError,
    GuardStopped,
    ImportEndedBadly,
    ImportsNotEnded,
    Interrupted,
    ListrakRefused,
    ListrakUnavailable,
    LsmsError,
    SettingsError,
    UsageError,
)
from listrak_sms_cli.runs.events import Listener, Warned
from listrak_sms_cli.runs.record import PartState, PartStatus, RunState
from listrak_sms_cli.runs.report import (
    ImportLine,
    MappedColumn,
    ProfiledColumn,
    Report,
    ReportError,
    RunWarning,
    Verification,
)

# When several things went wrong, this is the order in which they set the exit code (INTERFACE: 130, 4, 5, 1, 6).
_PRECEDENCE = (130, 4, 5, 1, 6)


def worst(problems: Iterable[LsmsError]) -> LsmsError | None:
    """The problem that decides the exit code; the first one of its kind."""
    ranked = sorted(problems, key=lambda p: _PRECEDENCE.index(p.exit_code) if p.exit_code in _PRECEDENCE else -1)
    return ranked[0] if ranked else None


def raise_worst(problems: Iterable[LsmsError]) -> None:
    if error := worst(problems):
        raise error


class Outcome:
    """Facts of a run, filled in as they become known. `silenced`: warning codes nobody wants to hear."""

    def __init__(self, run_id: str, audience: str, tell: Listener, silenced: frozenset[str] = frozenset()) -> None:
        self.run_id = run_id
        self.audience = audience
        self.sender_code: int | None = None
        self.dry_run = False
        self.plan: ColumnPlan | None = None
        self.verdicts: Counter[Verdict] = Counter()
        self.state = RunState()
        self.kept = False  # whether the state folder holds enough to resume the run
        self.profile: tuple[ProfiledColumn, ...] | None = None
        self.verify: Verification | None = None
        self.rejects: str | None = None
        self._tell = tell
        self._silenced = silenced
        self._warnings: list[RunWarning] = []
        self._began = time.monotonic()

    def warn(self, warning: RunWarning) -> None:
        if warning.code not in self._silenced:
            self._warnings.append(warning)
            self._tell(Warned(warning.code, warning.message))

    def problems_left(self) -> list[LsmsError]:
        """What of a run that nobody is at work on has not been sent; for whoever asks afterwards."""
        problems: list[LsmsError] = []
        rows = self.state.rows
        if rows[PartStatus.REFUSED]:
            message = f"Listrak refused {rows[PartStatus.REFUSED]:,} members of run {self.run_id}."
            problems.append(ListrakRefused(message))
        if pending := sum(rows[s] for s in (PartStatus.WAITING, PartStatus.SENDING, PartStatus.UNREACHED)):
            message = f"{pending:,} members of run {self.run_id} are pending: Listrak has not said yes to them."
            problems.append(ListrakUnavailable(message, code="pending"))
        return problems

    def problems_of_imports(self, waited: bool) -> list[LsmsError]:
        """Imports that ended badly, and, when somebody waited for them, those that have not ended."""
        problems: list[LsmsError] = []
        failed = [part for part in self.state.leaves if part.failed]
        if failed:
            rows = sum(part.line.rows for part in failed)
            numbers = ", ".join(str(part.line.part) for part in failed[:10]) + (", …" if len(failed) > 10 else "")
            problems.append(
                ImportEndedBadly(
                    f"{len(failed)} of {len(self.state.leaves)} imports ended badly (import file {numbers}): "
                    f"{rows:,} members.",
                    hint="Look at the import in Listrak; sending its members again does no harm.",
                )
            )
        if waited and (still := self.state.open_imports):
            problems.append(
                ImportsNotEnded(
                    f"All import files were sent, but {len(still)} of the imports had not ended in time.",
                    hint="Listrak goes on with them.",
                )
            )
        return problems

    def reported(self, work: Callable[[], None]) -> Report:
        """Does the work; whatever error it ends with carries the Report of what is known by then."""
        try:
            work()
        except LsmsError as error:
            error.hint = self._way_on(error)
            error.report = self.report(error)
            raise
        except KeyboardInterrupt:
            sent = any(part.status is not PartStatus.WAITING for part in self.state.leaves)
            interrupted = Interrupted("Interrupted." if sent else "Interrupted; nothing was sent.")
            interrupted.hint = self._way_on(interrupted)
            interrupted.report = self.report(interrupted)
            raise interrupted from None
        return self.report()

    def _way_on(self, error: LsmsError) -> str:
        """The hint of an error, with the command that goes on from there: a push that has begun to send is resumed."""
        if isinstance(error, GuardStopped | UsageError | SettingsError | AudienceError):
            return error.hint
        if not self.state.can_be_resumed:
            return error.hint or ("Start it again when you like." if isinstance(error, Interrupted) else "")
        if not self.kept:
            return f"{error.hint} This run is not remembered: push the audience again, it does no harm.".lstrip()
        if self.run_id in error.hint:
            return error.hint
        match error:
            case ImportsNotEnded():
                return f"{error.hint} Wait for them: lsms status {self.run_id} --wait"
            case ListrakUnavailable() if error.code == ListrakUnavailable.default_code:
                return f"When it is back: lsms resume {self.run_id}"
            case _:
                return f"{error.hint} Go on with: lsms resume {self.run_id}".lstrip()

    def _import_line(self, part: PartState) -> ImportLine:
        line, columns = part.line, None
        if line.columns is not None and self.plan is not None:
            columns = tuple(self.plan.columns[place].name for place in line.columns)
        words = (part.import_file_id, part.shown, part.maybe_repeated, part.ended)
        return ImportLine(line.part, line.file_name, line.rows, line.bytes, *words, columns)

    def report(self, error: LsmsError | None = None) -> Report:
        verdicts, rows = self.verdicts, self.state.rows
        dropped, missing = dropped_by_reason(verdicts), rows[PartStatus.MISSING]
        dropped[Verdict.NOT_IN_LISTRAK.reason] += missing
        sent, refused = rows[PartStatus.ACCEPTED], rows[PartStatus.REFUSED]
        sendable = verdicts[Verdict.SENDABLE] - missing
        one_by_one = self.state.started is not None and self.state.started.per_contact
        return Report(
            run_id=self.run_id,
            audience=self.audience,
            sender_code=self.sender_code,
            dry_run=self.dry_run,
            rows_read=sum(verdicts.values()),
            rows_sendable=sendable,
            rows_sent=sent,
            rows_refused=refused,
            rows_pending=sendable - sent - refused,
            rows_dropped=sum(dropped.values()),
            rows_unchanged=verdicts[Verdict.UNCHANGED],
            rows_beyond_limit=verdicts[Verdict.BEYOND_LIMIT],
            rows_import_failed=sum(part.line.rows for part in self.state.leaves if part.failed),
            dropped=dropped,
            columns=tuple(
                MappedColumn(column.name, column.field.name, column.field.id)
                for column in (self.plan.columns if self.plan else ())
            ),
            skipped_columns=self.plan.skipped if self.plan else (),
            imports=() if one_by_one else tuple(self._import_line(part) for part in self.state.leaves),
            warnings=tuple(self._warnings),
            profile=self.profile,
            verify=self.verify,
            rejects=self.rejects,
            seconds=time.monotonic() - self._began,
            exit_code=error.exit_code if error else 0,
            error=ReportError(error.code, error.message, error.hint) if error else None,
        )
