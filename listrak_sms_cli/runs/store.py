"""The state folder: one folder a run, and a lock for each sender code. Folders 0700, files 0600."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.journal import FILE_NAME, PartStatus, RunState, read_journal
from listrak_sms_cli.runs.journal_lines import Destination


@dataclass(frozen=True)
class StoredRun:
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

    def runs(self) -> list[StoredRun]:
        """Every run that can be read, the newest first."""
        return list(self._newest_first())

    def _newest_first(self) -> Iterator[StoredRun]:
        folders = sorted(self._runs.glob("*/"), reverse=True) if self._runs.is_dir() else []
        for folder in folders:
            try:
                state = read_journal(folder)
            except (OSError, ValueError):
                continue
            if state.prepared is not None:
                yield StoredRun(folder, state)

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
        """Raises UsageError when there is none."""
        for run in self._newest_first():
            if run.state.can_be_resumed:
                return run
        raise UsageError("There is no run that could be resumed.", hint="`lsms runs` lists the runs.", code="no_run")

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
        """Forgets runs that began more than `days` ago; returns their ids."""
        before = time.time() - days * 86400
        pruned = [run for run in self._newest_first() if (run.folder / FILE_NAME).stat().st_mtime < before]
        for run in pruned:
            shutil.rmtree(run.folder)
        return [run.run_id for run in pruned]

    @contextmanager
    def lock(self, sender_code: int, run_id: str) -> Iterator[None]:
        """Keeps two pushes to one sender code apart. The kernel lets go of it when its process dies. A state folder
        that cannot be written locks nothing. Raises UsageError naming the run that has it."""
        try:
            for made in (self._locks.parent, self._locks):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            holder = self._locks / f"{sender_code}.run"
            lock = filelock.FileLock(self._locks / f"{sender_code}.lock", timeout=0, mode=0o600)
            lock.acquire()
        except filelock.Timeout:
            other = holder.read_text("utf-8") if holder.exists() else "another run"
            raise UsageError(
                f"A push to sender code {sender_code} is under way: run {other}.",
                hint="Wait for it to end (lsms status shows how it stands), then push again.",
                code="locked",
            ) from None
        except OSError:
            yield
            return
        try:
            holder.write_text(run_id, "utf-8")
            holder.chmod(0o600)
            yield
        finally:
            lock.release()


def _same_target(one: RunState, other: RunState) -> bool:
    return one.started is not None and other.started is not None and one.started.target == other.started.target
