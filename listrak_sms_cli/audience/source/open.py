"""Open what a person names: find out what each file is, give it to its reader, bring all columns into one order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from listrak_sms_cli.audience.columns import column_key, refuse_member
from listrak_sms_cli.audience.source.content import Content, LocalFile
from listrak_sms_cli.audience.source.csv import CsvReader
from listrak_sms_cli.audience.source.csv_blocks import BlockCutter
from listrak_sms_cli.audience.source.decompress import (
    PeekedStream,
    Readable,
    UndecodableError,
    as_utf8,
    decompressed,
    pieces,
)
from listrak_sms_cli.audience.source.dialect import quoting_of, with_delimiter
from listrak_sms_cli.audience.source.folders import is_parquet_name
from listrak_sms_cli.audience.source.identity import broken_off, cannot_read, changed
from listrak_sms_cli.audience.source.locate import READ_AT_ONCE, Location, locate, names_like
from listrak_sms_cli.audience.source.options import ReadOptions, is_query
from listrak_sms_cli.audience.source.reader import FileReader, SourceNote
from listrak_sms_cli.audience.source.sniff import (
    DELIMITER_NAMES,
    FORMATS,
    SAMPLE,
    TAIL,
    delimiter_of,
    encoding_of,
    encoding_shown,
    kind_of,
    separator_line,
)
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.errors import AudienceError

if TYPE_CHECKING:
    from listrak_sms_cli.audience.source.ahead import Ahead

_FETCHED_WHOLE = READ_AT_ONCE  # bytes of an object, at most, that is fetched while it is opened: it takes one request


class AudienceFile(Struct, frozen=True):
    """A file and where the audience's columns are in it: for each column of the audience the index of the file's
    column, or the text that the file's `key=value` folder gives to every row. `partition_columns`: the names of the
    latter, which are the audience's last columns."""

    reader: FileReader
    column_sources: Sequence[int | str]
    partition_columns: tuple[str, ...] = ()

    def why_unreadable(self, column: int) -> str | None:
        """Why a column of the audience has no text in this file; None when it has."""
        source = self.column_sources[column]
        return self.reader.unreadable.get(source) if isinstance(source, int) else None

    def of_columns(self, columns: Sequence[int]) -> AudienceFile:
        """The same file for an audience of these columns only."""
        first_partition = len(self.column_sources) - len(self.partition_columns)
        partitions = [self.partition_columns[index - first_partition] for index in columns if index >= first_partition]
        return AudienceFile(self.reader, [self.column_sources[index] for index in columns], tuple(partitions))


def open_files(
    source: object, options: ReadOptions, spool: SourceSpool
) -> tuple[str, list[AudienceFile], tuple[SourceNote, ...]]:
    """Return the audience's name, its open files, and what a person should know of how they were chosen. What cannot be
    read twice is copied to the spool, large objects of a store after they have been opened, while they are read.

    Raises AudienceError for everything that cannot be an audience.
    """
    _check_options(options)
    if options.source is not None or not isinstance(source, str | os.PathLike):
        stream = _open_rows(source, options, spool)
        return stream.name, [AudienceFile(stream, range(len(stream.columns)))], ()
    path = os.fsdecode(source)
    if is_query(path):
        raise AudienceError(
            f"{path} is a query, and nothing says which database it runs in.",
            hint="Name a table [sources.NAME] of the config file: --source NAME",
            code="no_source",
        )
    name, locations, notes = locate(path, options.storage)
    ahead = _fetching_ahead(locations, spool)
    opened = _opened_in_order(locations, options, spool, ahead)
    # Spark writes empty files for partitions without rows.
    readers = [(location, reader) for location, reader in zip(locations, opened, strict=True) if reader is not None]
    if not readers:
        raise AudienceError(f"All files of {name} are empty.", hint="Check the export.", code="empty_file")
    files = _in_one_order(readers)
    if ahead is not None:
        ahead.start()
    return name, files, notes


def _fetching_ahead(locations: Sequence[Location], spool: SourceSpool) -> Ahead | None:
    """None for files of this machine."""
    if locations[0].version is None:
        return None
    from listrak_sms_cli.audience.source.ahead import Ahead

    return Ahead(spool)


