"""The words of Parquet dictionaries: how many there are and how long they are, without decoding them.

Arrow tells it only of a dictionary it has built, which takes five times as long and was an eighth of a push. Where the
file is damaged or encrypted, it ends the process when it is asked where the dictionary is: so the footer is read here,
too. Layout: the format's parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.content import Content
from listrak_sms_cli.audience.source.thrift import Fields, read_struct
from listrak_sms_cli.columnar import longest_word

_MAGIC = b"PAR1"
_TAIL = 8  # bytes at the very end: the size of the footer, and the magic
_HEADER_BYTES = 256  # one of a dictionary page takes about twenty
_MOST_BYTES = 16 << 20  # of a footer, or of one page: writers give a dictionary up at a megabyte
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd"}  # what else there is, is written in more than one way
_UNCOMPRESSED = 0
_ROW_GROUPS, _CHUNKS = 4, 1  # of FileMetaData, of RowGroup
_METADATA, _ENCRYPTION = 3, 8  # of ColumnChunk
_PATH, _CODEC, _PACKED_SIZE, _DATA_AT, _DICTIONARY_AT = 3, 4, 7, 9, 11  # of ColumnMetaData
_KIND, _SIZE, _COMPRESSED_SIZE, _DICTIONARY_HEADER = 1, 2, 3, 7  # of PageHeader
_DICTIONARY_PAGE = 2
_COUNT, _ENCODING = 1, 2  # of DictionaryPageHeader
_PLAIN = (0, 2)
_ERRORS = (LookupError, TypeError, ValueError, AttributeError, RecursionError, OSError, pa.ArrowException)

ChunkFields = Mapping[str, Fields]  # of one row group: ColumnMetaData by the name of the column


class Words(Struct, frozen=True):
    """Their number, the bytes they take in the file's page, unpacked, and the bytes of the longest one."""

    count: int = 0
    octets: int = 0
    longest: int = 0


def column_chunks(content: Content) -> list[ChunkFields]:
    """Return the column chunks of every row group that are no parts of nested columns; none where the footer cannot be
    read here. An encrypted one is left out."""
    try:
        tail = content.read(content.size - _TAIL, _TAIL)
        size = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or size > min(content.size - _TAIL, _MOST_BYTES):
            return []
        footer, _ = read_struct(content.read(content.size - _TAIL - size, size), 0)
        return [
            {chunk[_METADATA][_PATH][0].decode(): chunk[_METADATA] for chunk in group[_CHUNKS] if _is_readable(chunk)}
            for group in footer[_ROW_GROUPS]
        ]
    except _ERRORS:
        return []


def _is_readable(chunk: Fields) -> bool:
    return _ENCRYPTION not in chunk and len(chunk[_METADATA][_PATH]) == 1


def end_of(chunks: ChunkFields, size: int) -> int:
    """Return where these column chunks end in a file of this size; `size` where that cannot be told."""
    try:
        return min(max(_start_of(column) + int(column[_PACKED_SIZE]) for column in chunks.values()), size)
    except _ERRORS:
        return size


def _start_of(column: Fields) -> int:
    start: int = min(filter(None, (column.get(_DICTIONARY_AT), column[_DATA_AT])))
    return start


def words_of(content: Content, column: Fields) -> Words | None:
    """Return what the dictionary of a column chunk of texts holds, no words where it has none, None where that cannot
    be told. `column`: its ColumnMetaData."""
    try:
        start = _start_of(column)
        if start < 0:
            return None
        fields, header = read_struct(content.read(start, _HEADER_BYTES), 0)
        if fields[_KIND] != _DICTIONARY_PAGE:
            return Words()
        size, packed_size, of_words = fields[_SIZE], fields[_COMPRESSED_SIZE], fields[_DICTIONARY_HEADER]
        if of_words[_ENCODING] not in _PLAIN or not 0 <= size <= _MOST_BYTES or packed_size < 0:
            return None
        page = content.read(start + header, packed_size)
        if column[_CODEC] != _UNCOMPRESSED:
            page = pa.Codec(_CODECS[column[_CODEC]]).decompress(page, size)
        if len(page) != size:
            return None
        return Words(of_words[_COUNT], size, longest_word(np.frombuffer(page, np.uint8), of_words[_COUNT]))
    except _ERRORS:
        return None
