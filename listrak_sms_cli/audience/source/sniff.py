"""What a file is, told from its first bytes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

from listrak_sms_cli.errors import AudienceError

SAMPLE = 64 << 10
DELIMITERS = ",;\t|"
FORMATS = ("csv", "tsv", "parquet", "xlsx")
_KIND_WORDS = {"parquet": "Parquet", "workbook": "an Excel workbook", "csv": "CSV"}
_MAGIC = (
    (b"PAR1", "parquet", ""),
    (b"PARE", "", "an encrypted Parquet file"),
    (b"\xd0\xcf\x11\xe0", "workbook", ""),
    (b"ARROW1\0", "", "an Arrow (Feather) file"),
    (b"ORC", "", "an ORC file"),
    (b"Obj\x01", "", "an Avro file"),
    (b"%PDF", "", "a PDF"),
    (b"SQLite format 3", "", "an SQLite database"),
    (b"7z\xbc\xaf", "", "a 7z archive"),
    (b"\xfd7zXZ\0", "", "an xz archive"),
)
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}


def compression_of(head: bytes) -> str | None:
    """`gzip`, `zstd` or `bz2` by the first bytes, else None."""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2")):
        if head.startswith(magic):
            return name
    return None


def kind_of(head: bytes, name: str, named: str) -> str:
    """`parquet`, `workbook` or `csv`, by the first bytes of the unpacked content, whatever its suffix.

    `named` is what --format says, or empty. Raises AudienceError (`wrong_format`) for what is none of them, or not what
    --format says.
    """
    kind, words = _known_kind(head)
    if words:
        raise AudienceError(
            f"{name} is {words}, not an audience.", hint="Export it as CSV or Parquet.", code="wrong_format"
        )
    wanted = {"": kind, "tsv": "csv", "xlsx": "workbook"}.get(named, named)
    if wanted != kind:
        raise AudienceError(
            f"{name} is not {_KIND_WORDS[wanted]} but {_KIND_WORDS[kind]}.",
            hint="Leave --format out, or name the right file.",
            code="wrong_format",
        )
    return kind


def _known_kind(head: bytes) -> tuple[str, str]:
    """The kind, or words for what cannot be read."""
    if head.startswith(b"PK\x03\x04"):
        return ("workbook", "") if b"xl/" in head or b"[Content_Types].xml" in head else ("", "a zip archive")
    for magic, kind, words in _MAGIC:
        if head.startswith(magic):
            return kind, words
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<table")):
        return "", "a web page (HTML)"
    if start.startswith(b"<?xml"):
        return "", "an XML document"
    if start.startswith((b'{"', b'[{"', b"{\n", b"[\n")):
        return "", "JSON"
    return "csv", ""


def encoding_of(head: bytes, named: str | None, name: str = "") -> str:
    """The codec of a text: the one named, or by its byte order mark, else `utf-8`."""
    if named is not None:
        try:
            codecs.getincrementaldecoder(named)
            b"    ".decode(named, "ignore")  # refuses codecs that are not of text, such as base64
            name = codecs.lookup(named).name
        except (LookupError, ValueError):
            raise AudienceError(
                "The encoding given is not known.",
                hint="Try --encoding cp1252, latin-1 or utf-16.",
                code="bad_encoding",
            ) from None
        return "utf-8" if name in ("utf-8", "utf-8-sig", "ascii") else name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[:1000].count(0) > len(head[:1000]) // 4:
        order = "utf-16-be" if head.startswith(b"\0") else "utf-16-le"
        raise AudienceError(
            f"{name} looks like UTF-16 without a byte order mark.", hint=f"Try --encoding {order}.", code="not_utf8"
        )
    return "utf-8"


def separator_line(text: str) -> tuple[str | None, str]:
    """The delimiter that a first line `sep=;`, as Excel writes it, names (or None), and the text behind that line."""
    found = re.match(r"sep=([,;\t|])\r?\n", text, re.IGNORECASE)
    return (found[1], text[found.end() :]) if found else (None, text)


def encoding_shown(encoding: str) -> str:
    """The codec as people write it."""
    return encoding.upper() if encoding.startswith("utf") else {"iso8859-1": "latin-1"}.get(encoding, encoding)


def delimiter_of(text: str, named: str | None) -> str:
    """The delimiter named, or the one of `DELIMITERS` that cuts the sample most evenly; a comma when none does."""
    if named is not None:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(named.lower(), named)
        if len(delimiter) != 1 or delimiter in '"\r\n' or ord(delimiter) > 127:
            raise AudienceError(
                "The delimiter must be one plain character.", hint="For instance --delimiter ';'.", code="bad_delimiter"
            )
        return delimiter
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """Share of rows with as many cells as the header, and that number; nothing for a header of one cell."""
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    if len(widths) > 1:
        widths = widths[:-1]  # the sample may end within a row
    return Counter(widths)[widths[0]] / len(widths), widths[0]
