"""The files that lsms writes for people: where they may go, and tables put in their place whole."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from listrak_sms_cli.errors import SettingsError, UsageError
from listrak_sms_cli.stores import StoreError, StoreUrl, Upload, is_url

_WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_PARQUET = (".parquet", ".pq")
_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))  # what stands there leads to where output goes
_ROWS_TOGETHER = 50_000  # rows written at once: small batches would become small row groups of a Parquet file


class OutputFile(ABC):
    """Where a file is put once it is whole; until then what was there stays. `shown`: as people know it; `option`: the
    one that named it; `parquet`: whether it is written as Parquet, all others are CSV."""

    shown: str
    option: str
    parquet: bool

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a file already."""

    @abstractmethod
    def replacing(self, mode: int = 0o600, temporary: Path | None = None) -> AbstractContextManager[IO[bytes]]:
        """A file to write to; it is put in its place at the end of the block, unless that raises. `temporary`: what it
        is called until then, where it has a name; None: one that is free. Raises OSError on a full disk, SettingsError
        (`store_failed`) when a store does not take it."""

    @abstractmethod
    def beside(self, name: str, folder: Path) -> Path:
        """A path for what is kept until the file is whole: in its folder, or in `folder` for one in a store."""


def output_at(
    path: Path | StoreUrl, option: str, audience: Iterable[str] = (), code: str = "output_place"
) -> OutputFile:
    """Check that a file can be put there, before anything is read.

    `option`: the option that named it, for messages; `audience`: the files of the audience. Raises UsageError when no
    file can be put there, when its suffix is Excel's, when it would replace something that is not a plain file (a
    device, a pipe, standard output), or a file of the audience.
    """
    if path.suffix.lower() in _WORKBOOKS:
        raise UsageError(
            f"{option} {path} would be an Excel file, which lsms reads and does not write.",
            hint="Name it .csv or .parquet.",
            code=code,
        )
    refuse_audience(path, option, audience, code)
    return _FileInStore(path, option, code) if isinstance(path, StoreUrl) else _LocalFile(path, option, code)


def refuse_audience(path: Path | StoreUrl, option: str, audience: Iterable[str], code: str = "output_place") -> None:
    """Raise UsageError when the file would replace one of the audience."""
    try:
        if isinstance(path, StoreUrl):
            replaces = str(path) in map(_url_shown, audience)
        else:
            replaces = path.exists() and any(Path(name).exists() and path.samefile(name) for name in audience)
    except (OSError, RuntimeError):  # a name that is too long, looping links
        raise not_writable(path, option, code) from None
    if replaces:
        raise UsageError(f"{option} {path} is the audience itself.", hint="Name another file.", code=code)


def refuse_existing(place: OutputFile, hint: str = "Name another file, or move that one away.") -> None:
    """Raise UsageError (`file_exists`) for a file that is there: it may be the only copy of values that were
    overwritten in Listrak since."""
    if place.exists:
        raise UsageError(f"There is a file {place.shown} already ({place.option}).", hint=hint, code="file_exists")


def _url_shown(name: str) -> str:
    return str(StoreUrl(name)) if is_url(name) else name


class _LocalFile(OutputFile):
    def __init__(self, path: Path, option: str, code: str) -> None:
        try:
            target = path.resolve() if path.is_symlink() else path
            special = target.name == "-" or (target.exists() and not target.is_file())
            if special or path.absolute().parent in _DEVICES:
                raise not_writable(path, option, code)
            tempfile.TemporaryFile(dir=target.parent).close()  # rights alone do not say whether it takes files
        except (OSError, RuntimeError):  # a name that is too long, looping links
            raise not_writable(path, option, code) from None
        self.path, self.shown, self.option, self.parquet = target, str(target), option, is_parquet(path)

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def replacing(self, mode: int = 0o600, temporary: Path | None = None) -> AbstractContextManager[IO[bytes]]:
        return replacing(self.path, temporary or self.path.with_name(f".lsms-{secrets.token_hex(8)}"), mode)

    def beside(self, name: str, folder: Path) -> Path:  # noqa: ARG002 (that of the file)
        return self.path.with_name(f".{self.path.name}-{name}")


