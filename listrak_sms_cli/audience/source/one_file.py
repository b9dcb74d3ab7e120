"""One file of an audience: what it is, and how it becomes something that can be read twice."""

from __future__ import annotations

import os

from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content, LocalFile, Spool, Spooled
from listrak_sms_cli.audience.source.csv import CsvPart
from listrak_sms_cli.audience.source.csv_blocks import BlockCutter
from listrak_sms_cli.audience.source.decompress import Peeked, UndecodableError, as_utf8, pieces, unpacked
from listrak_sms_cli.audience.source.excel import open_workbook
from listrak_sms_cli.audience.source.locate import Location
from listrak_sms_cli.audience.source.options import ReadOptions
from listrak_sms_cli.audience.source.parquet import ParquetPart
from listrak_sms_cli.audience.source.reader import Part
from listrak_sms_cli.audience.source.sniff import (
    DELIMITER_NAMES,
    FORMATS,
    SAMPLE,
    delimiter_of,
    encoding_of,
    encoding_shown,
    kind_of,
    separator_line,
)
from listrak_sms_cli.errors import AudienceError


def check_options(options: ReadOptions) -> None:
    """Raises AudienceError for options that no file could be read with, before anything is opened."""
    if options.format is not None and options.format.lower() not in FORMATS:
        raise AudienceError(
            "The format given is not known.", hint=f"--format is one of {', '.join(FORMATS)}.", code="bad_format"
        )
    encoding_of(b"", options.encoding)
    delimiter_of("", options.delimiter)


class _Opened(Struct, frozen=True):
    """A file whose first bytes have been looked at. `local`: the bytes where they are, when they can be read there."""

    name: str
    codec: str | None
    stream: Peeked
    local: LocalFile | None

    def content(self, spool: Spool, encoding: str = "utf-8") -> Content:
        """The unpacked bytes, as UTF-8."""
        mtime_ns = self.local.mtime_ns if self.local else 0
        if encoding != "utf-8":
            kept = self._transcoded(spool, encoding, mtime_ns)
        elif self.local is None or self.codec:
            kept = spool.keep(self.name, pieces(self.stream), mtime_ns)
        else:
            return self.local
        if self.local:
            self.local.check_unchanged()
        return kept

    def _transcoded(self, spool: Spool, encoding: str, mtime_ns: int) -> Spooled:
        start = spool.size
        try:
            return spool.keep(self.name, as_utf8(self.stream, encoding), mtime_ns)
        except UndecodableError:
            spool.write(b"?")  # stands for what did not decode, so that the record it is in is counted
            before = Spooled(spool, self.name, start, spool.size - start)
            delimiter = delimiter_of(before.read(0, SAMPLE).decode("utf-8", "replace"), None)
            row = sum(block.records for block in BlockCutter(before, delimiter, closed=False).blocks())
            raise AudienceError(
                f"{self.name}, row {row:,}: not {encoding_shown(encoding)} text.",
                hint="Name the file's encoding with --encoding.",
                code="not_decodable",
            ) from None


def open_location(location: Location, options: ReadOptions, spool: Spool) -> Part:
    """Plain local UTF-8 CSV and Parquet are read where they are, everything else from the spool.

    Raises AudienceError: `not_found`, `cannot_read`, `wrong_format`, `bad_compression`, and those of the formats.
    """
    name = location.name
    try:
        if location.path is not None:
            local = LocalFile(name, location.path)
            with local.reader() as reader:
                codec, content = unpacked(name, Peeked(reader))
                return _open(_Opened(name, codec, content, local), options, spool)
        assert location.stream is not None
        with location.stream() as stream:
            codec, content = unpacked(name, Peeked(stream))
            return _open(_Opened(name, codec, content, None), options, spool)
    except FileNotFoundError:
        raise AudienceError(f"There is no file {name}.", hint="Check the path.", code="not_found") from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "reading it failed"
        raise AudienceError(
            f"{name} cannot be read: {why}.", hint="Check its permissions.", code="cannot_read"
        ) from None


def _open(opened: _Opened, options: ReadOptions, spool: Spool) -> Part:
    head = opened.stream.head
    if not head:
        raise AudienceError(f"{opened.name} is empty.", hint="Check the export that wrote it.", code="empty_file")
    named = (options.format or "").lower()
    kind = kind_of(head, opened.name, named)
    if kind == "parquet":
        return ParquetPart(opened.content(spool))
    if kind == "workbook":
        return open_workbook(opened.content(spool), options.sheet, spool)
    return _open_csv(opened, options, spool, tabs=named == "tsv")


def _open_csv(opened: _Opened, options: ReadOptions, spool: Spool, *, tabs: bool) -> CsvPart:
    encoding = encoding_of(opened.stream.head, options.encoding, opened.name)
    content = opened.content(spool, encoding)
    separator, sample = separator_line(content.read(0, SAMPLE).decode("utf-8-sig", "replace"))
    named = options.delimiter
    if named is None:
        named = "tab" if tabs else separator
    delimiter = delimiter_of(sample, named)
    shown = DELIMITER_NAMES.get(delimiter, f"“{delimiter}”")
    packed = f", {opened.codec}" if opened.codec else ""
    described = f"CSV, {shown}, {encoding_shown(encoding)}{packed}"
    return CsvPart(content, delimiter, described, header_from=2 if separator else 1)
