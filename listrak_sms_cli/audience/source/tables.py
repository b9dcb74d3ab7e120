"""Refuse the files of a table format (Delta Lake, Apache Iceberg, Apache Hudi): which of them, and which of their rows,
are the table's content of today is written in its log; a folder read file by file gives deleted and superseded rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from listrak_sms_cli.errors import AudienceError

_ListFolder = Callable[
    [str], Collection[str]
]  # from a folder to the names of what is in it; none where it is not there
_LOGS = {"_delta_log": "Delta Lake", ".hoodie": "Apache Hudi"}
_ICEBERG_METADATA = re.compile(r"\.metadata\.json(\.gz)?$|\.gz\.metadata\.json$|^version-hint\.text$")
_WAYS = {"Delta Lake": "delta_scan('{0}')", "Apache Iceberg": "iceberg_scan('{0}')", "Apache Hudi": "hudi_scan('{0}')"}


def refuse_tables(files: Sequence[str], names_in: _ListFolder, shown: Callable[[str], str] = str) -> None:
    """Raise AudienceError (`table_format`) when one of the files lies in a table, however deep below its folder.
    `shown`: the name of a folder for people."""
    format_of = cache(lambda folder: _table_format(folder, names_in))
    for parent in dict.fromkeys(str(PurePosixPath(file).parent) for file in files):
        for folder in (parent, *map(str, PurePosixPath(parent).parents)):
            if table_format := format_of(folder):
                raise _is_table(shown(folder), table_format)


def names_in_folder(folder: str) -> Collection[str]:
    """The names in a folder of this machine, as far as they matter here."""
    path = Path(folder)
    found = [name for name in (*_LOGS, "metadata") if (path / name).is_dir()]
    if path.name != "metadata":
        return found
    try:
        return [entry.name for entry in path.iterdir()]
    except OSError:
        return found


def names_in_store(store: Any, root: str, paths: Sequence[str]) -> _ListFolder:
    """The same of folders in a store, one of Arrow's file systems. `paths`: of all files below `root`, so that only
    the folders above it have to be asked for."""
    listed: dict[str, set[str]] = {}
    for path in paths:
        folder = PurePosixPath(path)
        while (parent := str(folder.parent)) != str(folder) and len(parent) >= len(root):
            listed.setdefault(parent, set()).add(folder.name)
            folder = folder.parent

    def names_in(folder: str) -> Collection[str]:
        return listed.get(folder, ()) if len(folder) >= len(root) else _names_above(store, folder)

    return names_in


def _names_above(store: Any, folder: str) -> Collection[str]:
    from pyarrow import fs

    try:
        if folder == ".":
            return ()
        if PurePosixPath(folder).name == "metadata":
            return [file.base_name for file in store.get_file_info(fs.FileSelector(folder, allow_not_found=True))]
        names = (*_LOGS, "metadata")
        infos = store.get_file_info([f"{folder}/{name}" for name in names])
        return [name for name, info in zip(names, infos, strict=True) if info.type == fs.FileType.Directory]
    except Exception:  # a folder that may not be looked at is none of a table that could be read
        return ()


def _table_format(folder: str, names_in: _ListFolder) -> str | None:
    names = names_in(folder)
    for log, table_format in _LOGS.items():
        if log in names:
            return table_format
    if "metadata" in names and any(map(_ICEBERG_METADATA.search, names_in(str(PurePosixPath(folder) / "metadata")))):
        return "Apache Iceberg"
    return None


def _is_table(folder: str, table_format: str) -> AudienceError:
    return AudienceError(
        f"{folder} is a table of {table_format}: its files hold deleted and superseded rows, too.",
        hint="Export what the table holds now, for instance with DuckDB: "
        f"COPY (FROM {_WAYS[table_format].format(folder)}) TO 'audience.parquet'; or give the table as a frame to "
        "push() of the Python package.",
        code="table_format",
    )
