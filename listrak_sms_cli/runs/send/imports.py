"""Prepared import files on their way to Listrak."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec.structs import replace

from listrak_sms_cli.errors import Interrupted, ListrakRefused, LsmsError
from listrak_sms_cli.listrak import ColumnMapping, ImportBody, ImportTooLarge
from listrak_sms_cli.runs.context import Context
from listrak_sms_cli.runs.events import Listener, MembersSent, Phase, PhaseAdvanced, PhaseEnded, PhaseStarted
from listrak_sms_cli.runs.pack import ImportFile
from listrak_sms_cli.runs.record import Accepted, PartStatus, Refused, Sending, Split, Unreached
from listrak_sms_cli.runs.run import Run, part_line
from listrak_sms_cli.runs.send.import_states import tell_state

_SMALLEST_HALF = 1000  # members: a file this small that is still too large is refused for another reason


def send_import_files(run: Run, parts: list[ImportFile], context: Context, concurrency: int) -> list[LsmsError]:
    """Uploads every import file, so many at once; returns what went wrong. After a refusal or an outage no further file
    is tried."""
    return _Uploads(run, context, parts).all_of_them(concurrency)


class _Uploads:
    """The journal is written by the thread that calls; uploads run on threads of their own and only return values."""

    def __init__(self, run: Run, context: Context, parts: list[ImportFile]) -> None:
        self._run = run
        self._context = context
        self._waiting = deque(parts)
        self._problems: list[LsmsError] = []
        self._progress = _Progress(context.tell)
        columns = run.state.started.recipe.columns
        self._columns = [ColumnMapping(column.field_id) for column in columns]

    def all_of_them(self, concurrency: int) -> list[LsmsError]:
        uploads: dict[Future[Accepted], ImportFile] = {}
        total = sum(part.content.size for part in self._waiting)
        self._context.tell(PhaseStarted(Phase.SENDING, total, "bytes"))
        with ThreadPoolExecutor(concurrency, thread_name_prefix="lsms-upload") as pool:
            while uploads or self._goes_on:
                while self._goes_on and len(uploads) < concurrency:
                    part = self._waiting.popleft()
                    self._run.record(Sending(part=part.number))
                    self._show(part)
                    uploads[pool.submit(self._upload, part)] = part
                for upload in wait(uploads, return_when=FIRST_COMPLETED).done:
                    self._settle(uploads.pop(upload), upload)
        if self._waiting and self._context.stop.is_set():
            self._problems.append(Interrupted("Interrupted."))
        self._context.tell(PhaseEnded(Phase.SENDING, complete=not self._problems))
        return self._problems

    @property
    def _goes_on(self) -> bool:
        return bool(self._waiting) and not self._problems and not self._context.stop.is_set()

    def _upload(self, part: ImportFile) -> Accepted:
        columns = self._columns if part.columns is None else [self._columns[place] for place in part.columns]
        body = ImportBody(
            file_name=self._run.state.parts[part.number].line.file_name,
            columns=tuple(columns),
            content=part.content,
            on_bytes=lambda count: self._progress.sent(part.number, count),
        )
        accepted = self._context.client.start_import(self._run.target.sender_code, body)
        return Accepted(
            part=part.number, import_file_id=accepted.import_file_id, maybe_repeated=accepted.maybe_repeated
        )

    def _settle(self, part: ImportFile, upload: Future[Accepted]) -> None:
        """Writes down how an upload ended. The pieces of a file that is too large are next."""
        try:
            accepted = upload.result()
        except ImportTooLarge as error:
            if part.rows > _SMALLEST_HALF:
                self._waiting.extendleft(reversed(self._halves(part, error)))
                return
            self._refuse(part, _too_large_as_it_is(part, error))
        except ListrakRefused as error:
            self._refuse(part, error)
        except LsmsError as error:
            self._run.record(Unreached(part=part.number, maybe_arrived=error.maybe_arrived))
            self._progress.sent(part.number, 0)
            self._problems.append(error)
        else:
            state = self._run.record(accepted)
            self._progress.sent(part.number, part.content.size)
            self._context.tell(MembersSent(state.rows[PartStatus.ACCEPTED]))
        self._show(part)

    def _halves(self, part: ImportFile, error: ImportTooLarge) -> list[ImportFile]:
        state = self._run.state
        number, half = max(state.parts) + 1, part.rows // 2
        first, rest = part.content.split(half)
        pieces = [
            replace(part, number=number, rows=half, content=first),
            replace(part, number=number + 1, rows=part.rows - half, skip=part.skip + half, content=rest),
        ]
        stem = state.parts[part.number].line.file_name.rsplit("-", 1)[0]
        lines = [part_line(piece, stem) for piece in pieces]
        self._run.record(Split(part=part.number, into=lines, maybe_arrived=error.maybe_arrived))
        return pieces

    def _refuse(self, part: ImportFile, error: ListrakRefused) -> None:
        self._run.record(Refused(part=part.number, code=error.code, maybe_arrived=error.maybe_arrived))
        self._progress.sent(part.number, 0)
        self._problems.append(error)

    def _show(self, part: ImportFile) -> None:
        tell_state(self._run.state, part.number, self._context.tell)


def _too_large_as_it_is(part: ImportFile, error: ImportTooLarge) -> ImportTooLarge:
    smallest = ImportTooLarge(
        f"Listrak does not even take an import file of {part.rows:,} members ({part.content.size:,} bytes); "
        "lsms does not send smaller halves.",
        hint="Leave long columns out with --skip-column, or ask Listrak for its limit and use --batch-rows.",
    )
    smallest.maybe_arrived = error.maybe_arrived
    return smallest


class _Progress:
    """Bytes of import files on their way, over all uploads; a file that is sent again begins anew, one that was not
    accepted counts for nothing."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._by_part: dict[int, int] = {}
        self._total = 0

    def sent(self, part: int, size: int) -> None:
        """`size`: bytes of the part that are sent by now."""
        with self._lock:
            self._total += size - self._by_part.get(part, 0)
            self._by_part[part] = size
            total = self._total
        self._tell(PhaseAdvanced(Phase.SENDING, total))
