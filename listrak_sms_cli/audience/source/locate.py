"""Which files an audience is: a path, a glob, a folder, a URL, standard input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from listrak_sms_cli.errors import AudienceError

STANDARD_INPUT = "standard input"
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".parq")
_COMPRESSED = (".gz", ".zst", ".bz2")
_PATIENCE = 30  # seconds a cloud store is tried before it counts as out of reach
_SECRET_KEYS = re.compile(
    r"secret|password|token|signature|credential|access_key|accesskey|account_key|api_?key|^sig$", re.I
)
_MISSING_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class Location(Struct, frozen=True):
    """One file. `path` is None when it can only be streamed: then `stream` opens it. `partitions`: the key=value
    folders it lies in."""

    name: str
    path: Path | None = None
    stream: Callable[[], BinaryIO] | None = None
    partitions: tuple[tuple[str, str], ...] = ()


def find(source: str) -> tuple[str, list[Location]]:
    """(what to call the audience, its files in order).

    Raises AudienceError: `not_found`, `url_with_key`, `cannot_read`, `mixed_formats`.
    """
    if source == "-":
        return STANDARD_INPUT, [Location(STANDARD_INPUT, stream=_standard_input)]
    scheme = re.match(r"([a-z][a-z0-9+.-]+)://", source, re.IGNORECASE)
    if scheme and scheme[1].lower() == "file":
        source = unquote(urlsplit(source).path)
    elif scheme:
        return _at_url(source)
    path = Path(source).expanduser()
    if path.is_dir():
        names = [str(p) for p in sorted(path.rglob("*")) if p.is_file()]
        return source, [_local(Path(n), _partitions(n, str(path))) for n in _of_one_format(names, str(path))]
    if not path.exists() and glob.has_magic(source):
        names = sorted(n for n in glob.glob(str(path), recursive=True) if Path(n).is_file())  # noqa: PTH207 (absolute)
        if not names:
            raise AudienceError(f"No file matches {source}.", hint="Check the pattern and quote it.", code="not_found")
        fixed = str(path)[: re.search(r"[*?\[]", str(path)).start()]  # type: ignore[union-attr]
        return source, [_local(Path(n), _partitions(n, os.path.dirname(fixed))) for n in names]  # noqa: PTH120
    return source, [_local(path, ())]


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise AudienceError(
            "Standard input is the keyboard, not an audience.",
            hint="Pipe a file into it (cat audience.csv | lsms …), or name the file.",
            code="not_found",
        )
    return sys.stdin.buffer


def _local(path: Path, partitions: tuple[tuple[str, str], ...]) -> Location:
    """Pipes and devices are streamed."""
    name = str(path)
    if path.exists() and not path.is_file():
        return Location(name, stream=lambda: path.open("rb"), partitions=partitions)
    return Location(name, path=path, partitions=partitions)


def _of_one_format(names: Sequence[str], folder: str) -> list[str]:
    """The data files of a folder; hidden ones, and those that begin with `_`, are notes of what wrote it."""
    kinds: dict[str, list[str]] = {"Parquet": [], "CSV": []}
    for name in names:
        parts = Path(name[len(folder) :]).parts
        if any(part.startswith((".", "_")) for part in parts):
            continue
        bare = name.lower()
        for suffix in _COMPRESSED:
            bare = bare.removesuffix(suffix)
        if bare.endswith(_SUFFIXES):
            kinds["CSV" if bare.endswith((".csv", ".tsv", ".txt")) else "Parquet"].append(name)
    if kinds["Parquet"] and kinds["CSV"]:
        raise AudienceError(
            f"The folder {folder} holds both Parquet and CSV files.",
            hint=f'Name the ones that are meant, for example "{folder.rstrip("/")}/*.parquet".',
            code="mixed_formats",
        )
    found = kinds["Parquet"] or kinds["CSV"]
    if not found:
        raise AudienceError(f"The folder {folder} holds no CSV or Parquet files.", code="not_found")
    return found


def _partitions(name: str, root: str) -> tuple[tuple[str, str], ...]:
    """`dt=2026-01-01/region=us/part.parquet` -> (dt, 2026-01-01), (region, us); Hive's word for none is empty."""
    inside = name[len(root) :] if name.startswith(root) else name
    found = []
    for part in Path(inside).parts[:-1]:
        key, equals, value = part.partition("=")
        if equals and key:
            found.append((unquote(key), "" if value == _MISSING_PARTITION else unquote(value)))
    return tuple(found)


def _at_url(url: str) -> tuple[str, list[Location]]:
    parts = urlsplit(url)
    plain = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    if parts.password or "@" in parts.netloc or any(_SECRET_KEYS.search(key) for key, _ in parse_qsl(parts.query)):
        raise AudienceError(
            f"The URL {plain} holds a key or a password.",
            hint="Take it out: credentials come from the environment (for example AWS_PROFILE, "
            "GOOGLE_APPLICATION_CREDENTIALS).",
            code="url_with_key",
        )
    if parts.scheme.lower() in ("http", "https"):
        raise AudienceError(
            f"{plain} is a web address, which is not read.",
            hint="Download it first, or pipe it in: curl -fsS URL | lsms … -",
            code="not_found",
        )
    try:
        from pyarrow import fs

        if parts.scheme.lower() in ("gs", "gcs") and "retry_limit_seconds" not in parts.query:
            # Without it, a network that is not there is tried for a quarter of an hour, deaf to Ctrl-C.
            url = f"{url}{'&' if parts.query else '?'}retry_limit_seconds={_PATIENCE}"
        system, path = fs.FileSystem.from_uri(url)
        info = system.get_file_info(path)
        if info.type == fs.FileType.Directory:
            listed = system.get_file_info(fs.FileSelector(path, recursive=True))
            paths = _of_one_format(sorted(i.path for i in listed if i.is_file), path)
        elif info.type == fs.FileType.NotFound:
            raise AudienceError(f"There is nothing at {plain}.", hint="Check the URL.", code="not_found")
        else:
            paths = [path]
    except AudienceError:
        raise
    except Exception as error:
        known = "Unrecognized filesystem" not in str(error)
        raise AudienceError(
            f"{plain} cannot be opened.",
            hint="Check the address, your credentials for it, and the network."
            if known
            else "URLs that are read begin with s3://, gs:// or file://.",
            code="cannot_read",
        ) from None
    root = path if len(paths) > 1 or paths != [path] else str(Path(path).parent)
    prefix = url[: len(url) - len(path)] if url.endswith(path) else f"{parts.scheme}://"
    return url, [Location(prefix + p, stream=_opener(system, p), partitions=_partitions(p, root)) for p in paths]


def _opener(system: Any, path: str) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        stream: BinaryIO = system.open_input_stream(path, compression=None)
        return stream

    return opened
