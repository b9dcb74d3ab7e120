"""Prepared import files on their way to Listrak, and the wait until their imports have ended."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.errors import CredentialsRefused, Interrupted, ListrakRefused, ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak import ColumnMapping, ImportBody, ImportStatus, ImportTooLarge, ListrakClient, NotFound
from listrak_sms_cli.runs.events import (
    ImportChanged,
    Listener,
    MembersSent,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
)
from listrak_sms_cli.runs.options import Waiting
from listrak_sms_cli.runs.outcome import Outcome, worst
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.prepare import delivery_notices, lost_notice
from listrak_sms_cli.runs.record import (
    Accepted,
    Ended,
    Journal,
    PartLine,
    PartState,
    PartStatus,
    Refused,
    Seen,
    Sending,
    Split,
    Unreached,
)

SMALLEST_HALF = 1000  # members: a file this small that is still too large is refused for another reason
UNKNOWN_FOR = 60.0  # seconds: how long an import that was accepted may be unknown to Listrak
_FIRST_POLL, _SLOWEST_POLL = 0.1, 5.0  # seconds between two looks at the imports


class Target(Struct, frozen=True):
    """Where import files go. `columns`: all that any of them has after the phone."""

    client: ListrakClient
    sender_code: int
    columns: tuple[ColumnMapping, ...]

    def columns_of(self, part: ImportFile) -> tuple[ColumnMapping, ...]:
        return self.columns if part.columns is None else tuple(self.columns[place] for place in part.columns)


class Delivery:
    """Sends the parts of one run. The journal is written by this thread alone; uploads run on threads of their own
    and only return values."""

    def __init__(self, target: Target, journal: Journal, stop: threading.Event, tell: Listener) -> None:
        self._target = target
        self.client = target.client
        self.journal = journal
        self.stop = stop
        self._tell = tell
        self._problems: list[LsmsError] = []
        self._progress = _Progress(tell)

    def send(self, parts: list[ImportFile], concurrency: int) -> list[LsmsError]:
        """Uploads every part; returns what went wrong. After a refusal or an outage no further part is tried."""
        waiting = deque(parts)
        uploads: dict[Future[Accepted], ImportFile] = {}
        self._progress.start(parts)
        with ThreadPoolExecutor(concurrency, thread_name_prefix="lsms-upload") as pool:
            while uploads or (waiting and not self._ended):
                while waiting and len(uploads) < concurrency and not self._ended:
                    part = waiting.popleft()
                    self.journal.write(Sending(part=part.number))
                    self._show(part.number)
                    uploads[pool.submit(self._upload, part)] = part
                for future in wait(uploads, return_when=FIRST_COMPLETED).done:
                    part = uploads.pop(future)
                    waiting.extendleft(reversed(self._settle(part, future)))
        if waiting and self.stop.is_set():
            self._problems.append(Interrupted("Interrupted."))
        self._tell(PhaseEnded(Phase.SENDING))
        return self._problems

    @property
    def _ended(self) -> bool:
        return bool(self._problems) or self.stop.is_set()

    def _upload(self, part: ImportFile) -> Accepted:
        body = ImportBody(
            file_name=self.journal.state.parts[part.number].line.file_name,
            columns=self._target.columns_of(part),
            content=part.content,
            on_bytes=lambda count: self._progress.add(part.number, count),
        )
        accepted = self.client.start_import(self._target.sender_code, body)
        return Accepted(
            part=part.number, import_file_id=accepted.import_file_id, maybe_repeated=accepted.maybe_repeated
        )

    def _settle(self, part: ImportFile, future: Future[Accepted]) -> list[ImportFile]:
        """Writes down how an upload ended; returns the parts that take its place (after a split)."""
        try:
            accepted = future.result()
        except ImportTooLarge as error:
            return self._halve(part, error)
        except ListrakRefused as error:
            self._refuse(part, error)
        except LsmsError as error:
            self.journal.write(Unreached(part=part.number, maybe_arrived=error.maybe_arrived))
            self._problems.append(error)
        else:
            state = self.journal.write(accepted)
            self._progress.finish(part)
            self._tell(MembersSent(state.rows[PartStatus.ACCEPTED]))
        self._show(part.number)
        return []

    def _halve(self, part: ImportFile, error: ImportTooLarge) -> list[ImportFile]:
        if part.rows <= SMALLEST_HALF:
            smallest = ImportTooLarge(
                f"Listrak does not even take an import file of {part.rows:,} members ({part.content.size:,} bytes); "
                "lsms does not send smaller halves.",
                hint="Leave long columns out with --skip-column, or ask Listrak for its limit and use --batch-rows.",
            )
            smallest.maybe_arrived = error.maybe_arrived
            self._refuse(part, smallest)
            self._show(part.number)
            return []
        number = max(self.journal.state.parts) + 1
        half = part.rows // 2
        first, rest = part.content.split(half)
        pieces = [
            replace(part, number=number, rows=half, content=first),
            replace(part, number=number + 1, rows=part.rows - half, skip=part.skip + half, content=rest),
        ]
        stem = self.journal.state.parts[part.number].line.file_name.rsplit("-", 1)[0]
        lines = [part_line(piece, stem) for piece in pieces]
        self.journal.write(Split(part=part.number, into=lines, maybe_arrived=error.maybe_arrived))
        return pieces

    def _refuse(self, part: ImportFile, error: ListrakRefused) -> None:
        self.journal.write(Refused(part=part.number, code=error.code, maybe_arrived=error.maybe_arrived))
        self._problems.append(error)

    def await_imports(self, timeout: float, unknown_for: float = UNKNOWN_FOR) -> list[LsmsError]:
        """Looks at the open imports until they have ended or `timeout` seconds are over. One that Listrak does not
        know (any more) after `unknown_for` seconds counts as ended badly: nobody can tell what became of it."""
        total = self.journal.state.rows[PartStatus.ACCEPTED]
        self._tell(PhaseStarted(Phase.IMPORTING, total, "members"))
        began = time.monotonic()
        until = began + timeout
        pause = _FIRST_POLL
        try:
            while self.journal.state.open_imports:
                for part in self.journal.state.open_imports:
                    self._look(part, give_up=time.monotonic() - began >= unknown_for)
                open_rows = sum(part.line.rows for part in self.journal.state.open_imports)
                self._tell(PhaseAdvanced(Phase.IMPORTING, total - open_rows))
                left = until - time.monotonic()
                if left <= 0 or not self.journal.state.open_imports:
                    break
                if self.stop.wait(min(pause, left)):
                    return [Interrupted("Interrupted.")]
                pause = min(pause * 1.5, _SLOWEST_POLL)
        except LsmsError as error:
            return [error]
        self._tell(PhaseEnded(Phase.IMPORTING))
        return []

    def _look(self, part: PartState, give_up: bool) -> None:
        assert part.import_file_id is not None
        try:
            status = self.client.import_status(self._target.sender_code, part.import_file_id)
        except NotFound:
            if give_up:
                self.journal.write(Seen(part=part.line.part, status="not found", ended=True, failed=True))
                self._show(part.line.part)
            return
        except ListrakRefused as error:
            raise ListrakUnavailable(f"Listrak does not tell how the imports stand. {error.message}") from None
        if (status.status, status.ended) != (part.word, part.ended):
            self.journal.write(_seen(part.line.part, status))
            self._show(part.line.part)

    def _show(self, number: int) -> None:
        part = self.journal.state.parts[number]
        failed = part.failed or part.status is PartStatus.REFUSED
        self._tell(ImportChanged(number, part.line.file_name, part.line.rows, part.shown, part.ended, failed))


def deliver(
    delivery: Delivery,
    parts: list[ImportFile],
    outcome: Outcome,
    concurrency: int,
    waiting: Waiting,
    wait_first: Callable[[], list[LsmsError]] = list,
) -> None:
    """Sends the parts of a run once `wait_first` finds nothing in the way, waits as asked, and writes down how it
    ended. Raises the problem that decides."""
    problems = wait_first() if parts else []
    if not problems:
        problems = delivery.send(parts, concurrency) if parts else []
        if waiting.wait and not any(isinstance(problem, Interrupted | CredentialsRefused) for problem in problems):
            problems += delivery.await_imports(waiting.timeout)
    conclude(delivery.journal, problems, outcome, waited=waiting.wait)


def conclude(journal: Journal, problems: list[LsmsError], outcome: Outcome, *, waited: bool) -> None:
    """Warnings, the last line of the journal, and the problem that decides the exit code, raised."""
    for notice in delivery_notices(journal.state):
        outcome.warn(notice)
    if journal.lost:
        outcome.warn(lost_notice())
    outcome.kept = journal.kept
    error = worst(problems + outcome.problems_of_imports(waited))
    journal.write(Ended(exit_code=error.exit_code if error else 0))
    if error:
        raise error


def _seen(part: int, status: ImportStatus) -> Seen:
    return Seen(part=part, status=status.status, ended=status.ended, failed=status.failed, new_word=status.new_word)


def part_line(part: ImportFile, stem: str) -> PartLine:
    name = f"{stem}-{part.number:04d}.csv"
    columns = None if part.columns is None else list(part.columns)
    return PartLine(part.number, name, part.rows, part.content.size, part.origin, part.skip, columns)


class _Progress:
    """Bytes of import files on their way, over all uploads; a file that is sent again begins anew."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._by_part: dict[int, int] = {}
        self._total = 0

    def start(self, parts: list[ImportFile]) -> None:
        self._tell(PhaseStarted(Phase.SENDING, sum(part.content.size for part in parts), "bytes"))

    def add(self, part: int, done: int) -> None:
        with self._lock:
            self._total += done - self._by_part.get(part, 0)
            self._by_part[part] = done
            total = self._total
        self._tell(PhaseAdvanced(Phase.SENDING, total))

    def finish(self, part: ImportFile) -> None:
        self.add(part.number, part.content.size)
