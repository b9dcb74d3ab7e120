"""Prepared import files on their way to Listrak, and the wait until their imports have ended."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from listrak_sms_cli.errors import CredentialsRefused, Interrupted, ListrakRefused, ListrakUnavailable, LsmsError
from listrak_sms_cli.listrak.body import ColumnMapping, ImportBody
from listrak_sms_cli.listrak.client import ListrakClient
from listrak_sms_cli.listrak.errors import ImportTooLarge
from listrak_sms_cli.listrak.models import ImportStatus
from listrak_sms_cli.runs.events import (
    ImportChanged,
    Listener,
    MembersSent,
    Phase,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
)
from listrak_sms_cli.runs.journal import (
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
from listrak_sms_cli.runs.notices import delivery_notices, lost_notice
from listrak_sms_cli.runs.options import Waiting
from listrak_sms_cli.runs.outcome import Outcome, worst
from listrak_sms_cli.runs.packing import Part

SMALLEST_HALF = 1000  # members: a file this small that is still too large is refused for another reason
_FIRST_POLL, _SLOWEST_POLL = 0.2, 5.0  # seconds between two looks at the imports


@dataclass(frozen=True)
class Target:
    """Where import files go."""

    client: ListrakClient
    sender_code: int
    columns: tuple[ColumnMapping, ...]


class Delivery:
    """Sends the parts of one run. The journal is written by this thread alone; uploads and looks at the imports
    run on threads of their own and only return values."""

    def __init__(self, target: Target, journal: Journal, stop: threading.Event, tell: Listener) -> None:
        self._target = target
        self.journal = journal
        self._stop = stop
        self._tell = tell
        self._problems: list[LsmsError] = []
        self._progress = _Progress(tell)

    def send(self, parts: list[Part], concurrency: int) -> list[LsmsError]:
        """Uploads every part; returns what went wrong. After a refusal or an outage no further part is tried."""
        waiting = deque(parts)
        uploads: dict[Future[Accepted], Part] = {}
        self._progress.start(parts)
        with ThreadPoolExecutor(concurrency, thread_name_prefix="lsms-upload") as pool:
            try:
                while uploads or (waiting and not self._problems):
                    while waiting and len(uploads) < concurrency and not self._problems:
                        part = waiting.popleft()
                        self.journal.write(Sending(part=part.number))
                        self._show(part.number)
                        uploads[pool.submit(self._upload, part)] = part
                    for future in wait(uploads, return_when=FIRST_COMPLETED).done:
                        part = uploads.pop(future)
                        waiting.extendleft(reversed(self._settle(part, future)))
            except KeyboardInterrupt:
                self._stop.set()
                self._target.client.close()
                for future, part in uploads.items():
                    self._settle(part, future)
                self._problems = [Interrupted("Interrupted.")]
        self._tell(PhaseEnded(Phase.SENDING))
        return self._problems

    def _upload(self, part: Part) -> Accepted:
        body = ImportBody(
            file_name=self.journal.state.parts[part.number].line.file_name,
            columns=self._target.columns,
            content=part.content,
            on_bytes=lambda count: self._progress.add(part.number, count),
        )
        accepted = self._target.client.start_import(self._target.sender_code, body)
        return Accepted(
            part=part.number, import_file_id=accepted.import_file_id, maybe_repeated=accepted.maybe_repeated
        )

    def _settle(self, part: Part, future: Future[Accepted]) -> list[Part]:
        """Writes down how an upload ended; returns the parts that take its place (after a split)."""
        try:
            accepted = future.result()
        except ImportTooLarge as error:
            return self._halve(part, error)
        except ListrakRefused as error:
            self.journal.write(Refused(part=part.number, code=error.code))
            self._problems.append(error)
        except LsmsError as error:
            self.journal.write(Unreached(part=part.number, maybe_arrived=error.maybe_arrived))
            self._problems.append(error)
        else:
            state = self.journal.write(accepted)
            self._progress.finish(part)
            self._tell(MembersSent(state.rows[PartStatus.ACCEPTED]))
        self._show(part.number)
        return []

    def _halve(self, part: Part, error: ImportTooLarge) -> list[Part]:
        if part.rows <= SMALLEST_HALF:
            self.journal.write(Refused(part=part.number, code=error.code))
            self._problems.append(error)
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
        self.journal.write(Split(part=part.number, into=[part_line(piece, stem) for piece in pieces]))
        return pieces

    def await_imports(self, timeout: float) -> list[LsmsError]:
        """Looks at the open imports until they have ended or `timeout` seconds are over."""
        total = self.journal.state.rows[PartStatus.ACCEPTED]
        self._tell(PhaseStarted(Phase.IMPORTING, total, "members"))
        until = time.monotonic() + timeout
        pause = _FIRST_POLL
        try:
            while self.journal.state.open_imports:
                for part in self.journal.state.open_imports:
                    self._look(part)
                open_rows = sum(part.line.rows for part in self.journal.state.open_imports)
                self._tell(PhaseAdvanced(Phase.IMPORTING, total - open_rows))
                left = until - time.monotonic()
                if left <= 0 or not self.journal.state.open_imports:
                    break
                self._stop.wait(min(pause, left))
                pause = min(pause * 1.5, _SLOWEST_POLL)
        except KeyboardInterrupt:
            return [Interrupted("Interrupted.")]
        except (ListrakUnavailable, CredentialsRefused) as error:
            return [error]
        self._tell(PhaseEnded(Phase.IMPORTING))
        return []

    def _look(self, part: PartState) -> None:
        assert part.import_file_id is not None
        status = self._target.client.import_status(self._target.sender_code, part.import_file_id)
        if (status.status, status.ended) != (part.word, part.ended):
            self.journal.write(_seen(part.line.part, status))
            self._show(part.line.part)

    def _show(self, number: int) -> None:
        part = self.journal.state.parts[number]
        failed = part.failed or part.status is PartStatus.REFUSED
        self._tell(ImportChanged(number, part.line.file_name, part.line.rows, part.shown, part.ended, failed))


def deliver(delivery: Delivery, parts: list[Part], outcome: Outcome, concurrency: int, waiting: Waiting) -> None:
    """Sends the parts of a run, waits as asked, and writes down how it ended. Raises the problem that decides."""
    problems = delivery.send(parts, concurrency) if parts else []
    if waiting.wait and not any(isinstance(problem, Interrupted) for problem in problems):
        problems += delivery.await_imports(waiting.timeout)
    conclude(delivery.journal, problems, outcome, waited=waiting.wait)


def conclude(journal: Journal, problems: list[LsmsError], outcome: Outcome, *, waited: bool) -> None:
    """Warnings, the last line of the journal, and the problem that decides the exit code, raised."""
    for notice in delivery_notices(journal.state):
        outcome.warn(notice)
    if journal.lost:
        outcome.warn(lost_notice())
    error = worst(problems + outcome.problems_of_imports(waited))
    journal.write(Ended(exit_code=error.exit_code if error else 0))
    if error:
        raise error


def _seen(part: int, status: ImportStatus) -> Seen:
    return Seen(part=part, status=status.status, ended=status.ended, failed=status.failed, new_word=status.new_word)


def part_line(part: Part, stem: str) -> PartLine:
    name = f"{stem}-{part.number:04d}.csv"
    return PartLine(part.number, name, part.rows, part.content.size, part.origin, part.skip)


class _Progress:
    """Bytes of import files on their way, over all uploads; a file that is sent again begins anew."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._by_part: dict[int, int] = {}

    def start(self, parts: list[Part]) -> None:
        self._tell(PhaseStarted(Phase.SENDING, sum(part.content.size for part in parts), "bytes"))

    def add(self, part: int, done: int) -> None:
        with self._lock:
            self._by_part[part] = done
            total = sum(self._by_part.values())
        self._tell(PhaseAdvanced(Phase.SENDING, total))

    def finish(self, part: Part) -> None:
        self.add(part.number, part.content.size)
