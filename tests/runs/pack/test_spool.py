"""The spool: what was appended can be read again, and an import file can be split anywhere."""

from __future__ import annotations

import itertools
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listrak_sms_cli.runs.pack import ImportSpool, ImportText
from tests.support.import_files import HEADER, MEMBER, bytes_of, lines_of


def test_the_spool_gives_back_what_was_appended() -> None:
    """Any stretch can be read again, in pieces of bounded size, as often as one likes."""
    with closing(ImportSpool()) as spool:
        data = np.random.default_rng(1).bytes(3_000_000)
        assert spool.append(b"before") == 0
        assert spool.append(memoryview(data)) == 6
        assert spool.append(b"") == spool.size == 3_000_006
        for _ in range(2):
            pieces = list(spool.read(6, 3_000_000))
            assert b"".join(pieces) == data
            assert max(map(len, pieces)) <= 1 << 20
        assert list(spool.read(3, 0)) == []


@given(st.lists(MEMBER, min_size=2, max_size=20), st.data())
def test_split_loses_and_repeats_no_member(members: list[str], data: st.DataObject) -> None:
    """An import file split anywhere, and split again, holds the same members in the same order."""
    with closing(ImportSpool()) as spool:
        batches = data.draw(st.lists(st.integers(1, len(members)), max_size=4))
        cuts = sorted({0, *batches, len(members)})
        stretches = []
        for start, end in itertools.pairwise(cuts):
            spool.append(b"somebody else's bytes\n")
            text = "".join(members[start:end]).encode()
            stretches.append((spool.append(text), len(text)))
        whole = ImportText(spool, HEADER, tuple(stretches))
        at = data.draw(st.integers(1, len(members) - 1))
        first, rest = whole.split(at)
        assert lines_of(first) == [line.encode() for line in members[:at]]
        assert lines_of(rest) == [line.encode() for line in members[at:]]
        if len(members) - at > 1:
            again = [line for piece in rest.split(1) for line in lines_of(piece)]
            assert again == [line.encode() for line in members[at:]]


def test_splitting_large_files() -> None:
    """A file of many megabytes is split at the right line, also where that line crosses a stretch that is read."""
    with closing(ImportSpool()) as spool:
        lines = [b"%07d," % n + b"x" * (n % 999) + b"\n" for n in range(6000)]
        text = b"".join(lines)
        whole = ImportText(spool, HEADER, ((spool.append(text), len(text)),))
        for at in (1, 2110, 2111, 3000, 5999):
            first, rest = whole.split(at)
            assert bytes_of(first) == HEADER + b"".join(lines[:at])
            assert bytes_of(rest) == HEADER + b"".join(lines[at:])
        with pytest.raises(ValueError, match="after its last member"):
            whole.split(6001)
