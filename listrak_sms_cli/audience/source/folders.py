"""List the files of a folder and of a pattern: a folder that cannot be listed is an error, never passed over."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from listrak_sms_cli.audience.source.identity import cannot_read


def is_note(name: str) -> bool:
    """Whether programs that write folders keep their notes under such a name."""
    return name.startswith((".", "_")) or name == "lost+found"


def files_below(folder: str) -> list[str]:
    """Paths of the files in a folder and all folders below it, folder by folder; links to folders are not followed.
    Raises AudienceError (`cannot_read`)."""
    found = []
    for above, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not is_note(name)]
        found += [path for name in names if not is_note(name) and (path := Path(above, name)).is_file()]
    return [str(path) for path in sorted(found)]


def files_matching(pattern: str) -> list[str]:
    """Paths of the files that match a pattern, as text; `**` is any folders. Raises AudienceError (`cannot_read`)."""
    _refuse_unlisted(pattern)
    return sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207 (absolute)


def _refuse_unlisted(pattern: str) -> None:
    """Raise AudienceError for a folder on the way of a pattern that cannot be looked into: `glob` passes it over."""
    for folder, name in {*_looked_into(pattern)}:
        try:
            if glob.has_magic(name):
                os.scandir(folder).close()
            else:
                os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 (as glob does it)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _refuse(error)


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
