"""Find out from its first bytes what a file is: format, compression, encoding, delimiter."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pyarrow as pa

from listrak_sms_cli.audience.source.dialect import Dialect, is_one_character, one_character, with_delimiter
from listrak_sms_cli.errors import AudienceError

SAMPLE = 64 << 10  # bytes
TAIL = 4  # bytes at a file's end that tell its format
DELIMITERS = ",;\t|"
FORMATS = ("csv", "tsv", "parquet", "xlsx")
_KIND_NAMES = {"parquet": "Parquet", "workbook": "an Excel workbook", "csv": "CSV"}
_MAGIC = (  # first bytes, kind, or else the name of what cannot be read
    (b"PAR1", "parquet", ""),
    (b"PARE", "", "an encrypted Parquet file"),
    (b"\xd0\xcf\x11\xe0", "workbook", ""),
    (b"ARROW1\0", "", "an Arrow (Feather) file"),
    (b"FEA1", "", "an Arrow (Feather) file"),
    (b"\xff\xff\xff\xff", "", "an Arrow stream"),
    (b"ORC", "", "an ORC file"),
    (b"Obj\x01", "", "an Avro file"),
    (b"%PDF", "", "a PDF"),
    (b"SQLite format 3\0", "", "an SQLite database"),
    (b"7z\xbc\xaf", "", "a 7z archive"),
    (b"\xfd7zXZ\0", "", "an xz archive"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_PACKED_MAGIC = (  # first bytes, and the name of a compression that is not read
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\xff\x06\0\0sNaPpY", "snappy"),
    (b"\x89LZO\0", "lzop"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "compress (.Z)"),
)
_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # a frame that holds no content, before one that does
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space"}


def compression_of(head: bytes) -> str | None:
    """`gzip`, `zstd` or `bz2` by the first bytes, else None."""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if head.startswith(magic):
            return name
    if _ZSTD_SKIPPABLE.match(head):
        return "zstd"
    return "bz2" if re.match(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", head) else None  # a header may begin so, too


def unread_compression_of(head: bytes) -> str | None:
    """The name of a compression that is not read, by the first bytes; None for anything else."""
    for magic, name in _PACKED_MAGIC:
        if head.startswith(magic):
            return name
    if _is_text(head[:1000]):
        return None
    for name, decompress in _WITHOUT_MAGIC:
        with suppress(zlib.error, OSError, ValueError):
            if _is_text(decompress(head)):
                return name
    return None


_WITHOUT_MAGIC: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("deflate (zlib)", lambda head: zlib.decompressobj().decompress(head, 1000)),
    ("brotli", lambda head: pa.CompressedInputStream(pa.BufferReader(head), "brotli").read(1000)),
    ("deflate", lambda head: zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, 1000)),
)


def _is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 text without control characters; its last character may be incomplete."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return bool(data) and not _CONTROL.search(data)


def is_tar(head: bytes) -> bool:
    """Whether a file begins with the header of a tar archive, by its checksum."""
    noted = head[148:156].strip(b"\0 ")
    if len(head) < 512 or not noted or noted.strip(b"01234567"):
        return False
    return int(noted, 8) == sum(head[:148]) + sum(head[156:512]) + 8 * ord(" ")


def kind_of(head: bytes, name: str, named: str, tail: bytes = b"") -> str:
    """Return `parquet`, `workbook` or `csv`, by the first bytes of the decompressed content, not by the file's suffix.

    `named`: the value of --format, or ""; `tail`: the file's last bytes, b"" where they cannot be read yet. Raises
    AudienceError (`wrong_format`) for anything else, and for a file that is not of the format named.
    """
    if packed := unread_compression_of(head):
        raise AudienceError(
            f"{name} is compressed with {packed}, which is not read.",
            hint="Decompress it first, or compress it with gzip, zstd or bz2.",
            code="wrong_format",
        )
    if is_tar(head):
        raise AudienceError(
            f"{name} is a tar archive, which may hold several files.",
            hint="Unpack it with tar -xf, and name the file that was in it.",
            code="wrong_format",
        )
    kind, other = _kind_or_other(head, tail)
    if other and named in ("csv", "tsv") and not _has_controls(head[:4096]):
        return "csv"
    if other:
        raise AudienceError(
            f"{name} is {other}, not an audience.", hint="Export it as CSV or Parquet.", code="wrong_format"
        )
    wanted = {"": kind, "tsv": "csv", "xlsx": "workbook"}.get(named, named)
    if wanted != kind:
        raise AudienceError(
            f"{name} is not {_KIND_NAMES[wanted]} but {_KIND_NAMES[kind]}.",
            hint="Leave --format out, or name the right file.",
            code="wrong_format",
        )
    return kind


def _kind_or_other(head: bytes, tail: bytes) -> tuple[str, str]:
    """The kind, or "" and the name of something that cannot be read."""
    if head.startswith(b"PK\x03\x04"):
        return ("workbook", "") if b"xl/" in head or b"[Content_Types].xml" in head else ("", "a zip archive")
    for magic, kind, other in _MAGIC:
        if head.startswith(magic) and (not magic.isalnum() or _has_controls(head[:64]) or magic in tail):
            return kind, other
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<table")):
        return "", "a web page (HTML)"
    if start.startswith(b"<?xml"):
        return "", "an XML document"
    if start.startswith((b'{"', b'[{"', b"{\n", b"[\n")):
        return "", "JSON"
    return "csv", ""


def _has_controls(head: bytes) -> bool:
    """Whether it holds control characters other than tabs and line ends. A header may begin as a format does: PARENT_ID
    as encrypted Parquet, ORCHARD as ORC."""
    return re.search(rb"[\x00-\x08\x0e-\x1f]", head) is not None


def encoding_of(head: bytes, named: str | None, name: str = "") -> str:
    """Return the codec of a text, as Python calls it: the one named, else by the byte order mark, else `utf-8`.

    Raises AudienceError: `bad_encoding` when the one named is not known, `not_utf8` for UTF-16 and UTF-32 without their
    marks, `wrong_format` for what is no text.
    """
    if named is not None:
        return _known_encoding(named)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # the former begins like the mark of UTF-16
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[:1000]
    if start.count(0) <= len(start) // 4:
        return "utf-8"
    order = "be" if head.startswith(b"\0") else "le"
    for family in ("UTF-32", "UTF-16"):
        encoding = f"{family.lower()}-{order}"
        with suppress(UnicodeDecodeError):
            if _is_text(codecs.getincrementaldecoder(encoding)().decode(start).encode()):
                raise AudienceError(
                    f"{name} looks like {family} without a byte order mark.",
                    hint=f"Try --encoding {encoding}.",
                    code="not_utf8",
                )
    raise AudienceError(
        f"{name} holds bytes that are no text.", hint="Export it as CSV or Parquet.", code="wrong_format"
    )


def _known_encoding(named: str) -> str:
    try:
        codecs.getincrementaldecoder(named)
        b"    ".decode(named, "ignore")  # refuses codecs that are not of text, such as base64
        codec = codecs.lookup(named).name
    except (LookupError, ValueError):
        raise AudienceError(
            "The encoding given is not known.", hint="Try --encoding cp1252, latin-1 or utf-16.", code="bad_encoding"
        ) from None
    return "utf-8" if codec in ("utf-8", "utf-8-sig", "ascii") else codec


def separator_line(text: str) -> tuple[str | None, str]:
    """The delimiter in a first line `sep=;`, as Excel writes it, and the text behind that line; None and all of the
    text when there is no such line."""
    line = re.match(r"sep=([,;\t|])\r?\n", text, re.IGNORECASE)
    return (line[1], text[line.end() :]) if line else (None, text)


def encoding_shown(encoding: str) -> str:
    """The codec as people write it."""
    return encoding.upper() if encoding.startswith("utf") else {"iso8859-1": "latin-1"}.get(encoding, encoding)


def delimiter_of(text: str, named: str | None, quoting: Dialect) -> str:
    """Return the delimiter named, else the one of `DELIMITERS` that cuts most rows of the sample `text` into as many
    cells as the header has; a comma when none does. Raises AudienceError (`bad_delimiter`)."""
    if named is not None:
        delimiter = one_character(named)
        if not is_one_character(delimiter) or delimiter == quoting.quote:
            raise AudienceError(
                "The delimiter must be one ASCII character.", hint="For instance --delimiter ';'.", code="bad_delimiter"
            )
        return delimiter
    possible = [delimiter for delimiter in DELIMITERS if delimiter not in (quoting.quote, quoting.escape)]
    return max(possible, key=lambda delimiter: _evenness(text, with_delimiter(quoting, delimiter)))


def _evenness(text: str, dialect: Dialect) -> tuple[float, int]:
    """Share of rows with as many cells as the header, and that number; zeros for a header of one cell."""
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(text, newline=""), **dialect.for_csv_module) if row]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    if len(widths) > 1:
        widths = widths[:-1]  # the sample may end within a row
    return Counter(widths)[widths[0]] / len(widths), widths[0]