class _FileInStore(OutputFile):
    """Written to a temporary file first, and sent whole from there."""

    def __init__(self, url: StoreUrl, option: str, code: str) -> None:
        self.shown, self.option, self.parquet = str(url), option, is_parquet(url)
        try:
            self._upload = Upload(url)
        except StoreError as error:
            raise UsageError(f"{option} {url} cannot be written: {error.why}.", hint=error.hint, code=code) from None

    @property
    def exists(self) -> bool:
        return self._upload.replaces

    @contextmanager
    def replacing(self, mode: int = 0o600, temporary: Path | None = None) -> Iterator[IO[bytes]]:  # noqa: ARG002 (the bucket says who may read it)
        with tempfile.TemporaryFile(prefix="lsms-") as file:
            yield file
            file.flush()
            try:
                self._upload.put(file)
            except StoreError as error:
                message = f"{self.option} {self.shown} cannot be written: {error.why}."
                raise SettingsError(message, hint=error.hint, code="store_failed") from None

    def beside(self, name: str, folder: Path) -> Path:
        return folder / f"{hashlib.sha256(self.shown.encode()).hexdigest()[:24]}-{name}"


def not_writable(path: object, option: str, code: str = "output_place") -> UsageError:
    """The error for a path that no file can be written to."""
    return UsageError(
        f"{option} {path} cannot be written.", hint="Name a file in a folder that exists and takes files.", code=code
    )


def is_parquet(path: Path | StoreUrl) -> bool:
    """Whether a file of this name is written as Parquet; all others are CSV."""
    return path.suffix.lower() in _PARQUET


@contextmanager
def replacing(target: Path, temporary: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A new file that replaces `target` once it is written whole, and is deleted when the block raises;
    until then it is `temporary`, beside it."""
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class TableFile:
    """A table on its way to a file: CSV, or Parquet by the file's suffix.

    Rows go to an anonymous temporary file, so a process that is killed leaves nothing behind; `publish` puts the file
    in its place whole, mode 0600. `write`, `publish` raise SettingsError (`disk_full`) when the disk is full or gone.
    """

    def __init__(
        self,
        path: Path | StoreUrl,
        option: str,
        schema: pa.Schema,
        audience: Iterable[str] = (),
        code: str = "output_place",
    ) -> None:
        """Raises UsageError as `output_at` does."""
        self._target = output_at(path, option, audience, code)
        self._name = f"{option} {path}"
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._file = tempfile.TemporaryFile(prefix="lsms-")  # noqa: SIM115 (closed by close)
        make: Any = pq.ParquetWriter if self._target.parquet else pyarrow.csv.CSVWriter
        self._writer = make(self._file, schema)

    def write(self, columns: Sequence[pa.Array]) -> None:
        """Add rows: columns of one length, of the types of the schema."""
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= _ROWS_TOGETHER:
            self._flush()

    def publish(self) -> None:
        """Put the file in its place, over one that is there."""
        self._flush()
        with self._disk():
            self._writer.close()
            self._file.flush()
            self._file.seek(0)
            with self._target.replacing() as target:
                shutil.copyfileobj(self._file, target, 1 << 20)

    def close(self) -> None:
        """Discard what has not been published."""
        try:
            self._writer.close()
            self._file.close()
        except OSError:  # a full disk: the temporary file is gone all the same
            return

    def _flush(self) -> None:
        with self._disk():
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting.clear()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            raise SettingsError(
                f"{self._name} cannot be written: the disk (or the one of temporary files) is full or gone.",
                hint="Free some space, name another file, or point TMPDIR at a larger disk.",
                code="disk_full",
            ) from None


@contextmanager
def temporary_disk(so_far: str = "") -> Iterator[None]:
    """Turns a full disk of temporary files into SettingsError (`disk_full`). `so_far`: what can be said of the run."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise SettingsError(
            f"The disk that holds temporary files ({tempfile.gettempdir()}) is full{so_far}.",
            hint="Free some space, or point TMPDIR at a folder on a larger disk.",
            code="disk_full",
        ) from None
