"""A run: one push and all that is kept of it. Push, resume, status, and whoever looks at earlier runs go through it.

A Run owns the folder, the journal with its lock, the row map and the digests of its members. Nothing else writes them.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from listrak_sms_cli.audience import Verdict
from listrak_sms_cli.columnar import in_order
from listrak_sms_cli.errors import (
    ImportEndedBadly,
    ImportsNotEnded,
    ListrakRefused,
    ListrakUnavailable,
    LsmsError,
    MembersDiffer,
    UsageError,
)
from listrak_sms_cli.runs.events import Listener
from listrak_sms_cli.runs.findings import Findings
from listrak_sms_cli.runs.output_file import replacing
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare import delivery_notices, lost_notice, state_notice
from listrak_sms_cli.runs.readback import column_names
from listrak_sms_cli.runs.record import (
    NOT_FOUND,
    Destination,
    Ended,
    Journal,
    JournalInUse,
    LineOfPart,
    LineOfRun,
    PartLine,
    PartStatus,
    Prepared,
    RunState,
    RunStore,
    Started,
    StoredRun,
    plan_of,
    sync_folder,
)
from listrak_sms_cli.runs.remember import DIGESTS, Memory, members_of
from listrak_sms_cli.runs.report import CanaryResult

# When several things went wrong, this is the order in which they set the exit code (INTERFACE: 130, 4, 5, 1, 6).
_PRECEDENCE = (130, 4, 5, 1, 6)
_CANARY = "canary.json"  # in the folder of a run
_ANSWER_LOST_FOR = 3600.0  # seconds: an import whose answer was lost has ended by then


class Run:
    """`memory` None: nothing is remembered of its members. `in_use`: another process is at work on it; what is found
    out then is not written down."""

    def __init__(
        self, store: RunStore, folder: Path | None, journal: Journal, findings: Findings, memory: Memory | None
    ) -> None:
        self.store = store
        self.findings = findings
        self.memory = memory
        self.in_use = False
        self._folder = folder
        self._journal = journal
        findings.state, findings.kept = journal.state, journal.kept

    @classmethod
    def begin(
        cls,
        store: RunStore,
        findings: Findings,
        started: Started,
        parts: list[ImportFile],
        write_files: Callable[[Path], str] | None,
        memory: Memory | None,
    ) -> Run:
        """Writes down what is about to be sent. `write_files` writes row map and digests into the folder of the run
        and returns the digest of the row map; None: a dry or sandbox run, which leaves no trace. Where the state folder
        cannot be written, the run goes on without one and a warning says so."""
        stem = f"lsms-{started.run_id}"
        with ThreadPoolExecutor(1) as beside:
            lines = beside.submit(lambda: [line for _, line in in_order(lambda part: part_line(part, stem), parts)])
            folder, row_map = _files_written(store, started.run_id, write_files)
        prepared = Prepared(
            verdicts={verdict.reason: count for verdict, count in findings.verdicts.items()},
            parts=lines.result(),
            row_map=row_map,
            unfit=dict(+findings.unfit),
            too_long=dict(+findings.too_long),
            shown_warnings=findings.warnings,
            figures=list(findings.figures),
        )
        try:
            journal = Journal.create(folder, started, prepared)
        except OSError:
            _discard(folder)
            folder = None
            journal = Journal.create(None, started, prepared)
        if folder is None and write_files is not None:
            findings.warn(state_notice(store.state_dir))
        return cls(store, folder, journal, findings, memory)

    @classmethod
    def reopen(cls, store: RunStore, stored: StoredRun, findings: Findings, memory: Memory | None) -> Run:
        """A run of before, to go on with it or to ask about its imports; as it stands now. Raises OSError and
        ValueError when its journal can no longer be read."""
        try:
            return cls(store, stored.folder, Journal.reopen(stored.folder), findings, memory)
        except JournalInUse:
            run = cls(store, stored.folder, Journal(stored.state), findings, memory)
            run.in_use = findings.kept = True
            return run

    @property
    def id(self) -> str:
        """Its name in the state folder, and in the names of its import files."""
        return self.state.started.run_id

    @property
    def state(self) -> RunState:
        """How it stands: the fold over its journal."""
        return self._journal.state

    @property
    def target(self) -> Destination:
        """Where it is sent to."""
        return self.state.started.target

    def keep_canary(self, before: bytes) -> None:
        """Puts what the canary was before it was sent into the folder of the run, on disk when this returns. A disk
        that cannot be written keeps nothing: then a resumed run has to wait for what it sees arrive."""
        if self._folder is None:
            return
        with suppress(OSError):
            place = self._folder / _CANARY
            with replacing(place, place.with_suffix(".draft")) as file:
                file.write(before)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._folder)

    @property
    def kept_canary(self) -> bytes | None:
        """What `keep_canary` has kept, None = nothing."""
        with suppress(OSError):
            return (self._folder / _CANARY).read_bytes() if self._folder is not None else None
        return None

    def record(self, line: LineOfPart | LineOfRun) -> RunState:
        """Writes down what happened; on disk when this returns."""
        return self._journal.write(line)

    def forget_members(self) -> None:
        """Nobody remembers the members that are about to be sent, from before the first request on, also where another
        push has begun to remember since this one began. Raises SettingsError."""
        memory = self.memory or Memory.open(self.store.state_dir, self.target)
        if memory is not None:
            memory.forget(self._folder, self.state, self._in_doubt)

    def _in_doubt(self) -> dict[Path, np.ndarray]:
        """Members of other runs to the same account (any sender code: they share contacts) whose imports may not have
        ended, or begun: they are open, an answer was lost not long ago, or the run is at work. By the file of the run's
        digests, which there is not where nothing was remembered yet when it began."""
        doubts = {}
        for other in self.store.unfinished(besides=self.id):
            target = other.state.started.target
            if (target.api_url, target.client) != (self.target.api_url, self.target.client):
                continue
            parts = other.state.open_imports
            if other.is_running:
                parts += other.state.unsent
            elif abs(other.seconds_since_sending) < _ANSWER_LOST_FOR:  # a clock may have been wrong
                unsent = other.state.unsent
                parts += [part for part in unsent if part.status is PartStatus.SENDING or part.maybe_arrived]
            if parts:
                doubts[other.folder / DIGESTS] = members_of(other.state, parts)
        return doubts

    def conclude(self, problems: list[LsmsError], *, waited: bool) -> None:
        """Warns of what happened on the way, writes the last line of the journal, and raises the problem that decides
        the exit code, if there is one."""
        for notice in delivery_notices(self.state):
            self.findings.warn(notice)
        if self._journal.lost:
            self.findings.warn(lost_notice())
        self.findings.kept = self._journal.kept
        error = worst(problems + import_problems(self.state, waited=waited))
        self.end(error)
        if error:
            raise error

    def end(self, error: LsmsError | None) -> None:
        """Writes the last line of the journal: it ended well, or with this error."""
        self._journal.write(Ended(exit_code=error.exit_code if error else 0, warnings=self.findings.warned_of))

    def close(self) -> None:
        """Remembers the members whose import has ended well, and lets go of the journal."""
        if self._folder is not None and not self.in_use:
            if self.memory is not None:
                self.memory.settle(self._folder, self.state)
            if self._journal.kept and not self.state.can_be_resumed and not (self._folder / DIGESTS).exists():
                self.store.mark_done(self._folder)
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _files_written(store: RunStore, run_id: str, write_files: Callable[[Path], str] | None) -> tuple[Path | None, str]:
    """The folder of a new run, with its files, and the digest of its row map; None where there is none."""
    if write_files is None:
        return None, ""
    folder = None
    try:
        folder = store.create(run_id)
        return folder, write_files(folder)
    except FileExistsError:
        hint = "Push the audience again."
        raise UsageError(f"There is a run {run_id} already.", hint=hint, code="run_exists") from None
    except OSError:
        _discard(folder)
        return None, ""


def findings_of(stored: StoredRun, tell: Listener) -> Findings:
    """The facts of a run as its journal has them."""
    started, prepared = stored.state.started, stored.state.prepared
    findings = Findings(stored.run_id, started.audience, tell)
    findings.began, findings.settings = started.began or started.at, started.settings
    findings.unfit.update(prepared.unfit)
    findings.too_long.update(prepared.too_long)
    findings.sender_code = started.target.sender_code
    findings.plan = plan_of(started.recipe)
    findings.verdicts.update({verdict: prepared.verdicts.get(verdict.reason, 0) for verdict in Verdict})
    findings.state, findings.kept = stored.state, True
    findings.figures = prepared.figures
    return findings


def part_line(part: ImportFile, stem: str) -> PartLine:
    """An import file as the journal has it. `stem`: how its name begins."""
    return PartLine(
        part=part.number,
        file_name=f"{stem}-{part.number:04d}.csv",
        rows=part.rows,
        bytes=part.content.size,
        origin=part.origin,
        skip=part.skip,
        columns=None if part.columns is None else list(part.columns),
        digest="" if part.origin != part.number else part.content.digest(),
        canary=part.canary,
    )


def worst(problems: Iterable[LsmsError]) -> LsmsError | None:
    """The problem that decides the exit code; the first one of its kind."""
    ranked = sorted(problems, key=lambda p: _PRECEDENCE.index(p.exit_code) if p.exit_code in _PRECEDENCE else -1)
    return ranked[0] if ranked else None


def import_problems(state: RunState, *, waited: bool) -> list[LsmsError]:
    """Imports that ended badly, and, when somebody waited for them, those that have not ended."""
    problems: list[LsmsError] = []
    failed = [part for part in state.leaves if part.failed]
    if failed:
        rows = sum(part.line.rows for part in failed)
        numbers = ", ".join(str(part.line.part) for part in failed[:10]) + (", …" if len(failed) > 10 else "")
        problems.append(
            ImportEndedBadly(
                f"{len(failed)} of {len(state.leaves)} imports ended badly (import file {numbers}): {rows:,} members.",
                hint="Look at the import in Listrak; sending its members again does no harm.",
            )
        )
    return problems + unended_problems(state) if waited else problems


def unended_problems(state: RunState) -> list[LsmsError]:
    """Imports that have not ended, or of which it is not known, although somebody waited for them."""
    still = state.open_imports
    lost = [part for part in still if part.word == NOT_FOUND]
    untraceable = [part for part in state.leaves if part.is_untraceable]
    problems: list[LsmsError] = []
    if len(still) > len(lost):
        sent = "The canary was sent" if state.canary_is_open else "All import files were sent"
        message = f"{sent}, but {len(still) - len(lost)} of the imports had not ended in time."
        problems.append(ImportsNotEnded(message, hint="Listrak goes on with them."))
    if lost:
        message = f"Listrak accepted {len(lost)} of the import files, but does not know their imports (any more)."
        problems.append(ImportsNotEnded(message, hint="Look at the imports in Listrak.", code="import_not_found"))
    if untraceable:
        rows = sum(part.line.rows for part in untraceable)
        problems.append(
            ImportsNotEnded(
                f"Listrak accepted {rows:,} members in imports whose ids cannot be asked about: how they end is not "
                "known.",
                hint="Look at the imports in Listrak, or read the contacts back: lsms verify AUDIENCE",
                code="import_untraceable",
            )
        )
    return problems


def canary_problem(state: RunState) -> LsmsError:
    """Of a canary that was read back, and is not proved: what it shows, how to undo it, and how to go on."""
    canary, run_id = state.canary or CanaryResult(), state.started.run_id
    waiting = f" {state.pending:,} members are pending." if state.pending else ""
    go_on = f"Go on all the same: lsms resume {run_id} --skip-canary" if state.pending else ""
    undo = (
        f"Undo it: {_undo_command(state)}" if canary.undo else "What was stored before is not kept: --undo FILE does."
    )
    if state.canary_verdict == "different":
        fields = ", ".join(f"{name} {count:,}" for name, count in canary.fields.items() if count)
        return MembersDiffer(
            f"The canary does not hold what was sent: of {canary.rows:,} members {canary.matching:,} match, "
            f"{canary.different:,} differ{f' ({fields})' if fields else ''}.{waiting}",
            hint=f"{undo}\n{go_on}".rstrip(),
            code="canary_differs",
        )
    unseen = canary.rows - canary.matching - canary.different
    return ImportsNotEnded(
        f"Nothing of what was sent to {unseen:,} of the {canary.rows:,} members of the canary is seen yet.{waiting}",
        hint=f"Look again: lsms resume {run_id}\n{undo}\n{go_on}\nWhere it stays so, phones may not be found in this "
        "form: lsms check --phone N",
        code="canary_unseen",
    )


def _undo_command(state: RunState) -> str:
    """The push that puts back what was stored; columns whose names are not their fields' are mapped."""
    started = state.started
    fields = [column.field for column in plan_of(started.recipe).columns]
    words = ["lsms", "push", state.canary.undo or "" if state.canary else ""]
    words += ["--sender-code", str(started.target.sender_code)]
    for name, field in zip(column_names(fields), fields, strict=True):
        words += ["--map", f"{name}={field.id}"] * (name != field.name)
    if (form := started.recipe.rules.phone_format) != "digits":
        words += ["--phone-format", form]
    return shlex.join(words)


def unsent_problems(state: RunState) -> list[LsmsError]:
    """What has not been sent, or not been proved, of a run that nobody is at work on."""
    problems: list[LsmsError] = []
    if state.canary_is_open and state.canary_verdict:
        problems.append(canary_problem(state))
    elif state.canary_is_open and not state.unsent and not state.open_imports:
        problems.append(ImportsNotEnded("The canary has not been read back yet.", code="canary_unseen"))
    run_id, refused = state.started.run_id, state.rows[PartStatus.REFUSED]
    if refused:
        problems.append(ListrakRefused(f"Listrak refused {refused:,} members of run {run_id}."))
    if (pending := state.pending) and not (state.canary_is_open and state.canary_verdict):
        message = f"{pending:,} members of run {run_id} are pending: Listrak has not accepted them."
        problems.append(ListrakUnavailable(message, code="pending"))
    return problems


def _discard(folder: Path | None) -> None:
    """Removes the folder that this run has made and cannot fill."""
    if folder is not None:
        with suppress(OSError):
            shutil.rmtree(folder)
