"""List the files of an audience: of a path, a glob, a folder, a URL, standard input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from listrak_sms_cli.audience.source.tables import names_in_folder, names_in_store, refuse_tables
from listrak_sms_cli.errors import AudienceError
from listrak_sms_cli.options import did_you_mean

STANDARD_INPUT = "standard input"
_DATA_FILE = re.compile(r"\.(?:(csv|tsv|txt)|parquet|pq|parq)(?:\.gz|\.zst|\.bz2)*$", re.IGNORECASE)
_SECRET_KEYS = re.compile(
    r"secret|password|token|signature|credential|access_key|accesskey|account_key|api_?key|^sig$", re.IGNORECASE
)
_STORE_TIMEOUT = 30  # seconds a cloud store is tried
_NAMES_READ = 10_000  # of a folder that is searched for a name like a misspelt one
_AZURE = ("abfs", "abfss")
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
Partitions = tuple[tuple[str, str], ...]


class Location(Struct, frozen=True):
    """One file. `open` gives its bytes from the start; `path` is set when they can be read in place as well, any number
    of times. `partitions`: (key, value) of each `key=value` folder it lies in. `mtime_ns`: of one in a store, 0 = not
    known."""

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None
    partitions: Partitions = ()
    mtime_ns: int = 0


def locate(source: str) -> tuple[str, list[Location]]:
    """Return the name of the audience and its files in order.

    Raises AudienceError: `not_found`, `url_with_key`, `cannot_read`, `mixed_formats`, `table_format`.
    """
    if source == "-":
        return STANDARD_INPUT, [Location(STANDARD_INPUT, _standard_input)]
    scheme = re.match(r"([a-z][a-z0-9+.-]+)://", source, re.IGNORECASE)
    if scheme and scheme[1].lower() != "file":
        return source, _files_at_url(source)
    try:
        path = unquote(urlsplit(source).path) if scheme else source
        files = _local_files(Path(path).expanduser(), path)
    except (OSError, ValueError, RuntimeError, RecursionError):  # no home folder of that name, too long, looping links
        raise AudienceError(
            "The name of the audience cannot be that of a file.", hint="Check the path.", code="not_found"
        ) from None
    refuse_tables([str(file.path.absolute()) for file in files if file.path is not None], names_in_folder)
    return path, files


def names_like(path: Path) -> str:
    """A hint with the files in its folder whose names are nearest to that of a file that is not there, the best first;
    "" where none is near."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _NAMES_READ) if not entry.name.startswith(".")]
    except OSError:
        return f"There is no folder {path.parent}."
    return did_you_mean(str(path), (str(path.with_name(name)) for name in names), 2)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise AudienceError(
            "Standard input is the keyboard, not an audience.",
            hint="Pipe a file into it (cat audience.csv | lsms …), or name the file.",
            code="not_found",
        )
    return sys.stdin.buffer


def _local_files(path: Path, source: str) -> list[Location]:
    """A folder's data files, the files that match a pattern, or the file itself (also when it does not exist)."""
    if path.is_dir():
        names = _data_files([str(file) for file in sorted(path.rglob("*")) if file.is_file()], str(path))
        return [_local_file(Path(name), _partitions(name, str(path))) for name in names]
    if path.exists() or not glob.has_magic(source):
        return [_local_file(path)]
    names = sorted(n for n in glob.glob(str(path), recursive=True) if Path(n).is_file())  # noqa: PTH207 (absolute)
    if not names:
        raise AudienceError(f"No file matches {source}.", hint="Check the pattern and quote it.", code="not_found")
    root = os.path.dirname(re.split(r"[*?\[]", str(path), maxsplit=1)[0])  # noqa: PTH120 (a trailing / counts)
    return [_local_file(Path(name), _partitions(name, root)) for name in names]


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


def _data_files(names: Sequence[str], folder: str) -> list[str]:
    """The CSV or Parquet files of a folder. What begins with "." or "_" is left out: programs that write folders keep
    their notes there. Raises AudienceError: `not_found`, `mixed_formats`."""
    csv: list[str] = []
    parquet: list[str] = []
    for name in names:
        hidden = any(part.startswith((".", "_")) for part in _parts_below(folder, name))
        if not hidden and (data_file := _DATA_FILE.search(name)):
            (csv if data_file[1] else parquet).append(name)
    if csv and parquet:
        raise AudienceError(
            f"The folder {folder} holds both Parquet and CSV files.",
            hint=f'Name the ones that are meant, for example "{folder.rstrip("/")}/*.parquet".',
            code="mixed_formats",
        )
    if not csv and not parquet:
        raise AudienceError(f"The folder {folder} holds no CSV or Parquet files.", code="not_found")
    return csv or parquet


