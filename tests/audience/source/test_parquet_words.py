"""The words of a dictionary, told without decoding it, are those that Arrow finds in it."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from listrak_sms_cli.audience.source.content import LocalFile
from listrak_sms_cli.audience.source.parquet import ParquetReader
from listrak_sms_cli.audience.source.parquet_words import Words, column_chunks, words_of
from listrak_sms_cli.errors import AudienceError

CELLS = ["", "ab", "ünïcode", None, "ab"] * 200


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_words_are_counted_and_measured(tmp_path: Path, codec: str, version: str) -> None:
    """Of each compression but one that is written in two ways, which is left to Arrow."""
    path = tmp_path / "words.parquet"
    table = pa.table({"phone": CELLS, "note": CELLS})
    pq.write_table(table, path, compression=codec, data_page_version=version, write_page_checksum=True)
    content = LocalFile("words", path)
    found = words_of(content, column_chunks(content)[0]["note"])
    octets = sum(4 + len(word.encode()) for word in ("", "ab", "ünïcode"))
    assert found == (None if codec == "lz4" else Words(3, octets, len("ünïcode".encode())))


def test_plain_columns_have_none(tmp_path: Path) -> None:
    """A first page of values is no dictionary."""
    path = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"note": CELLS}), path, use_dictionary=False)
    content = LocalFile("plain", path)
    assert words_of(content, column_chunks(content)[0]["note"]) == Words()


def test_what_is_damaged_is_left_to_arrow(tmp_path: Path) -> None:
    """Whatever a byte of page or footer has become: words that fit into the file, or no answer; never an error of
    another kind."""
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"note": CELLS}), path, compression="none")
    column = pq.read_metadata(path).row_group(0).column(0)
    good = path.read_bytes()
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    for at in (*range(column.dictionary_page_offset, column.data_page_offset), *range(footer, len(good))):
        for bit in range(8):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            content = LocalFile("damaged", path)
            for group in column_chunks(content):
                found = [words_of(content, chunk) for chunk in group.values()]
                assert all(words is None or words.longest <= max(words.octets, 0) <= len(good) for words in found)


def test_every_column_chunk_is_found(tmp_path: Path) -> None:
    """In each row group, whatever the footer says of it besides: statistics, an index, sizes, a schema with nested
    columns, more columns than a short list counts."""
    path = tmp_path / "groups.parquet"
    columns = {f"note {number}": CELLS for number in range(20)}
    nested = pa.array([{"a": 1}] * len(CELLS))
    flags = pa.array([True] * len(CELLS))
    dates = pa.array([1] * len(CELLS), pa.date32())
    pq.write_table(
        pa.table({**columns, "nested": nested, "flags": flags, "dates": dates}),
        path,
        row_group_size=300,
        write_page_index=True,
        sorting_columns=[pq.SortingColumn(0)],
        store_decimal_as_integer=True,
    )
    found = column_chunks(LocalFile("groups", path))
    assert [set(group) for group in found] == [{*columns, "flags", "dates"}] * 4
    metadata = pq.read_metadata(path)
    for number, group in enumerate(found):
        for place, name in enumerate(columns):
            arrow = metadata.row_group(number).column(place)
            assert (group[name][9], group[name][11]) == (arrow.data_page_offset, arrow.dictionary_page_offset)


class Kms(encryption.KmsClient):
    """Keeps keys as they are."""

    def __init__(self, _: encryption.KmsConnectionConfig) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, _: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _: str) -> bytes:
        return base64.b64decode(wrapped_key)


def write_encrypted(path: Path, *, plain_footer: bool) -> None:
    table = pa.table({"phone": CELLS, "secret": CELLS})
    how = encryption.EncryptionConfiguration("footer", column_keys={"note": ["secret"]}, plaintext_footer=plain_footer)
    keys = encryption.CryptoFactory(Kms).file_encryption_properties(encryption.KmsConnectionConfig(), how)
    with pq.ParquetWriter(path, table.schema, encryption_properties=keys) as writer:
        writer.write_table(table)


def test_encrypted_columns_are_left_out(tmp_path: Path) -> None:
    """Of a file with a plain footer whose columns have keys of their own, and of one whose footer is encrypted too."""
    for plain_footer in (True, False):
        path = tmp_path / f"encrypted-{plain_footer}.parquet"
        write_encrypted(path, plain_footer=plain_footer)
        groups = column_chunks(LocalFile("encrypted", path))
        assert all("secret" not in group for group in groups)
        assert bool(groups) == plain_footer
        with pytest.raises(AudienceError, match="encrypted"):
            for chunk in ParquetReader(LocalFile("encrypted", path)).chunks():
                chunk.read([0, 1])
