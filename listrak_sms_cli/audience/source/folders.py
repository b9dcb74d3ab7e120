"""List the files of a folder and of a pattern, and choose those of a folder that are read: what cannot be looked at is
an error, what is not read is counted."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from listrak_sms_cli.audience.source.identity import cannot_read, printable_name
from listrak_sms_cli.audience.source.reader import SourceNote
from listrak_sms_cli.errors import AudienceError

_DATA_FILE = re.compile(r"\.(?:(csv|tsv|txt)|parquet|pq|parq)(?:\.gz|\.zst|\.bz2)*$", re.IGNORECASE)
_HIDDEN = re.compile(r"[._]|lost\+found$")  # names of what programs keep for themselves in a folder
_MARKER = re.compile(  # a file that stands beside others, and holds no members
    r"(^readme(\.\w+)?|^thumbs\.db|^desktop\.ini|\.(crc|md5|sha\d+|asc|sig|done|ok)|_\$folder\$)$", re.IGNORECASE
)
_NAMED = 3  # of the files that are not read


def is_parquet_name(name: str) -> bool:
    """Whether a file is called as Parquet files are."""
    data_file = _DATA_FILE.search(name)
    return data_file is not None and data_file[1] is None


def parts_below(folder: str, name: str) -> tuple[str, ...]:
    """The parts of the path `name` below a folder; all of them where it is not below it."""
    path = Path(name)
    return path.relative_to(folder).parts if path.is_relative_to(folder) else path.parts


def files_below(folder: str) -> tuple[list[str], list[str]]:
    """Paths of the files in a folder and all folders below it, folder by folder; and of what is no file: links to
    folders, which are not followed, and pipes. Hidden ones are left out. Raises AudienceError: `cannot_read`,
    `not_found` for a link that leads nowhere."""
    files: list[Path] = []
    others: list[Path] = []
    for above, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _HIDDEN.match(name)]
        others += [path for name in folders if (path := Path(above, name)).is_symlink()]
        for path in (Path(above, name) for name in names if not _HIDDEN.match(name)):
            (files if not _DATA_FILE.search(path.name) or _is_file(path) else others).append(path)
    return [str(path) for path in sorted(files)], [str(path) for path in sorted(others)]


def files_matching(pattern: str) -> tuple[list[str], tuple[SourceNote, ...]]:
    """Paths of the files that match a pattern, as text; `**` is any folders; and a note of folders on its way that
    cannot be looked into. Raises AudienceError: `cannot_read` where the pattern names such a folder itself, `not_found`
    for a link that leads nowhere."""
    notes = _closed_folders(pattern)
    return sorted(name for name in glob.glob(pattern, recursive=True) if _is_file(Path(name))), notes  # noqa: PTH207


def data_files(
    names: Sequence[str], folder: str, shown: str | None = None, others: Sequence[str] = ()
) -> tuple[list[str], tuple[SourceNote, ...]]:
    """The CSV or Parquet files of a folder, `shown` to people as itself or its URL; and a note of what is not read:
    other files, and `others`. What programs keep beside their files is left out. Raises AudienceError: `not_found`,
    `mixed_formats`."""
    csv: list[str] = []
    parquet: list[str] = []
    passed_over = [*others]
    for name in names:
        *_, last = parts = parts_below(folder, name)
        if any(map(_HIDDEN.match, parts)):
            continue
        if data_file := _DATA_FILE.search(last):
            (csv if data_file[1] else parquet).append(name)
        elif not _MARKER.search(last):
            passed_over.append(name)
    shown = shown or folder
    inside = shown.rstrip("/")
    if csv and parquet:
        raise AudienceError(
            f"The folder {shown} holds both Parquet and CSV files.",
            hint=f'Name the ones that are meant, for example "{inside}/*.parquet".',
            code="mixed_formats",
        )
    below = ["/".join(parts_below(folder, name)) for name in passed_over[:_NAMED]]
    named = printable_name(", ".join(below)) + ", …" * (len(passed_over) > _NAMED)
    if not csv and not parquet:
        hint = f'It holds {named}. A pattern reads files of any name: "{inside}/*".' if named else "Check the path."
        raise AudienceError(f"The folder {shown} holds no CSV or Parquet files.", hint=hint, code="not_found")
    return csv or parquet, (_passed_over(len(passed_over), shown, named),) if passed_over else ()


def _passed_over(count: int, folder: str, named: str) -> SourceNote:
    return SourceNote(
        "files_passed_over",
        f"Files and links in the folder {folder} that are not read: {count:,} ({named}). Of a folder, those are read "
        "whose names end in .csv, .tsv, .txt or .parquet, also with .gz, .zst or .bz2 behind; name others by a path or "
        "a pattern.",
    )


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        if not path.is_symlink() and error.errno == errno.ENOENT:  # deleted since it was listed
            return False
        if path.is_symlink() and error.errno in (errno.ENOENT, errno.ELOOP):
            raise AudienceError(
                f"{printable_name(str(path))} is a link to a file that is not there.",
                hint="Correct the link, or delete it.",
                code="not_found",
            ) from None
        _refuse(error)


def _closed_folders(pattern: str) -> tuple[SourceNote, ...]:
    """A note of the folders on the way of a pattern that cannot be looked into: `glob` passes them over."""
    closed = []
    for folder, name in sorted({*_looked_into(pattern)}):
        try:
            if glob.has_magic(name):
                os.scandir(folder).close()
            else:
                os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 (as glob does it)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if pattern.startswith(folder):  # by its name, not as one of many
                _refuse(error)
            closed.append(printable_name(folder.rstrip(os.sep)))
    if not closed:
        return ()
    named = ", ".join(closed[:_NAMED]) + ", …" * (len(closed) > _NAMED)
    message = f"Folders that the pattern leads to and that cannot be looked into: {len(closed):,} ({named})."
    return (SourceNote("folders_passed_over", f"{message} What they hold is not read; others are named by a path."),)


def _looked_into(pattern: str) -> Iterator[tuple[str, str]]:
    """Each folder that a pattern leads to, and the part of the pattern that is looked for there."""
    parts = Path(pattern).parts
    for index, part in enumerate(parts):
        above = os.path.join(*parts[:index], "") or os.path.join(os.curdir, "")  # noqa: PTH118 (a trailing / counts)
        if glob.has_magic(above + part):
            for folder in glob.glob(f"{above}**/" if part == "**" else above, recursive=True):  # noqa: PTH207
                yield folder, part


def _refuse(error: OSError) -> NoReturn:
    raise cannot_read(str(Path(os.fsdecode(error.filename))), error) from None
