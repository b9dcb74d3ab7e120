"""What is known of an audience and of its run so far. The Report can be made of it at any moment, so that every path
that ends has one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from listrak_sms_cli.audience import ColumnPlan, Verdict, dropped_by_reason
from listrak_sms_cli.audience.source import Audience, query_name
from listrak_sms_cli.errors import (
    AudienceError,
    GuardStopped,
    ImportsNotEnded,
    Interrupted,
    ListrakUnavailable,
    LsmsError,
    SettingsError,
    UsageError,
)
from listrak_sms_cli.runs.events import Listener, Warned
from listrak_sms_cli.runs.record import ColumnFigures, PartState, PartStatus, RunState, StoredRun
from listrak_sms_cli.runs.report import (
    CHANGES,
    NOTES,
    CanaryResult,
    ImportLine,
    MappedColumn,
    ProfiledColumn,
    Report,
    ReportError,
    RunWarning,
    Verification,
)

A_FRAME = "a frame"  # what an audience that is no file is called


class Findings:
    """Facts of a push or a `validate`, filled in as they become known. `silenced`: codes of warnings to leave out;
    `state`: how the run stands, once it has a journal; `kept`: the state folder holds enough to resume it; `running`:
    another process is at work on it; `planned`: what a Report has of a plan only, by name; `canary`: as it is drawn,
    before the run has a journal; `began`, `settings`: as the Report has them; `unfit`: values for which members were
    dropped, by column, `too_long` those of them with too many characters; `baseline`: the last good push of the same
    audience; `figures`: what its columns hold."""

    def __init__(self, run_id: str, audience: str, tell: Listener, silenced: frozenset[str] = frozenset()) -> None:
        self.run_id = run_id
        self.audience = audience
        self.sender_code: int | None = None
        self.dry_run = False
        self.plan: ColumnPlan | None = None
        self.began = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.settings: Mapping[str, str] = {}
        self.verdicts: Counter[Verdict] = Counter()
        self.unfit: Counter[str] = Counter()
        self.too_long: Counter[str] = Counter()
        self.baseline: StoredRun | None = None
        self.figures: Sequence[ColumnFigures] = ()
        self.state: RunState | None = None
        self.kept = self.running = False
        self.profile: tuple[ProfiledColumn, ...] | None = None
        self.verify: Verification | None = None
        self.canary: CanaryResult | None = None
        self.planned: dict[str, Any] = {}
        self.rejects: str | None = None
        self.members: str | None = None
        self._tell = tell
        self._silenced = silenced
        self._warnings: list[RunWarning] = []
        self._began = time.monotonic()

    def warn(self, warning: RunWarning) -> None:
        """Keep a warning for the report and tell it, unless its code is silenced."""
        if warning.code not in self._silenced:
            self._warnings.append(warning)
            self._tell(Warned(warning.code, warning.message))

    @property
    def warnings(self) -> list[RunWarning]:
        """Those of now."""
        return list(self._warnings)

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """Time in which nothing is done, as somebody thinks about an answer, is no time of the run."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._began += time.monotonic() - began

    @property
    def warned_of(self) -> dict[str, list[str]]:
        """The columns that each warning is about, by code."""
        columns: dict[str, list[str]] = {}
        for warning in self._warnings:
            columns.setdefault(warning.code, []).extend(warning.columns)
        return columns

    def _weighed(self) -> tuple[RunWarning, ...]:
        """The warnings, each with whether it is new."""
        known = self.baseline.state.warnings if self.baseline else {}

        def is_new(warning: RunWarning) -> bool:
            if warning.code in NOTES:
                return False
            return (
                warning.code in CHANGES
                or warning.code not in known
                or not known[warning.code].issuperset(warning.columns)
            )

        return tuple(replace(warning, new=is_new(warning)) for warning in self._warnings)

    def _mapped_columns(self) -> tuple[MappedColumn, ...]:
        filled = _filled(self.figures, self.verdicts.total())
        before: Mapping[str, float] = {}
        if self.baseline is not None:
            before = _filled(self.baseline.state.prepared.figures, self.baseline.state.read)
        return tuple(
            MappedColumn(
                column.name,
                column.field.name,
                column.field.id,
                guessed=column.guessed,
                type=column.field.kind.value if column.field.id else None,
                unfit=self.unfit[column.name],
                too_long=self.too_long[column.name],
                filled=filled.get(column.name),
                filled_before=before.get(column.name),
            )
            for column in (self.plan.columns if self.plan else ())
        )

    def reported(self, work: Callable[[], None]) -> Report:
        """Does the work; the error it ends with, if any, carries the Report of what is known by then."""
        try:
            work()
        except LsmsError as error:
            error.hint = self._way_on(error)
            error.report = self.report(error)
            raise
        except KeyboardInterrupt:
            interrupted = Interrupted("Interrupted." if self._has_sent else "Interrupted; nothing was sent.")
            interrupted.hint = self._way_on(interrupted)
            interrupted.report = self.report(interrupted)
            raise interrupted from None
        return self.report()

    @property
    def _has_sent(self) -> bool:
        leaves = self.state.leaves if self.state else []
        return any(part.status is not PartStatus.WAITING for part in leaves)

    def _way_on(self, error: LsmsError) -> str:
        """The hint of an error, with the command that goes on from there: a push that has begun to send is resumed."""
        if isinstance(error, GuardStopped | UsageError | SettingsError | AudienceError):
            return error.hint
        if self.state is None or not self.state.can_be_resumed:
            return error.hint or ("Start it again when you like." if isinstance(error, Interrupted) else "")
        if not self.kept:
            return f"{error.hint} This run is not remembered: push the audience again, it does no harm.".lstrip()
        if self.run_id in error.hint:
            return error.hint
        match error:
            case ImportsNotEnded() if not self.state.pending:
                return f"{error.hint} Wait for them: lsms status {self.run_id} --wait"
            case ListrakUnavailable() if error.code == ListrakUnavailable.default_code:
                return f"When it is back: lsms resume {self.run_id}"
            case _:
                return f"{error.hint} Go on with: lsms resume {self.run_id}".lstrip()

    def report(self, error: LsmsError | None = None) -> Report:
        """The counts, columns, imports and warnings known by now."""
        rows = self.state.rows if self.state else Counter[PartStatus]()
        dropped, missing = dropped_by_reason(self.verdicts), rows[PartStatus.MISSING]
        dropped[Verdict.NOT_IN_LISTRAK.reason] += missing
        sent, refused = rows[PartStatus.ACCEPTED], rows[PartStatus.REFUSED]
        sendable = self.verdicts[Verdict.SENDABLE] - missing
        leaves = self.state.leaves if self.state else []
        return Report(
            run_id=self.run_id,
            audience=self.audience,
            sender_code=self.sender_code,
            dry_run=self.dry_run,
            rows_read=sum(self.verdicts.values()),
            rows_sendable=sendable,
            rows_sent=sent,
            rows_refused=refused,
            rows_pending=sendable - sent - refused,
            rows_dropped=sum(dropped.values()),
            rows_unchanged=self.verdicts[Verdict.UNCHANGED],
            rows_beyond_limit=self.verdicts[Verdict.BEYOND_LIMIT],
            rows_import_failed=sum(part.line.rows for part in leaves if part.failed),
            dropped=dropped,
            columns=self._mapped_columns(),
            skipped_columns=self.plan.skipped if self.plan else (),
            imports=self._import_lines(leaves),
            warnings=self._weighed(),
            profile=self.profile,
            verify=self.verify,
            canary=self.state.canary if self.state is not None else self.canary,
            rejects=self.rejects,
            members=self.members,
            **self.planned,
            running=self.running,
            resumable=self.kept and not self.running and self.state is not None and self.state.can_be_resumed,
            started=self.began,
            settings=dict(self.settings),
            seconds=time.monotonic() - self._began,
            exit_code=error.exit_code if error else 0,
            error=ReportError(error.code, error.message, error.hint) if error else None,
        )

    def _import_lines(self, leaves: list[PartState]) -> tuple[ImportLine, ...]:
        if self.state is None or self.state.started.per_contact:
            return ()
        return tuple(self._import_line(part) for part in leaves)

    def _import_line(self, part: PartState) -> ImportLine:
        line, columns = part.line, None
        if line.columns is not None and self.plan is not None:
            columns = tuple(self.plan.columns[place].name for place in line.columns)
        return ImportLine(
            part=line.part,
            file_name=line.file_name,
            rows=line.rows,
            bytes=line.bytes,
            import_file_id=part.import_file_id or None,
            status=part.shown,
            maybe_repeated=part.maybe_repeated,
            ended=part.ended,
            columns=columns,
            sent_at=part.sent_at,
            ended_at=part.ended_at,
        )


def _filled(figures: Sequence[ColumnFigures], rows: int) -> dict[str, float]:
    """The share of `rows` that are filled, by column."""
    return {column.column: round(column.filled / rows, 6) for column in figures} if rows else {}


def audience_name(source: object, database: str | None = None) -> str:
    """What an audience is called. `database`: the one that it is a query of."""
    if isinstance(source, Audience):
        return source.name
    if not isinstance(source, str | Path):
        return A_FRAME
    if database is not None:
        return query_name(database, str(source))
    return "standard input" if source == "-" else str(source)
