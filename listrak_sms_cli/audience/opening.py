"""From what a person names to open parts: which files, what each is, spooled where needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from listrak_sms_cli.audience.csv_part import CsvPart
from listrak_sms_cli.audience.parquet_part import ParquetPart
from listrak_sms_cli.audience.part import Part
from listrak_sms_cli.audience.read_options import ReadOptions
from listrak_sms_cli.audience.sniff import DELIMITER_NAMES, SAMPLE, delimiter_of, encoding_of, kind_of
from listrak_sms_cli.audience.spool import LocalBytes, is_plain, open_local, spooled
from listrak_sms_cli.audience.unpack import Peeked, as_utf8, pieces, unpacked
from listrak_sms_cli.errors import AudienceError

FORMATS = ("csv", "tsv", "parquet", "xlsx")
STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Found:
    """An open part and its place in the audience: `places` has for each column of the audience the column of the part,
    or the constant a folder name gives it; `hive`: names of those columns."""

    part: Part
    places: Sequence[int | str | None]
    hive: tuple[str, ...] = ()


def open_parts(source: object, options: ReadOptions) -> tuple[str, list[Found]]:
    """The audience's name and its open parts. Raises AudienceError."""
    if options.format and options.format not in FORMATS:
        raise AudienceError(
            "The format given is not known.", hint=f"--format is one of {', '.join(FORMATS)}.", code="bad_format"
        )
    if source == "-":
        part = _open_stream(STANDARD_INPUT, sys.stdin.buffer, options)
        return STANDARD_INPUT, [Found(part, range(len(part.columns)))]
    path = Path(cast("str | os.PathLike[str]", source))
    part = _open_path(str(source), path, options)
    return str(source), [Found(part, range(len(part.columns)))]


def _open_path(name: str, path: Path, options: ReadOptions) -> Part:
    try:
        if not is_plain(path):
            with path.open("rb") as stream:
                return _open_stream(name, stream, options)
        local = open_local(name, path)
    except FileNotFoundError:
        raise AudienceError(f"There is no file {name}.", hint="Check the path.", code="no_such_file") from None
    except OSError:
        raise AudienceError(f"{name} cannot be opened.", hint="Check its permissions.", code="cannot_open") from None
    stream = Peeked(local.reader())  # type: ignore[arg-type]
    codec, content = unpacked(name, stream)
    return _open_content(name, codec, content, options, local)


def _open_stream(name: str, stream: IO[bytes], options: ReadOptions, mtime_ns: int = 0) -> Part:
    codec, content = unpacked(name, Peeked(stream))
    return _open_content(name, codec, content, options, None)


def _open_content(
    name: str, codec: str | None, content: Peeked, options: ReadOptions, local: LocalBytes | None
) -> Part:
    """`local`: the bytes where they are, when they can be read there; it is closed when a spool takes its place."""
    kind = kind_of(content.head)
    packed = f", {codec}" if codec else ""
    mtime_ns = local.mtime_ns if local else 0
    if kind == "parquet":
        source = local if local and not codec else spooled(name, pieces(content), mtime_ns)
        return ParquetPart(source)
    encoding = encoding_of(content.head, options.encoding)
    if local and not codec and encoding == "utf-8":
        source = local
    elif encoding == "utf-8":
        source = spooled(name, pieces(content), mtime_ns)
    else:
        source = spooled(name, as_utf8(name, content, encoding), mtime_ns)
    sample = source.read(0, SAMPLE).decode("utf-8-sig", "replace")
    delimiter = "\t" if options.format == "tsv" and not options.delimiter else delimiter_of(sample, options.delimiter)
    shown = DELIMITER_NAMES.get(delimiter, f"“{delimiter}”")
    return CsvPart(source, delimiter, f"CSV, {shown}, {encoding.upper()}{packed}")