def _opened_in_order(
    locations: Sequence[Location], options: ReadOptions, spool: SourceSpool, ahead: Ahead | None
) -> Iterator[FileReader | None]:
    """The readers of all files, None for an empty CSV of several. Files of a store are opened several at once."""

    def opened(location: Location) -> FileReader | None:
        try:
            return _open_location(location, options, spool, ahead)
        except AudienceError as error:
            if error.code != "empty_file" or len(locations) == 1 or is_parquet_name(location.name):
                raise
            return None

    if ahead is None or len(locations) == 1:
        yield from map(opened, locations)
        return
    try:
        yield from ahead.pool.map(opened, locations)
    except BaseException:
        spool.close()  # what is under way ends at its next piece
        raise


def _open_rows(source: object, options: ReadOptions, spool: SourceSpool) -> FileReader:
    """The reader for rows that come once: of a query, or what a Python program gives."""
    if options.source is not None:
        from listrak_sms_cli.audience.source.query import open_query

        return open_query(source, options, spool)
    from listrak_sms_cli.audience.source.arrow import open_stream
    from listrak_sms_cli.audience.source.frames import stream_of

    return open_stream(stream_of(source, options.skip), spool, options.skip)


def _check_options(options: ReadOptions) -> None:
    """Raises AudienceError for options that no file could be read with."""
    if options.format is not None and options.format.lower() not in FORMATS:
        raise AudienceError(
            "The format given is not known.", hint=f"--format is one of {', '.join(FORMATS)}.", code="bad_format"
        )
    encoding_of(b"", options.encoding)
    delimiter_of("", options.delimiter, quoting_of(options))


def _in_one_order(readers: Sequence[tuple[Location, FileReader]]) -> list[AudienceFile]:
    """Match the columns of each file by name with those of the first: by the same name, or by one that differs in case,
    blanks and underscores only. Raises AudienceError (`different_columns`)."""
    first_location, first = readers[0]
    partition_columns = tuple(key for key, _ in first_location.partitions if key not in first.columns)
    files = []
    for location, reader in readers:
        values = {key: value for key, value in location.partitions if key not in reader.columns}
        indices = _places(reader.columns, first.columns)
        if indices is None or set(values) != set(partition_columns):
            raise _different_columns(reader, values, first, partition_columns)
        sources: list[int | str] = [*indices, *(values[key] for key in partition_columns)]
        files.append(AudienceFile(reader, sources, partition_columns))
    return files


def _places(columns: Sequence[str], wanted: Sequence[str]) -> Sequence[int] | None:
    """The index in `columns` of each column wanted; None when they are not the same ones, or cannot be told apart."""
    if columns == wanted:
        return range(len(wanted))
    for simplified in (str, column_key):
        names = [simplified(name) for name in columns]
        place_of = {name: index for index, name in enumerate(names)}
        keys = [simplified(name) for name in wanted]
        if len(place_of) == len(names) and sorted(names) == sorted(keys):
            return [place_of[key] for key in keys]
    return None


def _different_columns(
    reader: FileReader, values: dict[str, str], first: FileReader, partition_columns: Sequence[str]
) -> AudienceError:
    expected, own = [*first.columns, *partition_columns], [*reader.columns, *values]
    for file, columns in ((reader, own), (first, expected)):
        refuse_member(columns, file.name)
    own_keys, expected_keys = {column_key(name) for name in own}, {column_key(name) for name in expected}
    missing = [name for name in expected if column_key(name) not in own_keys]
    surplus = [name for name in own if column_key(name) not in expected_keys]
    if missing:
        what = f"has no column “{missing[0]}”"
    elif surplus:
        what = f"has a column “{surplus[0]}” that the others do not have"
    else:
        what = "repeats a column, in another order"
    return AudienceError(
        f"{reader.name} {what}, unlike {first.name}.",
        hint="The files of one audience need the same columns; push files that differ one by one.",
        code="different_columns",
    )


def _open_location(
    location: Location, options: ReadOptions, spool: SourceSpool, ahead: Ahead | None = None
) -> FileReader:
    """Raises AudienceError: `not_found`, `cannot_read`, and what `_OpenedFile.reader` raises."""
    name = location.name
    try:
        local = None if location.path is None else LocalFile(name, location.path)
        version = location.version and location.version()
        with ExitStack() as while_opening:
            later = None
            if ahead is not None and location.open_anywhere is not None and location.size > _FETCHED_WHOLE:
                in_store = ahead.opened(location, location.open_anywhere(), version)
                stream, later = while_opening.enter_context(in_store.opening()), partial(ahead.add, in_store)
            else:
                stream = while_opening.enter_context(location.open())
            codec, content = decompressed(name, PeekedStream(_Source(name, stream)))
            mtime_ns = local.mtime_ns if local else location.mtime_ns
            reader = _OpenedFile(name, content, codec, local, mtime_ns, options, spool, later).reader()
        if location.version and location.version() != version:
            raise changed(name)
        return reader
    except FileNotFoundError:
        hint = names_like(location.path) if location.path is not None else ""
        raise AudienceError(f"There is no file {name}.", hint=hint or "Check the path.", code="not_found") from None
    except OSError as error:
        raise cannot_read(name, error) from None


