"""A later pass over a CSV takes its blocks as the first pass cut them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from listrak_sms_cli.audience.source.content import LocalFile
from listrak_sms_cli.audience.source.csv import CsvReader
from listrak_sms_cli.audience.source.dialect import Dialect
from listrak_sms_cli.errors import AudienceError

ROWS = [f'1,"a\n{number}"\n' if number % 7 == 0 else f"{number},b\r\n" for number in range(500)] + ["\n", "9,end"]


def reader_of(path: Path, text: str) -> CsvReader:
    path.write_text(text, newline="")
    return CsvReader(LocalFile(path.name, path), Dialect(","), "CSV", block_size=64)


def cells(csv: CsvReader) -> list[tuple[int, list[list[str]]]]:
    """For each block its first row number and its columns."""
    every = [chunk.read([0, 1]) for chunk in csv.chunks()]
    return [(rows.first, [column.to_pylist() for column in rows.columns]) for rows in every]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_pass_reads_the_same_blocks(tmp_path: Path, mark: str) -> None:
    """A second and a third pass give the cells and row numbers of the first, line breaks in cells included."""
    csv = reader_of(tmp_path / "a.csv", mark + "phone,name\n" + "".join(ROWS))
    first = cells(csv)
    assert len(first) > 50
    assert sum(len(columns[0]) for _, columns in first) == 501
    assert cells(csv) == first == cells(csv)


def test_a_pass_that_was_broken_off_is_no_model_for_the_next(tmp_path: Path) -> None:
    """After a pass that ended in the middle, the next one still reads everything."""
    csv = reader_of(tmp_path / "a.csv", "phone,name\n" + "".join(ROWS))
    next(iter(csv.chunks()))
    assert sum(len(columns[0]) for _, columns in cells(csv)) == 501


def test_a_file_cut_short_between_two_passes_is_refused(tmp_path: Path) -> None:
    """A second pass over a file that has lost its end raises audience_changed."""
    csv = reader_of(tmp_path / "a.csv", "phone,name\n" + "".join(ROWS))
    cells(csv)
    os.truncate(tmp_path / "a.csv", 1000)
    with pytest.raises(AudienceError) as caught:
        cells(csv)
    assert caught.value.code == "audience_changed"


def test_other_bytes_of_the_same_size_are_refused(tmp_path: Path) -> None:
    """A second pass over a file whose bytes were exchanged raises audience_changed."""
    path = tmp_path / "a.csv"
    csv = reader_of(path, "phone,name\n" + "".join(ROWS))
    cells(csv)
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(200)
        file.write(b"7")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(AudienceError) as caught:
        cells(csv)
    assert caught.value.code == "audience_changed"
