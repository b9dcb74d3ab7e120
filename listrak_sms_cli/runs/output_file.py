"""Where a file that lsms writes may go, and how it gets there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from listrak_sms_cli.errors import UsageError

_WORKBOOKS = (".xlsx", ".xlsm", ".xls")


def output_place(path: Path, option: str, audience: Iterable[str] = (), code: str = "output_place") -> Path:
    """The place itself, behind symbolic links. Raises UsageError when no file can be put there, when its suffix says
    Excel, when it would replace something that is no plain file (a device, a pipe, standard output), or one of the
    files of the audience."""
    if path.suffix.lower() in _WORKBOOKS:
        raise UsageError(
            f"{option} {path} would be an Excel file, which lsms reads and does not write.",
            hint="Name it .csv or .parquet.",
            code=code,
        )
    try:
        place = path.resolve() if path.is_symlink() else path
        special = place.name == "-" or (place.exists() and not place.is_file())
        if special or not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
            raise no_place(path, option, code)
        replaces = place.exists() and any(Path(name).exists() and place.samefile(name) for name in audience)
    except OSError:  # a name that is too long
        raise no_place(path, option, code) from None
    if replaces:
        raise UsageError(f"{option} {path} is the audience itself.", hint="Name another file.", code=code)
    return place


def no_place(path: Path, option: str, code: str = "output_place") -> UsageError:
    return UsageError(f"{option} {path} cannot be written.", hint="Name a file in a folder that exists.", code=code)


def put(file: IO[bytes], place: Path) -> None:
    """Puts what is in `file` (anonymous: nothing is left behind by a kill before this) in its place, whole or not at
    all, mode 0600. Raises OSError."""
    file.flush()
    file.seek(0)
    handle, name = tempfile.mkstemp(prefix=".lsms-", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
