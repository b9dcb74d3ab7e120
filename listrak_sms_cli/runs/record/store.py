"""The state folder: one folder a run, and a lock for each sender code. Folders 0700, files 0600."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.runs.record.file_lock import locked
from listrak_sms_cli.runs.record.journal import (
    FILE_NAME,
    is_in_use,
    make_folder,
    read_journal,
    read_started,
    sync_folder,
)
from listrak_sms_cli.runs.record.lines import Destination
from listrak_sms_cli.runs.record.state import PartStatus, RunState

_MOMENT = "%Y%m%d-%H%M%S"  # how the id of a run begins: when, in UTC
_LONGEST = 1000 * 365 * 86400.0  # seconds: no run is older
_NO_TRACE = "A dry run and one with --sandbox leave none: nothing of them reached Listrak."
_DONE = "done"  # an empty file in the folder of a run of which nothing is left to do: nobody reads its journal again


class StoredRun(Struct, frozen=True):
    """A run in the state folder, and how it stands."""

    folder: Path
    state: RunState

    @property
    def run_id(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def is_running(self) -> bool:
        """Whether a living process is at work on it."""
        return is_in_use(self.folder)

    @property
    def seconds(self) -> float:
        """How long it took, from its beginning to its end, or to when something of it was last on its way."""
        state = self.state
        last = state.ended.at if state.ended else state.last_sent
        began = datetime.fromisoformat(state.started.began or state.started.at)
        return (datetime.fromisoformat(last) - began).total_seconds()

    @property
    def seconds_since_sending(self) -> float:
        """How long ago something of it was on its way to Listrak, by its journal; 0 where that cannot be told."""
        try:
            return (datetime.now(UTC) - datetime.fromisoformat(self.state.last_sent)).total_seconds()
        except (ValueError, TypeError):
            return 0.0


class Pruned(Struct, frozen=True):
    """Ids of runs that were forgotten, and of those that were old enough and have members or imports pending."""

    removed: list[str]
    kept: list[str]


def new_run_id() -> str:
    """Sortable by time, then random: 20261124-031502-1e24f7a3, of which 1e24f are microseconds."""
    now = datetime.now(UTC)
    return f"{now:{_MOMENT}}-{now.microsecond:05x}{os.urandom(2).hex()[:3]}"


def fingerprint(client_id: str) -> str:
    """Tells client ids apart without keeping one."""
    return hashlib.sha256(client_id.encode()).hexdigest()[:16]


class RunStore:
    """The runs of a state folder. `state_dir` need not exist."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._runs = state_dir / "runs"
        self._locks = state_dir / "locks"

    def create(self, run_id: str) -> Path:
        """The folder of a new run, on disk. Raises OSError when the state folder cannot be written, FileExistsError
        for a folder that is there already (of another run that drew the same id)."""
        make_folder(self._runs)
        folder = self._runs / run_id
        folder.mkdir(mode=0o700)
        sync_folder(self._runs)
        return folder

    def is_confirmed(self, target: Destination) -> bool:
        """Whether somebody has said yes to pushes to this account, from this state folder."""
        return self._confirmation(target).exists()

    def note_confirmed(self, target: Destination) -> None:
        """Somebody has. Where it cannot be written down, it is asked again."""
        place = self._confirmation(target)
        with suppress(OSError):
            make_folder(place.parent)
            place.touch(0o600)

    def _confirmation(self, target: Destination) -> Path:
        return self.state_dir / "confirmed" / fingerprint(f"{target.api_url}\0{target.client}")

    def runs(self) -> Iterator[StoredRun]:
        """Every run whose journal can be read, the newest first."""
        return self._read(self._folders())

    def listed(self) -> Iterator[StoredRun | str]:
        """Every run, the newest first; of one whose journal is damaged, or cut off before anything of use, the id."""
        for folder in self._folders():
            try:
                yield StoredRun(folder, read_journal(folder))
            except (ValueError, PermissionError):
                yield folder.name
            except OSError:  # killed before it had a journal: nothing was sent
                continue

    def unfinished(self, besides: str = "") -> Iterator[StoredRun]:
        """Runs of which something is left to send, to wait for or to remember, the newest first; `besides` that one."""
        folders = (folder for folder in self._folders() if folder.name != besides)
        return self._read(folder for folder in folders if not (folder / _DONE).exists())

    @staticmethod
    def mark_done(folder: Path) -> None:
        """Nothing of this run is left to do."""
        with suppress(OSError):
            (folder / _DONE).touch(0o600)

    def _read(self, folders: Iterator[Path] | list[Path]) -> Iterator[StoredRun]:
        for folder in folders:
            with suppress(OSError, ValueError):
                yield StoredRun(folder, read_journal(folder))

    def _folders(self) -> list[Path]:
        """The newest first. A run begun in the future, by a clock that was wrong then, counts as older than any."""
        now = f"{datetime.now(UTC):{_MOMENT}}~"  # "~" sorts behind the rest of an id
        try:
            with os.scandir(self._runs) as entries:
                names = [entry.name for entry in entries if entry.is_dir()]
        except OSError:
            return []
        return [self._runs / name for name in sorted(names, key=lambda name: (name < now, name), reverse=True)]

    def find(self, run_id: str | None) -> StoredRun:
        """A run by its id, or by the beginning of one; None: the newest. Raises UsageError when there is none, more
        than one, or its journal is damaged."""
        if run_id is None:
            for run in self.runs():
                return run
            hint = f"Start one: lsms push AUDIENCE --sender-code ID. {_NO_TRACE}"
            raise UsageError("There are no runs yet.", hint=hint, code="no_run")
        named = [folder for folder in self._folders() if folder.name.startswith(run_id)]
        if len(named) > 1:
            raise UsageError(f"Several runs begin with {run_id}.", hint="Type more of the id; `lsms runs` lists them.")
        for run in self._read(named):
            return run
        if named:
            raise UsageError(
                f"The journal of run {named[0].name} is damaged: what it sent cannot be told.",
                hint="Push its audience again; sending the same values twice does no harm.",
                code="damaged_journal",
            )
        raise UsageError(f"There is no run {run_id}.", hint=f"`lsms runs` lists the runs. {_NO_TRACE}", code="no_run")

    def newest_resumable(self) -> StoredRun:
        """The newest run that can be resumed; when there is none, the newest (it says that nothing is left to do).
        Raises UsageError when there are no runs."""
        return next((run for run in self.unfinished() if run.state.can_be_resumed), None) or self.find(None)

    def later_accepted(self, run_id: str, target: Destination) -> str | None:
        """The id of a later run to the same sender code of which Listrak accepted something."""
        for other in self.runs():
            if other.run_id == run_id:
                return None
            if other.state.started.target == target and other.state.rows[PartStatus.ACCEPTED]:
                return other.run_id
        return None

    def was_pushed(self, name: str, path: str, target: Destination) -> bool:
        """Whether something of the audience of that name, or at that path, was accepted for the same sender code."""
        return any(
            run.state.started.target == target and run.state.rows[PartStatus.ACCEPTED]
            for run in self.runs()
            if run.state.started.audience == name or path == run.state.started.recipe.path != "-"
        )

    def runs_of(self, name: str) -> Iterator[StoredRun]:
        """The runs of the audience of that name, the newest first. Of the journals of others one line is read."""
        for folder in self._folders():
            with suppress(OSError, ValueError):
                if read_started(folder).name == name:
                    yield StoredRun(folder, read_journal(folder))

    def last_good(self, name: str, target: Destination, besides: str = "") -> StoredRun | None:
        """The baseline of a push: the last whole one of the audience of that name to the same sender code that ended
        well, `besides` the run of that id."""
        runs = (run for run in self.runs_of(name) if run.state.started.target == target and run.run_id != besides)
        return next((run for run in runs if run.state.is_baseline), None)

    def prune(self, days: float) -> Pruned:
        """Forgets runs that nothing has happened to for more than `days`, also those that a crash left half made and
        those whose journal is damaged. A run that is at work, or of which something is pending, stays."""
        before = time.time() - days * 86400
        pruned = Pruned([], [])
        for folder in self._folders():
            journal = folder / FILE_NAME
            if (journal if journal.exists() else folder).stat().st_mtime >= before or is_in_use(folder):
                continue
            if any(run.state.can_be_resumed for run in self._read([folder])):
                pruned.kept.append(folder.name)
            else:
                shutil.rmtree(folder)
                pruned.removed.append(folder.name)
        return pruned

    def forget_done(self, seconds: float) -> None:
        """Removes runs of which nothing is left to do and that began more than so many seconds ago. Cheap: their names
        say when."""
        oldest = f"{datetime.now(UTC) - timedelta(seconds=min(seconds, _LONGEST)):{_MOMENT}}"
        for folder in self._folders():
            if folder.name < oldest and (folder / _DONE).exists():
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self, sender_code: int, run_id: str) -> Iterator[None]:
        """Keeps two pushes to one sender code apart. The kernel lets go of it when its process dies. A state folder
        that cannot be written locks nothing. Raises UsageError naming the run that has it."""
        holder = self._locks / f"{sender_code}.run"
        with ExitStack() as lock:
            try:
                make_folder(self._locks)
                lock.enter_context(locked(self._locks / f"{sender_code}.lock", 0))
                _write_holder(holder, run_id)
            except TimeoutError:
                raise UsageError(
                    f"A push to sender code {sender_code} is under way: run {_holder(holder)}.",
                    hint="Wait for it to end (lsms status shows how it stands), then push again.",
                    code="locked",
                ) from None
            except OSError:
                pass  # nothing is locked or, on a full disk, nobody learns who has the lock
            yield


def _write_holder(path: Path, run_id: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(run_id)


def _holder(path: Path) -> str:
    """The id of the run that has, or last had, the lock."""
    try:
        return path.read_text("utf-8") or "another run"
    except OSError:
        return "another run"
