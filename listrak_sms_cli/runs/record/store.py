"""The state folder: one folder a run, and a lock for each sender code. Folders 0700, files 0600."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
from msgspec import Struct

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.record.journal import FILE_NAME, PartStatus, RunState, read_journal
from listrak_sms_cli.runs.record.lines import Destination


class StoredRun(Struct, frozen=True):
    """A run in the state folder, and how it stands."""

    folder: Path
    state: RunState

    @property
    def run_id(self) -> str:
        return self.folder.name


def fingerprint(client_id: str) -> str:
    """Tells client ids apart without keeping one."""
    return hashlib.sha256(client_id.encode()).hexdigest()[:16]


class Store:
    def __init__(self, state_dir: Path) -> None:
        self._runs = state_dir / "runs"
        self._locks = state_dir / "locks"

    def create(self, run_id: str) -> Path:
        """The folder of a new run. Raises OSError when the state folder cannot be written."""
        folder = self._runs / run_id
        for made in (self._runs.parent, self._runs, folder):
            made.mkdir(mode=0o700, parents=made == self._runs.parent, exist_ok=made != folder)
        return folder

    def discard(self, run_id: str) -> None:
        """Forgets a run that cannot be remembered whole (the disk is full)."""
        shutil.rmtree(self._runs / run_id, ignore_errors=True)

    def runs(self) -> list[StoredRun]:
        """Every run that can be read, the newest first."""
        return list(self._newest_first())

    def _newest_first(self) -> Iterator[StoredRun]:
        for folder in self._folders():
            try:
                state = read_journal(folder)
            except (OSError, ValueError):
                continue
            if state.prepared is not None:
                yield StoredRun(folder, state)

    def _folders(self) -> list[Path]:
        return sorted(self._runs.glob("*/"), reverse=True) if self._runs.is_dir() else []

    def find(self, run_id: str) -> StoredRun:
        """A run by its id, or by the beginning of one. Raises UsageError when there is none, or more than one."""
        found = [run for run in self._newest_first() if run.run_id.startswith(run_id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"Several runs begin with {run_id}.", hint="Type more of the id; `lsms runs` lists them.")
        raise UsageError(f"There is no run {run_id}.", hint="`lsms runs` lists the runs.", code="no_run")

    def newest(self) -> StoredRun:
        """Raises UsageError when there is none."""
        for run in self._newest_first():
            return run
        raise UsageError("There are no runs yet.", hint="Start one: lsms push AUDIENCE --sender-code ID", code="no_run")

    def newest_resumable(self) -> StoredRun:
        """The newest run that can be resumed; when there is none, the newest (it says that nothing is left to do).
        Raises UsageError when there are no runs."""
        return next((run for run in self._newest_first() if run.state.can_be_resumed), None) or self.newest()

    def later_accepted(self, run: StoredRun) -> StoredRun | None:
        """A later run to the same sender code of which Listrak accepted something."""
        for other in self._newest_first():
            if other.run_id <= run.run_id:
                return None
            if _same_target(other.state, run.state) and other.state.rows[PartStatus.ACCEPTED]:
                return other
        return None

    def open_before(self, state: RunState, run_id: str) -> list[StoredRun]:
        """Other runs to the same sender code whose imports have not ended, as far as their journals know."""
        others = (run for run in self._newest_first() if run.run_id != run_id)
        return [run for run in others if _same_target(run.state, state) and run.state.open_imports]

    def last_good(self, name: str, target: Destination) -> StoredRun | None:
        """The last whole push of the audience of that name to the same sender code that ended well."""
        for run in self._newest_first():
            started, ended = run.state.started, run.state.ended
            if started is None or ended is None or ended.exit_code != 0 or not started.baseline:
                continue
            if (started.name, started.target) == (name, target):
                return run
        return None

    def prune(self, days: float) -> list[str]:
        """Forgets runs that nothing has happened to for more than `days`, also those that a crash left half made;
        returns their ids. A run that is under way stays."""
        before = time.time() - days * 86400
        pruned: list[str] = []
        for folder in self._folders():
            journal = folder / FILE_NAME
            touched = (journal if journal.exists() else folder).stat().st_mtime
            if touched < before and not self.held(folder.name):
                shutil.rmtree(folder)
                pruned.append(folder.name)
        return pruned

    def held(self, run_id: str) -> bool:
        """Whether a living process is at work on the run."""
        for holder in self._locks.glob("*.run") if self._locks.is_dir() else ():
            if _holder(holder) != run_id:
                continue
            lock = filelock.FileLock(holder.with_suffix(".lock"), timeout=0, mode=0o600)
            try:
                with lock:
                    return False
            except filelock.Timeout:
                return True
            except OSError:
                return False
        return False

    @contextmanager
    def lock(self, sender_code: int, run_id: str) -> Iterator[None]:
        """Keeps two pushes to one sender code apart. The kernel lets go of it when its process dies. A state folder
        that cannot be written locks nothing. Raises UsageError naming the run that has it."""
        holder = self._locks / f"{sender_code}.run"
        lock: filelock.BaseFileLock | None = None
        try:
            for made in (self._locks.parent, self._locks):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = filelock.FileLock(self._locks / f"{sender_code}.lock", timeout=0, mode=0o600)
            lock.acquire()
            with suppress(OSError):  # a full disk: nobody learns who has it
                _write_holder(holder, run_id)
        except filelock.Timeout:
            raise UsageError(
                f"A push to sender code {sender_code} is under way: run {_holder(holder)}.",
                hint="Wait for it to end (lsms status shows how it stands), then push again.",
                code="locked",
            ) from None
        except OSError:
            lock = None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()


def _write_holder(path: Path, run_id: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(run_id)


def _holder(path: Path) -> str:
    """The id of the run that has, or last had, the lock."""
    try:
        return path.read_text("utf-8") or "another run"
    except OSError:
        return "another run"


def _same_target(one: RunState, other: RunState) -> bool:
    return one.started is not None and other.started is not None and one.started.target == other.started.target
