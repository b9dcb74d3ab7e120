"""Where a file that lsms writes may go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from listrak_sms_cli.errors import UsageError


def output_place(path: Path, option: str, audience: Iterable[str] = (), code: str = "output_place") -> Path:
    """The place itself, behind symbolic links. Raises UsageError when no file can be put there, when it would replace
    something that is no plain file (a device, a pipe), or one of the files of the audience."""
    try:
        place = path.resolve() if path.is_symlink() else path
        special = place.exists() and not place.is_file()
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
