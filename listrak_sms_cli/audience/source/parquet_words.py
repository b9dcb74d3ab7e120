"""The words of a Parquet dictionary: how many there are and how long they are, without decoding them.

Arrow tells it only of a dictionary it has built, which takes three times as long and was an eighth of a push. Layout:
the format's parquet.thrift; a page has a PageHeader in Thrift's compact protocol, words are a length and bytes each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.columnar import longest_word

_HEADER_BYTES = 256  # one of a dictionary page takes about twenty
_MOST_BYTES = 16 << 20  # of one page: writers give a dictionary up at a megabyte
_CODECS = ("SNAPPY", "GZIP", "ZSTD", "BROTLI")  # what else there is, is written in more than one way
_KIND, _SIZE, _COMPRESSED_SIZE, _DICTIONARY_HEADER = 1, 2, 3, 7  # fields of a PageHeader
_DICTIONARY_PAGE = 2
_COUNT, _ENCODING = 1, 2  # fields of a DictionaryPageHeader
_PLAIN = (0, 2)
_FLAGS, _INTEGERS, _BINARY, _STRUCT = (1, 2), (4, 5, 6), 8, 12  # types in Thrift's compact protocol


class Words(Struct, frozen=True):
    """Their number, the bytes they take in the file's page, unpacked, and the bytes of the longest one."""

    count: int = 0
    octets: int = 0
    longest: int = 0


def words_of(content: Content, column: Any) -> Words | None:
    """Return what the dictionary of a column chunk of texts holds, no words where it has none, None where that cannot
    be told. `column`: its ColumnChunkMetaData. Arrow ends the process when it is asked for that of a damaged or
    encrypted file: something of the column must have been read before."""
    try:
        start = min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))
        fields, header = _struct(content.read(start, _HEADER_BYTES), 0)
        if fields[_KIND] != _DICTIONARY_PAGE:
            return Words()
        size, of_words = fields[_SIZE], fields[_DICTIONARY_HEADER]
        if of_words[_ENCODING] not in _PLAIN or not 0 <= size <= _MOST_BYTES:
            return None
        page = content.read(start + header, fields[_COMPRESSED_SIZE])
        if column.compression in _CODECS:
            page = pa.Codec(column.compression.lower()).decompress(page, size)
        elif column.compression != "UNCOMPRESSED":
            return None
        if len(page) != size:
            return None
        return Words(of_words[_COUNT], size, longest_word(np.frombuffer(page, np.uint8), of_words[_COUNT]))
    except (LookupError, TypeError, ValueError, OSError, pa.ArrowException):
        return None


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Read a struct: its flags, integers and structs by number, and where it ends. Raises LookupError and ValueError
    where it holds lists or is cut short."""
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at, kind, step = at + 1, head & 0x0F, head >> 4
        number += step
        if not step:
            raise ValueError("a field without a step")
        if kind in _FLAGS:
            fields[number] = kind
        elif kind in _INTEGERS:
            value, at = _varint(data, at)
            fields[number] = (value >> 1) ^ -(value & 1)
        elif kind == _BINARY:
            length, at = _varint(data, at)
            at += length
        elif kind == _STRUCT:
            fields[number], at = _struct(data, at)
        else:
            raise ValueError("a type that no page header has")
    return fields, at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] >= 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
