"""The words of a dictionary, told without decoding it, are those that Arrow finds in it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listrak_sms_cli.audience.source.content import LocalFile
from listrak_sms_cli.audience.source.parquet_words import Words, words_of

CELLS = ["", "ab", "ünïcode", None, "ab"] * 200


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_words_are_counted_and_measured(tmp_path: Path, codec: str, version: str) -> None:
    """Of each compression but one that is written in two ways, which is left to Arrow."""
    path = tmp_path / "words.parquet"
    table = pa.table({"phone": CELLS, "note": CELLS})
    pq.write_table(table, path, compression=codec, data_page_version=version, write_page_checksum=True)
    found = words_of(LocalFile("words", path), pq.read_metadata(path).row_group(0).column(1))
    octets = sum(4 + len(word.encode()) for word in ("", "ab", "ünïcode"))
    assert found == (None if codec == "lz4" else Words(3, octets, len("ünïcode".encode())))


def test_plain_columns_have_none(tmp_path: Path) -> None:
    """A first page of values is no dictionary."""
    path = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"note": CELLS}), path, use_dictionary=False)
    assert words_of(LocalFile("plain", path), pq.read_metadata(path).row_group(0).column(0)) == Words()


def test_what_is_damaged_is_left_to_arrow(tmp_path: Path) -> None:
    """Whatever a byte of the page has become: words that fit into it, or no answer; never an error of another kind."""
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"note": CELLS}), path, compression="none")
    column = pq.read_metadata(path).row_group(0).column(0)
    good, start = path.read_bytes(), column.dictionary_page_offset
    for at in range(start, column.data_page_offset):
        for bit in range(8):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            found = words_of(LocalFile("damaged", path), column)
            assert found is None or found.longest <= max(found.octets, 0) <= len(good)