class _Source:
    """A file, pipe or object of a cloud store that may end with an error while it is read."""

    def __init__(self, name: str, stream: Readable) -> None:
        self._name, self._stream = name, stream

    def read(self, size: int) -> bytes:
        """Up to `size` bytes. Raises AudienceError (`cannot_read`)."""
        try:
            return self._stream.read(size) or b""
        except Exception:  # file systems raise what their libraries raise
            raise broken_off(self._name) from None


class _OpenedFile(Struct, frozen=True):
    """A file just opened. `stream`: its content from the start, without its compression `codec`. `local`: the file
    itself when it can be read in place. `mtime_ns`: when it was changed, 0 = not known. `later`: makes it one that is
    fetched while it is read."""

    name: str
    stream: PeekedStream
    codec: str | None
    local: LocalFile | None
    mtime_ns: int
    options: ReadOptions
    spool: SourceSpool
    later: Callable[[], Content] | None = None

    def reader(self) -> FileReader:
        """The reader for what the file is. Raises AudienceError: `empty_file`, `wrong_format`, `bad_compression`, and
        what the reader raises."""
        head, format_named = self.stream.head, (self.options.format or "").lower()
        if not head:
            raise AudienceError(f"{self.name} is empty.", hint="Check the export that wrote it.", code="empty_file")
        in_place = self.local if self.codec is None else None
        tail = in_place.read(in_place.size - TAIL, TAIL) if in_place and in_place.size > TAIL else b""
        kind = kind_of(head, self.name, format_named, tail)
        if kind == "parquet":
            from listrak_sms_cli.audience.source.parquet import ParquetReader

            return ParquetReader(self._content())
        if kind == "workbook":
            from listrak_sms_cli.audience.source.excel import open_workbook

            return open_workbook(replace(self, later=None)._content(), self.options, self.spool)
        return self._csv_reader("tab" if format_named == "tsv" else None)

    def _csv_reader(self, delimiter_named: str | None) -> CsvReader:
        encoding = encoding_of(self.stream.head, self.options.encoding, self.name)
        content = self._content(encoding)
        separator, sample = separator_line(content.read(0, SAMPLE).decode("utf-8-sig", "replace"))
        quoting = quoting_of(self.options)
        delimiter = delimiter_of(sample, self.options.delimiter or delimiter_named or separator, quoting)
        dialect = with_delimiter(quoting, delimiter)
        shown = DELIMITER_NAMES.get(delimiter, f"“{delimiter}”")
        compression = f", {self.codec}" if self.codec else ""
        described = f"CSV, {shown}, {encoding_shown(encoding)}{compression}"
        phone_column, header_from = self.options.phone_column, 2 if separator else 1
        return CsvReader(content, dialect, described, header_from=header_from, phone_column=phone_column)

    def _content(self, encoding: str = "utf-8") -> Content:
        """The content as UTF-8: the file itself where it is that already, else a copy in the spool."""
        if not self.codec and encoding == "utf-8":
            if self.local:
                return self.local
            if self.later:
                return self.later()
        content: Content
        if encoding == "utf-8":
            content = self.spool.keep(self.name, pieces(self.stream), self.mtime_ns)
        else:
            content = self._as_utf8(encoding)
        if self.local:
            self.local.check_unchanged()
        return content

    def _as_utf8(self, encoding: str) -> Content:
        broken = False

        def text() -> Iterator[bytes]:
            nonlocal broken
            try:
                yield from as_utf8(self.stream, encoding)
            except UndecodableError:
                broken = True
                yield b"?"  # in place of what cannot be decoded, so that its row is counted

        content = self.spool.keep(self.name, text(), self.mtime_ns)
        if broken:
            quoting = quoting_of(self.options)
            delimiter = delimiter_of(content.read(0, SAMPLE).decode("utf-8", "replace"), None, quoting)
            cutter = BlockCutter(content, with_delimiter(quoting, delimiter), closed=False)
            row = sum(block.records for block in cutter.blocks())
            raise AudienceError(
                f"{self.name}, row {row:,}: not {encoding_shown(encoding)} text.",
                hint="Name the file's encoding with --encoding.",
                code="not_decodable",
            )
        return content
