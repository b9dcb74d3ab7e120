"""List the files of an audience: of a path, a glob, a folder, a URL, standard input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from listrak_sms_cli.audience.source.folders import data_files, files_below, files_matching, parts_below
from listrak_sms_cli.audience.source.identity import cannot_read
from listrak_sms_cli.audience.source.reader import SourceNote
from listrak_sms_cli.audience.source.tables import names_in_folder, names_in_store, refuse_tables
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.options import did_you_mean
from listrak_sms_cli.stores import Store, StoreError, StoreUrl, is_url

STANDARD_INPUT = "standard input"
READ_AT_ONCE = 8 << 20  # bytes of an object in a store: each request costs a round trip
_NAMES_READ = 10_000  # of a folder that is searched for a name like a misspelt one
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
Partitions = tuple[tuple[str, str], ...]


class Location(Struct, frozen=True):
    """One file. `open` gives its bytes from the start; `path` is set when they can be read in place as well, any number
    of times. `partitions`: (key, value) of each `key=value` folder it lies in. Of one in a store: `mtime_ns`, 0 = not
    known; `version`: returns what changes when another object is put in its place; `size` in bytes; `open_anywhere`:
    gives an Arrow file, of which any bytes can be read."""

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None
    partitions: Partitions = ()
    mtime_ns: int = 0
    version: Callable[[], object] | None = None
    size: int = 0
    open_anywhere: Callable[[], Any] | None = None


def locate(source: str, storage: Mapping[str, str] | None = None) -> tuple[str, list[Location], tuple[SourceNote, ...]]:
    """Return the name of the audience, its files in order, and what a person should know of how they were chosen.
    `storage`: options of the store that a URL names.

    Raises AudienceError: `not_found`, `url_with_key`, `no_access`, `unreachable`, `cannot_read`, `bad_storage_option`,
    `mixed_formats`, `table_format`.
    """
    if source == "-":
        return STANDARD_INPUT, [Location(STANDARD_INPUT, _standard_input)], ()
    if is_url(source):
        url = StoreUrl(source, storage)
        try:
            return str(url), *_files_at_url(Store(url))
        except StoreError as error:
            raise AudienceError(f"{url} cannot be opened: {error.why}.", hint=error.hint, code=error.code) from None
    try:
        path = unquote(urlsplit(source).path) if source.lower().startswith("file://") else source
        files, notes = _local_files(Path(path).expanduser(), path)
    except PermissionError as error:
        raise cannot_read(error.filename or path, error) from None
    except (OSError, ValueError, RuntimeError, RecursionError):  # no home folder of that name, too long, looping links
        raise AudienceError(
            "The name of the audience cannot be that of a file.", hint="Check the path.", code="not_found"
        ) from None
    try:
        places = [str(file.path.absolute()) for file in files if file.path is not None]
    except FileNotFoundError:
        raise AudienceError(
            f"There is no {path}: the folder in which lsms was started is not there any more.",
            hint="Go to a folder that is there (cd), or name the audience by its whole path.",
            code="not_found",
        ) from None
    refuse_tables(places, names_in_folder)
    return path, files, notes


def names_like(path: Path) -> str:
    """A hint with the files in its folder whose names are nearest to that of a file that is not there, the best first;
    "" where none is near."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _NAMES_READ) if not entry.name.startswith(".")]
    except OSError:
        return f"There is no folder {path.parent}."
    # Folder and suffix are those of every file; what is before the suffix has to be alike.
    alike = get_close_matches(path.stem.casefold(), {Path(name).stem.casefold() for name in names}, len(names) or 1)
    near = [str(path.with_name(name)) for name in names if Path(name).stem.casefold() in alike]
    return did_you_mean(str(path), near, 2)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise AudienceError(
            "Standard input is the keyboard, not an audience.",
            hint="Pipe a file into it (cat audience.csv | lsms …), or name the file.",
            code="not_found",
        )
    return sys.stdin.buffer


