"""The digests members are remembered by."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.columnar import digest_cells, nulls_as_empty, raw
from listrak_sms_cli.runs.remember.keyed_digests import Key, read_key

KEY = Key(bytes(range(32)))
LINES = st.lists(st.one_of(st.none(), st.text(min_size=1, max_size=40)), max_size=30)


def line_digests(key: Key, lines: pa.StringArray, *meaning: object) -> np.ndarray:
    """Of lines that mean this."""
    return digest_cells(raw(nulls_as_empty(lines)), key.seed_of_lines(*meaning))


@given(LINES, st.integers(0, 5))
def test_a_line_has_one_digest_wherever_it_stands(lines: list[str | None], start: int) -> None:
    """Equal lines have equal digests, different ones different ones, in any order and in any slice."""
    column = pa.array(lines, pa.string())
    digests = line_digests(KEY, column, "plan")
    alone = [int(line_digests(KEY, pa.array([line], pa.string()), "plan")[0]) for line in lines]
    assert digests.tolist() == alone
    assert line_digests(KEY, column.slice(start), "plan").tolist() == alone[start:]
    assert len(set(alone)) == len(set(lines))
    assert all((digest == 0) == (line is None) for line, digest in zip(lines, alone, strict=True))


def test_short_and_long_lines_beside_each_other() -> None:
    """Lines of every length have the digest they have alone, whoever stands beside them; nulls have none."""
    sizes = [0, 1, 7, 8, 9, 127, 128, 129, 512, 513, 2048, 2049, 5000, 100_000]
    lines = ["é" * (size // 2) + "x" * (size % 2) or None for size in sizes] * 2
    digests = line_digests(KEY, pa.array(lines, pa.string()), "plan").tolist()
    assert digests == [int(line_digests(KEY, pa.array([line], pa.string()), "plan")[0]) for line in lines]
    assert len(set(digests)) == len(sizes)
    assert line_digests(KEY, pa.array([None, lines[-1]], pa.string()), "plan").tolist() == [0, digests[-1]]


def test_lines_that_differ_in_one_letter_or_in_what_they_mean_have_other_digests() -> None:
    """Any letter at any place of a long line counts, so does its meaning, so does the key."""
    line = "12125550100," + "x" * 100_000 + "\n"
    others = [line[:place] + "y" + line[place + 1 :] for place in (0, 7, 8, 9, 50_000, 100_010)]
    others += [line + "\0", line[:-1], line[8:16] + line[:8] + line[16:]]
    digests = line_digests(KEY, pa.array([line, *others]), 7, "digits").tolist()
    digests += line_digests(KEY, pa.array([line]), 8, "digits").tolist()
    digests += line_digests(Key(bytes(32)), pa.array([line]), 7, "digits").tolist()
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_neighbours_never_share_a_digest(count: int) -> None:
    """A million lines that differ in a few digits have a million digests; a million phones as well."""
    numbers = np.arange(12_125_550_000, 12_125_550_000 + count)
    lines = pa.array(numbers).cast(pa.string())
    assert len(np.unique(line_digests(KEY, lines, ""))) == len(numbers)
    assert len(np.unique(KEY.phones(numbers))) == len(numbers)


def test_each_bit_of_a_digest_is_set_in_half_of_them() -> None:
    """No bit of the digests says more than another about who it is of."""
    numbers = np.arange(12_125_550_000, 12_125_650_000)
    for digests in (KEY.phones(numbers), line_digests(KEY, pa.array(numbers).cast(pa.string()), "")):
        shares = [np.mean((digests >> np.uint64(bit)) & np.uint64(1)) for bit in range(64)]
        assert min(shares) > 0.49 and max(shares) < 0.51


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """The key file is 0600, in a folder that need not exist, and stays what it is."""
    first, again = read_key(tmp_path / "new" / "key"), read_key(tmp_path / "new" / "key")
    assert first == again
    assert stat.S_IMODE((tmp_path / "new" / "key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["key"]
    assert first != read_key(tmp_path / "other" / "key")
    assert first.secret.hex() not in repr(first)
