"""The journal of a run: one line for everything that happened, on disk before and after each request.

It holds counts, names, ids and digests, no member data and no secret. Whoever writes it holds a lock on the file, so
one process writes at a time, and whoever only looks can tell whether somebody is at work.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from listrak_sms_cli.runs.record.file_lock import lock_file
from listrak_sms_cli.runs.record.lines import AnyLine, LineOfPart, LineOfRun, Prepared, Started
from listrak_sms_cli.runs.record.state import RunState

FILE_NAME = "journal.jsonl"
_DECODER = msgspec.json.Decoder(AnyLine)
_LOCK_SECONDS = 0.3  # a look at the lock holds it for a moment, shared


class JournalInUse(OSError):
    """Another process writes this journal."""


class Journal:
    """Appends lines, each flushed to disk before `write` returns, and keeps the fold. One thread only.

    Without a file it keeps the fold alone. A disk that can no longer be written (`lost`) does not stop the run; what is
    missing on it is at worst sent again by `resume`, which does no harm. `kept`: enough is on disk to resume the run.
    """

    def __init__(self, state: RunState, file: int | None = None, *, lost: bool = False) -> None:
        self.state = state
        self.lost = lost
        self.kept = file is not None or lost
        self._file = file

    @classmethod
    def create(cls, folder: Path | None, started: Started, prepared: Prepared) -> Journal:
        """The journal of a new run, its first two lines on disk; `folder` None: kept in memory. A disk that is full
        makes it a lost one. Raises OSError when it cannot be opened."""
        state = RunState(started, prepared)
        if folder is None:
            return cls(state)
        # It takes its name when both lines are there: a journal of less than two is a damaged one.
        draft = folder / f"{FILE_NAME}.draft"
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _lock(file)
            _append(file, started)
            _append(file, prepared)
            draft.replace(folder / FILE_NAME)
            sync_folder(folder)
        except OSError:
            os.close(file)
            journal = cls(state, lost=True)
            journal.kept = False
            return journal
        return cls(state, file)

    @classmethod
    def reopen(cls, folder: Path) -> Journal:
        """The journal of a run that is gone on with or asked about, its fold read under the lock. One that cannot be
        written is a lost one. Raises JournalInUse; OSError and ValueError as `read_journal`."""
        try:
            file = os.open(folder / FILE_NAME, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            raise
        except OSError:
            return cls(read_journal(folder), lost=True)
        try:
            _lock(file)
            state = read_journal(folder)
            with suppress(OSError):
                _end_torn_line(file)
        except BaseException:
            os.close(file)
            raise
        return cls(state, file)

    def write(self, line: LineOfPart | LineOfRun) -> RunState:
        """Writes a line; returns the fold with it."""
        if self._file is not None:
            try:
                _append(self._file, line)
            except OSError:
                self.lost = True
                self.close()
        return self.state.apply(line)

    def close(self) -> None:
        """Lets go of the file and of its lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_journal(folder: Path) -> RunState:
    """The state of the run in `folder`. A line cut off by a crash or a full disk never happened. Raises OSError, and
    ValueError for a journal that is damaged or not ours."""
    lines = (folder / FILE_NAME).read_bytes().split(b"\n")[:-1]
    if len(lines) < 2:
        raise ValueError("the journal is cut off before its second line")
    started, prepared = (_DECODER.decode(text) for text in lines[:2])
    if not isinstance(started, Started) or not isinstance(prepared, Prepared):
        raise ValueError("the journal does not begin with the lines of a run")
    state = RunState(started, prepared)
    for text in lines[2:]:
        try:
            line = _DECODER.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            continue
        if isinstance(line, Started | Prepared):
            raise ValueError("the journal holds a second beginning")
        state.apply(line)
    return state


def read_started(folder: Path) -> Started:
    """The first line of the journal in `folder`. Raises OSError, and ValueError where there is none."""
    with (folder / FILE_NAME).open("rb") as file:
        line = _DECODER.decode(file.readline())
    if not isinstance(line, Started):
        raise ValueError("the journal does not begin with the lines of a run")
    return line


def is_in_use(folder: Path) -> bool:
    """Whether a living process is at work on the run. The look takes a shared lock for a moment."""
    try:
        file = os.open(folder / FILE_NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder: a file made or renamed in it is there after a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it that are not there, for their owner alone (0700); each is there by its name
    after a power cut. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the way", str(folder)) from None
    sync_folder(folder.parent)


def _lock(file: int) -> None:
    """Raises JournalInUse. A file system without locks locks nothing."""
    try:
        lock_file(file, _LOCK_SECONDS)
    except TimeoutError:
        raise JournalInUse("another process writes this journal") from None


def _append(file: int, line: AnyLine) -> None:
    data = msgspec.json.encode(line) + b"\n"
    if os.write(file, data) < len(data):
        raise OSError("the line is cut off")
    os.fsync(file)


def _end_torn_line(file: int) -> None:
    # What is appended to half a line would be lost with it. Half a line stays one even when only its end is missing:
    # nobody who read the journal before has seen it.
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b" (cut off)\n")
