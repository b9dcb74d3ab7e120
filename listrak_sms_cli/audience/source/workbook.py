"""The parts of an Excel workbook (`.xlsx`, `.xlsm`; ECMA-376): its sheets, its shared texts, its number formats.

A workbook is a zip archive of XML. Each part is read with a limit: a file of some kilobytes can unpack to gigabytes.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import IO
from xml.etree import ElementTree as ET

from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.number_format import Show, show_by, show_plain
from listrak_sms_cli.errors import AudienceError

PIECE = 1 << 20  # bytes of a sheet unpacked at once
SHEET_LIMIT = 4 << 30  # bytes of a sheet, unpacked
TEXTS_LIMIT = 512 << 20  # bytes of the shared texts, unpacked
_PART_LIMIT = 64 << 20  # bytes of any other part, unpacked
LONGEST = 32_767  # characters of a cell, Excel's own limit
WORKBOOK_ERRORS = (
    zipfile.BadZipFile, ET.ParseError, ValueError, KeyError, IndexError, EOFError, RuntimeError, NotImplementedError,
    TypeError, zlib.error,
)  # fmt: skip
_ITEM = re.compile(rb"<si\b[^>]*?(?:/>|>(.*?)</si>)", re.DOTALL)
_PHONETIC = re.compile(rb"<rPh\b.*?</rPh>", re.DOTALL)
_TEXT = re.compile(rb"<t\b[^>]*?(?:/>|>(.*?)</t>)", re.DOTALL)
_ROOT = re.compile(rb"<(\w+:)?(?:worksheet|sst)\b")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ENTITY = re.compile(r"&(?:#(\d+)|#x([0-9A-Fa-f]+)|(lt|gt|amp|quot|apos));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how a workbook writes control characters


class Sheet(Struct, frozen=True):
    """A sheet of cells, and the name of its part."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An open workbook. Raises one of WORKBOOK_ERRORS where it is damaged, and AudienceError (`bad_workbook`,
    `workbook_too_large`)."""

    def __init__(self, content: Content, archive: zipfile.ZipFile) -> None:
        self.name = content.name
        self._archive = archive
        names = archive.namelist()
        if "xl/workbook.bin" in names:
            raise cannot_be_read(self.name, "is a binary Excel workbook (.xlsb), which is not read")
        relations = self._tree("_rels/.rels")
        main = [one.get("Target", "") for one in relations if one.get("Type", "").endswith("/officeDocument")]
        self._main = main[0].lstrip("/") if main else "xl/workbook.xml"
        tree = self._tree(self._main)
        properties = tree.find("{*}workbookPr")
        self._since_1904 = properties is not None and properties.get("date1904") in ("1", "true", "on")
        self._parts = self._related()
        self.sheets = tuple(self._sheets(tree))

    def _related(self) -> dict[str, tuple[str, str]]:
        """Relation id -> (the kind of a part, its name)."""
        folder, file = posixpath.split(self._main)
        relations = self._tree(f"{folder}/_rels/{file}.rels")
        return {
            one.get("Id", ""): (
                one.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/"),
            )
            for one in relations
        }

    def _sheets(self, tree: ET.Element) -> Iterator[Sheet]:
        for sheet in tree.iterfind("{*}sheets/{*}sheet"):
            relation = next((value for key, value in sheet.items() if key.endswith("}id")), "")
            kind, part = self._parts.get(relation, ("", ""))
            if kind == "worksheet":
                yield Sheet(sheet.get("name", ""), part, sheet.get("state", "visible") != "visible")

    def _part_of_kind(self, kind: str) -> str | None:
        return next((part for found, part in self._parts.values() if found == kind), None)

    @cached_property
    def texts(self) -> list[str]:
        """The shared texts."""
        part = self._part_of_kind("sharedStrings")
        if part is None or part not in self._archive.namelist():
            return []
        data = self._read(part, TEXTS_LIMIT)
        data = plain_xml(data, prefix_of(data))
        return [text_of(item) for item in _ITEM.findall(data)]

    @cached_property
    def longest_text(self) -> int:
        """Characters of the longest shared text, at least those of a short cell."""
        return max((*map(len, self.texts), 32))

    @cached_property
    def shows(self) -> list[Show]:
        """How the numbers of each cell style are shown."""
        part = self._part_of_kind("styles")
        if part is None:
            return []
        tree = self._tree(part)
        codes = {one.get("numFmtId"): one.get("formatCode") for one in tree.iterfind("{*}numFmts/{*}numFmt")}
        ids = [style.get("numFmtId", "0") for style in tree.iterfind("{*}cellXfs/{*}xf")]
        shows = {
            format_id: show_by(int(format_id), codes.get(format_id), since_1904=self._since_1904)
            for format_id in set(ids)
        }
        return [shows[format_id] for format_id in ids]

    def show(self, style: int) -> Show:
        """How a number of this cell style is shown."""
        return self.shows[style] if style < len(self.shows) else show_plain

    def open(self, sheet: Sheet) -> IO[bytes]:
        """The XML of a sheet."""
        return self._archive.open(sheet.part)

    def _tree(self, part: str) -> ET.Element:
        data = self._read(part, _PART_LIMIT)
        if b"<!DOCTYPE" in data:
            raise ValueError
        return ET.fromstring(data)

    def _read(self, part: str, limit: int) -> bytes:
        with self._archive.open(part) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise too_large(self.name, f"a part of it unpacks to more than {limit >> 20:,} MiB")
        return data


def prefix_of(start: bytes) -> bytes:
    """The prefix that a part gives its elements (`x:`), mostly none. `start`: its first bytes."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError
    root = _ROOT.search(start)
    return root[1] or b"" if root else b""


def plain_xml(data: bytes, prefix: bytes) -> bytes:
    """The XML of a part without comments, CDATA sections and the prefix of its elements."""
    if prefix:
        data = data.replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</")
    if b"<!" in data:
        data = _COMMENT.sub(b"", data)
        data = _CDATA.sub(lambda found: found[1].replace(b"&", b"&amp;").replace(b"<", b"&lt;"), data)
    return data


def text_of(content: bytes) -> str:
    """The text of a shared or inline string: all its runs, without the readings of Japanese words."""
    if content.startswith(b"<is><t>") and content.find(b"<", 7) == len(content) - 9:
        return text(content[7:-9])
    if b"<rPh" in content:
        content = _PHONETIC.sub(b"", content)
    return text(b"".join(_TEXT.findall(content)))


def text(data: bytes) -> str:
    """The characters that XML stands for."""
    characters = data.decode()
    if "&" in characters:
        characters = _ENTITY.sub(_character, characters)
    if "_x" in characters:
        characters = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), characters)
        characters = characters.encode("utf-8", "replace").decode()  # without halves of surrogate pairs
    return characters


def _character(found: re.Match[str]) -> str:
    return _NAMED[found[3]] if found[3] else chr(int(found[1]) if found[1] else int(found[2], 16))


def cannot_be_read(name: str, why: str) -> AudienceError:
    """The error for a workbook that is of another kind or damaged."""
    return AudienceError(
        f"{name} {why}.", hint="Save it again as .xlsx without a password, or as CSV.", code="bad_workbook"
    )


def too_large(name: str, why: str) -> AudienceError:
    """The error for a workbook that would fill the memory."""
    return AudienceError(f"{name} is too large: {why}.", hint="Save the sheet as CSV.", code="workbook_too_large")