def _parts_below(folder: str, name: str) -> tuple[str, ...]:
    path = Path(name)
    return path.relative_to(folder).parts if path.is_relative_to(folder) else path.parts


def _partitions(name: str, root: str) -> Partitions:
    """`dt=2026-01-01/region=us/part.parquet` -> (dt, 2026-01-01), (region, us); Hive's word for null becomes ""."""
    partitions = []
    for folder in _parts_below(root, name)[:-1]:
        key, equals, value = folder.partition("=")
        if equals and key:
            partitions.append((unquote(key), "" if value == _NULL_PARTITION else unquote(value)))
    return tuple(partitions)


def _files_at_url(url: str) -> list[Location]:
    """The file or the folder's data files at a URL that Arrow's file systems open."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AudienceError("The URL of the audience is not one.", hint="Check the URL.", code="not_found") from None
    shown = f"{parts.scheme}://{_host_shown(parts)}{parts.path}"
    _check_url(parts, shown)
    store, path, changed = _list_store(_with_timeout(url, parts), shown)
    files = list(changed)
    is_folder = files != [path]
    if is_folder:
        files = _data_files(files, path)
    refuse_tables(files, partial(names_in_store, store))
    root = path if is_folder else str(Path(path).parent)
    prefix = url.removesuffix(path) if url.endswith(path) else f"{parts.scheme}://"
    return [
        Location(
            prefix + file,
            partial(store.open_input_stream, file, compression=None),
            partitions=_partitions(file, root),
            mtime_ns=changed[file],
        )
        for file in files
    ]


def _host_shown(parts: SplitResult) -> str:
    """Bucket or host; with the container where nothing beside it can be a secret."""
    return parts.netloc if parts.password is None and parts.scheme.lower() in _AZURE else parts.hostname or ""


def _check_url(parts: SplitResult, shown: str) -> None:
    # abfs://container@account and hdfs://user@host name a place; s3://key:secret@bucket holds a secret.
    has_key = parts.password is not None or (parts.username is not None and parts.scheme.lower() == "s3")
    if has_key or any(_SECRET_KEYS.search(key) for key, _ in parse_qsl(parts.query)):
        raise AudienceError(
            f"The URL {shown} holds a key or a password.",
            hint="Take it out: credentials come from the environment (for example AWS_PROFILE, "
            "GOOGLE_APPLICATION_CREDENTIALS).",
            code="url_with_key",
        )
    if not parts.netloc:
        raise AudienceError(f"{shown} names no bucket.", hint="Check the URL.", code="not_found")
    if parts.scheme.lower() in ("http", "https"):
        raise AudienceError(
            f"{shown} is a web address, which is not read.",
            hint="Download it first, or pipe it in: curl -fsS URL | lsms … -",
            code="not_found",
        )


def _with_timeout(url: str, parts: SplitResult) -> str:
    """Without it, Google's store tries a network that is not there for a quarter of an hour and ignores Ctrl-C."""
    if parts.scheme.lower() not in ("gs", "gcs") or "retry_limit_seconds" in parts.query:
        return url
    return f"{url}{'&' if parts.query else '?'}retry_limit_seconds={_STORE_TIMEOUT}"


def _list_store(url: str, shown: str) -> tuple[Any, str, dict[str, int]]:
    """The file system, the path there, and all files, with their times (ns, 0 = not known): the path itself, or all
    files of the folder."""
    try:
        from pyarrow import fs

        store, path = fs.FileSystem.from_uri(url)
        found = store.get_file_info(path)
        kind = found.type
        changed = {path: found.mtime_ns or 0}
        if kind == fs.FileType.Directory:
            listed = store.get_file_info(fs.FileSelector(path, recursive=True))
            changed = dict(sorted((file.path, file.mtime_ns or 0) for file in listed if file.is_file))
    except Exception as error:  # Arrow's file systems raise what their libraries raise
        hint = "Check the address, your credentials for it, and the network."
        if "Unrecognized filesystem" in str(error):
            hint = "URLs that are read begin with s3://, gs://, abfs:// or file://."
        raise AudienceError(f"{shown} cannot be opened.", hint=hint, code="cannot_read") from None
    if kind == fs.FileType.NotFound:
        raise AudienceError(f"There is nothing at {shown}.", hint="Check the URL.", code="not_found")
    return store, path, changed