def _local_files(path: Path, source: str) -> tuple[list[Location], tuple[SourceNote, ...]]:
    """A folder's data files, the files that match a pattern, or the file itself (also when it does not exist)."""
    if path.is_dir():
        names, others = files_below(str(path))
        names, notes = data_files(names, str(path), others=others)
        return [_local_file(Path(name), _partitions(name, str(path))) for name in names], notes
    if path.exists() or not glob.has_magic(source):
        return [_local_file(path)], ()
    names, notes = files_matching(str(path))
    if not names:
        raise AudienceError(f"No file matches {source}.", hint="Check the pattern and quote it.", code="not_found")
    root = os.path.dirname(re.split(r"[*?\[]", str(path), maxsplit=1)[0])  # noqa: PTH120 (a trailing / counts)
    return [_local_file(Path(name), _partitions(name, root)) for name in names], notes


def _local_file(path: Path, partitions: Partitions = ()) -> Location:
    """Pipes and devices cannot be read in place."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise AudienceError(
            f"The name of a file in {path.parent} is not UTF-8.", hint="Rename it.", code="bad_file_name"
        ) from None
    readable_in_place = path.is_file() or not path.exists()
    return Location(str(path), lambda: path.open("rb"), path if readable_in_place else None, partitions)


def _partitions(name: str, root: str) -> Partitions:
    """`dt=2026-01-01/region=us/part.parquet` -> (dt, 2026-01-01), (region, us); Hive's word for null becomes ""."""
    partitions = []
    for folder in parts_below(root, name)[:-1]:
        key, equals, value = folder.partition("=")
        if equals and key:
            partitions.append((unquote(key), "" if value == _NULL_PARTITION else unquote(value)))
    return tuple(partitions)


def _files_at_url(store: Store) -> tuple[list[Location], tuple[SourceNote, ...]]:
    """The file, the folder's data files, or the files that match a pattern, by path. Raises StoreError too."""
    info, folder = store.info(), None
    notes: tuple[SourceNote, ...] = ()
    if info.is_file:
        found, root = [info], _parent(info.path)
    elif info.type.name == "Directory":
        folder = root = info.path
        found = store.below(folder)
        names, notes = data_files([file.path for file in found], folder, str(store.url))
        wanted = set(names)
        chosen = [file for file in found if file.path in wanted]
    else:
        root = _parent(re.split(r"[*?\[]", store.path, maxsplit=1)[0] + "_")
        if not glob.has_magic(store.path) or not root:
            raise AudienceError(f"There is nothing at {store.url}.", hint="Check the URL.", code="not_found")
        found = store.below(root)
        pattern = store.path[len(root) + 1 :].split("/")
        chosen = [file for file in found if _matches(file.path[len(root) + 1 :].split("/"), pattern)]
        if not chosen:
            raise AudienceError(
                f"No file matches {store.url}.",
                hint="Check the pattern and quote it; ** is any folders.",
                code="not_found",
            )
    if info.is_file:
        chosen = found
    names_in = names_in_store(store.files, root, [file.path for file in found])
    refuse_tables([file.path for file in chosen], names_in, store.shown)
    return [_file_in_store(store, file, root) for file in chosen], notes


def _file_in_store(store: Store, file: Any, root: str) -> Location:
    def version() -> object:
        with store.files.open_input_stream(file.path, compression=None) as stream:
            facts = {str(name).lower(): value for name, value in (stream.metadata() or {}).items()}
        return [facts.get(name) for name in ("etag", "content-length", "last-modified", "generation")]

    return Location(
        store.shown(file.path),
        partial(store.files.open_input_stream, file.path, compression=None, buffer_size=READ_AT_ONCE),
        partitions=_partitions(file.path, root),
        mtime_ns=file.mtime_ns or 0,
        version=version,
        size=file.size or 0,
        open_anywhere=partial(store.files.open_input_file, file.path),
    )


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path matches a pattern as it does on this machine: `*` stays in its folder, `**` is any folders."""
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    hidden = parts[0].startswith(".") and not pattern[0].startswith(".")
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or (not hidden and _matches(parts[1:], pattern))
    return not hidden and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
